"""Every record on disk as soon as it is there, so that even a crash leaves what there was."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, TextIO

Record = dict[str, Any]


class Journal:
    """The records of a run, in memory and in ``<folder>/<question>-<UTC date>.jsonl``.

    Args:
        question: the bench.
        folder: where its file is made, with the first record.
        resume: the journal of a run that was interrupted, whose records come first.
    """

    def __init__(self, question: str, folder: Path, resume: Path | None = None) -> None:
        now = datetime.datetime.now(datetime.UTC)
        self.file = folder / f"{question}-{now:%Y%m%dT%H%M%SZ}.jsonl"
        self.records: list[Record] = []
        self._lines: TextIO | None = None
        # The last line may have been cut short.
        for line in resume.read_text().splitlines(keepends=True) if resume else ():
            if line.endswith("\n"):
                self.add(json.loads(line))

    def add(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)
        if self._lines is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._lines = self.file.open("w")
        self._lines.write(json.dumps(record) + "\n")
        self._lines.flush()

    def close(self) -> None:
        """Nothing comes any more."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
