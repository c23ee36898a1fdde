"""The constraint ``time``: times of day."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given
from condit.constraint.types.base import RegularType
from condit.constraint.types.bounds import beyond, times_in_words
from condit.constraint.types.calendar_fields import (
    DATE_FIELDS,
    RANGES,
    Box,
    bound,
    boxes_between,
    parts_of,
    shown,
    written,
)
from condit.errors import ArgumentError, UnsatisfiableError

ISO_TIME = "%H:%M:%S"


def time(
    earliest: datetime.time | str | None = None,
    latest: datetime.time | str | None = None,
    *,
    format: str = ISO_TIME,
) -> Time:
    """Times of day from ``earliest`` to ``latest``, both included; ``None``: no bound there.

    As ISO 8601 has them, ``23:59:59``, maybe with one to six digits of a second, ``23:59:59.5``;
    without a time zone, hour 24 or second 60. The value is a ``datetime.time``.

    >>> time("09:00", "17:30").accepts("17:30:00")
    True
    >>> time().accepts("24:00:00")
    False
    >>> time(format="%H:%M").value("07:05")
    datetime.time(7, 5)

    Args:
        earliest: the first time that may be written: a time, or a text in ISO 8601.
        latest: the last one, on the same day.
        format: another way to write them, with ``%H``, ``%M``, ``%S`` and ``%f`` (microseconds),
            each in all its digits. What it does not have is 0.

    Raises:
        ArgumentError: a bound is no time or has a time zone, or the format is none of these.
        UnsatisfiableError: no time that can be written lies between the bounds.
    """
    first, last = (
        None if each is None else bound("time", each, datetime.time, datetime.time.fromisoformat)
        for each in (earliest, latest)
    )
    return Time(first, last, format)


@dataclass(frozen=True)
class Time(RegularType):
    """Times of day; made by ``time``.

    Attributes:
        earliest: the first, or ``None``.
        latest: the last, or ``None``.
        format: how they are written.
    """

    earliest: datetime.time | None
    latest: datetime.time | None
    format: str

    def __post_init__(self) -> None:
        for each in (self.earliest, self.latest):
            if each is not None and each.tzinfo is not None:
                raise ArgumentError(f"time: the bound {each} has a time zone; see condit.datetime")
        parts = parts_of("time", self.format, date=False, time=True)
        low, high = (
            None if each is None else (each.hour, each.minute, each.second, each.microsecond)
            for each in (self.earliest, self.latest)
        )
        boxes = [Box(each) for each in boxes_between(RANGES[DATE_FIELDS:], low, high)]
        fraction = self.format == ISO_TIME
        self._follow(written(parts, boxes, DATE_FIELDS, may_have_fraction=fraction))
        if self.machine.is_empty:
            raise UnsatisfiableError(f"time: there is no time {self._range}")

    def objection(self, text: str) -> str | None:
        """Why it is no such time, by Python's ``datetime``."""
        try:
            found = self.value(text)
        except ValueError as error:
            return f"it is no time: {error}"
        if self.format == ISO_TIME:
            is_written = found.isoformat("microseconds") == in_microseconds(text)
        else:
            is_written = found.strftime(self.format) == text
        if not is_written:
            return f"it is not written as {self._shown}"
        return beyond(found, self.earliest, self.latest, "before", "after")

    def value(self, text: str) -> datetime.time:
        """The time."""
        if self.format == ISO_TIME:
            return datetime.time.fromisoformat(text)
        return datetime.datetime.strptime(text, self.format).time()

    def describe(self) -> str:
        """The form and the bounds, as an instruction to a model."""
        return f"Respond only with a time of day in the form {self._shown} {self._range}".rstrip()

    @property
    def _shown(self) -> str:
        return shown(parts_of("time", self.format, date=False, time=True))

    @property
    def _range(self) -> str:
        return times_in_words(self.earliest, self.latest)


def in_microseconds(text: str) -> str:
    """A time as it is, with the digits of a second filled up to six."""
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits:0<6}" if digits or "." not in text else text


def _make(value: object = None, *, format: str = ISO_TIME) -> Time:
    earliest, latest = given("time", value, 2)
    return time(earliest, latest, format=format)  # type: ignore[arg-type]


TIME = ConstraintSource(
    name="time",
    description="a time of day as in 23:59:59; the first and the last, as in 09:00,17:30",
    make=_make,
)
