"""Peers live in virtual environments of their own, made on demand under ``.venvs/``.

A CPU build of torch is installed first where a peer runs models, so that it does not draw in a CUDA
build of gigabytes. The rest are the exact versions of ``requirements/peers``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"

LOCKS = ROOT / "requirements" / "peers"
"""``NAME.in`` says what a peer is, ``NAME.txt`` (made by ``scripts/lock``) all that it needs."""

PEERS: dict[str, tuple[str, ...]] = {
    path.stem: tuple(path.read_text().split()) for path in sorted(LOCKS.glob("*.in"))
}


def python_of(peer: str, tell: Callable[[str], None] = print) -> Path:
    """The interpreter of a peer's environment, which is made first where it is missing."""
    if peer == "condit":
        return Path(sys.executable)
    home = ROOT / ".venvs" / peer
    python = home / "bin" / "python"
    done = home / ".complete"
    lock = LOCKS / f"{peer}.txt"
    needs_torch = any(each.startswith("transformers==") for each in PEERS[peer])
    wanted = "\n".join([*[TORCH] * needs_torch, lock.read_text()])
    if not (done.exists() and done.read_text() == wanted):
        tell(f"making .venvs/{peer} ({', '.join(PEERS[peer])})")
        _make(home, python, lock, [TORCH] * needs_torch)
        done.write_text(wanted)
    return python


def _make(home: Path, python: Path, lock: Path, first: Sequence[str]) -> None:
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
    steps = [[*install, each] for each in first]
    for step in (*steps, [*install, "--no-deps", "--requirement", str(lock)]):
        ran = subprocess.run(step, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise SystemExit(f"{' '.join(step)}\nfailed:\n{ran.stderr[-3000:]}")
