"""Two sources of Condit in one environment: a worker's ``PYTHONPATH`` says which one it imports.

An older commit is a git worktree in ``~/.cache/condit-bench/against``. Beside each source lies the
metadata that an installation of it would have, for names of models and samplers are found by it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bench.library.venvs import ROOT
from bench.vocabularies import CACHE

FOLDER = CACHE / "against"


@dataclass(frozen=True)
class Tree:
    """A source, and what to call it."""

    label: str
    root: Path
    commit: str
    changed: bool = False

    @property
    def source(self) -> Path:
        """Where the package lies."""
        return self.root / "src"

    def variables(self) -> dict[str, str]:
        """What makes a worker import it."""
        paths = (_metadata(self), self.source, ROOT)
        return {"PYTHONPATH": os.pathsep.join(map(str, paths))}


def here() -> Tree:
    """This working tree, as it stands."""
    return Tree("here", ROOT, _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "src")))


def at(commit: str) -> Tree:
    """A commit, checked out where it is not yet."""
    full = _git("rev-parse", "--verify", f"{commit}^{{commit}}")
    root = FOLDER / full[:12]
    if not (root / "src").is_dir():
        shutil.rmtree(root, ignore_errors=True)
        _git("worktree", "prune")
        root.parent.mkdir(parents=True, exist_ok=True)
        _git("worktree", "add", "--detach", str(root), full)
    if _git("rev-parse", "HEAD", where=root) != full or _git("status", "--porcelain", where=root):
        raise SystemExit(f"{root} is not what {commit} is: remove it, and it is made again")
    return Tree(commit, root, full)


def _metadata(tree: Tree) -> Path:
    """A folder with the entry points of this source, as an installation would register them."""
    project = tomllib.loads((tree.root / "pyproject.toml").read_text())["project"]
    init = (tree.source / "condit" / "__init__.py").read_text()
    version = re.search(r'^__version__ = "(.+)"$', init, re.MULTILINE)
    number = version[1] if version else "0"
    files = {"METADATA": f"Metadata-Version: 2.1\nName: condit\nVersion: {number}\n"}
    lines: list[str] = []
    for group, points in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items()), ""]
    files["entry_points.txt"] = "\n".join(lines)
    folder = FOLDER / f"metadata-{hashlib.sha256(repr(files).encode()).hexdigest()[:12]}"
    info = folder / f"condit-{number}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (info / name).write_text(content)
    return folder


def _git(*arguments: str, where: Path = ROOT) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=where, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"git {' '.join(arguments)} failed:\n{ran.stderr.strip()}")
    return ran.stdout.strip()
