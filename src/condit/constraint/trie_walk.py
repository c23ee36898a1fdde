"""The mask of a state of a byte matcher: a walk of the vocabulary's trie, level by level.

A node is *alive* if its bytes may come. As long as many nodes of each level are alive, whole levels
are computed; then only the children of nodes that are alive; and few of these one by one. Where
many bytes lead from a state back to it, as inside a free text (a *self-loop*), the tokens made of
those are found once for each set of such bytes, and only the bytes that leave the loop are walked.
"""

from __future__ import annotations

from itertools import pairwise
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

_MANY_BYTES = 64
"""Self-loops of fewer bytes are not treated apart."""

_ALIVE = 0.2
"""Whole levels are computed where more than this share of their nodes is alive."""

_LEVEL = 24
"""How many nodes can be walked one by one in the time that one level takes."""


def text_mask(
    machine: ByteMatcher[State],
    state: State,
    trie: VocabularyTrie,
    transitions: ByteTransitions[State],
) -> NDArray[np.uint32] | None:
    """The tokens that are text and may come at ``state``, packed, without the end token.

    ``None`` where that takes more states than ``transitions`` allow, whatever is already in them.
    """
    try:
        return _Walk(machine, trie, transitions).mask(state)
    except TooManyStatesError:
        return None
    finally:
        transitions.end()


class _Walk(Generic[State]):
    """One walk.

    Attributes:
        reached: nodes that are alive, from walks of some nodes.
        alive: whether each node of the first levels is alive, where those were computed as a whole.
        stays: masks of tokens that stay in a self-loop.
    """

    def __init__(
        self,
        machine: ByteMatcher[State],
        trie: VocabularyTrie,
        transitions: ByteTransitions[State],
    ) -> None:
        self._machine, self._trie, self._transitions = machine, trie, transitions
        self.reached: list[Nodes] = []
        self.alive: NDArray[np.bool_] | None = None
        self.stays: list[NDArray[np.uint32]] = []

    def mask(self, state: State) -> NDArray[np.uint32]:
        trie, number = self._trie, self._transitions.begin(state)
        nodes = np.arange(1, trie.children[1], dtype=np.int32)
        numbers = self._after(number, trie.last_bytes[nodes])
        targets, counts = np.unique(numbers, return_counts=True)
        for target in targets[counts >= _MANY_BYTES].tolist():
            if target != REFUSED:
                numbers = self._take_self_loop(target, nodes, numbers)
        if len(nodes) and np.count_nonzero(numbers) > _ALIVE * len(nodes):
            self._whole_levels(numbers)
        else:
            self._go_on(nodes, numbers)
        mask = trie.mask_of(self.reached, self.alive)
        for stays in self.stays:
            mask |= stays
        return mask

    def _after(self, numbers: Numbers | int, last_bytes: NDArray[np.uint8]) -> Numbers:
        return self._transitions.after(self._machine, numbers + last_bytes.astype(np.int32))

    def _take_self_loop(self, number: int, nodes: Nodes, numbers: Numbers) -> Numbers:
        """Find the tokens whose first byte leads to a self-loop and belongs to it.

        Args:
            number: the state that may have the loop.
            nodes: the children of the root.
            numbers: the states at those.

        Returns:
            ``numbers``, with ``REFUSED`` for the nodes that need no other walk.
        """
        trie = self._trie
        row = self._after(number, np.arange(256, dtype=np.uint8))
        stay, first_bytes = row == number, trie.last_bytes[nodes]
        among = np.zeros(256, dtype=np.bool_)
        among[first_bytes] = (numbers == number) & stay[first_bytes]
        if np.count_nonzero(among) < _MANY_BYTES:
            return numbers
        found = trie.within(stay)
        inside = found.inside
        if (among != stay)[first_bytes].any():
            inside = inside & pack(among[trie.first_of_tokens])
        self.stays.append(inside)
        exits = found.exits[among[trie.first_bytes[found.exits]]]
        self._go_on(exits, row[trie.last_bytes[exits]])
        return np.where(among[first_bytes], np.int32(REFUSED), numbers)

    def _whole_levels(self, numbers: Numbers) -> None:
        """Walk below the children of the root, as long as many nodes of each level are alive."""
        trie = self._trie
        at = np.empty(len(trie.parents), dtype=np.int32)
        at[0], at[1 : trie.levels[2]] = REFUSED, numbers
        for start, stop in pairwise(trie.levels[1:]):
            level = at[start:stop]
            if start > 1:
                keys = at.take(trie.parents[start:stop])
                keys += trie.last_bytes[start:stop]
                self._transitions.after(self._machine, keys, out=level)
            if np.count_nonzero(level) <= _ALIVE * len(level):
                break
        self.alive = at[:start] != REFUSED
        self._go_on(np.arange(start, stop, dtype=np.int32), at[start:stop])

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
            starts = trie.children[nodes]
            counts = trie.children[nodes + 1] - starts
            nodes = ranges(starts, counts)
            numbers = self._after(np.repeat(numbers, counts), trie.last_bytes[nodes])

    def _one_by_one(self, nodes: Nodes, numbers: Numbers) -> None:
        # Memory views: reading one number of a numpy array takes three times as long.
        children, last_bytes = self._trie.children.data, self._trie.last_bytes.data
        after_one, machine = self._transitions.after_one, self._machine
        waiting = list(zip(nodes.tolist(), numbers.tolist(), strict=True))
        place = 0
        while place < len(waiting):
            node, number = waiting[place]
            place += 1
            for child in range(children[node], children[node + 1]):
                after = after_one(machine, number + last_bytes[child])
                if after != REFUSED:
                    waiting.append((child, after))
        found = np.array(waiting[len(nodes) :], dtype=np.int32).reshape(-1, 2)
        self._transitions.meet(found[:, 1])
        self.reached.append(found[:, 0])
