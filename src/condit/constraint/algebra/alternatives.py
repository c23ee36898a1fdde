"""Texts that satisfy one of several constraints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.labels import label_of, listed, reason_in, wanted
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.regular import trees_of
from condit.constraint.base import Constraint, Violation
from condit.constraint.regular.expression import Node, alternation


@dataclass(frozen=True)
class Alternative:
    """Which of several constraints a text satisfies, and its value by that.

    Attributes:
        index: the number of the first that it satisfies, counted from 0.
        name: what that constraint is called in messages.
        value: its value of the text; the text where it has no type.
    """

    index: int
    name: str
    value: object


@dataclass(frozen=True)
class AnyOf(Chained):
    """Texts that satisfy one of the parts, or several; made by ``a | b``.

    Attributes:
        parts: the constraints.
    """

    parts: tuple[Constraint, ...]

    @property
    def layout(self) -> Layout:
        """One of the parts."""
        return Layout.either(len(self.parts))

    @cached_property
    def tree(self) -> Node | None:
        """All parts as one regular expression; ``None`` where they are not regular."""
        trees = trees_of(self.parts)
        return None if trees is None else alternation(*trees)

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where each part is enforced."""
        return plan_of(self, self.parts, "side by side", "parts that refuse a token drop out")

    def label(self, part: int) -> str:
        """What an alternative is called in messages."""
        return label_of(self.parts[part])

    def accepts(self, text: str) -> bool:
        """Whether a part accepts ``text``."""
        return any(part.accepts(text) for part in self.parts)

    def violation(self, text: str) -> Violation | None:
        """Why no alternative fits: the reason of the one that fits furthest, and how many are."""
        furthest: Violation | None = None
        for part in self.parts:
            found = part.violation(text)
            if found is None:
                return None
            if furthest is None or (found.position or 0) > (furthest.position or 0):
                furthest = Violation(reason_in(part, found.reason), found.position)
        reason = "" if furthest is None else furthest.reason
        position = None if furthest is None else furthest.position
        return Violation(f"none of {len(self.parts)} alternatives fits; {reason}", position)

    def value(self, text: str) -> Alternative | None:
        """Which alternative an accepted ``text`` is, the first that accepts it, and its value."""
        for index, part in enumerate(self.parts):
            if part.accepts(text):
                own = part.value(text)
                return Alternative(index, label_of(part), text if own is None else own)
        return None

    def longest(self) -> int | None:
        """The longest of the parts."""
        sizes = [part.longest() for part in self.parts]
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None

    def describe(self) -> str:
        """The parts, as an instruction to a model to choose one."""
        return listed("one of the following:", [wanted(part) for part in self.parts])
