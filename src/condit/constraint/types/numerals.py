"""Expressions of decimal numerals between two bounds, without superfluous zeros or ``-0``."""

from __future__ import annotations

from decimal import Decimal

from condit.constraint.regular.ecma import read
from condit.constraint.regular.expression import (
    Node,
    alternation,
    concatenation,
    intersection,
    word,
)
from condit.constraint.schema.numbers import at_least, at_most

_ANY_NUMERAL = r"(0|[1-9][0-9]*)(\.[0-9]+)?"


def between(
    low: Decimal | None, high: Decimal | None, fraction: str = "", *, most_digits: int | None = None
) -> Node:
    """The numerals from ``low`` to ``high``, both included; ``None``: no bound.

    Args:
        low: the lower bound.
        high: the upper bound.
        fraction: a pattern of what stands behind the whole part, with the point.
        most_digits: how many digits may stand before the point; ``None``: as many as one likes.
    """
    more = "*" if most_digits is None else f"{{0,{most_digits - 1}}}"
    form = read(f"(0|[1-9][0-9]{more}){fraction}")
    sides = []
    if high is None or high >= 0:
        sides.append(intersection(*_distances(low, high, strictly=False), form))
    if low is None or low < 0:
        least = None if high is None else high.copy_negate()
        most = None if low is None else low.copy_negate()
        distances = intersection(*_distances(least, most, strictly=True), form)
        sides.append(concatenation(word("-"), distances))
    return alternation(*sides)


def _distances(least: Decimal | None, most: Decimal | None, *, strictly: bool) -> list[Node]:
    """Numerals without sign; ``strictly`` leaves out 0 in any case."""
    parts = [_ANY_NUMERAL]
    if least is not None and least > 0:
        parts.append(at_least(least))
    elif strictly:
        parts.append(at_least(Decimal(0), strictly=True))
    if most is not None:
        parts.append(at_most(most))
    return [read(part) for part in parts]
