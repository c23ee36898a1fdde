"""GGUF files: checked, converted once into a directory that loads in seconds, and kept in a cache.

Reading a GGUF file means unpacking every weight, which is slow; so the unpacked model is kept.
A conversion is written to a temporary directory, which is renamed when it is complete.
No model is loaded here: ``load_gguf`` in ``load.py`` does that.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock
import platformdirs
from rich.console import Console

from condit.errors import MissingDependencyError, ModelError
from condit.model.transformers import (
    INSTALL,
    first_line,
    quiet_unless_terminal,
    require_transformers,
)

_LAYOUT = 1
"""Part of every cache key: raise it when what a conversion writes changes."""

_TOKENIZER_BYTES = 32 * 2**20
"""Room for what is written beside the weights, which take two bytes each."""

_NO_ROOM = ("no space left", "file too large", "quota exceeded")
"""Parts of safetensors' errors that mean a full disk; it writes the weights."""


def cache_directory() -> Path:
    """Where converted models are kept: ``$CONDIT_CACHE``, or the user's cache directory."""
    chosen = os.environ.get("CONDIT_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("condit", appauthor=False))


def converted(path: Path, extra_ends: tuple[int, ...] = ()) -> Path:
    """The directory with the converted model of a ``.gguf`` file, made if it is not there.

    Args:
        path: the file.
        extra_ends: ids of tokens that end a text besides the one that the file names.

    Raises:
        ModelError: the file is damaged, cut short, or of an architecture that is not known.
        MissingDependencyError: torch, transformers or gguf is not installed.
    """
    target = converted_directory(path, extra_ends)
    if is_whole(target):
        return target
    require_transformers()
    needed = check_whole(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target):
            if not is_whole(target):
                _convert_into(path, target, extra_ends, needed)
    except OSError as error:
        raise _no_room(path, target.parent, needed, error.strerror or str(error)) from error
    return target


def is_whole(target: Path) -> bool:
    """Whether all files of a converted model are there."""
    return (
        all((target / name).is_file() for name in ("config.json", "tokenizer.json"))
        and next(target.glob("*.safetensors"), None) is not None
    )


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold a lock file, so that one process converts; the system frees it if that is killed."""
    lock = filelock.FileLock(target.with_name(f"{target.name}.lock"))
    try:
        lock.acquire(timeout=0.2)
    except filelock.Timeout:
        print(
            f"Another process is converting {target.name}: waiting for it to finish",
            file=sys.stderr,
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _convert_into(path: Path, target: Path, extra_ends: tuple[int, ...], needed: int) -> None:
    prefix = f".converting-{target.name}-"
    # This process holds the lock, so these are left over from one that was killed.
    for left in (*target.parent.glob(f"{glob.escape(prefix)}*"), target):
        shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise _no_room(path, target.parent, needed, f"{free:,} bytes are free")
    unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        _convert(path, unfinished, extra_ends, needed)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _no_room(path: Path, folder: Path, needed: int, why: str) -> ModelError:
    return ModelError(
        f"the converted weights of {path.name} cannot be written to {folder} ({why}): they take "
        f"{needed:,} bytes. Make room there, or set CONDIT_CACHE to another folder"
    )


def converted_directory(path: Path, extra_ends: tuple[int, ...] = ()) -> Path:
    """The directory for the converted model of this file (path, size and time of change)."""
    try:
        status = path.stat()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    identity = [str(path.resolve()), status.st_size, status.st_mtime_ns, extra_ends, _LAYOUT]
    key = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()
    return cache_directory() / "models" / f"{path.stem}-{key}"


def check_whole(path: Path) -> int:
    """Check that a GGUF file is complete; returns how many bytes its conversion takes.

    Raises:
        ModelError: it is not a GGUF file, or shorter than its header says.
        MissingDependencyError: gguf is not installed.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingDependencyError(f"reading {path.name} needs gguf: {INSTALL}") from error
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path} is not a GGUF file: it does not begin with 'GGUF'")
    try:
        tensors = gguf.GGUFReader(path).tensors
    except (ValueError, IndexError, OSError, UnicodeDecodeError, OverflowError) as error:
        raise ModelError(
            f"{path} is cut short or damaged ({size:,} bytes, unreadable: {first_line(error)}): "
            "fetch it again"
        ) from error
    if not tensors:
        raise ModelError(f"{path} holds no weights: it is a vocabulary or metadata only")
    promised = max(int(tensor.data_offset) + int(tensor.n_bytes) for tensor in tensors)
    if promised > size:
        raise ModelError(
            f"{path} is cut short: it promises {promised:,} bytes and has {size:,}: fetch it again"
        )
    return _TOKENIZER_BYTES + 2 * sum(int(tensor.n_elements) for tensor in tensors)


def _convert(path: Path, target: Path, extra_ends: tuple[int, ...], needed: int) -> None:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    console = Console(stderr=True)
    if sys.stderr.isatty():
        console.print(f"Converting {path.name} once; it then loads from {target.parent}")
    try:
        with quiet_unless_terminal():
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
            module = AutoModelForCausalLM.from_pretrained(
                path.parent,
                gguf_file=path.name,
                dtype="bfloat16",
                quantization_config=GgufConfig(dequantize=True),
            )
            ends = [tokenizer.eos_token_id, *extra_ends]
            module.generation_config.eos_token_id = ends
            module.save_pretrained(target)
            tokenizer.save_pretrained(target)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if any(said in str(error).lower() for said in _NO_ROOM):
            raise _no_room(path, target.parent, needed, first_line(error)) from error
        raise ModelError(f"{path} could not be converted: {first_line(error)}") from error
