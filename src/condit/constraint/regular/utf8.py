"""Ranges of characters as ranges of the bytes that UTF-8 spells them with."""

from __future__ import annotations

from collections.abc import Iterator

from condit.constraint.regular.characters import LAST

Range = tuple[int, int]
"""First and last."""

_LENGTH_ENDS = (0x7F, 0x7FF, 0xFFFF, LAST)


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
