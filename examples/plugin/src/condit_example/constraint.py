"""The constraint ``roman``: Roman numerals between two numbers, as ``MCMXCIX``."""

from dataclasses import dataclass, field
from itertools import pairwise

import condit
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError

_MOST = 3999
_SIGNS = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L")),
    *((40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
_WORTH = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def numeral(number: int) -> str:
    """A number from 1 to 3999 as a Roman numeral."""
    written = ""
    for worth, sign in _SIGNS:
        count, number = divmod(number, worth)
        written += sign * count
    return written


@dataclass(frozen=True)
class Roman(condit.Constraint):
    """Roman numerals from ``lo`` to ``hi``; the value is an ``int``."""

    lo: int
    hi: int
    _numerals: condit.Constraint = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the bounds, as they may come from anybody."""
        if not 1 <= self.lo <= self.hi <= _MOST:
            raise ArgumentError(f"roman: from {self.lo} to {self.hi} is not within 1 to {_MOST}")
        texts = [numeral(number) for number in range(self.lo, self.hi + 1)]
        object.__setattr__(self, "_numerals", condit.choice(texts))

    def bind(self, vocabulary: condit.Vocabulary) -> condit.Matcher:
        """What steers: here it is borrowed from a constraint that exists."""
        return self._numerals.bind(vocabulary)

    def violation(self, text: str) -> condit.Violation | None:
        """The oracle, which judges a finished text and shares no code with what steers."""
        wrong = next((place for place, sign in enumerate(text) if sign not in _WORTH), None)
        if wrong is not None:
            return condit.Violation(f"{text[wrong]!r} is no Roman sign", wrong)
        found = self.value(text)
        if not 1 <= found <= _MOST or numeral(found) != text:
            return condit.Violation("it is no Roman numeral")
        if not self.lo <= found <= self.hi:
            return condit.Violation(f"{found} is not from {self.lo} to {self.hi}")
        return None

    def value(self, text: str) -> int:
        """The number: a sign before a greater one is taken away."""
        worths = [_WORTH[sign] for sign in text]
        return sum(-worth if worth < after else worth for worth, after in pairwise([*worths, 0]))

    def describe(self) -> str:
        """What ``condit describe`` says, and ``--instruct`` tells the model."""
        return f"Respond only with a Roman numeral from {numeral(self.lo)} to {numeral(self.hi)}"


def _make(value: object = "") -> Roman:
    """Of a text from the shell (``"1,99"``), or of what JSON holds (``[1, 99]``)."""
    given = value.split(",") if isinstance(value, str) and value else value or [1, _MOST]
    try:
        lo, hi = (int(each) for each in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ArgumentError(f"roman: give the least and the greatest, not {value!r}") from None
    return Roman(lo, hi)


ROMAN = ConstraintSource(
    name="roman",
    description="a Roman numeral; the least and the greatest number, as in 1,99, or no value",
    make=_make,
)
