"""JSON schemas and patterns of decimals, fractions, complex numbers and sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ByteSize

from condit.constraint.schema.numbers import at_least, at_most

_FLOAT_DIGITS = 15
"""Digits that a JSON number keeps, as it is read as a float."""

_MOST_FORMS = 12
"""Up to so many digits in all, each number of decimal places has a form of its own."""

_UNSIGNED = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_PLAIN_DECIMAL = f"^-?{_UNSIGNED}$"

FRACTION = r"^-?(?:0|[1-9][0-9]*)(?:/[1-9][0-9]*)?$"

_PART = r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"
COMPLEX = rf"^-?(?:{_PART}(?:[+-]{_PART}j)?|{_PART}j)$"

_UNITS = "|".join(
    "".join(f"[{letter}{letter.upper()}]" for letter in unit) for unit in ByteSize.byte_sizes
)
BYTE_SIZE = rf"^(?:0|[1-9][0-9]{{0,17}})(?:\.[0-9]{{1,15}})? ?(?:{_UNITS})?$"


def decimal_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of a core schema of decimals: a number, or a string that holds one.

    A string is a plain decimal. A number has no more digits than a float keeps, where the digits
    are bounded at all.
    """
    forms = _forms(schema.get("max_digits"), schema.get("decimal_places"))
    numbers = [each for form in forms if (each := _number(schema, *form)) is not None]
    return {"anyOf": [*numbers, _string(schema, forms)]}


def is_exact(schema: Mapping[str, Any]) -> bool:
    """Whether ``decimal_schema`` admits nothing that pydantic refuses."""
    digits, places = schema.get("max_digits"), schema.get("decimal_places")
    return schema.get("multiple_of") is None and (
        digits is None or places is not None or digits <= _MOST_FORMS
    )


def _forms(digits: int | None, places: int | None) -> list[tuple[int | None, int | None]]:
    """The most digits before and after the point, for each form; ``None``: no bound."""
    if digits is None:
        return [(None, places)]
    if places is not None:
        return [(max(digits - places, 0), min(digits, places))]
    if digits > _MOST_FORMS:
        return [(digits, digits)]
    return [(digits - behind, behind) for behind in range(digits + 1)]


def _number(
    schema: Mapping[str, Any], whole: int | None, places: int | None
) -> dict[str, Any] | None:
    """The JSON numbers of one form; ``None`` where a float cannot hold them."""
    made: dict[str, Any] = {"type": "number"}
    if whole is not None and whole > _FLOAT_DIGITS:
        whole, places = _FLOAT_DIGITS, 0
    if places is not None:
        places = min(places, _FLOAT_DIGITS - (whole or 0))
    if places == 0:
        made["type"] = "integer"
    elif places is not None:
        made["multipleOf"] = float(f"1e-{places}")
    if schema.get("multiple_of") is not None:
        made["allOf"] = [{"multipleOf": _plain(schema["multiple_of"])}]
    low = [(Decimal(schema[name]), name == "gt") for name in ("gt", "ge") if _has(schema, name)]
    high = [(Decimal(schema[name]), name == "lt") for name in ("lt", "le") if _has(schema, name)]
    if whole is not None:
        low.append((Decimal(-(10**whole)), True))
        high.append((Decimal(10**whole), True))
    if low:
        bound, excluded = max(low)
        made["exclusiveMinimum" if excluded else "minimum"] = _plain(bound)
    if high:
        bound, excluded = min(high, key=lambda each: (each[0], not each[1]))
        made["exclusiveMaximum" if excluded else "maximum"] = _plain(bound)
    return made


def _string(
    schema: Mapping[str, Any], forms: list[tuple[int | None, int | None]]
) -> dict[str, Any]:
    """The strings that hold a plain decimal of one of these forms, within the bounds."""
    patterns = [_PLAIN_DECIMAL]
    if forms != [(None, None)]:
        patterns = [f"^-?(?:{'|'.join(_form(*form) for form in forms)})$"]
    for name in ("gt", "ge", "lt", "le"):
        if _has(schema, name):
            patterns.append(_bound(Decimal(schema[name]), name))
    made: dict[str, Any] = {"type": "string", "pattern": patterns[0]}
    if len(patterns) > 1:
        made["allOf"] = [{"pattern": pattern} for pattern in patterns[1:]]
    return made


def _form(whole: int | None, places: int | None) -> str:
    before = "(?:0|[1-9][0-9]*)"
    if whole is not None:
        before = f"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    if places is None:
        return before + r"(?:\.[0-9]+)?"
    return before + (rf"(?:\.[0-9]{{1,{places}}})?" if places else "")


def _bound(bound: Decimal, name: str) -> str:
    """A pattern of the plain decimals on one side of a bound (``gt``, ``ge``, ``lt``, ``le``)."""
    strictly = name in ("gt", "lt")
    upwards = name.startswith("g")
    away, same, other = ("", "", "-") if upwards else ("-", "-", "")
    far = bound if upwards else -bound
    if far > 0 or (far == 0 and strictly):
        return f"^{same}(?:{at_least(far, strictly=strictly)})$"
    if far == 0:
        return f"^(?:{away}{_UNSIGNED}|{other}0(?:\\.0+)?)$"
    near = at_most(-far, strictly=strictly)
    return f"^(?:{away}{_UNSIGNED}|{other}(?:{near}))$"


def _has(schema: Mapping[str, Any], name: str) -> bool:
    return schema.get(name) is not None


def _plain(value: Any) -> int | float:
    exact = Decimal(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)
