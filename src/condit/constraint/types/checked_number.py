"""The constraint ``checked_number``: numbers that end in check digits, such as ISBN and EAN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.source import ConstraintSource
from condit.constraint.types.base import SmallType
from condit.constraint.types.checksums import DIGITS, LETTERS, Checked, Luhn, Mod97, Weighted
from condit.constraint.types.extras import imported
from condit.constraint.types.iban import Iban, iban
from condit.constraint.types.union import union
from condit.errors import ArgumentError, UnknownNameError
from condit.plugins import unknown

Machine = ByteMatcher[Any]
_MOST_DIGITS = 1000


@dataclass(frozen=True)
class Kind:
    """A kind of numbers.

    Attributes:
        title: what it is called, for readers.
        module: of python-stdnum, below ``stdnum``, with a function ``validate``.
        machine: makes the byte matcher.
        lengths: how many characters there may be; empty where the module knows.
        formatted: whether numbers are written as the module's ``format`` has them.
        check_digits: how many characters at the end ``calc_check_digits`` must confirm.
    """

    title: str
    module: str
    machine: Callable[[], Machine]
    lengths: tuple[int, ...] = ()
    formatted: bool = False
    check_digits: int = 0


def _ean(size: int, begins: tuple[str, ...] = ("",)) -> Machine:
    checksum = Weighted.of_digits([1 if (size - place) % 2 else 3 for place in range(size)], 10)
    return union(
        [
            Checked(
                (*(bytes([each]) for each in begun.encode()), *[DIGITS] * (size - len(begun))),
                checksum,
            )
            for begun in begins
        ]
    )


def _isbn10() -> Machine:
    return Checked((*[DIGITS] * 9, DIGITS + b"X"), Weighted.of_digits([*range(1, 10), 10], 11))


def _isbn13() -> Machine:
    return _ean(13, ("978", "979"))


def _issn() -> Machine:
    weights = Weighted.of_digits([8, 7, 6, 5, 0, 4, 3, 2, 1], 11)
    return Checked((*[DIGITS] * 4, b"-", *[DIGITS] * 3, DIGITS + b"X"), weights)


def _lei() -> Machine:
    return Checked((*[DIGITS + LETTERS] * 18, DIGITS, DIGITS), Mod97(20))


KINDS = {
    "isbn": Kind("an ISBN", "isbn", lambda: union([_isbn13(), _isbn10()]), (10, 13)),
    "isbn10": Kind("an ISBN of 10 digits", "isbn", _isbn10, (10,)),
    "isbn13": Kind("an ISBN of 13 digits", "isbn", _isbn13, (13,)),
    "issn": Kind("an ISSN", "issn", _issn, (9,), formatted=True),
    "ean": Kind("an EAN", "ean", lambda: union([_ean(13), _ean(8)]), (8, 13)),
    "ean8": Kind("an EAN of 8 digits", "ean", lambda: _ean(8), (8,)),
    "ean13": Kind("an EAN of 13 digits", "ean", lambda: _ean(13), (13,)),
    "upc": Kind("a UPC", "ean", lambda: _ean(12), (12,)),
    "gtin14": Kind("a GTIN of 14 digits", "ean", lambda: _ean(14), (14,)),
    "imei": Kind("an IMEI", "imei", lambda: Luhn(15, 15), (15,)),
    "creditcard": Kind("a credit card number", "luhn", lambda: Luhn(12, 19), tuple(range(12, 20))),
    "luhn": Kind("a number with a Luhn digit", "luhn", lambda: Luhn(2, 64), tuple(range(2, 65))),
    "lei": Kind("an LEI", "iso7064.mod_97_10", _lei, (20,), check_digits=2),
}  # fmt: skip
"""The kinds by name; ``iban`` has a function of its own."""


def checked_number(
    kind: str, *, digits: int | tuple[int, int] | None = None
) -> CheckedNumber | Iban:
    """Numbers with check digits that are right, without spaces. The value is the text.

    | kind | |
    | --- | --- |
    | ``isbn`` | 13 or 10 digits; ``isbn13``, ``isbn10`` for the one or the other |
    | ``issn`` | ``1234-5679`` |
    | ``ean`` | 13 or 8 digits; ``ean13``, ``ean8``; ``upc`` has 12, ``gtin14`` has 14 |
    | ``creditcard`` | 12 to 19 digits |
    | ``imei`` | 15 digits |
    | ``luhn`` | 2 to 64 digits, or as many as ``digits`` says |
    | ``lei`` | 20 letters and digits |
    | ``iban`` | see ``condit.iban`` |

    >>> checked_number("isbn").accepts("9780471117094")
    True
    >>> checked_number("isbn").accepts("9780471117095")
    False

    Args:
        kind: one of these.
        digits: how many digits numbers of the kind ``luhn`` have: a count, or the least and the
            greatest.

    Raises:
        UnknownNameError: there is no such kind; the message suggests the nearest.
        ArgumentError: ``digits`` are no such counts, or the kind is not ``luhn``.
        MissingDependencyError: python-stdnum is not installed; it is in ``condit[types]``.
    """
    if kind == "iban" and digits is None:
        return iban()
    if kind not in KINDS:
        raise UnknownNameError(unknown("kind of checked number", kind, [*KINDS, "iban"]))
    if digits is not None and kind != "luhn":
        raise ArgumentError(f"checked_number: only 'luhn' takes digits, not {kind!r}")
    counts = (digits, digits) if isinstance(digits, int) else digits
    match counts:
        case None:
            return CheckedNumber(kind)
        case (int(least), int(most)) if 2 <= least <= most <= _MOST_DIGITS:
            return CheckedNumber(kind, (least, most))
    raise ArgumentError(
        f"checked_number: digits={digits!r} is no count from 2 to {_MOST_DIGITS}, nor a pair of a "
        "least and a greatest count"
    )


@dataclass(frozen=True)
class CheckedNumber(SmallType):
    """Numbers with check digits; made by ``checked_number``.

    Attributes:
        kind: its name.
        digits: the least and the greatest count of digits, where they were given.
    """

    kind: str
    digits: tuple[int, int] | None = None
    machine: Machine = field(init=False, repr=False, compare=False)
    _module: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        module = imported("checked_number", f"stdnum.{KINDS[self.kind].module}", "python-stdnum")
        object.__setattr__(self, "_module", module)
        machine = KINDS[self.kind].machine() if self.digits is None else Luhn(*self.digits)
        object.__setattr__(self, "machine", machine)

    def objection(self, text: str) -> str | None:
        """Why it is no such number, by python-stdnum."""
        kind, module = KINDS[self.kind], self._module
        if not text.isascii() or len(text) not in self._lengths:
            return f"it is not {kind.title}: its length is wrong, or it has strange characters"
        try:
            found = module.validate(text)
        except ValueError as error:  # stdnum's own errors are such
            return f"it is not {kind.title}: {error}"
        if (module.format(found) if kind.formatted else found) != text or text != text.upper():
            return f"it is not {kind.title} as it is usually written"
        ends = text[-kind.check_digits :] if kind.check_digits else ""
        if ends and module.calc_check_digits(text[: -kind.check_digits]) != ends:
            return f"it is not {kind.title}: the check digits are wrong"
        return None

    @property
    def _lengths(self) -> range | tuple[int, ...]:
        if self.digits is not None:
            return range(self.digits[0], self.digits[1] + 1)
        return KINDS[self.kind].lengths

    def value(self, text: str) -> str:
        """The text."""
        return text

    def longest(self) -> int:
        """Characters of the longest number."""
        return max(self._lengths)

    def describe(self) -> str:
        """An instruction to a model."""
        least, most = min(self._lengths), max(self._lengths)
        joint = "to" if isinstance(self._lengths, range) or len(self._lengths) > 2 else "or"
        count = f"{most}" if least == most else f"{least} {joint} {most}"
        return f"Respond only with {KINDS[self.kind].title}: {count} characters, without spaces"


def _make(value: object, *, digits: int | list[int] | None = None) -> CheckedNumber | Iban:
    if not isinstance(value, str):
        raise ArgumentError(f"checked_number: {value!r} is no name of a kind, such as 'isbn'")
    counts = tuple(digits) if isinstance(digits, list) else digits
    return checked_number(value, digits=counts)  # type: ignore[arg-type]


CHECKED_NUMBER = ConstraintSource(
    name="checked_number",
    description="a number with check digits; its kind: isbn, ean, issn, creditcard, luhn, lei, ...",
    make=_make,
)
