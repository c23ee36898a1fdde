"""Keeping and showing results: raw JSON in ``bench/results/``, a table on the terminal."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from bench.library.venvs import ROOT

RESULTS = ROOT / "bench" / "results"
LOGS = RESULTS / "logs"

PACKAGES = ("condit", "llguidance", "numpy", "torch", "transformers")
"""Their versions here are in every record; peers tell their own."""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; every column but the first is aligned right."""
    lines = [
        "| " + " | ".join(columns) + " |",
        "|---|" + "---:|" * (len(columns) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def keep(question: str, raw: dict[str, Any], shown: str, folder: Path = RESULTS) -> Path:
    """Write the raw numbers and the table, with where and how they came about; print the table."""
    now = datetime.datetime.now(datetime.UTC)
    record = {
        "question": question,
        "date": now.isoformat(timespec="seconds"),
        "command": "scripts/bench " + shlex.join(sys.argv[1:]),
        "machine": machine(),
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": _git("rev-parse", "HEAD"),
        "tree_dirty": bool(_git("status", "--porcelain")),
        **raw,
        "table": shown,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{question}-{now:%Y%m%dT%H%M%SZ}.json"
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
    path.write_text(_scrubbed("{\n" + ",\n".join(lines) + "\n}\n"))
    out = Console()
    out.print(Markdown(shown)) if out.is_terminal else print(shown)
    print(f"\nraw numbers: {os.path.relpath(path, ROOT)}")
    return path


def _scrubbed(text: str) -> str:
    """Without the paths of this machine: relative to the repository, or to the home folder."""
    for path, written in ((ROOT, "."), (ROOT.parent, ".."), (Path.home(), "~")):
        text = text.replace(str(path), written)
    return text


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


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip()
