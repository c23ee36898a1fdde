"""Keeping and showing results: raw JSON in ``bench/results/``, a table on the terminal."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.library.venvs import ROOT

RESULTS = ROOT / "bench" / "results"
LOGS = RESULTS / "logs"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; every column but the first is aligned right."""
    lines = [
        "| " + " | ".join(columns) + " |",
        "|---|" + "---:|" * (len(columns) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def keep(question: str, raw: dict[str, Any], shown: str) -> Path:
    """Write the raw numbers and the table, with where and how they came about; print the table."""
    now = datetime.datetime.now(datetime.UTC)
    record = {
        "question": question,
        "date": now.isoformat(timespec="seconds"),
        "command": "scripts/bench " + shlex.join(sys.argv[1:]),
        "machine": machine(),
        "commit": _git("rev-parse", "HEAD"),
        "tree_dirty": bool(_git("status", "--porcelain")),
        **raw,
        "table": shown,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{question}-{now:%Y%m%dT%H%M%SZ}.json"
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    out = Console()
    out.print(Markdown(shown)) if out.is_terminal else print(shown)
    print(f"\nraw numbers: {path.relative_to(ROOT)}")
    return path


def load_before(console: Console) -> float:
    """The load of the last minute, for the record; warns where others are at work."""
    load = os.getloadavg()[0]
    if load > 0.3:
        console.print(f"[yellow]the machine is busy (load {load:.2f}): do not quote this run[/]")
    return round(load, 2)


def machine() -> dict[str, Any]:
    """What the numbers were measured on, and how busy it was."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_at_end": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip()


class Bar:
    """A progress bar over a known number of steps."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self, description: str | None = None) -> None:
        """One step is done."""
        self._progress.update(self._task, advance=1, description=description)

    def say(self, description: str) -> None:
        """What comes next."""
        self._progress.update(self._task, description=description)


@contextmanager
def counting(console: Console, description: str, total: int) -> Iterator[Bar]:
    """A progress bar with the time gone and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *clocks, console=console) as progress:
        yield Bar(progress, progress.add_task(description, total=total))
