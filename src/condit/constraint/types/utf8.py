"""Ranges of code points as sequences of ranges of the bytes of UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last."""

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_LENGTH_ENDS = (0x7F, 0x7FF, 0xFFFF, LAST)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same code points in ascending ranges that do not touch, without halves of pairs."""
    low, high = _SURROGATES
    found: list[Range] = []
    split = [
        part
        for first, last in ranges
        for part in ((first, min(last, low - 1)), (max(first, high + 1), last))
        if part[0] <= part[1]
    ]
    for first, last in sorted(split):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def others(ranges: Iterable[Range]) -> list[Range]:
    """All other code points."""
    found, start = [], 0
    for first, last in merged(ranges):
        found.append((start, first - 1))
        start = last + 1
    return merged([each for each in [*found, (start, LAST)] if each[0] <= each[1]])


def sequences(first: int, last: int) -> Iterator[tuple[Range, ...]]:
    """Ranges of bytes, one a byte, that together spell the code points from first to last.

    Args:
        first: the first code point.
        last: the last; there are no halves of surrogate pairs between the two.
    """
    for end in _LENGTH_ENDS:
        if first <= end < last:
            yield from sequences(first, end)
            first = end + 1
    size = len(chr(first).encode())
    for place in range(1, size):
        mask = (1 << (6 * place)) - 1
        # Until all bytes but the first ones run through their whole range, or are the same.
        if first & ~mask != last & ~mask:
            if first & mask:
                yield from sequences(first, first | mask)
                yield from sequences((first | mask) + 1, last)
                return
            if last & mask != mask:
                yield from sequences(first, (last & ~mask) - 1)
                yield from sequences(last & ~mask, last)
                return
    yield tuple(zip(chr(first).encode(), chr(last).encode(), strict=True))
