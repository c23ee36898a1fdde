"""Models from Hugging Face ``transformers``: a local directory, a hub name, or a ``.gguf`` file."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condit.errors import ArgumentError, MissingDependencyError, ModelError, VocabularyError
from condit.foreign.torch import bfloat16
from condit.model.base import Model
from condit.model.decoder import Decoder
from condit.model.prefix_cache import PrefixCache
from condit.model.token_bytes import named_tokens, token_bytes, without_prefix
from condit.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

INSTALL = "pip install 'condit[transformers]'"

_quieting = threading.RLock()

_ATTENTION_KINDS = {"full_attention", "sliding_attention"}


def require_transformers() -> None:
    """Raise `MissingDependencyError` with the install command unless torch models can be run."""
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"this model needs torch and transformers ({error.name} is missing): {INSTALL}"
        ) from error


class TransformersModel(Model):
    """A causal language model of ``transformers`` with its tokenizer.

    Args:
        module: the torch module, for example from ``AutoModelForCausalLM.from_pretrained``.
        tokenizer: its fast tokenizer.
        name: how messages call it.
        directory: where it was loaded from, where that is a local directory.

    Attributes:
        shares_cells: whether lanes share one cache of cells (see `condit.model.cells`), as where
            all layers are plain or sliding-window attention. Else each has a row of a batch.

    Raises:
        ModelError: an architecture whose cache cannot be used in either way.
        VocabularyError: a tokenizer whose tokens cannot be read as bytes.
    """

    def __init__(
        self, module: Any, tokenizer: Any, name: str, directory: Path | None = None
    ) -> None:
        self.module = module.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.directory = directory
        config = module.config.get_text_config()
        self.context = getattr(config, "max_position_embeddings", None)
        self._windows = attention_windows(module)
        self.shares_cells = self._windows is not None
        if not self.shares_cells:
            from condit.model.rows import can_run_together

            self._together = can_run_together(module, name)
        self._prefixes = PrefixCache(self)
        self._version: object = None
        self._changing = threading.Lock()
        description = _description(tokenizer, name)
        self.vocabulary = _vocabulary(module, tokenizer, description, name)
        # A second tokenizer, for `encode`: it adds no space, and reads the names of special tokens
        # as plain text.
        plain = without_prefix(description)
        self._text_tokenizer = (
            copy.deepcopy(tokenizer.backend_tokenizer)
            if plain == description
            else type(tokenizer.backend_tokenizer).from_str(json.dumps(plain))
        )
        self._text_tokenizer.encode_special_tokens = True

    def encode(self, text: str) -> list[int]:
        """The token ids of ``text`` as such: nothing is added, and no special token is read."""
        return list(self._text_tokenizer.encode(text, add_special_tokens=False).ids)

    def _encode_text_prompt(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text)["input_ids"]
        if not tokens and self.tokenizer.bos_token_id is not None:
            return [self.tokenizer.bos_token_id]
        return tokens

    @property
    def chat_template(self) -> str:
        """The Jinja template of chats with tools; empty if the model has none."""
        if not self.tokenizer.chat_template:
            return ""
        return str(self.tokenizer.get_chat_template(tools=[{}]))

    def _encode_chat(
        self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> list[int]:
        if not self.tokenizer.chat_template:
            raise ArgumentError(f"{self.name} has no chat template: give the prompt as text")
        import jinja2

        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=list(tools) or None, add_generation_prompt=True, tokenize=False
            )
        except (jinja2.TemplateError, TypeError) as error:
            raise ArgumentError(
                f"the chat template of {self.name} refuses these messages: {error}"
            ) from error
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _drop_outdated(self) -> None:
        """Drop what was computed by weights that have changed since."""
        from condit.model.packed import PackedLinear, pack

        version = self.version()
        with self._changing:
            if version == self._version:
                return
            if self._version is not None and any(
                isinstance(part, PackedLinear) for part in self.module.modules()
            ):
                pack(self.module)
            self._version = version
            self._prefixes.renew(version)

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``, forwarded once."""
        if self.module.training:
            raise ModelError(
                f"{self.name} is in training mode, in which it would draw with dropout: call "
                "model.module.eval() first"
            )
        self._drop_outdated()
        decoder = self._decoder()
        decoder.admit(prompt, lanes)
        return decoder

    def _decoder(self) -> Decoder:
        size = len(self.vocabulary)
        if self._windows is None:
            from condit.model.rows import RowDecoder

            return RowDecoder(self.module, size, together=self._together)
        from condit.model.cells import CellDecoder

        return CellDecoder(self.module, self._windows, self._prefixes, vocabulary_size=size)


def load_directory(
    source: str | Path,
    *,
    name: str | None = None,
    dtype: str = "auto",
    device: str | None = None,
    reproducible: bool = True,
) -> TransformersModel:
    """Load a causal language model from a local directory or by its name on the hub.

    Args:
        source: the directory, or ``"organisation/name"``.
        name: how messages call it; the directory's own name by default.
        dtype: ``"auto"`` (that of the checkpoint; 32-bit where this processor has no fast
            16-bit arithmetic), ``"bfloat16"``, ``"float16"`` or ``"float32"``.
        device: a torch device; ``"cuda"`` where there is one, else ``"cpu"``.
        reproducible: on a CPU, logits do not depend on how many lanes or drafts share a forward,
            to the last bit; costs 3 to 30 % of a forward, more with many positions and cells.

    Raises:
        ModelError: there is no model there, or it cannot be read.
        MissingDependencyError: torch or transformers is not installed.
    """
    require_transformers()
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from condit.model.attention import use_cell_attention
    from condit.model.packed import pack

    wanted = _torch_dtype(dtype)
    name = name or Path(source).name
    try:
        with quiet_unless_terminal():
            tokenizer = AutoTokenizer.from_pretrained(source)
            module = AutoModelForCausalLM.from_pretrained(source, dtype=wanted)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{source} could not be loaded as a causal language model: {first_line(error)}"
        ) from error
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if dtype == "auto" and device == "cpu" and not bfloat16()[0]:
        module = module.float()
    directory = Path(source) if Path(source).is_dir() else None
    module = module.to(device)
    pack(module)
    if attention_windows(module) is not None:
        use_cell_attention(module, reproducible=reproducible)
    return TransformersModel(module, tokenizer, name, directory)


def first_line(error: BaseException) -> str:
    """The first line of an error's message: the rest is advice about other programs."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def quiet_unless_terminal() -> Iterator[None]:
    """Let ``transformers`` draw its progress bars on a terminal, and nothing anywhere else."""
    # The redirection is of the whole process: two threads at once would restore the wrong stream.
    with _quieting:
        if sys.stderr is not None and sys.stderr.isatty():
            yield
            return
        with contextlib.redirect_stderr(io.StringIO()):
            yield


def _torch_dtype(name: str) -> str | torch.dtype:
    import torch

    known = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    if name == "auto":
        return name
    if name not in known:
        raise ArgumentError(f"dtype {name!r} is not one of auto, {', '.join(known)}")
    return known[name]


def attention_windows(module: Any) -> dict[str, int | None] | None:
    """For each kind of attention layer how many tokens it looks back, ``None`` for all.

    ``None`` in place of the dict where a ``transformers`` model has layers of other kinds, or takes
    no position ids.
    """
    config = module.config.get_text_config()
    named = (getattr(config, name, None) or () for name in ("layer_types", "block_types"))
    kinds = {kind for kinds in named for kind in kinds}
    explicit = "position_ids" in inspect.signature(module.forward).parameters
    if not kinds <= _ATTENTION_KINDS or not explicit or getattr(config, "alibi", False):
        return None
    window = getattr(config, "sliding_window", None)
    if not kinds:
        # Without per-layer types, a window in the configuration holds for every layer.
        kinds = {"sliding_attention" if window else "full_attention"}
    return {kind: window if kind == "sliding_attention" else None for kind in sorted(kinds)}


def _description(tokenizer: Any, name: str) -> dict[str, Any]:
    """The content of the tokenizer's ``tokenizer.json``."""
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise VocabularyError(
            f"the tokenizer of {name} has no tokenizer.json (a 'fast' tokenizer), "
            "so the bytes of its tokens cannot be known"
        )
    description: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return description


def _vocabulary(module: Any, tokenizer: Any, description: dict[str, Any], name: str) -> Vocabulary:
    """The tokens that the tokenizer names and the model scores.

    Models often have more rows of logits than there are tokens, as padding; those are left out, and
    so are special tokens for which there is no row.
    """
    rows = _rows(module)
    spelled, special = token_bytes(description, rows)
    generation = getattr(module, "generation_config", None)
    declared = [tokenizer.eos_token_id, getattr(generation, "eos_token_id", None)]
    ends: list[int] = []
    for entry in declared:
        if entry is not None:
            ends += entry if isinstance(entry, list) else [entry]
    if not ends:
        raise VocabularyError(f"the tokenizer of {name} names no end token")
    if max(ends) >= rows:
        raise VocabularyError(
            f"end token {max(ends)} of {name} is outside the {rows} tokens that the model scores: "
            "set tokenizer.eos_token_id and module.generation_config.eos_token_id to tokens that "
            "it has, or resize its embeddings (module.resize_token_embeddings)"
        )
    named = named_tokens(description)
    last_text = max(named - special, default=0)
    if last_text >= rows:
        raise VocabularyError(
            f"the tokenizer of {name} has text tokens up to {last_text}, but the model scores "
            f"only {rows} tokens: it is the tokenizer of another model, or tokens were added "
            "without module.resize_token_embeddings(len(tokenizer))"
        )
    spelled = spelled[: max(*named, *ends) + 1]
    for end in ends:
        spelled[end] = b""
    return Vocabulary(bytes=spelled, end=ends[0], ends=frozenset(ends))


def _rows(module: Any) -> int:
    """How many tokens a model can both read and score."""
    tables = (module.get_input_embeddings(), module.get_output_embeddings())
    rows = [len(table.weight) for table in tables if getattr(table, "weight", None) is not None]
    return min(rows, default=module.config.get_text_config().vocab_size)
