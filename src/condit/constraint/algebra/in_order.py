"""Texts of parts in the orders that an automaton allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.labels import label_of, listed, wanted
from condit.constraint.algebra.layout import Layout, Step
from condit.constraint.base import Constraint


@dataclass(frozen=True)
class InOrder(Chained):
    """Texts of parts, one after the other, in the orders of a layout; made by ``in_order``.

    The value of a text is a tuple of the values of its parts, without fixed texts.

    Attributes:
        parts: the constraints.
        order: which may follow which.
    """

    parts: tuple[Constraint, ...]
    order: Layout

    @property
    def layout(self) -> Layout:
        """Which may follow which."""
        return self.order

    def label(self, part: int) -> str:
        """What a part is called in messages."""
        return label_of(self.parts[part])

    def value(self, text: str) -> tuple[object, ...]:
        """The values of the parts, in order."""
        return self.values(text)

    def describe(self) -> str:
        """The parts, as an instruction to a model."""
        return listed("these, in certain orders:", [wanted(each) for each in self.parts])


def in_order(
    parts: Sequence[Constraint],
    steps: Iterable[Iterable[tuple[int, int]]],
    ends: Iterable[int],
) -> InOrder:
    """Texts of parts in the orders of an automaton.

    Args:
        parts: the constraints.
        steps: for each place, of which the first is where a text begins, the numbers of the parts
            that may come, and the place after each. A step leads to a later place.
        ends: the places at which a text may end.
    """
    rows = tuple(tuple(Step(part, after) for part, after in row) for row in steps)
    return InOrder(tuple(parts), Layout(rows, frozenset(ends)))
