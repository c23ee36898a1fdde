"""The characters that some automata tell apart together: the finest of their classes.

What an automaton does with a character is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from condit.constraint.regular.characters import Ranges
from condit.constraint.regular.classes import Class, Classes, partition


@dataclass(frozen=True, eq=False)
class Atom:
    """Characters that no automaton tells apart, but for those that a group has captured.

    Attributes:
        sets: for each automaton its sets that they are in, as bits.
        ranges: the characters.
        size: how many they are.
        first: one of them, a usual one if there is one.
    """

    sets: tuple[int, ...]
    ranges: Ranges
    size: int
    first: str

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
    sets = dict.fromkeys(each for one in classes for each in one.numbers)
    numbers = {each: number for number, each in enumerate(sets)}
    # For each automaton the numbers of its sets among all.
    own = [[numbers[each] for each in one.numbers] for one in classes]
    parts = partition(tuple(sets))
    return [
        Atom(
            tuple(sum((held >> at & 1) << bit for bit, at in enumerate(each)) for each in own),
            ranges,
            sum(high - low + 1 for low, high in ranges),
            parts.firsts[held],
        )
        for held, ranges in parts.classes.items()
    ]
