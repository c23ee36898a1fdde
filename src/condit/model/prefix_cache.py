"""A cache of forwarded prompts, with their keys and values, across calls.

One for all models of the process, bounded in bytes, least recently used first. A call whose prompt
begins like a cached one forwards only the rest, and one with the same prompt nothing. llama.cpp's
prompts are kept elsewhere (`condit.model.llama_pool`), but cleared from here.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from cachetools import Cache, LRUCache
from numpy.typing import NDArray

from condit.errors import ArgumentError

if TYPE_CHECKING:
    import torch

Key: TypeAlias = tuple[int, tuple[int, ...]]
"""The number of the owner, and the prompt."""

LIMIT = 512 * 2**20
"""Bytes of keys and values that are kept, unless `set_limit` says otherwise."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A prompt that was forwarded.

    Attributes:
        tokens: the prompt.
        layers: for each layer its keys and values, ``(1, heads, tokens, width)`` each.
        logits: after the last token, shape ``(vocabulary,)``.
    """

    tokens: NDArray[np.int64]
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    logits: torch.Tensor

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        total: int = self.logits.nbytes + self.tokens.nbytes
        for keys, values in self.layers:
            total += keys.nbytes + values.nbytes
        return total

    def shared(self, prompt: NDArray[np.int64]) -> int:
        """How many tokens ``prompt`` has in common with it, from the beginning."""
        length = min(len(prompt), len(self.tokens))
        differing = np.flatnonzero(self.tokens[:length] != prompt[:length])
        return int(differing[0]) if len(differing) else length


class PrefixCache:
    """The part of the cache that belongs to one model.

    Args:
        owner: the model; when it is garbage collected its prompts are dropped.
    """

    def __init__(self, owner: Any) -> None:
        self._key = next(_numbers)
        self._version: object = None
        # The garbage collector may run this at any time, so it takes no lock: see _locked.
        weakref.finalize(owner, _gone.append, self._key)

    def renew(self, version: object) -> None:
        """Drop the prompts of the owner if they were computed by another version of it."""
        with _locked():
            if version != self._version:
                _drop(self._key)
                self._version = version

    def find(self, prompt: Sequence[int]) -> tuple[Kept, int] | None:
        """The kept prompt that shares most with ``prompt``, and how many tokens; else ``None``.

        Of a prompt that is kept in whole all tokens count, as its logits are known; of any other
        at least the last is left, for its logits.
        """
        with _locked():
            best, most = self._best(prompt)
            if best is None:
                _counts["misses"] += 1
                return None
            _counts["hits"] += 1
            _counts["reused_tokens"] += most
            found: Kept = _kept[best]  # by this it counts as used
            return found, most

    def known(self, prompt: Sequence[int]) -> int:
        """How many tokens `find` would find."""
        with _locked():
            return self._best(prompt)[1]

    def _best(self, prompt: Sequence[int]) -> tuple[Key | None, int]:
        wanted = np.array(prompt, dtype=np.int64)
        best, most = None, 0
        for key in _kept:
            if key[0] != self._key:
                continue
            kept = _look(key)
            length = kept.shared(wanted)
            if not length == len(wanted) == len(kept.tokens):
                length = min(length, len(wanted) - 1)
            if length > most:
                best, most = key, length
        return best, most

    def add(
        self,
        prompt: Sequence[int],
        layers: Sequence[tuple[torch.Tensor, torch.Tensor]],
        logits: torch.Tensor,
    ) -> None:
        """Keep a prompt that was forwarded; one that is too large for the cache is not kept."""
        kept = Kept(np.array(prompt, dtype=np.int64), tuple(layers), logits)
        with _locked():
            if kept.nbytes <= _kept.maxsize:
                _kept[self._key, tuple(prompt)] = kept


def counts() -> dict[str, int]:
    """Prompts, tokens and bytes kept, the limit in bytes, and hits, misses and reused tokens."""
    with _locked():
        return {
            "prompts": len(_kept),
            "tokens": sum(len(prompt) for _, prompt in _kept),
            "bytes": int(_kept.currsize),
            "limit": int(_kept.maxsize),
            **_counts,
        }


class Keeper(Protocol):
    """A cache of prompts of another kind, such as llama.cpp's."""

    def clear(self) -> None:
        """Drop all of them."""


def clear_with_cache(keeper: Keeper) -> None:
    """Let `clear` clear ``keeper`` too; only a weak reference is kept."""
    _keepers.add(keeper)


def clear() -> None:
    """Drop every prompt, those of keepers too, and set the counts to 0."""
    for keeper in list(_keepers):
        keeper.clear()
    with _locked():
        _kept.clear()
        _counts.update(dict.fromkeys(_counts, 0))


def set_limit(limit: int) -> None:
    """Keep at most ``limit`` bytes; 0 keeps nothing.

    Raises:
        ArgumentError: it is negative.
    """
    global _kept
    if limit < 0:
        raise ArgumentError(f"the limit of the cache must be 0 bytes or more, not {limit}")
    with _locked():
        smaller = _new(limit)
        while _kept:
            key, kept = _kept.popitem()  # the one used longest ago
            if kept.nbytes <= limit:
                smaller[key] = kept
        _kept = smaller


def _look(key: Key) -> Kept:
    """The cached prompt, without counting that as a use."""
    return Cache.__getitem__(_kept, key)


def _new(limit: int) -> LRUCache[Key, Kept]:
    return LRUCache(maxsize=limit, getsizeof=lambda kept: kept.nbytes)


def _drop(owner: int) -> None:
    for key in [key for key in _kept if key[0] == owner]:
        del _kept[key]


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock of the cache, after dropping the prompts of owners that were collected."""
    with _lock:
        while _gone:
            _drop(_gone.popleft())
        yield


_lock = threading.RLock()
_numbers = itertools.count()
_gone: deque[int] = deque()
_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()
_kept = _new(LIMIT)
_counts = {"hits": 0, "misses": 0, "reused_tokens": 0}
