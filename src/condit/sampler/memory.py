"""What is kept between calls: for each problem that was met, the trie that it taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.model.base import Model
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.sampler.trie import Trie


@dataclass(frozen=True)
class _Entry:
    model: Model
    prompt: Sequence[int]
    constraint: Constraint | None
    law: BaseLaw
    max_tokens: int
    finish: bool
    trie: Trie

    def matches(self, problem: Problem) -> bool:
        return (
            self.model is problem.model
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
    prefixes used longest ago go first, and whole problems before that.

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
        return sum(entry.trie.nodes for entry in self._entries)

    @property
    def bytes(self) -> int:
        """What its tries take."""
        return sum(entry.trie.bytes for entry in self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def trie_of(self, problem: Problem) -> Trie:
        """What is known about ``problem``; an empty trie, kept from now on, where nothing is."""
        for entry in self._entries:
            if entry.matches(problem):
                self._entries.remove(entry)
                break
        else:
            entry = _Entry(
                problem.model,
                problem.prompt,
                problem.constraint,
                problem.law,
                problem.max_tokens,
                problem.finish,
                Trie(self.most_bytes),
            )
        self._entries.append(entry)  # the last is the one used last
        self.trim()
        return entry.trie

    def trim(self) -> None:
        """Forget the problems used longest ago until the rest fits; the last one always stays."""
        while len(self._entries) > 1 and self.bytes > self.most_bytes:
            del self._entries[0]
        if self._entries:
            self._entries[-1].trie.evict()
