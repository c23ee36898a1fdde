"""A run of a bench: the machine's load, a journal, contestants that are ended, and what is kept.

::

    with Run("question", options) as run:
        session = run.session("name", contestant, task)
        with run.counting("what is done", total) as bar:
            run.note(session.ask({"verb": ...}))
            bar.advance()
    run.keep({"records": run.records}, table(heads, rows))
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console

from bench.library.contestants import Contestant
from bench.library.journal import Journal, Record
from bench.library.options import written
from bench.library.progress import Bar, counting
from bench.library.results import RESULTS, keep, load_before
from bench.library.sessions import Session

console = Console(stderr=True)


class Run:
    """One run, from the reading of the load to the file of results.

    A run that is interrupted, by hand or from outside, ends its ``with`` block there, and keeps
    what it has.

    Args:
        question: the bench.
        options: of the command line; they are kept.
        resume: the journal of a run that was interrupted, whose records are this one's first.
        folder: where results go, and journals and logs below it.

    Attributes:
        sessions: the contestants by name, ended with the run.
        interrupted: whether it was.
    """

    def __init__(
        self,
        question: str,
        options: argparse.Namespace,
        resume: Path | None = None,
        folder: Path = RESULTS,
    ) -> None:
        self.question = question
        self.sessions: dict[str, Session] = {}
        self.interrupted = False
        self._options = written(options)
        self._folder = folder
        self._journal = Journal(question, folder / "logs", resume)

    def __enter__(self) -> Run:
        self._load = load_before(console)
        self._terminated = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.close(patience=20.0 if kind is None else 1.0)
        self._journal.close()
        signal.signal(signal.SIGTERM, self._terminated)
        if kind is not KeyboardInterrupt:
            return False
        self.interrupted = True
        console.print("[yellow]interrupted: keeping what there is[/]")
        return True

    @property
    def records(self) -> list[Record]:
        """All that was noted."""
        return self._journal.records

    def note(self, record: Record) -> None:
        """Keep a record, in the journal at once."""
        self._journal.add(record)

    def session(
        self,
        name: str,
        contestant: Contestant,
        task: dict[str, Any],
        *,
        threads: int = 1,
        limit: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Session:
        """A contestant of this run; it is loaded when first asked."""
        self.sessions[name] = Session(
            self._folder / "logs" / f"{self.question}-{name.replace('/', '_')}.log",
            contestant.peer,
            f"{self.question}_{contestant.script}.py",
            task | contestant.extra,
            threads=threads,
            limit=limit,
            tell=console.print,
            variables=variables,
        )
        return self.sessions[name]

    def close(self, patience: float = 20.0) -> None:
        """End all contestants. A session that is asked again starts anew."""
        for session in self.sessions.values():
            session.close(patience)

    def counting(self, description: str, total: int) -> AbstractContextManager[Bar]:
        """A progress bar."""
        return counting(console, description, total)

    def keep(self, raw: dict[str, Any], shown: str) -> Path:
        """Write raw numbers and table, with what is known of the run; show the table."""
        about = {
            "options": self._options,
            "load_before": self._load,
            "interrupted": self.interrupted,
        }
        return keep(self.question, about | raw, shown, self._folder)
