"""The constraint ``number``: decimal numbers between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given, whole_number
from condit.constraint.types.base import RegularType
from condit.constraint.types.bounds import beyond, numbers_in_words
from condit.constraint.types.numerals import between
from condit.errors import ArgumentError, UnsatisfiableError

_MOST_DIGITS = 300
"""Digits before the point of numbers, and of bounds on either side: a float holds no more."""


def number(
    lo: float | Decimal | None = None,
    hi: float | Decimal | None = None,
    *,
    digits: int | tuple[int, int] | None = None,
) -> Number:
    """Decimal numbers from ``lo`` to ``hi``, both included; ``None``: no bound on that side.

    Without a plus sign, superfluous zeros before the point, an exponent, or ``-0``, ``-0.0``. The
    value is a ``float``; where that is too coarse, use ``decimal.Decimal`` of the text.

    >>> number(0, 1, digits=2).accepts("0.25")
    True
    >>> number(0, 1, digits=2).accepts("0.125")
    False

    Args:
        lo: the least. A float stands for the decimal number that Python prints.
        hi: the greatest.
        digits: how many digits may stand behind the point, at most; or the least and the greatest
            count, as ``(2, 2)`` for prices. ``None``: any count. Before it stand up to 300.

    Raises:
        ArgumentError: a bound is no finite number or too long, or ``digits`` are no such counts.
        UnsatisfiableError: no number with so many digits lies between the bounds.
    """
    if digits is None:
        return Number(_bound(lo), _bound(hi), (0, None))
    if isinstance(digits, int) and not isinstance(digits, bool):
        digits = (0, digits)
    return Number(_bound(lo), _bound(hi), _counts(digits))


@dataclass(frozen=True)
class Number(RegularType):
    """Decimal numbers between two bounds; made by ``number``.

    Attributes:
        lo: the least, or ``None``.
        hi: the greatest, or ``None``.
        digits: the least and the greatest count of digits behind the point, or no greatest.
    """

    lo: Decimal | None
    hi: Decimal | None
    digits: tuple[int, int | None]

    def __post_init__(self) -> None:
        least, most = self.digits
        fraction = (
            f"\\.[0-9]{{{max(1, least)},{'' if most is None else most}}}" if most != 0 else ""
        )
        fraction = f"({fraction})?" if not least else fraction
        self._follow(between(self.lo, self.hi, fraction, most_digits=_MOST_DIGITS))
        if self.machine.is_empty:
            raise UnsatisfiableError(
                f"number: no number is at least {self.lo} and at most {self.hi}, {self._digits}"
            )

    def objection(self, text: str) -> str | None:
        """Why it is no such number, by Python's ``decimal``."""
        try:
            found = Decimal(text)
        except InvalidOperation:
            return "it is no decimal number"
        if not found.is_finite() or format(found, "f") != text:
            return "it is not written as a plain decimal number"
        if found == 0 and found.is_signed():
            return "0 has no sign"
        least, most = self.digits
        exponent = found.as_tuple().exponent
        if -int(exponent) < least or (most is not None and -int(exponent) > most):
            return f"it is not one {self._digits}"
        if abs(found) >= Decimal(10) ** _MOST_DIGITS:
            return f"it has more than {_MOST_DIGITS} digits before the point"
        return beyond(found, self.lo, self.hi, "less than", "greater than")

    def value(self, text: str) -> float:
        """The float nearest to the number."""
        return float(text)

    def describe(self) -> str:
        """The bounds, as an instruction to a model."""
        digits = "" if self.digits == (0, None) else f", {self._digits}"
        return (
            f"Respond only with a decimal number {numbers_in_words(self.lo, self.hi)}".rstrip()
            + digits
        )

    @property
    def _digits(self) -> str:
        least, most = self.digits
        if most is None:
            return f"with {least} or more digits behind the point"
        count = str(most) if least == most else f"{least} to {most}" if least else f"at most {most}"
        return f"with {count} digits behind the point"


def _bound(bound: object) -> Decimal | None:
    if bound is None:
        return None
    found = None
    if isinstance(bound, (int, float, Decimal)) and not isinstance(bound, bool):
        found = Decimal(str(bound)) if isinstance(bound, float) else Decimal(bound)
    if found is None or not found.is_finite():
        raise ArgumentError(f"number: the bound {bound!r} is no finite number")
    exponent = found.as_tuple().exponent
    if abs(found) >= Decimal(10) ** _MOST_DIGITS or -int(exponent) > _MOST_DIGITS:
        raise ArgumentError(f"number: a bound has more than {_MOST_DIGITS} digits")
    return found


def _counts(digits: object) -> tuple[int, int]:
    match digits:
        case (int(least), int(most)) if 0 <= least <= most <= _MOST_DIGITS:
            return (least, most)
    raise ArgumentError(
        f"number: digits={digits!r} are no count of digits from 0 to {_MOST_DIGITS}, nor a pair of "
        "a least and a greatest count"
    )


def _make(value: object = None) -> Number:
    lo, hi, digits = given("number", value, 3)
    try:
        bounds = [None if each is None else Decimal(str(each)) for each in (lo, hi)]
    except InvalidOperation:
        raise ArgumentError(f"number: {lo!r} or {hi!r} is no number") from None
    return number(bounds[0], bounds[1], digits=whole_number("number", digits))


NUMBER = ConstraintSource(
    name="number",
    description="a decimal number; the least, the greatest and the digits, as in 0,1,2",
    make=_make,
)
