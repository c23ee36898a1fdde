"""The byte matcher of places: what has been written stands at an interval of them.

A state is the interval, how many bytes were written, and how many words (or characters): the text
follows from these. For wide intervals masks are found at once for all tokens, see ``masks.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.corpus.masks import mask_at
from condit.corpus.places import Places
from condit.corpus.words import END, STOP, STUCK, UNIT

_ENDINGS, _FIRST_ENDINGS = 64, 2048
"""So many places of an interval are looked at for a short ending, and before the first byte: that
ending says how many tokens a text needs."""

_QUICK = 16
"""With so few places a mask takes some dozens of microseconds."""

_IN_WORDS = frozenset(b"abcdefghijklmnopqrstuvwxyz")


class Written(NamedTuple):
    """What has been written, as the places at which it stands.

    Attributes:
        low: the first of the places in their order.
        high: the one after the last.
        depth: how many bytes were written.
        units: how many words, or characters.
    """

    low: int
    high: int
    depth: int
    units: int


@dataclass(frozen=True)
class PlacesMachine(ByteMatcher[Written]):
    """Texts that stand at one of some places, and end at a stop.

    Attributes:
        places: the places.
        least: how many words (or characters) a text has at least; only where they are counted.
        most: how many at most; ``None``: any number.
    """

    places: Places
    least: int = 0
    most: int | None = None

    strength = Strength.EXACT
    searches_first = True

    @property
    def start(self) -> Written:  # type: ignore[override]
        """All places."""
        return Written(0, len(self.places), 0, 0)

    @property
    def alphabet(self) -> Collection[int]:  # type: ignore[override]
        """The bytes of the texts."""
        return self.places.alphabet

    def next(self, state: Written, byte: int) -> Written | None:
        """The places at which ``byte`` comes next, if from one of them a text can finish."""
        low, high = self.places.narrowed(state.low, state.high, state.depth, byte)
        return self._after(state, low, high) if low < high else None

    def _after(self, state: Written, low: int, high: int) -> Written | None:
        places, depth, units = self.places, state.depth + 1, state.units
        if places.marks is None:
            return Written(low, high, depth, 0)
        units += (int(places.marks[places.order[low] + state.depth]) & UNIT) != 0
        most = self.most
        if most is not None and units >= most:
            if units > most or not places.unmarked(low, high, depth, STUCK):
                return None
        elif units < self.least and not places.enough(low, high, self.least):
            return None
        return Written(low, high, depth, units)

    def may_stop(self, state: Written) -> bool:
        """Whether it is long enough, and at one of the places there is a stop."""
        if state.depth == 0 or state.units < self.least:
            return False
        return self.places.stops(state.low, state.high, state.depth)

    def options(self, state: Written) -> tuple[int, ...]:
        """The bytes that come next at the places."""
        following = self.places.following(state.low, state.high, state.depth)
        return tuple(
            byte for byte, low, high in following if self._after(state, low, high) is not None
        )

    def ending(self, state: Written) -> bytes | None:
        """The rest of the shortest string; of quotations the shortest at some of the places."""
        if self.places.marks is None:
            return self._ending_at(state, self.places.shortest(state.low, state.high))
        step = max(1, (state.high - state.low) // (_ENDINGS if state.depth else _FIRST_ENDINGS))
        found = (self._ending_at(state, row) for row in range(state.low, state.high, step))
        known = [each for each in found if each is not None]
        if not known and step > 1:
            every = (self._ending_at(state, row) for row in range(state.low, state.high))
            known = [each for each in every if each is not None][:1]
        return min(known, key=_pieces, default=None)

    def _ending_at(self, state: Written, row: int) -> bytes | None:
        places, units = self.places, state.units
        text, order = places.views
        if places.marks is None:
            begins = place = order[row] + state.depth
            while text[place] != END:
                place += 1
            return bytes(text[begins:place])
        if places.units is not None and places.units[row] < self.least:
            return None
        marks = places.marks.data
        begins = place = order[row] + state.depth
        while not (place > order[row] and units >= self.least and marks[place] & STOP):
            if text[place] == END:
                return None
            units += (marks[place] & UNIT) != 0
            if self.most is not None and units > self.most:
                return None
            place += 1
        return bytes(text[begins:place])

    def has_quick_mask(self, state: Written) -> bool:
        """Where the text stands at few places, as nearly always, and hardly ever again."""
        return state.high - state.low <= _QUICK

    def own_mask(self, state: Written, trie: VocabularyTrie) -> NDArray[np.uint32]:
        """All tokens that stand at one of the places next, packed."""
        return mask_at(self.places, state, self.least, self.most, trie)


def _pieces(text: bytes) -> tuple[int, bytes]:
    """Roughly how many tokens a text takes in vocabularies of words, to compare texts by."""
    return len(text) // 8 + sum(byte not in _IN_WORDS for byte in text), text
