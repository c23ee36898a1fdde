"""Expressions of dates and times in any order of their fields, between two bounds.

What lies between two bounds is a union of *boxes*: an interval for each field. In a box no field
depends on another, so that it can be written in any order. How long months are splits boxes
further.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from condit.constraint.regular.expression import (
    Node,
    alternation,
    concatenation,
    intersection,
    word,
)
from condit.constraint.types.patterns import read
from condit.errors import ArgumentError

Interval = tuple[int, int]

RANGES: tuple[Interval, ...] = (
    *((1, 9999), (1, 12), (1, 31)),
    *((0, 23), (0, 59), (0, 59), (0, 999_999)),
)
"""Year, month, day, hour, minute, second, microsecond."""

DATE_FIELDS = 3

FIRST_FORMATTED_YEAR = 1000
"""Systems differ in how ``strftime`` writes earlier years."""

DIRECTIVES = {
    "Y": "YYYY", "y": "YY", "m": "MM", "d": "DD", "b": "Jan", "B": "January",
    "H": "hh", "M": "mm", "S": "ss", "f": "ffffff",
}  # fmt: skip
"""What may stand behind ``%`` in a format, and how it is shown to readers."""

_FIELD_OF = {"Y": 0, "y": 0, "m": 1, "b": 1, "B": 1, "d": 2, "H": 3, "M": 4, "S": 5, "f": 6}
_TWO_DIGIT_YEARS = (1969, 2068)
_LEAP_YEAR = (
    "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"  # 0000 is no year
)
_MONTHS_BY_LENGTH = ((31, (1, 3, 5, 7, 8, 10, 12)), (30, (4, 6, 9, 11)), (28, (2,)))


Bound = TypeVar("Bound")


@dataclass(frozen=True)
class Box:
    """Dates or times each field of which lies in an interval.

    Attributes:
        intervals: of the fields, as in ``RANGES``.
        months: the months, each of which has all the days of the interval.
        leap: whether only leap years count.
    """

    intervals: tuple[Interval, ...]
    months: tuple[int, ...] = ()
    leap: bool = False


def parts_of(name: str, format: str, *, date: bool, time: bool) -> list[str]:
    """A format in parts: literal texts, and directives, which begin with ``%``.

    Args:
        name: of the constraint, for messages.
        format: as for ``strftime``.
        date: whether it must have a year, a month and a day; else it may have none of them.
        time: whether it may have hours and so on.

    Raises:
        ArgumentError: it has a directive that is none of ``DIRECTIVES``, one twice, or misses one.
    """
    if not isinstance(format, str):
        raise ArgumentError(f"{name}: the format is {type(format).__name__}, not str")
    parts = [part for part in re.split("(%.?)", format, flags=re.DOTALL) if part]
    fields = []
    for part in parts:
        if not part.startswith("%") or part == "%%":
            continue
        field = _FIELD_OF.get(part[1:])
        if field is None or not (time if field >= DATE_FIELDS else date):
            known = [each for each in _FIELD_OF if (_FIELD_OF[each] < DATE_FIELDS and date)]
            known += [each for each in _FIELD_OF if (_FIELD_OF[each] >= DATE_FIELDS and time)]
            listed = ", ".join(f"%{each}" for each in known)
            raise ArgumentError(f"{name}: the format {format!r} has {part!r}; it may have {listed}")
        if field in fields:
            raise ArgumentError(f"{name}: the format {format!r} has the field of {part!r} twice")
        fields.append(field)
    if date and not {0, 1, 2} <= set(fields):
        raise ArgumentError(f"{name}: the format {format!r} needs a year, a month and a day")
    if not fields:
        raise ArgumentError(f"{name}: the format {format!r} has no field, such as %H")
    return parts


def shown(parts: Sequence[str]) -> str:
    """A format as readers know it, such as ``YYYY-MM-DD``."""
    return "".join(
        DIRECTIVES.get(part[1:], "%") if part.startswith("%") else part for part in parts
    )


def written(
    parts: Sequence[str], boxes: Sequence[Box], first: int, *, may_have_fraction: bool = False
) -> Node:
    """The texts of what lies in one of the boxes.

    Args:
        parts: of the format.
        boxes: what may be written.
        first: which field of ``RANGES`` the first interval of a box stands for.
        may_have_fraction: whether a point and one to six digits of a second may stand behind what
            the format says.
    """
    fields = {_FIELD_OF[part[1:]] for part in parts if part.startswith("%") and part != "%%"}
    found = []
    for box in boxes:
        intervals = dict(enumerate(box.intervals, first))
        microseconds = box.intervals[-1]
        # A field that is not written is 0.
        missing = [field for field in intervals if field not in fields and intervals[field][0] > 0]
        in_parts = concatenation(*(_part(part, intervals, box) for part in parts))
        if not missing:
            found.append(in_parts)
        if may_have_fraction:
            found.append(concatenation(in_parts, word("."), _fraction(*microseconds)))
    return alternation(*found)


def _part(part: str, intervals: dict[int, Interval], box: Box) -> Node:
    if not part.startswith("%") or part == "%%":
        return word("%" if part == "%%" else part)
    directive, interval = part[1:], intervals[_FIELD_OF[part[1:]]]
    if directive == "Y":
        years = read(_padded(*interval, 4))
        return intersection(years, read(_LEAP_YEAR)) if box.leap else years
    if directive == "y":
        first, last = _TWO_DIGIT_YEARS
        possible = range(max(interval[0], first), min(interval[1], last) + 1)
        kept = [year for year in possible if calendar.isleap(year) or not box.leap]
        return _any_of([f"{year % 100:02}" for year in kept])
    if directive in ("b", "B"):
        names = calendar.month_abbr if directive == "b" else calendar.month_name
        return _any_of([names[month] for month in box.months])
    if directive == "m":
        return _any_of([f"{month:02}" for month in box.months])
    return read(_padded(*interval, 6 if directive == "f" else 2))


def _any_of(texts: Sequence[str]) -> Node:
    return alternation(*map(word, texts))


def _fraction(low: int, high: int) -> Node:
    """One to six digits of a second, from ``low`` to ``high`` microseconds."""
    found = []
    for size in range(1, 7):
        step = 10 ** (6 - size)
        first, last = -(-low // step), high // step
        if first <= last:
            found.append(read(_padded(first, last, size)))
    return alternation(*found)


def _padded(low: int, high: int, width: int) -> str:
    """A pattern of the numbers from low to high in exactly so many digits."""
    return _fixed(f"{low:0{width}}", f"{high:0{width}}")


def _fixed(low: str, high: str) -> str:
    size = len(low)
    if low == high:
        return low
    if low == "0" * size and high == "9" * size:
        return f"[0-9]{{{size}}}"
    if low[0] == high[0]:
        return f"{low[0]}({_fixed(low[1:], high[1:])})"
    first, last, found = int(low[0]), int(high[0]), []
    if low[1:].strip("0"):
        found.append(f"{first}({_fixed(low[1:], '9' * (size - 1))})")
        first += 1
    if high[1:].strip("9"):
        found.append(f"{last}({_fixed('0' * (size - 1), high[1:])})")
        last -= 1
    if first <= last:
        found.append(f"[{first}-{last}]" + (f"[0-9]{{{size - 1}}}" if size > 1 else ""))
    return "|".join(found)


def boxes_between(
    ranges: Sequence[Interval], low: Sequence[int] | None, high: Sequence[int] | None
) -> Iterator[tuple[Interval, ...]]:
    """The boxes of all that is at least ``low`` and at most ``high``."""
    if not ranges or (low is None and high is None):
        yield tuple(ranges)
        return
    first = ranges[0][0] if low is None else low[0]
    last = ranges[0][1] if high is None else high[0]
    below, above = low and low[1:], high and high[1:]
    if low is not None and high is not None and first == last:
        for rest in boxes_between(ranges[1:], below, above):
            yield ((first, first), *rest)
        return
    if first > last:
        return
    if low is not None:
        for rest in boxes_between(ranges[1:], below, None):
            yield ((first, first), *rest)
        first += 1
    if high is not None:
        for rest in boxes_between(ranges[1:], None, above):
            yield ((last, last), *rest)
        last -= 1
    if first <= last:
        yield ((first, last), *ranges[1:])


def days_between(
    low: Sequence[int] | None,
    high: Sequence[int] | None,
    ranges: Sequence[Interval],
    *,
    early: bool,
) -> list[Box]:
    """The boxes of all days, with what else is in ``ranges``, from ``low`` to ``high``.

    Args:
        low: the first, as its fields, or ``None``.
        high: the last, or ``None``.
        ranges: of the fields, which begin with a year, a month and a day.
        early: whether years before ``FIRST_FORMATTED_YEAR`` may be written.
    """
    if not early:
        ranges = ((FIRST_FORMATTED_YEAR, 9999), *ranges[1:])
    if low is not None and low[0] < ranges[0][0]:
        low = None
    found = boxes_between(ranges, low, high)
    return [box for intervals in found for box in _with_months(intervals)]


def _with_months(intervals: tuple[Interval, ...]) -> Iterator[Box]:
    """A box whose first fields are a date as boxes without days that do not exist."""
    year, (first, last), (low, high), *rest = intervals
    for length, months in _MONTHS_BY_LENGTH:
        kept = tuple(month for month in months if first <= month <= last)
        if kept and low <= min(high, length):
            yield Box((year, (first, last), (low, min(high, length)), *rest), kept)
    if first <= 2 <= last and low <= 29 <= high:
        yield Box((year, (2, 2), (29, 29), *rest), (2,), leap=True)


def bound(name: str, what: object, kind: type[Bound], read: Callable[[str], Bound]) -> Bound:
    """A bound: an object of the type, or a text in ISO 8601.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(what, str):
        try:
            return read(what)
        except ValueError as error:
            raise ArgumentError(f"{name}: the bound {what!r} is not in ISO 8601: {error}") from None
    # To Python a datetime is a date, but not what is meant.
    if not isinstance(what, kind) or (isinstance(what, datetime) and kind is not datetime):
        raise ArgumentError(
            f"{name}: the bound {what!r} is a {type(what).__name__}; give a "
            f"datetime.{kind.__name__}, or a text in ISO 8601"
        )
    return what
