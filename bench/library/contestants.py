"""Who competes: a line for each, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from bench.library.workers import WorkerError


@dataclass(frozen=True)
class Contestant:
    """One program, or one way to run it.

    Attributes:
        label: how tables call it.
        peer: its environment, as in ``venvs.py``; ``condit`` is this one.
        script: it runs ``workers/<question>_<script>.py``.
        extra: goes into its task, beside what all get.
    """

    label: str
    peer: str
    script: str
    extra: dict[str, Any] = field(default_factory=dict)


def chosen(contestants: Mapping[str, Any], only: Sequence[str]) -> list[str]:
    """The names that were asked for, in the order of the tables."""
    return [name for name in contestants if name in only]


def rotated(names: Sequence[str], number: int) -> list[str]:
    """Whose turn it is at case ``number``: the first changes, so that nobody gains by its place."""
    shift = number % len(names)
    return [*names[shift:], *names[:shift]]


def there_and_back(first: str, second: str, number: int) -> tuple[str, str, str, str]:
    """A B B A, and B A A B at every other ``number``: what drifts reaches both alike."""
    if number % 2:
        first, second = second, first
    return (first, second, second, first)


@contextmanager
def noting_failure(record: dict[str, Any], console: Console) -> Iterator[None]:
    """Put a worker's error into ``record["error"]``: the others go on."""
    try:
        yield
    except WorkerError as error:
        record["error"] = str(error)
        console.print(f"failed: {error}", style="red", markup=False, highlight=False)
