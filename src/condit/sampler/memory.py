"""What is kept between calls: for each problem that was met, the trie that it taught."""

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
from condit.sampler.trie import Trie


class _Question(NamedTuple):
    """What makes a problem the same one; models are compared by identity."""

    model: PrefixModel
    prompt: Sequence[int]
    constraint: Constraint | None
    law: BaseLaw
    max_tokens: int
    finish: bool

    @classmethod
    def of(cls, problem: Problem) -> _Question:
        return cls(
            problem.model,
            problem.prompt,
            problem.constraint,
            problem.law,
            problem.max_tokens,
            problem.finish,
        )


@dataclass(eq=False)
class _Entry:
    question: _Question
    version: object
    trie: Trie
    is_lent: bool = False
    """Whether a call is learning in it now."""


class Memory:
    """Lets calls to ``condit.generate`` learn from earlier ones with the same problem.

    The same problem is the same model object, prompt, constraint, base law (temperature, top-k,
    top-p) and ``max_tokens``; preferences, samplers and numbers of draws may differ. Each problem
    has a trie of the prefixes it has seen; see ``condit.sampler.trie``. Where memory is short, the
    prefixes used longest ago go first, and whole problems before that. What was learned of weights
    that have changed since is forgotten (see ``Model.version``).

    Calls from several threads may share it. Calls with the same problem at the same time learn
    apart from each other, each in a trie of its own that later calls go on with.

    Args:
        most_bytes: how much memory the tries may take together.

    Raises:
        ArgumentError: there is no room at all.
    """

    def __init__(self, most_bytes: int = 256 * 2**20) -> None:
        if most_bytes < 1:
            raise ArgumentError(f"most_bytes must be 1 or more, not {most_bytes}")
        self.most_bytes = most_bytes
        self._entries: list[_Entry] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many problems it knows."""
        known: list[_Question] = []
        for entry in list(self._entries):
            if entry.question not in known:
                known.append(entry.question)
        return len(known)

    def __repr__(self) -> str:
        return (
            f"<Memory of {len(self)} problems, {self.nodes} prefixes, "
            f"{self.bytes / 2**20:.1f} of {self.most_bytes / 2**20:.1f} MiB>"
        )

    @property
    def nodes(self) -> int:
        """How many prefixes it knows, over all problems."""
        return sum(entry.trie.nodes for entry in list(self._entries))

    @property
    def bytes(self) -> int:
        """What its tries take."""
        return sum(entry.trie.bytes for entry in list(self._entries))

    def clear(self) -> None:
        """Forget everything, but for what calls under way are using."""
        with self._lock:
            self._entries = []

    @contextmanager
    def borrow(self, problem: Problem) -> Iterator[Trie]:
        """What is known about ``problem``, for one call; where nothing is, an empty trie to keep.

        Nobody waits: while another call has it, there is a second trie for the same problem, which
        is kept as well.
        """
        entry = self._claim(problem)
        try:
            yield entry.trie
        except ConditError:
            raise
        except BaseException:
            # Broken off in the middle of anything, so that bounds may not have been carried up.
            with self._lock:
                self._entries = [each for each in self._entries if each is not entry]
            raise
        finally:
            with self._lock:
                entry.is_lent = False
                self._trim(last=entry)

    def _claim(self, problem: Problem) -> _Entry:
        question, version = _Question.of(problem), problem.model.version()
        with self._lock:
            # Nothing serves any more that was learned of weights which have changed.
            self._entries = [
                entry
                for entry in self._entries
                if entry.question.model is not problem.model
                or entry.version == version
                or entry.is_lent
            ]
            idle = [
                entry
                for entry in self._entries
                if not entry.is_lent and entry.version == version and entry.question == question
            ]
            entry = idle[-1] if idle else _Entry(question, version, Trie(self.most_bytes))
            # The last is the one used last.
            self._entries = [each for each in self._entries if each is not entry] + [entry]
            entry.is_lent = True
            self._trim(last=entry)
        return entry

    def _trim(self, last: _Entry) -> None:
        """Forget the problems used longest ago until the rest fits, but for those in use."""
        for entry in list(self._entries):
            if self.bytes <= self.most_bytes:
                break
            if entry is not last and not entry.is_lent:
                self._entries.remove(entry)
        last.trie.evict()
