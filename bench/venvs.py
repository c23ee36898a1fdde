"""Peers live in virtual environments of their own, made on demand under ``.venvs/``.

A CPU build of torch is installed first, so that no peer draws in a CUDA build of gigabytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"

PEERS: dict[str, tuple[str, ...]] = {
    "genlm": ("genlm-control==0.4.1", "transformers==5.23.0", "accelerate==1.15.0"),
    "outlines": ("outlines==1.3.3", "transformers==5.23.0", "accelerate==1.15.0"),
    "guidance": ("guidance==0.3.1", "transformers==4.53.3"),
    "masks": ("llguidance==1.9.1", "xgrammar==0.2.8", "transformers==5.23.0"),
}


def python_of(peer: str, tell: Callable[[str], None] = print) -> Path:
    """The interpreter of a peer's environment, which is made first where it is missing."""
    if peer == "condit":
        return Path(sys.executable)
    home = ROOT / ".venvs" / peer
    python = home / "bin" / "python"
    done = home / ".complete"
    wanted = "\n".join((TORCH, *PEERS[peer]))
    if not (done.exists() and done.read_text() == wanted):
        tell(f"making .venvs/{peer} ({', '.join(PEERS[peer])})")
        _make(home, python, PEERS[peer])
        done.write_text(wanted)
    return python


def _make(home: Path, python: Path, packages: tuple[str, ...]) -> None:
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
    for step in ([*install, TORCH], [*install, TORCH, *packages]):
        ran = subprocess.run(step, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise SystemExit(f"{' '.join(step)}\nfailed:\n{ran.stderr[-3000:]}")
