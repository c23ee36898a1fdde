"""GGUF files: checked, converted once into a directory that loads in seconds, and kept in a cache.

Reading a GGUF file means unpacking every weight, which is slow; so the unpacked model is kept.
A conversion is written beside its place and renamed into it: the cache never holds half a model.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import filelock
import platformdirs
from rich.console import Console

from condit.errors import ArgumentError, MissingDependencyError, ModelError
from condit.model.base import Model
from condit.model.transformers import (
    INSTALL,
    first_line,
    load_directory,
    quiet_unless_terminal,
    require_transformers,
)

_LAYOUT = 1
"""Part of every cache key: raise it when what a conversion writes changes."""


def cache_directory() -> Path:
    """Where converted models are kept: ``$CONDIT_CACHE``, or the user's cache directory."""
    chosen = os.environ.get("CONDIT_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("condit", appauthor=False))


def load_gguf(
    path: str | Path,
    *,
    name: str | None = None,
    backend: str = "transformers",
    dtype: str = "auto",
    device: str | None = None,
    reproducible: bool | None = None,
    threads: int | None = None,
    cells: int | None = None,
    look_ahead: bool | None = None,
) -> Model:
    """Load a causal language model from a ``.gguf`` file.

    Args:
        path: the file.
        name: how messages call it; the file's own name by default.
        backend: ``"transformers"``, which unpacks the weights once and runs them with torch, or
            ``"llama"``, which runs the file as it is with llama.cpp.
        dtype: what transformers computes in, see ``load_directory``; what llama stores keys and
            values in, see ``LlamaModel``.
        device: for transformers, see ``load_directory``.
        reproducible: likewise.
        threads: for llama, see ``LlamaModel``.
        cells: likewise.
        look_ahead: likewise.

    Raises:
        ArgumentError: an unknown backend, or an option of the other one.
        ModelError: the file is damaged, cut short, or of an architecture that is not known.
        MissingDependencyError: what the backend needs is not installed.
    """
    path = Path(path)
    if backend == "llama":
        refuse_options(backend, device=device, reproducible=reproducible)
        from condit.model.llama_cpp import LlamaModel

        return LlamaModel(
            path, name=name, dtype=dtype, threads=threads, cells=cells, look_ahead=look_ahead
        )
    if backend != "transformers":
        raise ArgumentError(f"no backend is called {backend!r} (known: llama, transformers)")
    refuse_options(backend, threads=threads, cells=cells, look_ahead=look_ahead)
    directory = converted(path)
    return load_directory(
        directory,
        name=name or path.stem,
        dtype=dtype,
        device=device,
        reproducible=reproducible is not False,
    )


def refuse_options(backend: str, **options: object) -> None:
    """Raise `ArgumentError` if an option is given that this backend does not take."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise ArgumentError(f"the backend {backend!r} takes no option {given[0]!r}")


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
    if target.is_dir():
        return target
    require_transformers()
    check_whole(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(target.with_suffix(".lock")):
        if not target.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
            try:
                _convert(path, draft, extra_ends)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return target


def converted_directory(path: Path, extra_ends: tuple[int, ...] = ()) -> Path:
    """Where the converted model of this very file belongs, whether or not it is there."""
    try:
        status = path.stat()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    identity = [str(path.resolve()), status.st_size, status.st_mtime_ns, extra_ends, _LAYOUT]
    key = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()
    return cache_directory() / "models" / f"{path.stem}-{key}"


def check_whole(path: Path) -> None:
    """Raise `ModelError` unless the file is a GGUF file with all the bytes that it promises."""
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


def _convert(path: Path, target: Path, extra_ends: tuple[int, ...]) -> None:
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
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} could not be converted: {first_line(error)}") from error
