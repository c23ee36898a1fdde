"""Sets of characters.

A character is a Unicode scalar value: never half of a surrogate pair.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

LAST = 0x10FFFF

_SURROGATES = (0xD800, 0xDFFF)
# As json.dumps has it, DEL is not ASCII.
FIRST_BEYOND = 0x7F

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Characters:
    r"""A set of characters.

    Attributes:
        ranges: its members, as sorted, disjoint ranges (both ends belong); where the set is made
            from Unicode properties, which are not spelled out, only the members below 0x80.
        beyond: ``""``, or the members from 0x80 on as the inside of a class of Rust's ``regex``
            (``\p{L}``), which may hold others below 0x80.
    """

    ranges: Ranges
    beyond: str = ""

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Characters:
        """The set of the members of ``ranges``, which may overlap and be in any order."""
        return cls(without_surrogates(tuple(merged(ranges))))

    @classmethod
    def single(cls, character: str) -> Characters:
        """The set of one character."""
        return cls(((ord(character), ord(character)),))

    @classmethod
    def among(cls, characters: str) -> Characters:
        """The set of the characters of a text."""
        return cls.of((ord(each), ord(each)) for each in characters)

    @property
    def is_empty(self) -> bool:
        """Whether it surely has no member."""
        return not self.ranges and not self.beyond

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kept: the ranges of some sets are many.
        return hash((self.ranges, self.beyond))

    def __contains__(self, point: int) -> bool:
        """Whether it holds a character below 0x80, or any where it has no ``beyond``."""
        at = bisect_right(self.ranges, (point, LAST)) - 1
        return at >= 0 and self.ranges[at][1] >= point

    def complement(self) -> Characters:
        """All other characters."""
        if self.beyond:
            return Characters(clipped(gaps(self.ranges), 0, 0x7F), f"[^{self.beyond}]")
        return Characters(without_surrogates(gaps(self.ranges)))

    def union(self, other: Characters) -> Characters:
        """The characters of either."""
        if self.beyond or other.beyond:
            members = (*clipped(self.ranges, 0, 0x7F), *clipped(other.ranges, 0, 0x7F))
            inside = "".join(f"[{part}]" for part in (_inside(self), _inside(other)) if part)
            return Characters(tuple(merged(members)), inside)
        return Characters.of((*self.ranges, *other.ranges))

    def intersection(self, other: Characters) -> Characters:
        """The characters of both."""
        if not self.beyond and not other.beyond:
            return self.complement().union(other.complement()).complement()
        low = [Characters(clipped(each.ranges, 0, 0x7F)) for each in (self, other)]
        members = low[0].intersection(low[1]).ranges
        inside = [_inside(each) for each in (self, other)]
        if not all(inside):
            return Characters(members)
        if is_all_beyond(self.ranges):
            return Characters(members, inside[1])
        if is_all_beyond(other.ranges):
            return Characters(members, inside[0])
        return Characters(
            members,
            inside[0] if inside[0] == inside[1] else "&&".join(f"[{part}]" for part in inside),
        )


EVERY = Characters(((0, 0xD7FF), (0xE000, LAST)))
NONE = Characters(())


def quoted(character: str) -> str:
    """One character as a regex, inside or outside of a class."""
    if character.isalnum() and character.isascii():
        return character
    if character in "\"'!%,:;<=>@`_ ":
        return character
    if " " < character <= "~":
        return "\\" + character
    return f"\\x{{{ord(character):x}}}"


def class_text(ranges: Iterable[tuple[int, int]]) -> str:
    """Ranges as the inside of a class of the mask engine."""
    parts = []
    for low, high in ranges:
        parts.append(quoted(chr(low)))
        if high > low:
            parts.append(("-" if high > low + 1 else "") + quoted(chr(high)))
    return "".join(parts)


def _inside(characters: Characters) -> str:
    """A class's inside for the members beyond 0x7f."""
    return characters.beyond or class_text(clipped(characters.ranges, 0x80, LAST))


def is_all_beyond(ranges: Ranges) -> bool:
    """Whether every character beyond ASCII is in sorted, disjoint ranges."""
    return bool(
        len(ranges) > 1
        and ranges[-1] == EVERY.ranges[1]
        and ranges[-2][1] == _SURROGATES[0] - 1
        and ranges[-2][0] <= FIRST_BEYOND
    )


def merged(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same members as sorted, disjoint ranges."""
    last: tuple[int, int] | None = None
    for low, high in sorted(ranges):
        if last is not None and low <= last[1] + 1:
            last = (last[0], max(high, last[1]))
            continue
        if last is not None:
            yield last
        last = (low, high)
    if last is not None:
        yield last


def gaps(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """What lies between sorted, disjoint ranges, and before and after them."""
    found = []
    begin = 0
    for low, high in ranges:
        if low > begin:
            found.append((begin, low - 1))
        begin = high + 1
    if begin <= LAST:
        found.append((begin, LAST))
    return tuple(found)


def clipped(ranges: Iterable[tuple[int, int]], low: int, high: int) -> Ranges:
    """The members from ``low`` to ``high``."""
    return tuple((max(a, low), min(b, high)) for a, b in ranges if a <= high and b >= low)


def without_surrogates(ranges: Ranges) -> Ranges:
    """The members that are characters."""
    return clipped(ranges, 0, _SURROGATES[0] - 1) + clipped(ranges, _SURROGATES[1] + 1, LAST)
