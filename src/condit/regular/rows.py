"""Smallest patterns that are parts in a row, each from a given set: for those too large to try all.

A search for a shortest way: from the places where examples begin, each part leads to the places
where it may end. How far a single example is from its end without the others bounds it from below
(A*, Hart, Nilsson and Raphael 1968). Which parts there are is the caller's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from math import inf
from operator import and_, or_

from condit.errors import ConstraintTooComplexError
from condit.regular.tree import Tree

Ends = tuple[int, ...]
"""For each place in the examples the places where a part that begins there may end, as bits."""

_MOST_STEPS = 100_000
"""How often a part is put after others, at most."""


@dataclass(frozen=True)
class Part:
    """A pattern that is no row itself, its size, and what it does to the examples."""

    tree: Tree
    size: int
    ends: Ends


@dataclass(frozen=True)
class Examples:
    """Where the examples begin and end among all places.

    Attributes:
        positive: of each text that is to match its places, and its last one, as bits.
        negative: the last places of the others, as bits.
        starts: all first places, as bits.
    """

    positive: Sequence[tuple[int, int]]
    negative: int
    starts: int

    def fit(self, places: int) -> bool:
        """Whether patterns that lead to these places say of each example what they should."""
        return not places & self.negative and all(places & end for _, end in self.positive)


@dataclass
class _Way:
    """How places are reached.

    Attributes:
        size: of the smallest rows that lead there, and one for the joint that comes next.
        last: the places before the last part of each such row, and that part.
    """

    size: int
    last: list[tuple[int, Part]] = field(default_factory=list)


class Rows:
    """The smallest rows of parts that agree with examples."""

    def __init__(self, examples: Examples, parts: Sequence[Part]) -> None:
        self._examples = examples
        self._parts = sorted(parts, key=lambda part: part.size)
        places = len(self._parts[0].ends) if parts else 0
        # For each place the parts that match something there, as bits.
        self._matching = [
            sum(1 << number for number, part in enumerate(self._parts) if part.ends[place])
            for place in range(places)
        ]
        self._left = self._distances(places)

    def find(self, size: int, most: int) -> list[Tree]:
        """Rows of the smallest size, up to ``size``, in which there are any; at most ``most``.

        Raises:
            ConstraintTooComplexError: there are too many rows that are smaller.
        """
        start = self._examples.starts
        ways = {start: _Way(0)}
        waiting: list[list[int]] = [[] for _ in range(size + 2)]
        if (bound := self._bound(start)) <= size + 1:
            waiting[int(bound)].append(start)
        done: set[int] = set()
        steps = 0
        for total, states in enumerate(waiting):
            fitting = []
            for state in states:  # and those that are added on the way
                if state in done:
                    continue
                done.add(state)
                way = ways[state]
                if way.last and self._examples.fit(state):
                    fitting.append(state)
                    continue
                for part in self._next(state):
                    after = way.size + part.size + 1
                    if after > size + 1:
                        break
                    steps += 1
                    if steps > _MOST_STEPS:
                        raise ConstraintTooComplexError(
                            f"no pattern of a size below {total} will do, and there are too many "
                            "larger ones. Give other examples, or a smaller size to be told so"
                        )
                    to = _ends(state, part.ends)
                    known = ways.get(to)
                    if known is not None and known.size <= after:
                        if known.size == after:
                            known.last.append((state, part))
                        continue
                    if (bound := after + self._bound(to)) <= size + 1:
                        ways[to] = _Way(after, [(state, part)])
                        waiting[int(bound)].append(to)
            if fitting:
                found = (row for state in fitting for row in self._rows(state, ways))
                return [_joined(row) for row, _ in zip(found, range(most), strict=False)]
        return []

    def _next(self, state: int) -> Iterator[Part]:
        """The parts that match something in each text that is to match, the smaller first."""
        found = reduce(
            and_,
            (
                reduce(or_, (self._matching[place] for place in _bits(state & places)), 0)
                for places, _ in self._examples.positive
            ),
        )
        return (self._parts[number] for number in _bits(found))

    def _bound(self, state: int) -> float:
        """What is left, at least."""
        return max(
            min((self._left[place] for place in _bits(state & places)), default=inf)
            for places, _ in self._examples.positive
        )

    def _distances(self, places: int) -> list[float]:
        """For each place the sizes of the parts, and their joints, to the end of its text."""
        found = [inf] * places
        cheapest: list[list[tuple[int, int]]] = [[] for _ in range(places)]
        seen = [0] * places
        for part in self._parts:
            for place, ends in enumerate(part.ends):
                for end in _bits(ends & ~seen[place]):
                    cheapest[end].append((place, part.size + 1))
                seen[place] |= ends
        waiting = [[place for _, end in self._examples.positive for place in _bits(end)]]
        for total, states in enumerate(waiting):
            for place in states:
                if found[place] <= total:
                    continue
                found[place] = total
                for before, more in cheapest[place]:
                    waiting += [[] for _ in range(total + more + 1 - len(waiting))]
                    waiting[total + more].append(before)
        return found

    def _rows(self, state: int, ways: dict[int, _Way]) -> Iterator[tuple[Part, ...]]:
        way = ways[state]
        if not way.last:
            yield ()
        for before, part in way.last:
            for row in self._rows(before, ways):
                yield (*row, part)


def _ends(places: int, ends: Ends) -> int:
    return reduce(or_, (ends[place] for place in _bits(places)), 0)


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def _joined(row: Sequence[Part]) -> Tree:
    *_, found = accumulate((part.tree for part in row), lambda one, two: Tree("join", (one, two)))
    return found
