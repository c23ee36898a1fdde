"""Texts of one constraint, several times in a row, or once or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.labels import listed, wanted
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.literal import as_constraint
from condit.constraint.algebra.regular import trees_of
from condit.constraint.base import Constraint
from condit.constraint.regular.expression import EMPTY, Node, alternation, concatenation, repetition
from condit.errors import ArgumentError

_MOST = 1000
"""Repetitions that are told apart; more must be without a limit."""


def repeat(
    part: Constraint | str,
    least: int = 0,
    most: int | None = None,
    *,
    separator: Constraint | str | None = None,
) -> Repeated:
    """So many texts of a constraint in a row; without a separator as ``a * (least, most)``.

    The value is a tuple of their values.

    >>> from condit import json_schema
    >>> repeat(json_schema({"type": "integer"}), 1, separator=", ").value("1, 2, 30")
    (1, 2, 30)

    Args:
        part: the constraint; a string stands for itself.
        least: how many there are at least.
        most: how many there are at most; ``None``: no limit.
        separator: what stands between every two of them.

    Raises:
        ArgumentError: the numbers are no numbers, or the least is more than the most.
    """
    for name, number in (("least", least), ("most", least if most is None else most)):
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or not 0 <= number <= _MOST:
            raise ArgumentError(
                f"repeat: {name} is {number!r}: give a whole number from 0 to {_MOST}"
            )
    if most is not None and least > most:
        raise ArgumentError(f"repeat: at least {least} times cannot be at most {most} times")
    made = as_constraint(part, "repeat")
    between = None if separator is None else as_constraint(separator, "repeat")
    return Repeated(made, least, most, between)


def optional(part: Constraint | str) -> Repeated:
    """A text of a constraint, or the empty text. The value is that of the part, or ``None``.

    >>> from condit import regex
    >>> (regex("[0-9]+") + optional(" kg")).accepts("12 kg")
    True

    Args:
        part: the constraint; a string stands for itself.

    Raises:
        ArgumentError: it is neither a constraint nor a text.
    """
    return Repeated(as_constraint(part, "optional"), 0, 1, single=True)


@dataclass(frozen=True)
class Repeated(Chained):
    """Texts of one constraint in a row; made by ``repeat``, ``a * n`` and ``optional``.

    Attributes:
        part: the constraint.
        least: how many texts of it there are at least.
        most: how many there are at most; ``None``: no limit.
        separator: what stands between them.
        single: whether the value is that of the one text, and no tuple.
    """

    part: Constraint
    least: int
    most: int | None
    separator: Constraint | None = None
    single: bool = False

    @property
    def parts(self) -> tuple[Constraint, ...]:  # type: ignore[override]
        """The constraint, and the separator if there is one."""
        return (self.part,) if self.separator is None else (self.part, self.separator)

    @cached_property
    def layout(self) -> Layout:
        """The part again and again."""
        return Layout.repeated(self.least, self.most, separated=self.separator is not None)

    @cached_property
    def tree(self) -> Node | None:
        """All as one regular expression; ``None`` where the parts are not regular."""
        trees = trees_of(self.parts)
        if trees is None:
            return None
        if self.separator is None:
            return repetition(trees[0], self.least, self.most)
        if self.most == 0:
            return EMPTY
        most = None if self.most is None else self.most - 1
        further = repetition(concatenation(trees[1], trees[0]), max(self.least - 1, 0), most)
        some = concatenation(trees[0], further)
        return some if self.least else alternation(EMPTY, some)

    def label(self, part: int) -> str:
        """What the part, or the separator, is called in messages."""
        name = super().label(part).split(", ", 1)[1]
        return f"the separator, {name}" if part else name

    def is_silent(self, part: int) -> bool:
        """Whether it is the separator."""
        return part == 1

    def value(self, text: str) -> object:
        """A tuple of the values of the texts; for ``optional`` that of the one, or ``None``."""
        values = self.values(text)
        if not self.single:
            return values
        return values[0] if values else None

    def longest(self) -> int | None:
        """The most texts, each as long as can be, and the separators."""
        if self.most is None:
            return None
        own = self.part.longest()
        between = 0 if self.separator is None else self.separator.longest()
        if own is None or between is None:
            return None
        return self.most * own + max(self.most - 1, 0) * between

    def describe(self) -> str:
        """The part, and how often it comes, as an instruction to a model."""
        if self.single:
            return listed("the following, or nothing:", [wanted(self.part)])
        if self.most is None:
            times = f"{self.least} or more" if self.least else "any number of"
        else:
            times = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        said = [wanted(self.part)]
        if self.separator is not None:
            said.append(f"and between every two: {wanted(self.separator)}")
        return listed(f"{times} times the following, one right after the other:", said)
