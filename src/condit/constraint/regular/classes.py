"""Which characters a pattern tells apart: the classes of those that lie in the same of its sets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise

from condit.constraint.regular.characters import EVERY, Characters, Ranges, clipped

_KEPT = 64
"""Partitions that are kept."""
# Whatever a class has of these stands for it in searches, the first first.
_LIKELY = "a0bcA1 -_.,:/@xyzXYZ23456789defghijklmnopqrstuvwBCDEFGHIJKLMNOPQRSTUVW"


@dataclass(frozen=True, eq=False)
class Class:
    """Characters that no set of the pattern tells apart.

    Attributes:
        number: of the class.
        sets: bit ``i`` says whether they are in set ``i``.
        ranges: the characters.
    """

    number: int
    sets: int
    ranges: Ranges
    _bytes: dict[bytes, int] = field(default_factory=dict, repr=False)

    def members(self) -> Iterator[str]:
        """The characters, usual ones first."""
        yield from self._usual
        for low, high in self.ranges:
            for point in range(low, high + 1):
                if (character := chr(point)) not in _LIKELY:
                    yield character

    @cached_property
    def _usual(self) -> str:
        return "".join(each for each in _LIKELY if _holds(self.ranges, ord(each)))

    def next_bytes(self, begun: bytes) -> int:
        """Bytes that may follow the bytes ``begun`` of a character in it, as bits of a number."""
        found = self._bytes.get(begun)
        if found is None:
            found = sum(
                1 << byte
                for byte, low, high in _continued(begun)
                if clipped(self.ranges, low, high)
            )
            self._bytes[begun] = found
        return found


@dataclass(frozen=True, eq=False)
class Partition:
    """All characters, divided by which of some sets hold them.

    Attributes:
        starts: where ranges of characters begin, each up to the next one.
        held: for each of these ranges the sets that hold it: bit ``i`` is that of set ``i``.
        classes: the ranges of characters by the sets that hold them.
    """

    starts: list[int]
    held: list[int]
    classes: dict[int, Ranges]

    def sets(self, character: str) -> int:
        """The sets that hold a character."""
        return self.held[bisect_right(self.starts, ord(character)) - 1]

    @cached_property
    def firsts(self) -> dict[int, str]:
        """For each class one of its characters, a usual one if there is one."""
        found: dict[int, str] = {}
        for character in _LIKELY:
            found.setdefault(self.sets(character), character)
        return {sets: chr(ranges[0][0]) for sets, ranges in self.classes.items()} | found


@lru_cache(maxsize=_KEPT)
def partition(sets: tuple[Characters, ...]) -> Partition:
    """The partition by some sets, all with their members spelled out."""
    toggled: dict[int, int] = {low: 0 for low, _ in EVERY.ranges}
    toggled |= {high + 1: 0 for _, high in EVERY.ranges}
    for number, each in enumerate(sets):
        bit = 1 << number
        for low, high in each.ranges:
            toggled[low] = toggled.get(low, 0) ^ bit
            toggled[high + 1] = toggled.get(high + 1, 0) ^ bit
    starts = sorted(toggled)
    classes: dict[int, list[tuple[int, int]]] = {}
    held: list[int] = []
    now = 0
    (_, last), (again, _) = EVERY.ranges
    for start, end in pairwise(starts):
        now ^= toggled[start]
        held.append(now)
        if not last < start < again:  # surrogates are no characters
            classes.setdefault(now, []).append((start, end - 1))
    return Partition(starts, held, {each: tuple(ranges) for each, ranges in classes.items()})


class Classes:
    """The classes of some sets.

    Args:
        sets: the sets, all with their members spelled out.

    Attributes:
        numbers: of the sets.
    """

    def __init__(self, sets: Iterable[Characters]) -> None:
        self.numbers = {each: number for number, each in enumerate(dict.fromkeys(sets))}
        self._sets: dict[str, int] = {}

    @cached_property
    def _partition(self) -> Partition:
        # Not made before it is asked for: where sets are large it takes long.
        return partition(tuple(self.numbers))

    @cached_property
    def classes(self) -> list[Class]:
        """The classes."""
        found = self._partition.classes.items()
        return [Class(number, sets, ranges) for number, (sets, ranges) in enumerate(found)]

    @cached_property
    def _by_sets(self) -> dict[int, Class]:
        return {each.sets: each for each in self.classes}

    def of(self, character: str) -> Class:
        """The class of a character."""
        return self._by_sets[self.sets(character)]

    def sets(self, character: str) -> int:
        """The sets that hold a character: bit ``i`` is that of set ``i``."""
        found = self._sets.get(character)
        if found is None:
            point = ord(character)
            (_, last), (again, _) = EVERY.ranges
            if last < point < again:
                raise ValueError(f"{character!r} is not a character")  # half of a surrogate pair
            found = sum(1 << number for each, number in self.numbers.items() if point in each)
            self._sets[character] = found
        return found


def _holds(ranges: Ranges, point: int) -> bool:
    return any(low <= point <= high for low, high in ranges)


def _continued(begun: bytes) -> Iterator[tuple[int, int, int]]:
    """Bytes that may follow in UTF-8, each with the code points of characters so begun."""
    if not begun:
        for byte in range(0x80):
            yield byte, byte, byte
        for leads, width, mask, least in (
            (range(0xC2, 0xE0), 6, 0x1F, 0x80),
            (range(0xE0, 0xF0), 12, 0x0F, 0x800),
            (range(0xF0, 0xF5), 18, 0x07, 0x10000),
        ):
            for byte in leads:
                low = (byte & mask) << width
                yield byte, max(low, least), low | (1 << width) - 1
        return
    lead = begun[0]
    length, mask = (2, 0x1F) if lead < 0xE0 else (3, 0x0F) if lead < 0xF0 else (4, 0x07)
    value = lead & mask
    for byte in begun[1:]:
        value = value << 6 | byte & 0x3F
    width = 6 * (length - len(begun) - 1)
    least = {2: 0x80, 3: 0x800, 4: 0x10000}[length]
    for byte in range(0x80, 0xC0):
        low = (value << 6 | byte & 0x3F) << width
        high = low | (1 << width) - 1
        if high >= least:  # else it could be written in fewer bytes, which UTF-8 forbids
            yield byte, max(low, least), high


def is_whole(encoded: bytes) -> bool:
    """Whether valid first bytes of a character are all of it."""
    lead = encoded[0]
    return len(encoded) == (1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4)
