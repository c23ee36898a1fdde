"""Numbers of a JSON schema as regular expressions over their numerals.

A numeral is plain (``-12``, ``3.50``); on a side without a bound it may also have an exponent, as
JSON writers give one to very large and very small numbers. Between two bounds it may not: after a
``5`` where at most 1 is allowed, only ``5e-07`` and the like would be left.

An integer is written as one, unless all its spellings are asked for: to JSON Schema ``34.0`` and
``3.4e1`` are integers too, but most readers make floats of them.
"""

from __future__ import annotations

import enum
import math
import re
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any

from jsonschema_rs.canonical import IntegerView, NumberView

Number = int | float | Decimal

_WHOLE = r"(0|[1-9][0-9]*)"
# A float holds no more than 1.8e308: what is larger could not be read back.
_MODEST = rf"{_WHOLE}(\.[0-9]+)?([eE][-+]?[0-9]{{1,2}})?"
_LARGE = r"[0-9](\.[0-9]+)?[eE]\+?([12][0-9]{2}|30[0-7])"

ANY_NUMBER = rf"/-?({_MODEST}|{_LARGE})/"
ANY_INTEGER = rf"/-?{_WHOLE}((\.0)?|[eE]\+?[0-9]{{1,2}})/"


class Integers(enum.Enum):
    """Which numerals an integer may have; the value is a regular expression of all of them."""

    CANONICAL = "/0|-?[1-9][0-9]*/"
    """One for each, as every JSON writer has it."""
    PLAIN = f"/-?{_WHOLE}/"
    """Draft 4 takes ``7.0`` for no integer."""
    ANY = ANY_INTEGER
    """All numerals of integers in JSON Schema: ``7.0``, ``7e0``, ``-0``."""


_FRACTION = r"(\.[0-9]+)?"
_NO_FRACTION = r"(\.0)?"
"""A fraction that an integer may have, as some JSON writers always write one."""

_INTEGER_FORM = rf"/-?{_WHOLE}(\.0*)?/"
_MOST_STEPS = 1_000_000
_MOST_DIGITS = 400
_EXACT = 2**53
"""Up to here every whole number is a float."""
_MOST_EXPONENT = 307


def number_terminal(view: NumberView) -> tuple[str, tuple[str, ...]]:
    """The numerals of a number as a terminal's expression, and the keywords it leaves out."""
    expression, relaxed = _between(view, above=view.exclusive_minimum, below=view.exclusive_maximum)
    if view.excludes_integers:
        # A plain numeral with an exponent may still be an integer: that is left to the check.
        expression = f"({expression}) & ~{_INTEGER_FORM}"
        relaxed.append("not")
    if view.not_multiple_of:
        relaxed.append("not")
        if Decimal(1) in [Decimal(str(each)) for each in view.not_multiple_of]:
            expression = f"({expression}) & ~{_INTEGER_FORM}"
    steps = _steps(view.multiple_of)
    places = None if steps is None else _decimal_places(steps)
    if places and steps is not None and steps * 10**places == 1:
        expression = f"({expression}) & /-?{_WHOLE}(\\.[0-9]{{1,{places}}}0*)?/"
    elif view.multiple_of:
        relaxed.append("multipleOf")
    return expression, tuple(dict.fromkeys(relaxed))


def integer_terminal(view: IntegerView, integers: Integers) -> tuple[str, tuple[str, ...]]:
    """The numerals of an integer as a terminal's expression, and the keywords it leaves out."""
    expression, relaxed = _between(view, above=False, below=False)
    steps = _steps(view.multiple_of)
    if steps is not None and steps.denominator == 1 and _is_power_of_ten(steps.numerator):
        zeros = "0" * (len(str(steps.numerator)) - 1)
        expression = f"({expression}) & /-?(0|[1-9][0-9]*{zeros})(\\.0)?/"
    elif view.multiple_of:
        relaxed.append("multipleOf")
    if view.not_multiple_of:
        relaxed.append("not")
    if integers is not Integers.ANY:
        expression = f"({expression}) & {integers.value}"
    return expression, tuple(relaxed)


def multiple_leaves(view: NumberView | IntegerView) -> list[dict[str, Any]]:
    """JSON schemas that the mask engine itself turns into the numerals of such multiples.

    Each stands for the numerals with so many digits behind the point, or none. There are none of
    them where there are too many remainders to count, or bounds that the engine would round.
    """
    steps = _steps(view.multiple_of)
    if steps is None or view.not_multiple_of or getattr(view, "excludes_integers", False):
        return []
    places = _decimal_places(steps)
    if places is None or steps * Fraction(10) ** places > _MOST_STEPS:
        return []
    whole = isinstance(view, IntegerView)
    if whole and steps.denominator != 1:
        return []
    bounds: dict[str, object] = {}
    for name, bound in (("inimum", view.minimum), ("aximum", view.maximum)):
        if bound is None:
            continue
        if not -_EXACT <= bound <= _EXACT:
            return []
        side = "m" + name
        if isinstance(view, NumberView) and getattr(view, f"exclusive_{side}"):
            side = "exclusiveM" + name
        bounds[side] = int(bound) if bound == int(bound) else float(bound)
    # 0.5 is a multiple of 0.25 with fewer digits: one of 0.5, the common multiple with 0.1.
    shorter = [_common_multiple(steps, Fraction(1, 10**few)) for few in range(1, places)]
    return [
        {
            "type": "integer" if whole else "number",
            "multipleOf": each.numerator if each.denominator == 1 else float(each),
            **bounds,
        }
        for each in (steps, *shorter)
        if _some_multiple(each, view)
    ]


def without_negative_zero(leaf: dict[str, Any]) -> list[dict[str, Any]]:
    """One of ``multiple_leaves`` for an integer, in parts that do not write ``-0``.

    The engine writes it where its numerals may have a sign and may be zero.
    """
    low, high, step = leaf.get("minimum"), leaf.get("maximum"), leaf["multipleOf"]
    if (low is not None and low >= 0) or (high is not None and high < 0):
        return [leaf]
    parts = [{**leaf, "minimum": 0}]
    if low is None or low <= -step:
        parts.append({**leaf, "maximum": -1})
    return parts


def has_multiples(view: NumberView | IntegerView) -> bool:
    """Whether any multiple lies within the bounds."""
    steps = _steps(view.multiple_of)
    return steps is None or _some_multiple(steps, view)


def numeral(value: Number, integers: Integers = Integers.ANY) -> str:
    """The numerals of one number, as a regular expression between slashes."""
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    signs_zero = exact == 0 and integers is not Integers.CANONICAL
    sign = "-" if exact < 0 else "-?" if signs_zero else ""
    whole, _, fraction = format(exact.copy_abs(), "f").partition(".")
    fraction = fraction.rstrip("0")
    if integers is not Integers.ANY and not fraction:
        return f"/{sign}{whole}/"
    tail = rf"\.{fraction}" if fraction else _NO_FRACTION
    forms = [f"{sign}{whole}{tail}"]
    if exact and (exact.adjusted() >= 15 or exact.adjusted() < -4):
        digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
        first, rest = digits[0], digits[1:]
        power = exact.adjusted()
        mark = r"\+?" if power >= 0 else "-"
        forms.append(f"{sign}{first}{rf'[.]{rest}' if rest else ''}[eE]{mark}0?{abs(power)}")
    return f"/{'|'.join(forms)}/"


def _between(view: NumberView | IntegerView, *, above: bool, below: bool) -> tuple[str, list[str]]:
    """The numerals of an interval, and the bounds that are left out because they are too long.

    Args:
        view: has the bounds.
        above: whether the lower bound itself is left out.
        below: whether the upper one is.
    """
    whole = isinstance(view, IntegerView)
    low, high = (None if b is None else _decimal(b) for b in (view.minimum, view.maximum))
    relaxed: list[str] = []
    if low is not None and len(format(low, "f")) > _MOST_DIGITS:
        low, above = None, False
        relaxed.append("minimum")
    if high is not None and len(format(high, "f")) > _MOST_DIGITS:
        high, below = None, False
        relaxed.append("maximum")
    if low is None and high is None:
        return (ANY_INTEGER if whole else ANY_NUMBER), relaxed
    sides = []
    if high is None or high > 0 or (high == 0 and not below):
        near = low if low is not None and (low > 0 or (low == 0 and above)) else None
        sides.append(_side("", near, above, high, below, whole))
    if low is None or low < 0 or (low == 0 and not above):
        near = -high if high is not None and (high < 0 or (high == 0 and below)) else None
        sides.append(_side("-", near, below, None if low is None else -low, above, whole))
    plain = " | ".join(side for side, _ in sides)
    return " | ".join([plain, *(power for _, power in sides if power)]), relaxed


def _side(
    sign: str, least: Decimal | None, more: bool, most: Decimal | None, less: bool, whole: bool
) -> tuple[str, str]:
    """Numerals of one sign by their distance from 0, and those with an exponent."""
    parts = []
    fraction = _NO_FRACTION if whole else _FRACTION
    if least is not None:
        parts.append(f"/{sign}({at_least(least, strictly=more, fraction=fraction)})/")
    if most is not None:
        parts.append(f"/{sign}({at_most(most, strictly=less, fraction=fraction)})/")
    plain = " & ".join(parts or [f"/{sign}{_WHOLE}{fraction}/"])
    plain = f"({plain})" if len(parts) > 1 else plain
    if most is not None:
        return plain, ""
    # 10 to the number of digits of the least one is beyond it.
    digits = 1 if least is None else len(str(int(least)))
    powers = []
    if digits <= _MOST_EXPONENT:
        powers.append(rf"[1-9]{'' if whole else fraction}[eE]\+?0?({_exponents(digits)})")
    if not whole and not least:
        powers.append(r"[1-9](\.[0-9]+)?[eE]-[0-9]{1,2}")
    return plain, f"/{sign}({'|'.join(powers)})/" if powers else ""


def at_least(bound: Decimal, *, strictly: bool = False, fraction: str = _FRACTION) -> str:
    """A regular expression of the plain numerals, without sign, from ``bound`` up.

    Args:
        bound: 0 or more.
        strictly: whether ``bound`` itself is left out.
        fraction: what may stand behind the whole part, where that decides.
    """
    whole, digits = _digits(bound)
    parts = [f"({_above(whole)}){fraction}"]
    if digits:
        last = r"[0-9]*[1-9][0-9]*" if strictly else r"[0-9]*"
        more = [*_departing(digits, greater=True, whole=False), digits + last]
        parts.append(rf"{whole}\.({'|'.join(more)})")
    else:
        parts.append(whole + (r"\.[0-9]*[1-9][0-9]*" if strictly else fraction))
    return "|".join(parts)


def at_most(bound: Decimal, *, strictly: bool = False, fraction: str = _FRACTION) -> str:
    """A regular expression of the plain numerals, without sign, from 0 up to ``bound``.

    Args:
        bound: 0 or more; more than 0 if it is left out itself.
        strictly: whether it is.
        fraction: what may stand behind the whole part, where that decides.
    """
    whole, digits = _digits(bound)
    parts = []
    if whole != "0":
        parts.append(f"({_below(whole)}){fraction}")
    if digits:
        # A numeral that ends earlier is less, as the last digit of a fraction is not 0.
        less = [digits[:length] for length in range(1, len(digits))]
        less = [*_departing(digits, greater=False, whole=False), *less]
        less += [] if strictly else [f"{digits}0*"]
        parts.append(rf"{whole}(\.({'|'.join(less)}))?")
    elif not strictly:
        parts.append(whole + (_NO_FRACTION if fraction == _NO_FRACTION else r"(\.0+)?"))
    return "|".join(parts)


def _above(whole: str) -> str:
    """Whole numerals greater than ``whole``."""
    longer = f"[1-9][0-9]{{{len(whole)},}}"
    return "|".join([longer, *_departing(whole, greater=True, whole=True)])


def _below(whole: str) -> str:
    """Whole numerals less than ``whole``, which is not 0."""
    shorter = [] if len(whole) == 1 else ["0", f"[1-9][0-9]{{0,{len(whole) - 2}}}"]
    return "|".join([*shorter, *_departing(whole, greater=False, whole=True)])


def _departing(digits: str, *, greater: bool, whole: bool) -> list[str]:
    """Numerals that are greater, or less, than ``digits`` by the first digit that differs.

    Args:
        digits: of a whole number, or of what stands behind the point.
        greater: whether they are to be greater.
        whole: whether it is a whole number: others then have as many digits, and no 0 first.
    """
    parts = []
    for place, digit in enumerate(digits):
        least = int(whole and place == 0 and len(digits) > 1)
        low, high = (int(digit) + 1, 9) if greater else (least, int(digit) - 1)
        if low <= high:
            rest = len(digits) - place - 1
            tail = "[0-9]*" if not whole else f"[0-9]{{{rest}}}" if rest else ""
            parts.append(f"{digits[:place]}{_digit(low, high)}{tail}")
    return parts


def _exponents(low: int) -> str:
    """Whole numerals from ``low`` to the largest exponent that a float may have."""
    if low < 10:
        return f"[{low}-9]|[1-9][0-9]|[12][0-9]{{2}}|30[0-7]"
    return "|".join(map(str, range(low, _MOST_EXPONENT + 1)))


def _digit(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _digits(bound: Decimal) -> tuple[str, str]:
    whole, _, fraction = format(bound.copy_abs(), "f").partition(".")
    return whole.lstrip("0") or "0", fraction.rstrip("0")


def _decimal(bound: Number) -> Decimal:
    # The shortest decimal that reads back as this float is what the schema's author wrote.
    return Decimal(str(bound)) if isinstance(bound, float) else Decimal(bound)


def _steps(multiples: list[Number]) -> Fraction | None:
    """The least common multiple."""
    if not multiples:
        return None
    return reduce(_common_multiple, (Fraction(_decimal(each)) for each in multiples))


def _common_multiple(one: Fraction, other: Fraction) -> Fraction:
    numerator = math.lcm(one.numerator, other.numerator)
    return Fraction(numerator, math.gcd(one.denominator, other.denominator))


def _some_multiple(steps: Fraction, view: NumberView | IntegerView) -> bool:
    if view.minimum is None or view.maximum is None:
        return True
    low, high = Fraction(_decimal(view.minimum)), Fraction(_decimal(view.maximum))
    first = math.ceil(low / steps) * steps
    if first == low and getattr(view, "exclusive_minimum", False):
        first += steps
    return first < high or (first == high and not getattr(view, "exclusive_maximum", False))


def _decimal_places(steps: Fraction) -> int | None:
    """After how many digits behind the point every multiple ends; ``None`` beyond nine."""
    for places in range(10):
        if (steps * 10**places).denominator == 1:
            return places
    return None


def _is_power_of_ten(number: int) -> bool:
    return re.fullmatch("10+", str(number)) is not None
