"""A contestant's worker with a time limit: started when needed, and again after it died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.library.results import RESULTS
from bench.library.venvs import python_of
from bench.library.workers import Worker as LimitedWorker
from bench.library.workers import WorkerError

_LOADING_LIMIT = 600.0


class WorkerTimeoutError(WorkerError):
    """No answer in time; the worker was ended."""


class WorkerDiedError(WorkerError):
    """The process ended by itself, as it does when it is out of memory."""


class Session:
    """One worker over a whole run, and what it answered when it loaded.

    Args:
        name: its short name, for the log.
        peer: its environment, as in ``venvs.py``.
        script: the worker, in ``bench/workers``.
        task: what it needs to load.
        limit: seconds that an answer may take.
        tell: prints a line, where an environment must be made first.
    """

    def __init__(
        self,
        name: str,
        peer: str,
        script: str,
        task: dict[str, Any],
        *,
        limit: float,
        tell: Callable[[str], None],
    ) -> None:
        self.loaded: dict[str, Any] = {}
        self.starts = 0
        self._python = python_of(peer, tell)
        self._script = script
        self._task = task
        self._limit = limit
        self._log = RESULTS / "logs" / f"coverage-{name}.log"
        self._worker: LimitedWorker | None = None
        self._load_error = ""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """An answer from a loaded worker.

        Raises:
            WorkerTimeoutError: it took too long.
            WorkerDiedError: it ended by itself.
            WorkerError: it refused, or could not be loaded (which is tried once only).
        """
        if self._load_error:
            raise WorkerError(self._load_error)
        if self._worker is None or not self._worker.alive:
            self._load()
        assert self._worker is not None
        try:
            return self._worker.ask_within(request, self._limit)
        except WorkerError as error:
            if "no answer within" in str(error):
                raise WorkerTimeoutError(str(error)) from error
            if str(error).startswith("died with status"):
                raise WorkerDiedError(str(error)) from error
            raise

    def _load(self) -> None:
        self.close()
        self.starts += 1
        self._worker = LimitedWorker(self._python, self._script, 1, self._log)
        try:
            self.loaded = self._worker.ask_within({"load": self._task}, _LOADING_LIMIT)
        except WorkerError as error:
            self._load_error = f"could not be loaded: {error}"
            raise WorkerError(self._load_error) from error

    def close(self) -> None:
        """End the worker, where there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
