"""A contestant over a whole run: its worker is started when needed, and again after it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.library.venvs import python_of
from bench.library.workers import Worker, WorkerError

LOADING_LIMIT = 600.0
"""Seconds that loading may take."""


class Session:
    """One contestant, its task, and the limit of its answers.

    Args:
        log: where its standard error goes.
        peer: its environment, as in ``venvs.py``.
        script: the worker, in ``bench/workers``.
        task: what it needs to load; sent as ``{"load": task}``.
        threads: how many threads it may use.
        limit: seconds that an answer may take; ``None``: any.
        tell: prints a line, where an environment must be made first.
        variables: environment variables beyond those of all workers.

    Attributes:
        loaded: what it answered when it loaded, as versions.
        starts: how often it was started.
    """

    def __init__(
        self,
        log: Path,
        peer: str,
        script: str,
        task: dict[str, Any],
        *,
        threads: int = 1,
        limit: float | None = None,
        tell: Callable[[str], None] = print,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.loaded: dict[str, Any] = {}
        self.starts = 0
        self._python = python_of(peer, tell)
        self._script = script
        self._task = task
        self._threads = threads
        self._limit = limit
        self._variables = variables
        self._log = log
        self._worker: Worker | None = None
        self._load_error = ""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """An answer from a loaded worker.

        Raises:
            WorkerError: as ``Worker.ask``, or it could not be loaded (which is tried once only).
        """
        return self.load().ask(request, self._limit)

    def load(self) -> Worker:
        """The worker, loaded."""
        if self._load_error:
            raise WorkerError(self._load_error)
        if self._worker is None or not self._worker.alive:
            self.close()
            self.starts += 1
            self._worker = Worker(
                self._python, self._script, self._threads, self._log, self._variables
            )
            try:
                self.loaded = self._worker.ask({"load": self._task}, LOADING_LIMIT)
            except WorkerError as error:
                self._load_error = f"could not be loaded: {error}"
                raise WorkerError(self._load_error) from error
        return self._worker

    def close(self, patience: float = 20.0) -> None:
        """End the worker, where there is one, which has ``patience`` seconds for it."""
        if self._worker is not None:
            self._worker.close(patience)
            self._worker = None
