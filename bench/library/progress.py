"""How far a run is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """A progress bar over a known number of steps."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self, description: str | None = None) -> None:
        """One step is done."""
        self._progress.update(self._task, advance=1, description=description)

    def say(self, description: str) -> None:
        """What comes next."""
        self._progress.update(self._task, description=description)


@contextmanager
def counting(console: Console, description: str, total: int) -> Iterator[Bar]:
    """A progress bar with the time gone and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *clocks, console=console) as progress:
        yield Bar(progress, progress.add_task(description, total=total))
