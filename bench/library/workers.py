"""A contestant as a process: it loads once, then answers one request at a time in JSON lines.

Keeping every contestant loaded lets a bench interleave their rounds; only one works at a time.
`Worker` is one process; `Session` is a contestant over a whole run, started again where its process
has ended. The other side of the lines is ``bench/workers/lines.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.library.results import LOGS
from bench.library.venvs import ROOT, python_of

WORKERS = ROOT / "bench" / "workers"

LOADING_LIMIT = 600.0
"""Seconds that loading may take."""


class WorkerError(RuntimeError):
    """A worker answered with an error, or there is no answer."""


class WorkerTimeoutError(WorkerError):
    """No answer in time; the worker was ended."""


class WorkerDiedError(WorkerError):
    """The process ended by itself, as it does when it is out of memory."""


class Worker:
    """One running worker script.

    Args:
        python: the interpreter.
        script: a file of ``bench/workers``.
        threads: how many threads it may use.
        log: where its standard error goes.
        variables: environment variables beyond those of all workers.
    """

    def __init__(
        self,
        python: Path,
        script: str,
        threads: int,
        log: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [str(python), "-u", str(WORKERS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=environment(threads) | dict(variables or {}),
        )

    def ask(self, request: dict[str, Any], within: float | None = None) -> dict[str, Any]:
        """Send a request and wait for its answer, ``within`` seconds where that is given.

        Raises:
            WorkerTimeoutError: it took too long, and the worker is gone now.
            WorkerDiedError: it ended by itself.
            WorkerError: it answered with an error.
        """
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(within, stop) if within is not None else None
        if timer is not None:
            timer.start()
        try:
            line = self._exchange(json.dumps(request) + "\n")
        finally:
            if timer is not None:
                timer.cancel()
        if not line:
            code = self._process.wait()
            if late.is_set():
                raise WorkerTimeoutError(f"no answer within {within:.0f} s")
            raise WorkerDiedError(f"died with status {code}: {_tail(self.log)} (log: {self.log})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{answer['error']} (log: {self.log})")
        return answer

    def _exchange(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            return self._process.stdout.readline()
        except BrokenPipeError:
            return ""

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Close its input, and wait until it has ended."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Session:
    """One contestant over a whole run: its worker is started when needed, and again after it died.

    Args:
        name: for the log, ``results/logs/<name>.log``.
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
        name: str,
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
        self._log = LOGS / f"{name}.log"
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

    def close(self) -> None:
        """End the worker, where there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def environment(threads: int) -> dict[str, str]:
    """The environment of every worker: the same explicit thread counts for all, and no network."""
    count = str(threads)
    pinned = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), count
    )
    return {
        **os.environ,
        **pinned,
        "BENCH_THREADS": count,
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "PYTHONWARNINGS": "ignore",
    }


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
