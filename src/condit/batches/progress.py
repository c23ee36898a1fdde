"""How far a batch is, and how long the rest takes at the pace of its last rows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

_LAST = 500
"""The pace is that of so many rows."""

_FEWEST = 8
"""With fewer rows answered nothing is said of the time left."""


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes:
        rows: rows that have an answer, those of earlier runs included.
        errors: how many of this run's have an error.
        share: how much of the input that is, from 0 to 1: of its bytes, or of a table's rows;
            ``None``: its size is not known.
        seconds_left: what the rest takes if its rows are like the last ones; ``None``: not known
            yet. Rows that were answered in an earlier run say nothing of the pace.
    """

    rows: int
    errors: int
    share: float | None
    seconds_left: float | None


class Pace:
    """Times of the last rows. Made as a run begins.

    Args:
        size: how much there is, in the unit of ``Row.size``; ``None``: not known.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._done = 0
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], _LAST)

    def skip(self, amount: int) -> None:
        """So much needs no time."""
        self._done += amount

    def step(self, amount: int) -> None:
        """So much has been answered now."""
        self._done += amount
        self._marks.append((time.monotonic(), self._marks[-1][1] + amount))

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1; ``None``: not known."""
        if self._size is None:
            return None
        return min(1.0, self._done / self._size) if self._size else 1.0

    def seconds_left(self) -> float | None:
        """Seconds for the rest at the pace of the last rows; ``None``: not known, or not yet."""
        if self._size is None:
            return None
        (first, before), (last, after) = self._marks[0], self._marks[-1]
        if len(self._marks) <= _FEWEST or after == before:
            return None
        return max(0, self._size - self._done) * (last - first) / (after - before)
