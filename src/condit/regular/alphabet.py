"""The characters that some automata tell apart together: the finest of their classes.

What an automaton does with a character is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
    first, *others = map(_spans, classes)
    spans: list[tuple[int, int, Any]] = first
    for each in others:
        spans = _overlaps(spans, each)
    together: dict[Any, list[tuple[int, int]]] = {}
    for low, high, sets in spans:
        together.setdefault(sets, []).append((low, high))
    return [
        Atom(_flat(sets), tuple(ranges), sum(high - low + 1 for low, high in ranges))
        for sets, ranges in together.items()
    ]


@lru_cache(maxsize=256)
def _spans(classes: Classes) -> list[tuple[int, int, int]]:
    """Ranges of characters in order, each with the sets that hold it."""
    return sorted((low, high, each.sets) for each in classes.classes for low, high in each.ranges)


def _overlaps(
    ones: list[tuple[int, int, Any]], others: list[tuple[int, int, int]]
) -> list[tuple[int, int, Any]]:
    """The ranges of characters that lie in one range of each, with the sets of both."""
    found = []
    # Both divide the same characters, so that both end together.
    rest = iter(others)
    low, high, sets = next(rest)
    for start, end, held in ones:
        while high < end:
            found.append((start if start > low else low, high, (held, sets)))
            low, high, sets = next(rest)
        found.append((start if start > low else low, end, (held, sets)))
        if high == end:
            low, high, sets = next(rest, (0, 0, 0))
    return found


def _flat(sets: Any) -> tuple[int, ...]:
    return (*_flat(sets[0]), sets[1]) if isinstance(sets, tuple) else (sets,)
