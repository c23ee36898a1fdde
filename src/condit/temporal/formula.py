"""Formulas of temporal logic as trees, and how they are written.

What they mean is in ``semantics.py``, how they are read in ``parser.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from condit.errors import ArgumentError

UNARY = ("!", "X", "WX", "F", "G", "Y", "Z", "O", "H")
BINARY = ("U", "R", "W", "M", "S")
COUNTED = ("F", "G", "U", "R")
"""Operators that may say within how many steps."""
CONSTANTS = ("true", "false", "last")
WORDS = frozenset((*UNARY[1:], *BINARY, *CONSTANTS, "N", "end", "not", "and", "or", "xor"))
"""What no name may be, unless it is quoted."""

_LEVELS = {"->": 1, "<->": 1, "xor": 2, "|": 3, "&": 4} | dict.fromkeys(BINARY, 5)
_UNARY_LEVEL = 6
_PLAIN = re.compile(r"[^\W\d][\w.]*")

Bounds = tuple[int, int | None]
"""The first and the last step of a counted operator; ``None``: no last one."""


@dataclass(frozen=True, repr=False)
class Formula:
    """A formula; ``str`` writes it so that it is read again as the same.

    Attributes:
        operator: one of the operators, a constant, or ``"name"``.
        arguments: the formulas that it is applied to.
        name: of a name.
        bounds: of a counted operator.
    """

    operator: str
    arguments: tuple[Formula, ...] = ()
    name: str = ""
    bounds: Bounds | None = None

    def __str__(self) -> str:
        inner = self.arguments
        if self.operator == "name":
            return named(self.name)
        if self.operator in CONSTANTS:
            return self.operator
        sign = self.operator
        if self.bounds is not None:
            first, last = self.bounds
            sign += f"[{first},{'' if last is None else last}]"
        if self.operator in UNARY:
            own = _inside(inner[0], _UNARY_LEVEL)
            return f"{sign}{own}" if sign == "!" else f"{sign} {own}"
        return f" {sign} ".join(_inside(each, _LEVELS[self.operator] + 1) for each in inner)

    def __repr__(self) -> str:
        return f"<{self}>"

    def __and__(self, other: Formula) -> Formula:
        return joined("&", (self, other)) if isinstance(other, Formula) else NotImplemented

    def __or__(self, other: Formula) -> Formula:
        return joined("|", (self, other)) if isinstance(other, Formula) else NotImplemented

    def __xor__(self, other: Formula) -> Formula:
        return Formula("xor", (self, other)) if isinstance(other, Formula) else NotImplemented

    def __rshift__(self, other: Formula) -> Formula:
        """``self -> other``."""
        return Formula("->", (self, other)) if isinstance(other, Formula) else NotImplemented

    def __invert__(self) -> Formula:
        return negation(self)

    def __bool__(self) -> bool:
        raise ArgumentError(
            f"whether {self} holds is not known here: in formulas write & | ~ for and, or, not"
        )

    @property
    def clauses(self) -> tuple[Formula, ...]:
        """The formulas that all must hold: those that ``&`` joins, or itself."""
        return self.arguments if self.operator == "&" else (self,)

    def names(self) -> Iterator[str]:
        """All names in it, again and again."""
        waiting = [self]
        while waiting:
            formula = waiting.pop()
            if formula.operator == "name":
                yield formula.name
            waiting += reversed(formula.arguments)


def name(text: str) -> Formula:
    """The formula that the event is called ``text``, or has that label."""
    return Formula("name", (), text)


def negation(formula: Formula) -> Formula:
    """``!formula``; of a negation what is negated."""
    return formula.arguments[0] if formula.operator == "!" else Formula("!", (formula,))


def joined(operator: str, formulas: Iterable[Formula]) -> Formula:
    """Formulas joined by ``&`` or ``|``, in one row however they were grouped."""
    flat: list[Formula] = []
    for each in formulas:
        flat += each.arguments if each.operator == operator else (each,)
    return flat[0] if len(flat) == 1 else Formula(operator, tuple(flat))


def named(text: str) -> str:
    """How a name is written: quoted where it is no plain word."""
    is_plain = _PLAIN.fullmatch(text) and text not in WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _inside(formula: Formula, level: int) -> str:
    own = _LEVELS.get(formula.operator, _UNARY_LEVEL)
    return f"({formula})" if own < level else str(formula)
