"""The mask of a state of a byte matcher: a walk of the vocabulary's trie, level by level.

Where many nodes of a level are alive the whole level is looked at, else only the children of those.
What is left below few nodes is walked one by one. A state that most bytes leave as it is, such as
one inside a free text, is a *plateau*: the tokens that stay on it are known once for each set of
such bytes, and only those that leave it are walked.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.constraint.byte_matcher import ByteMatcher, State
from condit.constraint.byte_transitions import (
    REFUSED,
    ByteTransitions,
    Numbers,
    TooManyStatesError,
)
from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie, ranges

MOST_STATES = 2048
"""A walk that meets more states than that is dear: tokens are better asked about one by one."""

_MANY_BYTES = 64
"""A plateau is worth the while from so many bytes on."""

_LEVEL = 24
"""So many nodes are walked one by one in the time that one level takes."""


def text_mask(
    machine: ByteMatcher[State],
    state: State,
    trie: VocabularyTrie,
    transitions: ByteTransitions[State],
) -> NDArray[np.uint32] | None:
    """The tokens that are text and may come at ``state``, packed, without the end token.

    ``None`` where that takes more than ``MOST_STATES`` states: a function of the machine, the state
    and the vocabulary alone, whatever ``transitions`` knows.
    """
    try:
        return _Walk(machine, trie, transitions).mask(state)
    except TooManyStatesError:
        return None


class _Walk(Generic[State]):
    """One walk.

    Attributes:
        reached: nodes that are spelled by bytes that may come.
        stays: masks of tokens that stay on a plateau.
    """

    def __init__(
        self,
        machine: ByteMatcher[State],
        trie: VocabularyTrie,
        transitions: ByteTransitions[State],
    ) -> None:
        self._machine, self._trie, self._transitions = machine, trie, transitions
        self.reached: list[Nodes] = []
        self.stays: list[NDArray[np.uint32]] = []

    def mask(self, state: State) -> NDArray[np.uint32]:
        trie, number = self._trie, self._transitions.begin(state)
        nodes = np.arange(1, trie.children[1], dtype=np.int32)
        numbers = self._after(number, trie.last_bytes[nodes])
        for target in np.flatnonzero(np.bincount(numbers) >= _MANY_BYTES).tolist():
            if target != REFUSED:
                self._leave_plateau(target, nodes, numbers)
        self._go_on(nodes, numbers)
        mask = trie.mask_of(self.reached)
        for stays in self.stays:
            mask |= stays
        return mask

    def _after(self, numbers: Numbers | int, last_bytes: NDArray[np.uint8]) -> Numbers:
        keys: Numbers = 256 * numbers + last_bytes.astype(np.int32)
        return self._transitions.after(self._machine, keys)

    def _leave_plateau(self, number: int, nodes: Nodes, numbers: Numbers) -> None:
        """Walk below those first bytes that lead to a plateau and lie on it; take them out.

        Args:
            number: of the state that may be a plateau.
            nodes: the children of the root.
            numbers: of the states there; changed.
        """
        trie = self._trie
        row = self._after(number, np.arange(256, dtype=np.uint8))
        stay, first_bytes = row == number, trie.last_bytes[nodes]
        among = np.zeros(256, dtype=np.bool_)
        among[first_bytes] = (numbers == number) & stay[first_bytes]
        if np.count_nonzero(among) < _MANY_BYTES:
            return
        plateau = trie.plateau(stay)
        inside = plateau.inside
        if (among != stay)[first_bytes].any():
            inside = inside & pack(among[trie.first_of_tokens])
        self.stays.append(inside)
        exits = plateau.exits[among[trie.first_bytes[plateau.exits]]]
        self._go_on(exits, row[trie.last_bytes[exits]])
        numbers[among[first_bytes]] = REFUSED

    def _go_on(self, nodes: Nodes, numbers: Numbers) -> None:
        """Walk what lies below ``nodes``, at which the states have those ``numbers``."""
        trie = self._trie
        while True:
            alive = np.flatnonzero(numbers)
            nodes, numbers = nodes[alive], numbers[alive]
            self.reached.append(nodes)
            if not len(nodes):
                return
            if len(nodes) < _LEVEL:
                height = int(trie.height[nodes].max())
                if int(trie.below[nodes].sum()) <= _LEVEL * height:
                    self._one_by_one(nodes, numbers)
                    return
            nodes, numbers = self._children(nodes, numbers)

    def _children(self, nodes: Nodes, numbers: Numbers) -> tuple[Nodes, Numbers]:
        """The children of ``nodes``, and the numbers of the states there."""
        trie = self._trie
        depth = bisect_right(trie.levels, nodes[0])
        above, start, stop = (*trie.levels, trie.levels[-1])[depth - 1 : depth + 2]
        if nodes[-1] < start and 4 * len(nodes) > start - above:
            level = np.zeros(start - above, dtype=np.int32)
            level[nodes - above] = numbers
            children = np.arange(start, stop, dtype=np.int32)
            return children, self._after(
                level[trie.parents[start:stop] - above], trie.last_bytes[start:stop]
            )
        starts = trie.children[nodes]
        counts = trie.children[nodes + 1] - starts
        children = ranges(starts, counts)
        return children, self._after(np.repeat(numbers, counts), trie.last_bytes[children])

    def _one_by_one(self, nodes: Nodes, numbers: Numbers) -> None:
        # Views, for numpy takes three times as long to give a single number.
        children, last_bytes = self._trie.children.data, self._trie.last_bytes.data
        after_one, machine, found = self._transitions.after_one, self._machine, []
        waiting = list(zip(nodes.tolist(), numbers.tolist(), strict=True))
        while waiting:
            node, number = waiting.pop()
            for child in range(children[node], children[node + 1]):
                after = after_one(machine, number, last_bytes[child])
                if after != REFUSED:
                    found.append(child)
                    waiting.append((child, after))
        self._transitions.check()
        self.reached.append(np.array(found, dtype=np.int32))
