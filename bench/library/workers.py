"""A contestant as a process: it loads once, then answers one request at a time in JSON lines.

Keeping every contestant loaded lets a bench interleave their rounds; only one works at a time.
The other side of the lines is ``bench/workers/lines.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.library.venvs import ROOT

WORKERS = ROOT / "bench" / "workers"


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

    def close(self, patience: float = 20.0) -> None:
        """Close its input, and wait until it has ended; after ``patience`` seconds it is killed."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()


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
