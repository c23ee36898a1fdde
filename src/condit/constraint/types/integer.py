"""The constraint ``integer``: whole numbers between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given, whole_number
from condit.constraint.types.base import RegularType
from condit.constraint.types.bounds import beyond, numbers_in_words
from condit.constraint.types.numerals import between
from condit.errors import ArgumentError, UnsatisfiableError

_MOST_DIGITS = 1000


def integer(lo: int | None = None, hi: int | None = None) -> Integer:
    """Whole numbers from ``lo`` to ``hi``, both included; ``None``: no bound on that side.

    In decimal digits, without a plus sign, superfluous zeros or ``-0``. The value is an ``int``.
    Without a bound there is no limit to the digits.

    >>> integer(0, 130).accepts("42")
    True
    >>> integer(0, 130).accepts("131")
    False

    Raises:
        ArgumentError: a bound is no ``int``, or has more than 1000 digits.
        UnsatisfiableError: ``lo`` is greater than ``hi``.
    """
    return Integer(lo, hi)


@dataclass(frozen=True)
class Integer(RegularType):
    """Whole numbers between two bounds; made by ``integer``.

    Attributes:
        lo: the least, or ``None``.
        hi: the greatest, or ``None``.
    """

    lo: int | None
    hi: int | None

    def __post_init__(self) -> None:
        for bound in (self.lo, self.hi):
            if bound is None:
                continue
            if not isinstance(bound, int) or isinstance(bound, bool):
                raise ArgumentError(
                    f"integer: the bound {bound!r} is no whole number; see condit.number"
                )
            if abs(bound) >= 10**_MOST_DIGITS:
                raise ArgumentError(f"integer: a bound has more than {_MOST_DIGITS} digits")
        if self.lo is not None and self.hi is not None and self.lo > self.hi:
            raise UnsatisfiableError(
                f"integer: no number is at least {self.lo} and at most {self.hi}"
            )
        low, high = (None if bound is None else Decimal(bound) for bound in (self.lo, self.hi))
        self._follow(between(low, high))

    def objection(self, text: str) -> str | None:
        """Why it is no such number, by Python's ``decimal``."""
        number = _read(text)
        if number is None or format(number, "f") != text or text == "-0":
            return f"it is no whole number {self._range}".rstrip()
        return beyond(number, self.lo, self.hi, "less than", "greater than")

    def value(self, text: str) -> int:
        """The number."""
        return int(Decimal(text))

    def describe(self) -> str:
        """The bounds, as an instruction to a model."""
        return f"Respond only with a whole number {self._range}".rstrip() + ", in digits"

    @property
    def _range(self) -> str:
        return numbers_in_words(self.lo, self.hi)


def _read(text: str) -> Decimal | None:
    """The number of a numeral without a point or an exponent."""
    try:
        return Decimal(text) if "." not in text and "e" not in text.lower() else None
    except InvalidOperation:
        return None


def _make(value: object = None) -> Integer:
    lo, hi = given("integer", value, 2)
    return integer(whole_number("integer", lo), whole_number("integer", hi))


INTEGER = ConstraintSource(
    name="integer",
    description="a whole number; the least and the greatest, as in 0,130",
    make=_make,
)
