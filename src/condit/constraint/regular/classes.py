"""Which characters a pattern tells apart: the classes of those that lie in the same of its sets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from condit.constraint.regular.characters import EVERY, Characters, Ranges, clipped

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


class Classes:
    """The classes of some sets.

    Args:
        sets: the sets, all with their members spelled out.
    """

    def __init__(self, sets: Iterable[Characters]) -> None:
        self.numbers = {each: number for number, each in enumerate(dict.fromkeys(sets))}
        toggled: dict[int, int] = {low: 0 for low, _ in EVERY.ranges}
        toggled |= {high + 1: 0 for _, high in EVERY.ranges}
        for each, number in self.numbers.items():
            for low, high in each.ranges:
                toggled[low] = toggled.get(low, 0) ^ 1 << number
                toggled[high + 1] = toggled.get(high + 1, 0) ^ 1 << number
        starts = sorted(toggled)
        spans: dict[int, list[tuple[int, int]]] = {}
        of_start: list[int] = []
        now = 0
        (_, last), (again, _) = EVERY.ranges
        for start, end in pairwise(starts):
            now ^= toggled[start]
            of_start.append(now)
            if not last < start < again:  # surrogates are no characters
                spans.setdefault(now, []).append((start, end - 1))
        self.classes = [
            Class(number, sets, tuple(ranges))
            for number, (sets, ranges) in enumerate(spans.items())
        ]
        numbers = {each.sets: each for each in self.classes}
        self._starts = starts
        self._of_start = [numbers.get(sets) for sets in of_start]

    def of(self, character: str) -> Class:
        """The class of a character."""
        found = self._of_start[bisect_right(self._starts, ord(character)) - 1]
        if found is None:  # half of a surrogate pair
            raise ValueError(f"{character!r} is not a character")
        return found


def _holds(ranges: Ranges, point: int) -> bool:
    return any(low <= point <= high for low, high in ranges)


def _continued(begun: bytes) -> Iterator[tuple[int, int, int]]:
    """Bytes that may follow in UTF-8, each with the code points of characters so begun."""
    if not begun:
        for byte in range(0x80):
            yield byte, byte, byte
        for leads, width, mask in (
            (range(0xC2, 0xE0), 6, 0x1F),
            (range(0xE0, 0xF0), 12, 0x0F),
            (range(0xF0, 0xF5), 18, 0x07),
        ):
            for byte in leads:
                low = (byte & mask) << width
                yield byte, max(low, 1 << (7 if width == 6 else width - 1)), low | (1 << width) - 1
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
        yield byte, max(low, least), low | (1 << width) - 1


def is_whole(encoded: bytes) -> bool:
    """Whether valid first bytes of a character are all of it."""
    lead = encoded[0]
    return len(encoded) == (1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4)
