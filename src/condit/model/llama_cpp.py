"""Models that llama.cpp runs: ``.gguf`` files as they are, quantised weights and all.

The tokens, the form of a prompt and the chat template are read from the file by llama.cpp itself.
Forwards and caches are in `condit.model.llama_context`, lanes in `condit.model.llama_decoder`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condit.errors import ArgumentError, ModelError, VocabularyError
from condit.foreign.llama_cpp import probe
from condit.model.base import Model
from condit.model.decoder import Decoder
from condit.model.llama_build import require_llama, require_sound_build
from condit.vocabulary import Vocabulary

if TYPE_CHECKING:
    from condit.model.llama_context import Weights

_MOST_CELLS = 65536
_RENDERED = {b"<|start|>", b"<|channel|>", b"<|message|>", b"<|constrain|>"}
"""Control tokens that llama.cpp gives as text, although they are none."""


class LlamaModel(Model):
    """A causal language model in llama.cpp.

    Args:
        path: a ``.gguf`` file.
        name: how messages call it; the file's own name by default.
        dtype: how keys and values are stored: ``"auto"`` and ``"float16"`` in 16 bits, or
            ``"float32"``. The weights are what the file says.
        threads: threads of llama.cpp; by default as many as this process may run on.
        cells: token positions that one decoder may hold at most, all its texts together; 65,536 by
            default. Its key-value cache grows as needed.
        look_ahead: whether drafts are forwarded; by default if llama.cpp is built for a GPU. On
            processors a further position costs nearly as much as the first, and so does not pay.

    Raises:
        ModelError: the file is damaged, is not a causal language model made of attention layers, or
            llama.cpp's build does not run on this processor.
        VocabularyError: the file names no end token.
        MissingDependencyError: llama-cpp-python is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        dtype: str = "auto",
        threads: int | None = None,
        cells: int | None = None,
        look_ahead: bool | None = None,
    ) -> None:
        path = Path(path)
        require_llama()
        if (threads is not None and threads < 1) or (cells is not None and cells < 1):
            raise ArgumentError(f"threads and cells must be 1 or more, not {threads} and {cells}")
        if not path.is_file():
            raise ModelError(f"{path} cannot be read: there is no such file")
        require_sound_build(path)
        probe()  # a build that lacks a function gets an error that says so
        import llama_cpp

        from condit.model.llama_context import CACHE_TYPES, Settings
        from condit.model.llama_pool import ContextPool

        if dtype not in CACHE_TYPES:
            raise ArgumentError(f"dtype {dtype!r} is not one of {', '.join(CACHE_TYPES)}")
        self.name = name or path.stem
        self._path = path
        self._dtype = dtype
        self._weights = _load(path)
        self.context = _context_length(self._weights.handle, self.name)
        self.vocabulary = _vocabulary(self._weights.vocabulary, self.name)
        if look_ahead is None:
            look_ahead = bool(llama_cpp.llama_supports_gpu_offload())
        self._looks_ahead = look_ahead
        self._pool = ContextPool(
            self._weights, Settings(threads or _usable_processors(), dtype), cells or _MOST_CELLS
        )

    def fingerprint(self) -> str:
        """See `PrefixModel.fingerprint`: of the ends of the file, and how keys are stored."""
        with self._path.open("rb") as file:
            digest = blake2b(file.read(2**20), digest_size=8)
            size = file.seek(0, 2)
            file.seek(max(0, size - 2**20))
            digest.update(file.read() + str(size).encode())
        return f"LlamaModel with {self._dtype} keys of the file {digest.hexdigest()}"

    def encode(self, text: str) -> list[int]:
        """The token ids of ``text`` as such: nothing is added, and no special token is read."""
        return _tokenize(self._text_vocabulary, text, add_special=False, parse_special=False)

    def _encode_text_prompt(self, text: str) -> list[int]:
        import llama_cpp

        vocabulary = self._weights.vocabulary
        tokens = _tokenize(vocabulary, text, add_special=True, parse_special=True)
        start = llama_cpp.llama_vocab_bos(vocabulary)
        return tokens or ([start] if start >= 0 else [])

    @property
    def chat_template(self) -> str:
        """The Jinja template of chats; empty if the model has none."""
        import llama_cpp

        return (llama_cpp.llama_model_chat_template(self._weights.handle, None) or b"").decode()

    def _encode_chat(
        self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> list[int]:
        import jinja2
        import llama_cpp
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self.chat_template
        if not template:
            raise ArgumentError(f"{self.name} has no chat template: give the prompt as text")
        vocabulary = self._weights.vocabulary
        try:
            text = Jinja2ChatFormatter(
                template,
                eos_token=_text_of(vocabulary, llama_cpp.llama_vocab_eos(vocabulary)),
                bos_token=_text_of(vocabulary, llama_cpp.llama_vocab_bos(vocabulary)),
            )(messages=messages, tools=list(tools) or None).prompt
        except (jinja2.TemplateError, ValueError) as error:
            raise ArgumentError(
                f"the chat template of {self.name} refuses these messages: {error}"
            ) from error
        return _tokenize(vocabulary, text, add_special=False, parse_special=True)

    @cached_property
    def _text_vocabulary(self) -> object:
        """A vocabulary whose tokenizer puts no space before the text; loaded again if need be."""
        if (
            self.vocabulary.spell(
                _tokenize(self._weights.vocabulary, "a", add_special=False, parse_special=False)
            )
            == b"a"
        ):
            return self._weights.vocabulary
        self._text_weights = _load(self._path, text_only=True)
        return self._text_weights.vocabulary

    def forget_prompts(self) -> None:
        """Free the prompts that are kept between calls, and the idle caches that hold them."""
        self._pool.clear()

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        """A decoder with ``lanes`` lanes that share ``prompt``, forwarded once."""
        from condit.model.llama_decoder import LlamaDecoder

        decoder = LlamaDecoder(self._pool, prompt, looks_ahead=self._looks_ahead)
        decoder.admit(prompt, lanes)
        return decoder


@cache
def _initialise() -> None:
    import llama_cpp

    llama_cpp.llama_backend_init()


def _load(path: Path, *, text_only: bool = False) -> Weights:
    """Load a file; with ``text_only`` its vocabulary alone, set to put no space before texts."""
    import llama_cpp

    from condit.model.llama_context import Weights, last_message, listen

    _initialise()
    listen()
    parameters = llama_cpp.llama_model_default_params()
    if text_only:
        override = (llama_cpp.llama_model_kv_override * 2)()  # the second, empty one ends the list
        override[0].key = b"tokenizer.ggml.add_space_prefix"
        override[0].tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL
        override[0].value.val_bool = False
        parameters.kv_overrides = override
        parameters.vocab_only = True
    handle = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
    if not handle:
        raise ModelError(
            f"{path} could not be loaded by llama.cpp ({last_message()}): if the file is whole, "
            "its kind of model may need a newer llama-cpp-python"
        )
    return Weights(handle)


def _context_length(handle: Any, name: str) -> int:
    """The longest sequence that a model can take; `ModelError` if it cannot share a cache."""
    import llama_cpp

    kinds = (llama_cpp.llama_model_is_recurrent, llama_cpp.llama_model_is_hybrid)
    recurrent = any(is_kind(handle) for is_kind in kinds)
    causal = llama_cpp.llama_model_has_decoder(handle) and not (
        llama_cpp.llama_model_has_encoder(handle) or llama_cpp.llama_model_is_diffusion(handle)
    )
    if recurrent or not causal:
        why = "it has recurrent layers" if recurrent else "it is not a causal language model"
        raise ModelError(
            f"{name} cannot share a cache between lanes ({why}): Condit runs decoders made of "
            "full and sliding-window attention layers"
        )
    longest = int(llama_cpp.llama_model_n_ctx_train(handle))
    window = int(llama_cpp.llama_model_n_swa(handle))
    # llama.cpp overwrites cells behind the window, which lanes that go back would still need.
    return min(longest, window) if window > 0 else longest


def _vocabulary(handle: Any, name: str) -> Vocabulary:
    import llama_cpp

    if llama_cpp.llama_vocab_type(handle) == llama_cpp.LLAMA_VOCAB_TYPE_NONE:
        raise VocabularyError(f"{name} has no tokenizer in its file: fetch one that has")
    size = int(llama_cpp.llama_vocab_n_tokens(handle))
    # llama.cpp also stops at tokens that separate the files of a repository; they end no text.
    separators = {
        int(special(handle))
        for special in (
            llama_cpp.llama_vocab_fim_pad,
            llama_cpp.llama_vocab_fim_rep,
            llama_cpp.llama_vocab_fim_sep,
        )
    }
    named = [int(llama_cpp.llama_vocab_eos(handle)), int(llama_cpp.llama_vocab_eot(handle))]
    ends = [token for token in named if token >= 0]
    ends += [
        token
        for token in range(size)
        if llama_cpp.llama_vocab_is_eog(handle, token) and token not in separators
    ]
    if not ends:
        raise VocabularyError(f"the tokenizer of {name} names no end token")
    spelled = [_piece(handle, token) for token in range(size)]
    for token in {*ends, *(t for t, text in enumerate(spelled) if text in _RENDERED)}:
        spelled[token] = b""
    return Vocabulary(bytes=spelled, end=ends[0], ends=frozenset(ends))


def _piece(handle: Any, token: int) -> bytes:
    """The bytes that a token adds to a text; none for control and unused tokens."""
    import llama_cpp

    room = 64
    while True:
        buffer = ctypes.create_string_buffer(room)
        length = int(llama_cpp.llama_token_to_piece(handle, token, buffer, room, 0, False))
        if length >= 0:
            return buffer.raw[:length]
        room = -length


def _text_of(handle: Any, token: int) -> str:
    """How a special token is written in a chat template; empty where there is none."""
    import llama_cpp

    return str(llama_cpp.llama_vocab_get_text(handle, token).decode()) if token >= 0 else ""


def _tokenize(handle: Any, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
    import llama_cpp

    raw = text.encode()
    room = len(raw) + 8
    while True:
        tokens = (ctypes.c_int32 * room)()
        count = int(
            llama_cpp.llama_tokenize(
                handle, raw, len(raw), tokens, room, add_special, parse_special
            )
        )
        if count >= 0:
            return list(tokens[:count])
        room = -count


def _usable_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
