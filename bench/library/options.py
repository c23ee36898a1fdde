"""Command lines: what the options of many benches have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from bench.library.venvs import ROOT

SHARED = next(
    (data for folder in ROOT.parents if (data := folder / "shared" / "data").is_dir()),
    ROOT.parent / "shared" / "data",
)
"""Where data sets lie that are not part of the repository; beside it, or beside its worktrees."""


def written(options: argparse.Namespace, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The options for the record: files relative to the repository, the rest as they are."""
    return {
        name: os.path.relpath(value, ROOT) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if name not in without
    }
