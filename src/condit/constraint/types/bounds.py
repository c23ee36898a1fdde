"""Two bounds, both included: which of them a value passes, and both in words.

For numbers and for times. How texts between two bounds are spelled is in ``numerals.py`` and
``calendar_fields.py``.
"""

from __future__ import annotations

from typing import Any


def beyond(value: Any, low: Any | None, high: Any | None, below: str, above: str) -> str | None:
    """Why a value does not lie between two bounds (``None``: no bound); ``None``: it does.

    Args:
        value: what is compared with the bounds.
        low: the lower bound.
        high: the upper bound.
        below: what a value is that does not reach the lower bound, such as ``less than``.
        above: what one is that passes the upper bound, such as ``greater than``.

    >>> beyond(7, 0, 5, "less than", "greater than")
    'it is greater than 5'
    """
    if low is not None and value < low:
        return f"it is {below} {low}"
    return f"it is {above} {high}" if high is not None and value > high else None


def numbers_in_words(low: object, high: object) -> str:
    """Bounds of numbers in words; ``""`` where there are none."""
    if low is None and high is None:
        return ""
    if low is None:
        return f"up to {high}"
    return f"of {low} or more" if high is None else f"from {low} to {high}"


def times_in_words(earliest: object, latest: object) -> str:
    """Bounds of dates and times in words; ``""`` where there are none."""
    if earliest is None:
        return "" if latest is None else f"not after {latest}"
    return f"not before {earliest}" if latest is None else f"from {earliest} to {latest}"
