"""Runs of words of a text that stand in a corpus, and when one is too long."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.corpus.places import Places
from condit.corpus.words import UNIT, goes_on, one_goes_on
from condit.forbidden.characters import first, last

_NARROW = 16
"""Of a run at more places it is kept what follows: to find that takes many steps."""

_MOST_KNOWN = 200_000


class Run(NamedTuple):
    """A run of the text that stands in the corpus.

    Attributes:
        low: the first of its places, in their order.
        high: the one after the last.
        depth: how many bytes it has.
        units: how many words, the last perhaps not as a whole; or characters.
    """

    low: int
    high: int
    depth: int
    units: int


@dataclass(frozen=True, eq=False)
class Runs:
    """What runs of a corpus are.

    Attributes:
        places: of an index with borders of words.
        longest: the most units that a run may have.
        characters: whether characters are counted, and not words.
    """

    places: Places
    longest: int
    characters: bool
    _known: dict[tuple[Run, bytes], Run | None] = field(default_factory=dict, repr=False)

    @property
    def begun(self) -> Run:
        """The empty run, which stands everywhere."""
        return Run(0, len(self.places), 0, 0)

    def narrowed(self, run: Run, byte: int) -> Run | None:
        """A run after a byte of a character; ``None`` where the corpus has it nowhere."""
        low, high = self.places.narrowed(run.low, run.high, run.depth, byte)
        return Run(low, high, run.depth + 1, run.units) if low < high else None

    def counted(self, run: Run) -> Run:
        """A run with its last character, if that is counted."""
        marks = self.places.marks
        if not self.characters and marks is not None:
            place = int(self.places.order[run.low]) + run.depth - 1
            if not int(marks[place]) & UNIT:
                return run
        return run._replace(units=run.units + 1)

    def longer(self, run: Run, character: bytes, *, counts: bool = True) -> Run | None:
        """A run after a character; ``None`` where the corpus has it nowhere.

        Args:
            run: the run.
            character: its bytes, or some of them where it does not count yet.
            counts: whether it does.
        """
        if run.high - run.low <= _NARROW or not counts:
            return self._longer(run, character, counts=counts)
        key = run, character
        known = self._known.get(key, run)
        if known is run:  # another thread may have cleared them in between
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = self._longer(run, character, counts=True)
        return known

    def _longer(self, run: Run, character: bytes, *, counts: bool) -> Run | None:
        low, high, depth, units = run
        narrowed = self.places.narrowed
        for byte in character:
            low, high = narrowed(low, high, depth, byte)
            if low == high:
                return None
            depth += 1
        after = Run(low, high, depth, units)
        return self.counted(after) if counts else after

    def too_long(self, run: Run) -> bool:
        """Whether a run is too long, if no word goes on behind it."""
        if run.units <= self.longest:
            return False
        return self.characters or self.places.stops(run.low, run.high, run.depth)

    def exhausted(self, run: Run, begun: bytes) -> bool:
        """Whether every way to finish a character makes a run too long.

        Args:
            run: with the bytes of it that were written.
            begun: those.
        """
        if run.units < self.longest:
            return False
        state = state_after(begun)
        if state == BETWEEN:
            ends = self.characters or not goes_on(begun.decode())
            return ends and self.too_long(self.counted(run))
        following = [byte for byte, _, _ in self.places.following(*run[:3])]
        if len(following) < sum(each != REFUSED for each in NEXT[state]):
            return False
        further = ((self.narrowed(run, byte), begun + bytes((byte,))) for byte in following)
        return all(after is not None and self.exhausted(after, text) for after, text in further)


@lru_cache(maxsize=4096)
def may_go_on(begun: bytes) -> bool:
    """Whether a character that begins so may belong to a word of several."""
    return one_goes_on(first(begun), last(begun))
