"""The constraint ``phone``: telephone numbers of a region, as E.164 writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from condit.constraint.regular.expression import (
    Node,
    alternation,
    complement,
    concatenation,
    intersection,
    word,
)
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given
from condit.constraint.types.base import RegularType
from condit.constraint.types.extras import imported
from condit.constraint.types.patterns import read
from condit.errors import ArgumentError, UnsatisfiableError
from condit.plugins import unknown

_KINDS = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    *("voicemail", "fixed_line", "mobile"),
)
_LEAST_DIGITS, _MOST_DIGITS = 2, 17
_NO_CHARACTER = r"[^\s\S]"


def phone(region: str) -> Phone:
    """Telephone numbers of a region such as ``+442079460958``: a plus sign and digits, as E.164.

    Those that the numbering plan of the region has, by the tables of the phonenumbers package;
    whether anybody answers is another matter. The value is the text.

    >>> phone("GB").accepts("+442079460958")
    True
    >>> phone("US").accepts("+442079460958")
    False

    Args:
        region: a code of two letters, such as ``"GB"``.

    Raises:
        ArgumentError: there is no such region.
        MissingDependencyError: phonenumbers is not installed; it is in ``condit[types]``.
    """
    library = imported("phone", "phonenumbers", "phonenumbers")
    if region not in library.SUPPORTED_REGIONS:
        raise ArgumentError("phone: " + unknown("region", str(region), library.SUPPORTED_REGIONS))
    return Phone(region)


@dataclass(frozen=True)
class Phone(RegularType):
    """Telephone numbers of a region; made by ``phone``.

    Attributes:
        region: its code.
    """

    region: str
    _library: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        library = imported("phone", "phonenumbers", "phonenumbers")
        self._follow(_numbers(library, self.region))
        if self.machine.is_empty:
            raise UnsatisfiableError(f"phone: no number of {self.region} is known")
        object.__setattr__(self, "_library", library)

    def objection(self, text: str) -> str | None:
        """Why it is no such number, by phonenumbers."""
        library = self._library
        try:
            found = library.parse(text, None)
        except library.NumberParseException as error:
            return f"it is no telephone number: {error}"
        if not library.is_valid_number_for_region(found, self.region):
            return f"it is no number of {self.region}"
        if library.format_number(found, library.PhoneNumberFormat.E164) != text:
            return "it is not written as a plus sign and the digits that are dialled from abroad"
        return None

    def value(self, text: str) -> str:
        """The text."""
        return text

    def describe(self) -> str:
        """The region, as an instruction to a model."""
        code = self._library.country_code_for_region(self.region)
        return (
            f"Respond only with a telephone number of {self.region}: +{code} and the other digits, "
            "without spaces"
        )


@cache
def _numbers(library: Any, region: str) -> Node:
    plan = library.PhoneMetadata.metadata_for_region(region)
    code = word(f"+{library.country_code_for_region(region)}")
    kinds = [_described(getattr(plan, kind)) for kind in _KINDS if getattr(plan, kind)]
    digits = read(f"[0-9]{{{_LEAST_DIGITS},{_MOST_DIGITS}}}")
    # What all have in common is found faster where nothing stands before it.
    national = [_described(plan.general_desc), alternation(*kinds), digits]
    numbers = [concatenation(code, each) for each in national]
    # Digits for calls within the country are taken away, and then are not of the number.
    if prefix := plan.national_prefix_for_parsing:
        # Behind an end of the number, which some of them have, nothing is left.
        taken = intersection(read(prefix.replace("$", _NO_CHARACTER)), read("[0-9]+"))
        numbers.append(complement(concatenation(code, taken, _pattern(plan.general_desc))))
    return intersection(*numbers)


def _described(description: Any) -> Node:
    """The numbers of a description, with the lengths that it gives."""
    pattern = _pattern(description)
    lengths = [read(f"[0-9]{{{length}}}") for length in description.possible_length]
    return intersection(pattern, alternation(*lengths)) if lengths else pattern


def _pattern(description: Any) -> Node:
    return read(description.national_number_pattern or _NO_CHARACTER)


def _make(value: object = None) -> Phone:
    (region,) = given("phone", value, 1)
    return phone(region)  # type: ignore[arg-type]


PHONE = ConstraintSource(
    name="phone",
    description="a telephone number; the code of its region, as in GB",
    make=_make,
)
