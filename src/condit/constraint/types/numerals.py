"""Patterns of decimal numerals between two bounds, without superfluous zeros or ``-0``."""

from __future__ import annotations

from decimal import Decimal

from condit.constraint.schema.numbers import at_least, at_most
from condit.constraint.types.pattern import NOTHING

_ANY_NUMERAL = r"(0|[1-9][0-9]*)(\.[0-9]+)?"


def between(
    low: Decimal | None, high: Decimal | None, fraction: str, *, most_digits: int | None = None
) -> str:
    """A pattern of the numerals from ``low`` to ``high``, both included; ``None``: no bound.

    Args:
        low: the lower bound.
        high: the upper bound.
        fraction: a pattern of what stands behind the whole part, with the point.
        most_digits: how many digits may stand before the point; ``None``: as many as one likes.
    """
    more = "*" if most_digits is None else f"{{0,{most_digits - 1}}}"
    form = f"(0|[1-9][0-9]{more}){fraction}"
    sides = []
    if high is None or high >= 0:
        sides.append(f"({_distances(low, high, strictly=False)}&{form})")
    if low is None or low < 0:
        least = None if high is None else high.copy_negate()
        most = None if low is None else low.copy_negate()
        sides.append(f"\\-({_distances(least, most, strictly=True)}&{form})")
    return "|".join(sides) or NOTHING


def _distances(least: Decimal | None, most: Decimal | None, *, strictly: bool) -> str:
    """Numerals without sign; ``strictly`` leaves out 0 in any case."""
    parts = [_ANY_NUMERAL]
    if least is not None and least > 0:
        parts.append(f"({at_least(least)})")
    elif strictly:
        parts.append(f"({at_least(Decimal(0), strictly=True)})")
    if most is not None:
        parts.append(f"({at_most(most)})")
    return "&".join(parts)
