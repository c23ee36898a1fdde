"""A contestant's worker with a time limit: started when needed, and again after it died."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.library.results import RESULTS
from bench.library.venvs import python_of
from bench.library.workers import Worker, WorkerError
from bench.speed.contestants import Contestant

_LOADING_LIMIT = 600.0


class LimitedWorker(Worker):
    """A worker that is killed when an answer takes too long."""

    def ask_within(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """As ``ask``; `WorkerError` after ``seconds``, and the worker is gone then."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            return self.ask(request)
        except WorkerError as error:
            if late.is_set():
                raise WorkerError(f"no answer within {seconds:.0f} s") from error
            raise
        finally:
            timer.cancel()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None


class Session:
    """One contestant over a whole run.

    Args:
        name: its short name, for the log.
        contestant: which script and environment.
        task: what it needs to load: directory, device, warm-up, settings.
        threads: how many threads it may use.
        limit: seconds that an answer may take.
        tell: prints a line, where an environment must be made first.
    """

    def __init__(
        self,
        name: str,
        contestant: Contestant,
        task: dict[str, Any],
        *,
        threads: int,
        limit: float,
        tell: Callable[[str], None],
    ) -> None:
        self.loaded: dict[str, Any] = {}
        """What it answered when it loaded: versions and device."""
        self._python: Path = python_of(contestant.peer, tell)
        self._script = f"speed_{contestant.script}.py"
        self._log = RESULTS / "logs" / f"speed-{name}.log"
        self._task = {**task, **contestant.extra}
        self._threads = threads
        self._limit = limit
        self._worker: LimitedWorker | None = None
        self._load_error = ""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """An answer from a loaded worker.

        Raises:
            WorkerError: it refused, failed, died, took too long, or could not be loaded (which is
                tried once only).
        """
        if self._load_error:
            raise WorkerError(self._load_error)
        if self._worker is None or not self._worker.alive:
            self.close()
            self._worker = LimitedWorker(self._python, self._script, self._threads, self._log)
            try:
                self.loaded = self._worker.ask_within({"load": self._task}, _LOADING_LIMIT)
            except WorkerError as error:
                self._load_error = f"could not be loaded: {error}"
                raise WorkerError(self._load_error) from error
        return self._worker.ask_within(request, self._limit)

    def close(self) -> None:
        """End the worker, where there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
