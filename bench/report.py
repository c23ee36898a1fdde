"""Keeping and showing results: raw JSON in ``bench/results/``, a table on the terminal."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from bench.venvs import ROOT

RESULTS = ROOT / "bench" / "results"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """``median (least to greatest)``."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    least, most = min(values), max(values)
    return f"{median(values):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def ratio(values: Sequence[float], base: Sequence[float] | None) -> str:
    """The ratio of two medians, for people."""
    return "" if not base or not values else f"{median(values) / median(base):.2f}"


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
