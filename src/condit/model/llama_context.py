"""A llama.cpp context: its key-value cache of cells, and sequences, which name paths of them.

This file and ``llama_cpp.py`` are the only ones that call llama.cpp. A *cell* holds one token
position; a *sequence* is a small number, and a cell belongs to any set of sequences. A position
sees the cells that are in its own sequence and not behind it, so that sequences which share their
beginning share its cells.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from condit.errors import ModelError

BATCH = 512
"""Positions in one call of llama.cpp at most."""

CACHE_TYPES = {
    "auto": llama_cpp.GGML_TYPE_F16,
    "float16": llama_cpp.GGML_TYPE_F16,
    "float32": llama_cpp.GGML_TYPE_F32,
}
"""What keys and values may be stored as, by the names that torch models use."""

_LEAST_CELLS = 1024

_WARNING_OR_ERROR = (2, 3)
"""Levels of the log, as in ``ggml.h``."""

_messages: deque[str] = deque(maxlen=8)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _listen(level: int, text: bytes, user_data: object) -> None:
    """Keep the last warnings and errors of llama.cpp, and print nothing."""
    if level in _WARNING_OR_ERROR:
        _messages.append(text.decode(errors="replace").strip())


def listen() -> None:
    """Redirect llama.cpp's log to this module: nothing is printed, and errors can quote it."""
    llama_cpp.llama_log_set(_listen, ctypes.c_void_p(0))
    _messages.clear()


def last_message() -> str:
    """The last warning or error of llama.cpp."""
    return _messages[-1] if _messages else "llama.cpp gave no reason"


class Weights:
    """A model that llama.cpp has loaded; freed when nobody refers to it any more."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.vocabulary = llama_cpp.llama_model_get_vocab(handle)
        self.vocabulary_size = int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))
        weakref.finalize(self, llama_cpp.llama_model_free, handle)


@dataclass(frozen=True)
class Settings:
    """How llama.cpp computes: on how many threads, with keys and values of which type."""

    threads: int
    dtype: str


class LlamaContext:
    """A key-value cache that grows, and the calls that read and write it.

    Args:
        weights: the model.
        cells: token positions to make room for.
        settings: threads, and the type of keys and values.

    Raises:
        ModelError: there is no memory for it.
    """

    def __init__(self, weights: Weights, cells: int, settings: Settings) -> None:
        self.sequences = int(llama_cpp.llama_max_parallel_sequences())
        self._weights = weights
        self._settings = settings
        self._tokens = np.zeros(BATCH, dtype=np.int32)
        self._places = np.zeros(BATCH, dtype=np.int32)
        self._counts = np.zeros(BATCH, dtype=np.int32)
        self._wanted = np.zeros(BATCH, dtype=np.int8)
        self._members = np.zeros((BATCH, self.sequences), dtype=np.int32)
        rows = (ctypes.POINTER(ctypes.c_int32) * BATCH)(
            *(row.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)) for row in self._members)
        )
        self._batch = llama_cpp.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            embd=None,
            pos=self._places.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=self._counts.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=ctypes.cast(rows, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        self._rows = rows
        self._open(cells)

    def _open(self, cells: int) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = cells
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.n_seq_max = self.sequences
        # One cache for all sequences: only so can they share cells.
        parameters.kv_unified = True
        parameters.swa_full = True
        if not llama_cpp.llama_supports_gpu_offload():
            # On processors flash attention is no faster, and it rounds more.
            parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.n_threads = parameters.n_threads_batch = self._settings.threads
        parameters.type_k = parameters.type_v = CACHE_TYPES[self._settings.dtype]
        handle = llama_cpp.llama_init_from_model(self._weights.handle, parameters)
        if not handle:
            raise ModelError(
                f"llama.cpp could not make room for {cells} token positions ({last_message()}): "
                "draw fewer texts at a time, or shorter ones"
            )
        self._handle = handle
        self._memory = llama_cpp.llama_get_memory(handle)
        self._closing = weakref.finalize(self, llama_cpp.llama_free, handle)
        self.cells = int(llama_cpp.llama_n_ctx(handle))

    def grow(self, cells: int) -> None:
        """Make room for so many cells, and keep what is there."""
        old, closing = self._handle, self._closing
        size = int(llama_cpp.llama_state_get_size(old))
        content = (ctypes.c_uint8 * size)()
        written = int(llama_cpp.llama_state_get_data(old, content, size))
        self._open(cells)
        closing()
        if not written or not llama_cpp.llama_state_set_data(self._handle, content, written):
            raise ModelError(f"llama.cpp could not move its cache ({last_message()})")

    def decode(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        members: Sequence[Sequence[int]],
        wanted: Sequence[bool],
    ) -> list[NDArray[np.float32]]:
        """Compute up to `BATCH` positions, each after the ones that it can see.

        Args:
            tokens: token ids.
            places: how many tokens come before each.
            members: the sequences that each position belongs to.
            wanted: whether its logits are asked for.

        Returns:
            for each wanted position its logits, shape ``(vocabulary,)``.

        Raises:
            ModelError: llama.cpp refused, or the logits are not numbers.
        """
        count = len(tokens)
        self._tokens[:count] = tokens
        self._places[:count] = places
        self._wanted[:count] = wanted
        for rank, sequences in enumerate(members):
            self._counts[rank] = len(sequences)
            self._members[rank, : len(sequences)] = sequences
        self._batch.n_tokens = count
        status = llama_cpp.llama_decode(self._handle, self._batch)
        if status != 0:
            raise ModelError(f"llama.cpp could not decode (status {status}): {last_message()}")
        asked = sum(wanted)
        if not asked:
            return []
        size = self._weights.vocabulary_size
        start = ctypes.cast(
            llama_cpp.llama_get_logits(self._handle), ctypes.POINTER(ctypes.c_float)
        )
        # The next call overwrites llama.cpp's own rows. Each is copied by itself: some are
        # kept, and a kept row should not hold the others in memory.
        rows = np.ctypeslib.as_array(start, shape=(asked, size))
        if np.isnan(rows[:, 0]).any():
            raise ModelError("the model's logits are not numbers (NaN): are its weights damaged?")
        return [row.copy() for row in rows]

    def copy(self, source: int, target: int, length: int) -> None:
        """The first ``length`` positions of ``source`` belong to the empty ``target`` as well."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def trim(self, sequence: int, length: int) -> None:
        """Take the positions past ``length`` out of a sequence; unshared ones are freed."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1)


def room_for(cells: int) -> int:
    """The size of a cache for so many cells: a power of two, so that growing is rare."""
    return max(_LEAST_CELLS, 1 << (cells - 1).bit_length())
