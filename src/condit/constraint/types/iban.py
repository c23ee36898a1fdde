"""The constraint ``iban``: international bank account numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import listed
from condit.constraint.types.base import SmallType
from condit.constraint.types.checksums import DIGITS, LETTERS, Checked, IbanSum
from condit.constraint.types.extras import imported
from condit.constraint.types.union import union
from condit.errors import ArgumentError, UnsatisfiableError
from condit.plugins import unknown

_CLASSES = {"n": DIGITS, "a": LETTERS, "c": DIGITS + LETTERS}


def iban(countries: str | Iterable[str] | None = None) -> Iban:
    """International bank account numbers such as ``DE89370400440532013000``, without spaces.

    Length and form are those that python-stdnum's table has for each country, and the check digits
    are right. Check digits that some countries have within the account number are not looked at.
    The value is the text.

    >>> iban("DE").accepts("DE89370400440532013000")
    True
    >>> iban("DE").accepts("DE88370400440532013000")
    False

    Args:
        countries: codes such as ``"DE"``: one, or several; ``None``: all in the table.

    Raises:
        ArgumentError: there is no such code.
        UnsatisfiableError: there is no country.
        MissingDependencyError: python-stdnum is not installed; it is in ``condit[types]``.
    """
    known = _structures()
    if countries is None:
        return Iban(tuple(sorted(known)))
    codes = (countries,) if isinstance(countries, str) else tuple(countries)
    for code in codes:
        if code not in known:
            raise ArgumentError("iban: " + unknown("country with IBANs", str(code), known))
    if not codes:
        raise UnsatisfiableError("iban: there is no country; give at least one, such as 'DE'")
    return Iban(tuple(dict.fromkeys(codes)))


@dataclass(frozen=True)
class Iban(SmallType):
    """International bank account numbers; made by ``iban``.

    Attributes:
        countries: the codes of the countries.
    """

    countries: tuple[str, ...]
    machine: ByteMatcher[Any] = field(init=False, repr=False, compare=False)
    _module: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        structures = _structures()
        machines: list[ByteMatcher[Any]] = [
            Checked((*_places(code), *structures[code]), IbanSum()) for code in self.countries
        ]
        object.__setattr__(self, "machine", union(machines))
        object.__setattr__(self, "_module", imported("iban", "stdnum.iban", "python-stdnum"))

    def objection(self, text: str) -> str | None:
        """Why it is no such number, by python-stdnum."""
        if text[:2] not in self.countries:
            few = ", ".join(self.countries[:8]) + (", ..." if len(self.countries) > 8 else "")
            return f"it does not begin with the code of a country ({few})"
        try:
            found = self._module.validate(text, check_country=False)
            # Three pairs of check digits are right modulo 97, and never given out.
            is_given_out = self._module.calc_check_digits(text) == text[2:4]
        except ValueError as error:  # stdnum's own errors are such
            return f"it is no IBAN: {error}"
        if found != text:
            return "it is not written in capital letters without spaces"
        return None if is_given_out else "its check digits are not those that are given out"

    def value(self, text: str) -> str:
        """The text."""
        return text

    def longest(self) -> int:
        """Characters of the longest number."""
        return max(4 + len(_structures()[code]) for code in self.countries)

    def describe(self) -> str:
        """The countries, as an instruction to a model."""
        where = f" of {' or '.join(self.countries)}" if len(self.countries) <= 8 else ""
        return f"Respond only with an IBAN{where}, without spaces"


@lru_cache
def _structures() -> dict[str, tuple[bytes, ...]]:
    """By country the characters that may stand at each place behind the first four."""
    table = imported("iban", "stdnum.numdb", "python-stdnum").get("iban")
    codes = [each for _, low, high, _, _ in table.prefixes for each in dict.fromkeys((low, high))]
    structures = {code: table.info(code)[0][1].get("bban", "") for code in codes}
    return {
        code: tuple(
            _CLASSES[kind]
            for count, kind in re.findall("([0-9]+)!([nac])", structure)
            for _ in range(int(count))
        )
        for code, structure in structures.items()
        if structure
    }


def _places(code: str) -> tuple[bytes, ...]:
    return (code[:1].encode(), code[1:].encode(), DIGITS, DIGITS)


def _make(value: object = None) -> Iban:
    return iban(listed(value) or None)  # type: ignore[arg-type]


IBAN = ConstraintSource(
    name="iban",
    description="an IBAN; codes of countries, as in DE,FR, or no value",
    make=_make,
)
