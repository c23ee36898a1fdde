"""Every record on disk as soon as it is there, so that even a crash leaves what there was."""

from __future__ import annotations

import datetime
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console

from bench.library.results import LOGS

Record = dict[str, Any]


class Journal:
    """The records of a run, in memory and in ``results/logs/<question>-<UTC date>.jsonl``.

    Args:
        question: the bench.
        earlier: the journal of a run that was interrupted, whose records come first.
    """

    def __init__(self, question: str, earlier: Path | None = None) -> None:
        now = datetime.datetime.now(datetime.UTC)
        self.records: list[Record] = []
        self.file = LOGS / f"{question}-{now:%Y%m%dT%H%M%SZ}.jsonl"
        if earlier is not None:
            self.records = [json.loads(line) for line in earlier.read_text().splitlines() if line]

    def __enter__(self) -> Journal:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lines = self.file.open("w")
        for record in self.records:
            self._write(record)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()

    def add(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)
        self._write(record)

    def _write(self, record: Record) -> None:
        self._lines.write(json.dumps(record) + "\n")
        self._lines.flush()


class Ending:
    """How a run ended."""

    interrupted = False


@contextmanager
def keeping_what_there_is(console: Console) -> Iterator[Ending]:
    """A run that is interrupted, by hand or from outside, ends here and keeps what it has."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ending = Ending()
    try:
        yield ending
    except KeyboardInterrupt:
        ending.interrupted = True
        console.print("[yellow]interrupted: keeping what there is[/]")
