"""A server in a process of its own, and what it says of itself."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx2

from bench.library.results import LOGS
from bench.library.venvs import ROOT
from bench.library.workers import environment

_STARTING = 180.0
"""Seconds that a server may take until it is ready."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        url: where.
        process: its number.
    """

    url: str
    process: int

    def client(self, timeout: float = 300.0) -> httpx2.Client:
        """A client with one connection."""
        return httpx2.Client(base_url=self.url, timeout=timeout)

    @property
    def processor_seconds(self) -> float:
        """Seconds that its threads have computed; processes that it has started are left out."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def metrics(client: httpx2.Client) -> dict[str, float]:
    """What Condit counts, by name; labels stand in the name."""
    lines = client.get("/metrics").text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def answered(found: dict[str, float]) -> dict[str, int]:
    """Requests by path and status."""
    form = re.compile(r'condit_requests_total\{path="([^"]+)",status="(\d+)"\}')
    told = {form.fullmatch(name): int(value) for name, value in found.items()}
    return {f"{match[1]} {match[2]}": count for match, count in told.items() if match}


@contextmanager
def condit(
    name: str, concurrency: int, threads: int, *options: str, site: Path | None = None
) -> Iterator[Server]:
    """``condit serve`` with SmolLM2.

    Args:
        name: of its log.
        concurrency: how many requests it draws at the same time.
        threads: of torch, or of what else computes.
        options: more of the command line.
        site: a folder of packages that this environment lacks, as llama-cpp-python.
    """
    port = _free_port()
    command = [sys.executable, "-m", "condit", "serve", "-m", "smollm2", "--port", str(port)]
    command += ["--concurrency", str(concurrency), *options]
    paths = [str(site)] if site is not None else []
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    more = {"PYTHONPATH": os.pathsep.join(paths)} if paths else {}
    with running(name, command, port, "/ready", threads, more) as server:
        yield server


@contextmanager
def llama_cpp_python(
    name: str, python: Path, weights: Path, threads: int, context: int
) -> Iterator[Server]:
    """llama-cpp-python's server with the file that SmolLM2's weights come from."""
    port = _free_port()
    command = [str(python), "-m", "llama_cpp.server", "--model", str(weights)]
    command += ["--port", str(port), "--n_ctx", str(context), "--verbose", "False"]
    command += ["--n_threads", str(threads), "--n_threads_batch", str(threads)]
    with running(name, command, port, "/v1/models", threads) as server:
        yield server


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    port: int,
    ready: str,
    threads: int,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Server]:
    """A process from the moment that ``ready`` is answered with 200; it is ended at last."""
    log = LOGS / f"serve-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            cwd=ROOT,
            env={**environment(threads), **variables},
        )
    try:
        end = time.monotonic() + _STARTING
        while not _is_ready(f"{url}{ready}"):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{name} did not start: see {log}")
            time.sleep(0.1)
        yield Server(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=10).status_code == 200
    except httpx2.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
