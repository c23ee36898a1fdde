"""What is kept between calls: for each problem that was met, the trie that it taught."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.model.base import Model
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.sampler.trie import Trie


@dataclass(eq=False)
class _Entry:
    model: Model
    version: object
    prompt: Sequence[int]
    constraint: Constraint | None
    law: BaseLaw
    max_tokens: int
    finish: bool
    trie: Trie
    borrower: int | None = None
    """The thread whose call is learning in it now."""

    def matches(self, problem: Problem, version: object) -> bool:
        return (
            self.model is problem.model
            and self.version == version
            and self.prompt == problem.prompt
            and self.law == problem.law
            and self.max_tokens == problem.max_tokens
            and self.finish == problem.finish
            and self.constraint == problem.constraint
        )


class Memory:
    """Lets calls to ``condit.generate`` learn from earlier ones with the same problem.

    The same problem is the same model object, prompt, constraint, base law (temperature, top-k,
    top-p) and ``max_tokens``; preferences, samplers and numbers of draws may differ. Each problem
    has a trie of the prefixes it has seen; see ``condit.sampler.trie``. Where memory is short, the
    prefixes used longest ago go first, and whole problems before that. What was learned of weights
    that have changed since is forgotten (see ``Model.version``).

    Calls from several threads may share it: those with the same problem wait for each other, as
    each goes on with what the one before has learned, and those with different problems do not.

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
        self._given_back = threading.Condition()

    def __len__(self) -> int:
        """How many problems it knows."""
        return len(self._entries)

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
        with self._given_back:
            self._entries = []

    @contextmanager
    def borrow(self, problem: Problem) -> Iterator[Trie]:
        """What is known about ``problem``, for one call; where nothing is, an empty trie to keep.

        Waits while a call of another thread has it. A call within a call (of a preference that
        draws, say) that would have to wait gets an empty trie, which is not kept.
        """
        entry = self._claim(problem)
        try:
            yield entry.trie
        finally:
            with self._given_back:
                self._trim(last=entry)
                entry.borrower = None
                self._given_back.notify_all()

    def _claim(self, problem: Problem) -> _Entry:
        version = problem.model.version()
        thread = threading.get_ident()
        with self._given_back:
            while True:
                entry = self._entry_of(problem, version)
                if entry.borrower is None:
                    break
                if any(each.borrower == thread for each in self._entries):
                    # It would wait for itself, or for one that may be waiting for it.
                    return self._new_entry(problem, version)
                self._given_back.wait()
            entry.borrower = thread
            self._trim(last=entry)
        return entry

    def _entry_of(self, problem: Problem, version: object) -> _Entry:
        """The entry of a problem, made where there is none; it becomes the one used last."""
        self._entries = [
            entry
            for entry in self._entries
            if entry.model is not problem.model or entry.version == version or entry.borrower
        ]
        for entry in self._entries:
            if entry.matches(problem, version):
                self._entries.remove(entry)
                break
        else:
            entry = self._new_entry(problem, version)
        self._entries.append(entry)
        return entry

    def _new_entry(self, problem: Problem, version: object) -> _Entry:
        return _Entry(
            problem.model,
            version,
            problem.prompt,
            problem.constraint,
            problem.law,
            problem.max_tokens,
            problem.finish,
            Trie(self.most_bytes),
        )

    def _trim(self, last: _Entry) -> None:
        """Forget the problems used longest ago until the rest fits, but for those in use."""
        for entry in list(self._entries):
            if self.bytes <= self.most_bytes:
                break
            if entry is not last and entry.borrower is None:
                self._entries.remove(entry)
        last.trie.evict()
