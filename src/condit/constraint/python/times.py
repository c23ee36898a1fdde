"""Dates, times and durations within bounds, as patterns and as examples.

ISO dates sort as strings, so a bound on dates is a pattern. Times with an offset do not: there the
pattern bounds the days, and pydantic decides when the string closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from condit.constraint.schema.formats import DATE

_BOUNDS = ("gt", "ge", "lt", "le")
_MARGIN = timedelta(days=2)
"""By how many days offsets can move a time against a bound, with one to spare."""

NOT_YEAR_0 = "^(?!0000)"
"""Python's years begin with 1."""

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = "(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

TIME = f"^{_CLOCK}{_OFFSET}$"
"""The format ``time`` without leap seconds, which Python does not know."""

DATETIME = f"^(?!0000){DATE}[tT]{_CLOCK}{_OFFSET}$"
NAIVE = f"^(?!0000){DATE}[tT]{_CLOCK}$"
"""A date and a time without an offset."""

_SHORT = r"^\D*(?:\d{1,6}\D+)*$"
"""A duration whose numbers have at most six digits, so that ``timedelta`` can hold it."""

_UNITS = (
    ("P", "Y", timedelta(365)),
    ("P", "M", timedelta(30)),
    ("P", "W", timedelta(7)),
    ("P", "D", timedelta(1)),
    ("T", "H", timedelta(hours=1)),
    ("T", "M", timedelta(minutes=1)),
    ("T", "S", timedelta(seconds=1)),
)


def is_bounded(schema: Mapping[str, Any]) -> bool:
    """Whether a core schema of a date, time or duration has a bound."""
    return any(schema.get(bound) is not None for bound in (*_BOUNDS, "now_op"))


def date_patterns(schema: Mapping[str, Any]) -> list[str]:
    """Patterns that, of all dates, exactly those within the bounds of a core schema match."""
    low, high = _days(schema, whole_days=True)
    found = [] if low is None else [from_on(low.isoformat())]
    if high is not None:
        found.append(up_to(high.isoformat()))
    return found if low is not None else [NOT_YEAR_0, *found]


def datetime_patterns(schema: Mapping[str, Any]) -> list[str]:
    """Patterns of the times of a core schema; they also match times some days out of bounds."""
    low, high = _days(schema, whole_days=False)
    found = [] if low is None else [from_on(low.isoformat())]
    return found if high is None else [*found, up_to(high.isoformat())]


def time_patterns(schema: Mapping[str, Any]) -> list[str]:
    """Patterns of the times of day of a core schema; they also match some just out of bounds."""
    found = []
    for name in _BOUNDS:
        bound = schema.get(name)
        # A bound without an offset is compared with the time as written.
        if bound is not None and bound.tzinfo is None:
            shown = bound.replace(microsecond=0).isoformat()
            found.append(from_on(shown) if name.startswith("g") else up_to(shown))
    return found


def duration_pattern(schema: Mapping[str, Any]) -> str:
    """A pattern of the durations of a core schema, without units longer than the upper bound."""
    most = schema.get("le", schema.get("lt"))
    if most is None:
        return _SHORT
    units = [(part, unit) for part, unit, length in _UNITS if length <= most]
    days = "".join(rf"(?:\d{{1,6}}{unit})?" for part, unit in units if part == "P")
    times = "".join(rf"(?:\d{{1,6}}{unit})?" for part, unit in units if part == "T")
    return f"^P{days}(?:T{times})?$" if units else "^PT0S$"


def examples(schema: Mapping[str, Any]) -> list[str]:
    """Texts that are likely to satisfy a core schema of a date, time or duration with bounds."""
    kind = schema["type"]
    found: list[str] = []
    if schema.get("now_op"):
        today = date.today()
        day = today.replace(year=today.year + (1 if schema["now_op"] == "future" else -1), day=1)
        found.append(day.isoformat())
        found.append(f"{day.isoformat()}T00:00:00")
    for bound in _BOUNDS:
        value = schema.get(bound)
        sign = 1 if bound.startswith("g") else -1
        if isinstance(value, datetime):
            found += [each.isoformat() for each in _near(value, sign * _MARGIN)]
        elif isinstance(value, date):
            found += [each.isoformat() for each in _near(value, timedelta(days=sign))]
        elif isinstance(value, time):
            found.append(value.isoformat())
            moved = datetime.combine(date(2000, 1, 1), value) + timedelta(seconds=sign)
            found.append(moved.time().isoformat())
        elif isinstance(value, timedelta):
            found += [_duration(value), _duration(value + timedelta(seconds=sign))]
    if kind == "datetime" and schema.get("tz_constraint") != "naive":
        found = [each if "+" in each else f"{each}Z" for each in found if "T" in each]
    elif kind == "time":
        found = [*found, *(f"{each}Z" for each in found)]
    return found


def _near(value: Any, step: timedelta) -> list[Any]:
    try:
        return [value, value + step]
    except OverflowError:
        return [value]


def _duration(value: timedelta) -> str:
    if value < timedelta(0):
        return "PT0S"
    days = f"{value.days}D" if value.days else ""
    return f"P{days}T{value.seconds}S"


def _days(schema: Mapping[str, Any], *, whole_days: bool) -> tuple[date | None, date | None]:
    """The first and the last day within the bounds of a core schema.

    Args:
        schema: of a date or of a time on a date.
        whole_days: whether it is of dates: then a bound that is excluded leaves out its day.
    """
    today = date.today()
    lows: list[date] = []
    highs: list[date] = []
    for name in _BOUNDS:
        if schema.get(name) is not None:
            sign = 1 if name.startswith("g") else -1
            excluded = whole_days and name in ("gt", "lt")
            (lows if sign > 0 else highs).append(_end(schema[name], sign, excluded=excluded))
    if now := schema.get("now_op"):
        sign = 1 if now == "future" else -1
        by = timedelta(sign) if whole_days else -sign * _MARGIN
        (lows if sign > 0 else highs).append(_moved(today, by))
    return max(lows, default=None), min(highs, default=None)


def _end(bound: date, sign: int, *, excluded: bool) -> date:
    if not isinstance(bound, datetime):
        return _moved(bound, timedelta(sign)) if excluded else bound
    # Only a bound without an offset is compared with the date as written.
    return bound.date() if bound.tzinfo is None else _moved(bound.date(), -sign * _MARGIN)


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta(0) else date.max


def from_on(text: str) -> str:
    """A pattern of what begins with a text of the form of ``text``, equal or later in order."""
    return _beginning(text, "9")


def up_to(text: str) -> str:
    """A pattern of what begins with a text of the form of ``text``, equal or earlier in order."""
    return _beginning(text, "0")


def _beginning(text: str, end: str) -> str:
    choices = [text]
    for place, digit in enumerate(text):
        if digit.isdigit() and digit != end:
            step = 1 if end == "9" else -1
            first, last = sorted((str(int(digit) + step), end))
            rest = "".join("[0-9]" if other.isdigit() else other for other in text[place + 1 :])
            choices.append(f"{text[:place]}[{first}-{last}]{rest}")
    return f"^(?:{'|'.join(choices)})"
