"""Checks that a score is a real number, or ``-inf`` for weight 0."""

from __future__ import annotations

import math
from numbers import Complex, Real

from condit.errors import ArgumentError

_WAY_OUT = 'give a finite number, or -inf for "never"'


def number(value: object, what: str) -> float:
    """``value`` as a float, finite or ``-inf``; numpy and torch scalars are numbers too.

    Args:
        value: what was given.
        what: how the message calls it, such as ``"the score of tone for 'Hello'"``.

    Raises:
        ArgumentError: it is not a number, or it is NaN or ``+inf``.
    """
    found = _real(value)
    if found is None:
        raise ArgumentError(f"{what} is {_shown(value)}, not a number: {_WAY_OUT}")
    if math.isnan(found) or found == math.inf:
        raise ArgumentError(f"{what} is {found}: {_WAY_OUT}")
    return found


def _real(value: object) -> float | None:
    if isinstance(value, Complex) and not isinstance(value, Real):
        return None
    # Text is not read as a number, and an array of one number is not one.
    if isinstance(value, str | bytes) or getattr(value, "shape", ()) != ():
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _shown(value: object) -> str:
    if value is None:
        return "None (is a return missing?)"
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
