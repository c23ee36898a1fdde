"""A component lifted to tokens: at each of its rows, where each token leads and what it counts.

A row is a state, or a place within a character (see ``component.py``). What is found for a row
serves all counts there: tokens that lead to one row with one gain make a *group*, and a count
allows whole groups. Masks are kept by which groups are allowed; far from a bound that is the same
at each count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.constraint.lexical.component import Component
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.vocabulary import Vocabulary

_Numbers = NDArray[np.int32]
_Mask = NDArray[np.uint32]

MEMORY = 48 << 20
"""Bytes that the tables of one component and vocabulary may take, about."""


@dataclass(eq=False, slots=True)
class Row:
    """What is known at one row.

    Attributes:
        number: the row.
        viable: the counts, as bits, from which the text can become right.
        moves: by token the row after it and its gain; ``None`` where it is refused.
        groups: for each token the number of its group, the last for what no count allows; ``None``
            if no mask was asked for.
        targets: for each group the row after it and its gain.
        masks: by the groups that are allowed, as bits, the packed mask of their tokens.
        by_count: by count one of ``masks``.
    """

    number: int
    viable: int
    moves: dict[int, tuple[Row, int] | None] = field(default_factory=dict)
    groups: NDArray[np.uint16] | None = None
    targets: list[tuple[Row, int]] = field(default_factory=list)
    masks: dict[int, _Mask] = field(default_factory=dict)
    by_count: dict[int, _Mask] = field(default_factory=dict)


class Table:
    """The rows of one component over one vocabulary, found when they are asked for.

    Its component's ``cap`` is kept here, and whether the count ``saturates`` there.

    What is kept is bounded; what was dropped is found again, the same. In several threads at once
    the same may be found twice.
    """

    def __init__(self, component: Component, vocabulary: Vocabulary) -> None:
        self.component, self.cap = component, component.cap
        self.saturates = component.most is None
        self._bytes = vocabulary.bytes
        self._trie = VocabularyTrie.of(vocabulary)
        self._rows: dict[int, Row] = {}
        self._size = 0
        self._from_start: tuple[_Numbers, _Numbers] | None = None

    def row(self, number: int) -> Row:
        """The entry of a row."""
        found = self._rows.get(number)
        if found is None:
            found = Row(number, self.component.viable_at(number))
            found = self._rows.setdefault(number, found)
        return found

    def move(self, row: Row, token: int) -> tuple[Row, int] | None:
        """The row after a token that is text, and its gain; ``None``: refused at any count."""
        if token in row.moves:
            return row.moves[token]
        if row.groups is not None:
            number, targets = row.groups.item(token), row.targets
            return targets[number] if number < len(targets) else None
        found = None
        text = self._bytes[token]
        after = self.component.after_bytes(row.number, text) if text else None
        if after is not None:
            there = self.row(after[0])
            if there.viable:
                found = there, after[1]
        row.moves[token] = found
        return found

    def mask(self, row: Row, count: int) -> _Mask:
        """The tokens, the end not among them, that are allowed at a count; not to be changed."""
        found = row.by_count.get(count)
        if found is not None:
            return found
        if row.groups is None:
            self._fill(row)
        component = self.component
        allowed = 0
        for number, (there, gain) in enumerate(row.targets):
            after = component.counted(count, gain)
            if after <= component.cap and there.viable >> after & 1:
                allowed |= 1 << number
        mask = row.masks.get(allowed)
        if mask is None:
            among = np.zeros(len(row.targets) + 1, dtype=np.bool_)
            among[[number for number in range(len(row.targets)) if allowed >> number & 1]] = True
            mask = row.masks[allowed] = pack(among[row.groups])
            self._grow(mask.nbytes)
        row.by_count[count] = mask
        self._grow(100)
        return mask

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MEMORY:
            self._size = 0
            for each in list(self._rows.values()):
                each.groups, each.targets, each.masks, each.by_count = None, [], {}, {}

    def _fill(self, row: Row) -> None:
        """Find the groups of all tokens: a walk of the vocabulary's trie, level by level."""
        rows, gains = self._walk(row.number)
        node_of_tokens = self._trie.node_of_tokens
        after, gained = rows[node_of_tokens], gains[node_of_tokens]
        after[node_of_tokens == 0] = -1
        keys = np.where(after < 0, np.int64(-1), after.astype(np.int64) << 16 | gained)
        distinct, inverse = np.unique(keys, return_inverse=True)
        targets: list[tuple[Row, int]] = []
        numbers = np.zeros(len(distinct), dtype=np.int64)
        refused = []
        for place, key in enumerate(distinct.tolist()):
            there = self.row(key >> 16) if key >= 0 else None
            if there is None or not there.viable:
                refused.append(place)
                continue
            numbers[place] = len(targets)
            targets.append((there, key & 0xFFFF))
        numbers[refused] = len(targets)
        row.targets = targets
        row.groups = numbers[inverse].astype(np.uint16)
        self._grow(row.groups.nbytes)

    def _walk(self, number: int) -> tuple[_Numbers, _Numbers]:
        """For each node of the trie the row there, -1 where it is refused, and the gain."""
        component, trie = self.component, self._trie
        steps, moves = component.alphabet.steps, component.steps
        size, nodes = len(trie.parents), component.nodes
        states, places = np.full(size, -1, dtype=np.int32), np.zeros(size, dtype=np.int32)
        gains = np.zeros(size, dtype=np.int32)
        states[0], places[0] = divmod(number, nodes)
        for start, stop in pairwise(trie.levels[1:]):
            parents = trie.parents[start:stop]
            place = steps[places[parents], trie.last_bytes[start:stop]]
            state, gain = states[parents], gains[parents]
            whole = np.flatnonzero((place <= -2) & (state >= 0))
            numbers, before = -2 - place[whole], state[whole]
            gain[whole] += component.gains[before, numbers]
            state[place == -1] = -1
            state[whole] = moves[before, numbers]
            place[place < 0] = 0
            states[start:stop], places[start:stop], gains[start:stop] = state, place, gain
        states *= nodes
        states += places
        states[states < 0] = -1
        return states, np.minimum(gains, 0xFFFF)
