"""`load`: a model by what a user writes: a name, a directory, a ``.gguf`` file, a hub name.

Which backend runs a ``.gguf`` file is decided here; the backends know nothing of each other.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from condit.errors import ArgumentError, ModelError, UnknownNameError
from condit.model.base import Model
from condit.model.source import ModelSource
from condit.plugins import call, find_source, registered, unknown

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def load(source: str | os.PathLike[str] = "smollm2", **options: Any) -> Model:
    """Load a model.

    Args:
        source: a registered name (``"smollm2"``, ``"ngram"``; see ``condit models``), a directory
            with a ``transformers`` model, a ``.gguf`` file, or a name on the Hugging Face hub.
        **options: passed to that kind of model: ``dtype``, ``device`` and ``reproducible`` for
            torch models; ``backend="llama"`` runs a ``.gguf`` file by llama.cpp, which takes
            ``threads`` and ``cells``.

    Raises:
        UnknownNameError: no such name; the message suggests the nearest.
        ModelError: the directory or file is not a model, or is damaged.
        MissingDependencyError: an optional package is needed.
        IncompatibleDependencyError: the package that registers it cannot be used.
    """
    if isinstance(source, str) and source in registered("models"):
        return call("this model", find_source("models", source, ModelSource).load, (), options)
    path = Path(source).expanduser()
    if path.is_dir():
        return _load_directory(path, options)
    if path.suffix == ".gguf":
        return call("this model", load_gguf, (path,), options)
    if path.exists():
        raise ModelError(
            f"{path} is a file but not a .gguf file: give a directory with a transformers model, "
            "or a .gguf file"
        )
    text = os.fspath(source)
    if _HUB_NAME.fullmatch(text) and not text.startswith("."):
        from condit.model.transformers import load_directory

        return call("this model", load_directory, (text,), options)
    if os.sep in text or text.startswith((".", "~")):
        raise ModelError(f"there is no file or directory {path}")
    known = registered("models")
    raise UnknownNameError(f"{unknown('model', text, known)}; a directory or .gguf file works too")


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
    from condit.model.gguf import converted
    from condit.model.transformers import load_directory

    return load_directory(
        converted(path),
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


def _load_directory(path: Path, options: dict[str, Any]) -> Model:
    if not (path / "config.json").is_file():
        files = sorted(path.glob("*.gguf"))
        way_out = (
            f"it holds {files[0].name}: load that file"
            if files
            else "a model directory has config.json, weights and a tokenizer.json"
        )
        raise ModelError(f"{path} is not a model directory (no config.json): {way_out}")
    from condit.model.transformers import load_directory

    return call("this model", load_directory, (path,), options)
