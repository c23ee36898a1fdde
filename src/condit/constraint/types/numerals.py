"""Expressions of decimal numerals between two bounds, without superfluous zeros or ``-0``."""

from __future__ import annotations

from decimal import Decimal

from condit.constraint.regular.expression import (
    Node,
    alternation,
    concatenation,
    intersection,
    word,
)
from condit.constraint.schema.numbers import at_least, at_most
from condit.constraint.types.patterns import read


def between(
    low: Decimal | None, high: Decimal | None, fraction: str = "", *, most_digits: int | None = None
) -> Node:
    """The numerals from ``low`` to ``high``, both included; ``None``: no bound.

    Args:
        low: the lower bound.
        high: the upper bound.
        fraction: a pattern of what stands behind the whole part, with the point.
        most_digits: how many digits may stand before the point where no bound says it; ``None``:
            as many as one likes.
    """
    sides = []
    if high is None or high >= 0:
        sides.append(_distances(low, high, False, fraction, most_digits))
    if low is None or low < 0:
        least = None if high is None else high.copy_negate()
        most = None if low is None else low.copy_negate()
        sides.append(concatenation(word("-"), _distances(least, most, True, fraction, most_digits)))
    return alternation(*sides)


def _distances(
    least: Decimal | None,
    most: Decimal | None,
    strictly: bool,
    fraction: str,
    most_digits: int | None,
) -> Node:
    """Numerals without sign; ``strictly`` leaves out 0 in any case."""
    # Digits are only counted where no bound limits them: each count is a state.
    more = "*" if most is not None or most_digits is None else f"{{0,{most_digits - 1}}}"
    parts = [f"(0|[1-9][0-9]{more}){fraction}"]
    if least is not None and least > 0:
        parts.append(at_least(least))
    elif strictly:
        parts.append(at_least(Decimal(0), strictly=True))
    if most is not None:
        parts.append(at_most(most))
    return intersection(*map(read, parts))
