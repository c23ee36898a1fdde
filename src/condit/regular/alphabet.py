"""The characters that some automata tell apart together: the finest of their classes.

What an automaton does with a character is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from condit.constraint.regular.characters import Ranges
from condit.constraint.regular.classes import Class, Classes


@dataclass(frozen=True, eq=False)
class Atom:
    """Characters that no automaton tells apart, but for those that a group has captured.

    Attributes:
        sets: for each automaton its sets that they are in, as bits.
        ranges: the characters.
        size: how many they are.
    """

    sets: tuple[int, ...]
    ranges: Ranges
    size: int

    def members(self) -> Iterator[str]:
        """The characters, usual ones first."""
        low = tuple(each for each in self.ranges if each[0] < _ASCII)
        usual = Class(0, 0, tuple((a, min(b, _ASCII - 1)) for a, b in low))
        yield from usual.members()
        for start, end in self.ranges:
            yield from map(chr, range(max(start, _ASCII), end + 1))

    def __contains__(self, character: str) -> bool:
        point = ord(character)
        return any(low <= point <= high for low, high in self.ranges)


_ASCII = 0x80


def common(classes: Sequence[Classes]) -> list[Atom]:
    """The classes of characters that are in the same class of each."""
    spans = [_spans(each) for each in classes]
    together: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    at = [0] * len(spans)
    # All of them divide the same characters, so that all end together.
    while at[0] < len(spans[0]):
        here = [spans[i][place] for i, place in enumerate(at)]
        low = max(each[0] for each in here)
        high = min(each[1] for each in here)
        together.setdefault(tuple(each[2] for each in here), []).append((low, high))
        at = [place + (each[1] == high) for place, each in zip(at, here, strict=True)]
    return [
        Atom(sets, tuple(ranges), sum(high - low + 1 for low, high in ranges))
        for sets, ranges in together.items()
    ]


@lru_cache(maxsize=256)
def _spans(classes: Classes) -> list[tuple[int, int, int]]:
    """Ranges of characters in order, each with the sets that hold it."""
    return sorted((low, high, each.sets) for each in classes.classes for low, high in each.ranges)
