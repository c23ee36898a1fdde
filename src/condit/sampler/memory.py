"""Memory between calls: for each problem drawn from, the trie of what was learned.

What a trie holds is in ``trie.py``. Caches of prompts and drafts are elsewhere (``condit.cache``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from condit.constraint.base import Constraint
from condit.errors import ArgumentError, ConditError
from condit.model.base import PrefixModel
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.sampler.seam import Seam
from condit.sampler.trie import Trie


class _Key(NamedTuple):
    """The parts of a problem that its trie depends on; models are compared by identity."""

    model: PrefixModel
    prompt: Sequence[int]
    constraint: Constraint | None
    law: BaseLaw
    max_tokens: int
    finish: bool
    seam: Seam | None
    stops: tuple[bytes, ...]

    @classmethod
    def of(cls, problem: Problem) -> _Key:
        return cls(
            problem.model.computed_by,
            problem.prompt,
            problem.constraint,
            problem.law,
            problem.max_tokens,
            problem.finish,
            problem.seam,
            problem.stops,
        )


@dataclass(eq=False)
class _Entry:
    key: _Key
    version: object
    trie: Trie
    is_lent: bool = False
    """Whether a call is using it now."""


class Memory:
    """Lets calls to ``condit.generate`` learn from earlier ones with the same problem.

    The same problem is the same model object (``Model.computed_by``), prompt, constraint, base law
    (temperature, top-k, top-p) and ``max_tokens``; preferences, samplers and numbers of draws may
    differ. Each problem has a trie of prefixes; see ``condit.sampler.trie``. Beyond ``most_bytes``
    the problems used longest ago are dropped, then the prefixes used longest ago. A trie is dropped
    when the model's weights have changed (see ``Model.version``).

    Safe to use from several threads. Calls with the same problem at the same time use separate
    tries, all of which are kept for later calls.

    Args:
        most_bytes: the most memory that the tries may take together, in bytes.

    Raises:
        ArgumentError: ``most_bytes`` is less than 1.
    """

    def __init__(self, most_bytes: int = 256 * 2**20) -> None:
        if most_bytes < 1:
            raise ArgumentError(f"most_bytes must be 1 or more, not {most_bytes}")
        self.most_bytes = most_bytes
        self._entries: list[_Entry] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many different problems it has tries for."""
        known: list[_Key] = []
        for entry in list(self._entries):
            if entry.key not in known:
                known.append(entry.key)
        return len(known)

    def __repr__(self) -> str:
        return (
            f"<Memory of {len(self)} problems, {self.nodes} prefixes, "
            f"{self.bytes / 2**20:.1f} of {self.most_bytes / 2**20:.1f} MiB>"
        )

    @property
    def nodes(self) -> int:
        """How many prefixes its tries hold."""
        return sum(entry.trie.nodes for entry in list(self._entries))

    @property
    def bytes(self) -> int:
        """Memory of its tries in bytes."""
        return sum(entry.trie.bytes for entry in list(self._entries))

    def clear(self) -> None:
        """Drop all tries; calls that run now keep using theirs."""
        with self._lock:
            self._entries = []

    @contextmanager
    def borrow(self, problem: Problem) -> Iterator[Trie]:
        """The trie of ``problem`` for the use of one call; an empty one if there is none.

        Never blocks: if other calls use all tries of the problem, another one is made, and kept.
        """
        entry = self._claim(problem)
        try:
            yield entry.trie
        except ConditError:
            raise
        except BaseException:
            # Interrupted anywhere: bounds in the trie may be inconsistent, so it is dropped.
            with self._lock:
                self._entries = [each for each in self._entries if each is not entry]
            raise
        finally:
            with self._lock:
                entry.is_lent = False
                self._trim(last=entry)

    def _claim(self, problem: Problem) -> _Entry:
        key = _Key.of(problem)
        version = key.model.version()
        with self._lock:
            # Tries of earlier weights of the model are of no use.
            self._entries = [
                entry
                for entry in self._entries
                if entry.key.model is not key.model or entry.version == version or entry.is_lent
            ]
            idle = [
                entry
                for entry in self._entries
                if not entry.is_lent and entry.version == version and entry.key == key
            ]
            entry = idle[-1] if idle else _Entry(key, version, Trie(self.most_bytes))
            # Sorted by last use.
            self._entries = [each for each in self._entries if each is not entry] + [entry]
            entry.is_lent = True
            self._trim(last=entry)
        return entry

    def _trim(self, last: _Entry) -> None:
        """Drop tries used longest ago until the rest fits, except ``last`` and those in use."""
        for entry in list(self._entries):
            if self.bytes <= self.most_bytes:
                break
            if entry is not last and not entry.is_lent:
                self._entries.remove(entry)
        last.trie.evict()
