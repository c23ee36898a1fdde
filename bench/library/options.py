"""Command lines: the options that many benches have, said once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.library.venvs import ROOT

SHARED = next(
    (data for folder in ROOT.parents if (data := folder / "shared" / "data").is_dir()),
    ROOT.parent / "shared" / "data",
)
"""Where data sets lie that are not part of the repository; beside it, or beside its worktrees."""

_COMMON: dict[str, dict[str, Any]] = {
    "rounds": {"type": int, "help": "how often everything is measured"},
    "tokens": {"type": int, "help": "the most new tokens of a text"},
    "lanes": {"type": int, "help": "texts drawn at a time"},
    "threads": {"type": int, "help": "of each contestant"},
    "seed": {"type": int, "help": "of the choice of cases, and of the draws"},
    "limit": {"type": float, "help": "seconds that an answer may take"},
    "model": {"help": "SmolLM2 as a directory (default: what Condit resolves)"},
    "maskbench": {"type": Path, "help": "JSON Schemas, a .jsonl.gz (default: of shared/data)"},
}

MASKBENCH = SHARED / "maskbench-dev.jsonl.gz"


def parser_of(question: str, about: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """A parser with the common options that are named here, with these defaults.

    ``rounds``, ``tokens``, ``lanes``, ``threads``, ``seed``, ``limit``, ``model``, ``maskbench``.
    """
    parser = argparse.ArgumentParser(f"scripts/bench {question}", description=about)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", default=default, **_COMMON[name])
    return parser


def add_choice(
    parser: argparse.ArgumentParser,
    name: str,
    choices: Iterable[str],
    default: Iterable[str] | None = None,
    about: str | None = None,
) -> None:
    """An option that takes one or more of ``choices``; all of them by default."""
    listed = list(choices)
    chosen = listed if default is None else list(default)
    parser.add_argument(f"--{name}", nargs="+", choices=listed, default=chosen, help=about)


def require(parser: argparse.ArgumentParser, file: Path, wanted: Iterable[str]) -> None:
    """End with a message where something is wanted that needs ``file``, and it is not there."""
    names = " and ".join(wanted)
    if names and not file.is_file():
        parser.error(f"{file} is not there: say where, or leave out {names}")


def written(options: argparse.Namespace) -> dict[str, Any]:
    """The options for the record: files relative to the repository, the rest as they are."""
    return {name: _written(value) for name, value in vars(options).items()}


def _written(value: Any) -> Any:
    if isinstance(value, Path):
        return os.path.relpath(value, ROOT)
    return [_written(each) for each in value] if isinstance(value, list) else value
