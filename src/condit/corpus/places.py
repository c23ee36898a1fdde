"""Places in a text, in the order of what follows them: one structure for both constraints.

The suffix array of a text lists all its places in the order of the suffixes that begin there. Only
the places are kept at which a quotation may begin (for many strings: the strings' beginnings). All
places at which a prefix stands are then an interval, which a further byte makes narrower by
bisection, and whose length is how often the prefix occurs.

Why no FM-index, which is smaller: it cannot be restricted to some beginnings, and takes a rank for
each byte even where one place is left, as after a few words; here the text itself goes on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.corpus.words import END, STOP, Bytes


@dataclass(frozen=True, eq=False)
class Places:
    """Sorted places of joined texts; each text is followed by the byte ``END``.

    Attributes:
        text: the texts in UTF-8.
        order: places of ``text``, in the order of what follows them.
        marks: see ``words.py``; ``None``: only the end of a text is a stop.
        units: for each place of ``order`` how many words (or characters) follow up to the end of
            the text, at most 255; ``None``: they are not counted.
        alphabet: the bytes of ``text`` but ``END``, or more.
    """

    text: Bytes
    order: NDArray[Any]
    marks: Bytes | None = None
    units: Bytes | None = None
    alphabet: frozenset[int] = frozenset(range(END))

    # Memory views: reading one number of a numpy array takes three times as long.
    @cached_property
    def views(self) -> tuple[memoryview, memoryview]:
        """The text and the order, for reading one number at a time."""
        # An array whose type names its byte order gives a view that cannot be read.
        native = np.dtype(f"=i{self.order.itemsize}")
        order = self.order.view(native) if self.order.dtype.isnative else self.order.astype(native)
        return self.text.data, order.data

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the views, which cannot be pickled.
        return type(self), (self.text, self.order, self.marks, self.units, self.alphabet)

    def __len__(self) -> int:
        return len(self.order)

    def narrowed(self, low: int, high: int, depth: int, byte: int) -> tuple[int, int]:
        """The places of an interval at which ``byte`` comes after ``depth`` bytes."""
        text, order = self.views
        if byte == END:
            return low, low
        if high - low == 1:
            return (low, high) if text[order[low] + depth] == byte else (low, low)

        def following(place: int) -> int:
            return text[place + depth]

        first = bisect_left(order, byte, low, high, key=following)
        if first == high or text[order[first] + depth] != byte:
            return first, first
        if text[order[high - 1] + depth] == byte:
            return first, high
        return first, bisect_right(order, byte, first, high, key=following)

    def following(self, low: int, high: int, depth: int) -> Iterator[tuple[int, int, int]]:
        """The bytes that come after ``depth`` bytes, each with its interval; ascending."""
        text, order = self.views
        while low < high:
            byte = text[order[low] + depth]
            if byte == END:
                return
            low, stop = self.narrowed(low, high, depth, byte)
            yield byte, low, stop
            low = stop

    def interval(self, prefix: bytes) -> tuple[int, int]:
        """The places at which ``prefix`` stands."""
        low, high = 0, len(self.order)
        for depth, byte in enumerate(prefix):
            if low == high:
                break
            low, high = self.narrowed(low, high, depth, byte)
        return low, high

    def stops(self, low: int, high: int, depth: int) -> bool:
        """Whether at some place of an interval a text may stop after ``depth`` bytes."""
        text, order = self.views
        if self.marks is None:
            return text[order[high - 1] + depth] == END
        return self._any_marked(low, high, depth, STOP, STOP)

    def _any_marked(self, low: int, high: int, depth: int, mask: int, wanted: int) -> bool:
        """Whether the marks after ``depth`` bytes are as wanted, at some place."""
        marks = self.marks
        if marks is None:
            return True
        size = 64
        while low < high:
            part = self.order[low : min(high, low + size)]
            if ((marks[part + depth] & mask) == wanted).any():
                return True
            low, size = low + size, size * 64
        return False

    def unmarked(self, low: int, high: int, depth: int, mask: int) -> bool:
        """Whether at some place the byte after ``depth`` bytes has no mark of ``mask``."""
        return self._any_marked(low, high, depth, mask, 0)

    def shortest(self, low: int, high: int) -> int:
        """Of an interval of strings, which stand one after the other, the shortest."""
        begins = self.order[low : high + 1]
        if high == len(self.order):
            begins = np.append(begins, len(self.text))
        return low + int(np.diff(begins).argmin())

    def enough(self, low: int, high: int, least: int) -> bool:
        """Whether at some place at least ``least`` words follow."""
        units = self.units
        if units is None or least < 1:
            return low < high
        while low < high:
            if (units[low : min(high, low + 4096)] >= least).any():
                return True
            low += 4096
        return False
