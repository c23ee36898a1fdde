"""The arguments ``at_least``, ``at_most`` and ``exactly`` of rules that count."""

from __future__ import annotations

import re
from collections.abc import Iterable

from condit.errors import ArgumentError, UnsatisfiableError

_MOST = 100_000
"""Above it, automata that count would take minutes and gigabytes."""


def bounds(
    who: str, at_least: int | None, at_most: int | None, exactly: int | None, default: int = 0
) -> tuple[int, int | None]:
    """The least and the most (``None``: no bound); ``default`` is the least if nothing is given.

    Raises:
        ArgumentError: one is no count, or above 100,000, or ``exactly`` stands beside another, or
            none is given where there is no default.
        UnsatisfiableError: the least is more than the most.
    """
    for name, value in (("at_least", at_least), ("at_most", at_most), ("exactly", exactly)):
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or value < 0
        ):
            raise ArgumentError(f"{who}: {name}={value!r} is no count: give a whole number from 0")
        if value is not None and value > _MOST:
            raise ArgumentError(f"{who}: {name}={value} is more than can be counted, {_MOST}")
    if exactly is not None:
        if at_least is not None or at_most is not None:
            raise ArgumentError(f"{who}: give exactly, or at_least and at_most, not both")
        return exactly, exactly
    if at_least is None and at_most is None and default < 0:
        raise ArgumentError(f"{who}: say how many: at_least=, at_most= or exactly=")
    # Where only the most is given none need be there.
    least = at_least if at_least is not None else max(default, 0) if at_most is None else 0
    if at_most is not None and least > at_most:
        raise UnsatisfiableError(f"{who}: no number is at least {least} and at most {at_most}")
    return least, at_most


def times(least: int, most: int | None, what: str) -> str:
    """The bounds in words, as in ``at least 3 words``.

    Args:
        least: the least.
        most: the most; ``None``: no bound.
        what: a plural, or ``times`` and what is to be there so often.
    """
    if what.startswith("times "):
        return f"{what[6:]} {times(least, most, 'times').replace(' 1 time', ' once')}"
    if least == most:
        return f"exactly {counted(least, what)}"
    if most is None:
        return f"at least {counted(least, what)}"
    return f"between {least} and {most} {what}" if least else f"at most {counted(most, what)}"


def counted(number: int, what: str) -> str:
    """A number and what is counted, a plural, which becomes a singular after 1."""
    return f"{number} {_PLURAL.sub(_WITHOUT_S, what, count=1) if number == 1 else what}"


_WITHOUT_S = r"\1"
_PLURAL = re.compile(
    r"\b(word|line|time|number|section|passage|point|character|paragraph|sentence|placeholder)s\b"
)


def outside(count: int, least: int, most: int | None, what: str) -> str | None:
    """What is wrong with a count, or ``None``."""
    if count < least or (most is not None and count > most):
        has = times(count, count, what).removeprefix("exactly ").replace(" exactly ", " ")
        return f"it has {has}, not {times(least, most, what)}"
    return None


def texts_of(who: str, given: object) -> tuple[str, ...]:
    """Texts of which none is empty.

    Raises:
        ArgumentError: they are none, or there is none.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise ArgumentError(f"{who}: {given!r} are no words: give a list of them")
    found = tuple(given)
    if not found:
        raise ArgumentError(f"{who}: a list of words is empty: give at least one")
    for each in found:
        text_of(who, each, "word")
    return found


def text_of(who: str, value: object, name: str = "text") -> str:
    """A text that is not empty.

    Raises:
        ArgumentError: it is none.
    """
    if not isinstance(value, str) or not value:
        raise ArgumentError(f"{who}: {name}={value!r} is no text: give a str that is not empty")
    return value
