"""The constraint ``date``: days of the calendar."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given
from condit.constraint.types.base import RegularType
from condit.constraint.types.bounds import beyond, times_in_words
from condit.constraint.types.calendar_fields import (
    DATE_FIELDS,
    FIRST_FORMATTED_YEAR,
    RANGES,
    bound,
    days_between,
    parts_of,
    shown,
    written,
)
from condit.errors import UnsatisfiableError

ISO_DATE = "%Y-%m-%d"


def date(
    earliest: datetime.date | str | None = None,
    latest: datetime.date | str | None = None,
    *,
    format: str = ISO_DATE,
) -> Date:
    """Days that exist, from ``earliest`` to ``latest``, both included; ``None``: no bound there.

    As ISO 8601 has them, ``2024-02-29``, from the year 1 to 9999. The value is a ``datetime.date``.

    >>> date().accepts("2023-02-29")
    False
    >>> date("2024-01-01", "2024-12-31").accepts("2024-02-29")
    True
    >>> date(format="%d.%m.%Y").value("29.02.2024")
    datetime.date(2024, 2, 29)

    Args:
        earliest: the first day that may be written: a date, or a text in ISO 8601.
        latest: the last one.
        format: another way to write them, with ``%Y`` (or ``%y``: 1969 to 2068), ``%m`` (or ``%b``,
            ``%B``: names of months in the language of the process) and ``%d``, each in all its
            digits. Years then begin at 1000.

    Raises:
        ArgumentError: a bound is no date, or the format is none of these.
        UnsatisfiableError: no day that can be written lies between the bounds.
    """
    first, last = (
        None if each is None else bound("date", each, datetime.date, datetime.date.fromisoformat)
        for each in (earliest, latest)
    )
    return Date(first, last, format)


@dataclass(frozen=True)
class Date(RegularType):
    """Days of the calendar; made by ``date``.

    Attributes:
        earliest: the first, or ``None``.
        latest: the last, or ``None``.
        format: how they are written.
    """

    earliest: datetime.date | None
    latest: datetime.date | None
    format: str

    def __post_init__(self) -> None:
        parts = parts_of("date", self.format, date=True, time=False)
        low, high = (
            None if day is None else (day.year, day.month, day.day)
            for day in (self.earliest, self.latest)
        )
        boxes = days_between(low, high, RANGES[:DATE_FIELDS], early=self.format == ISO_DATE)
        self._follow(written(parts, boxes, 0))
        if self.machine.is_empty:
            raise UnsatisfiableError(f"date: there is no day {self._range}")

    def objection(self, text: str) -> str | None:
        """Why it is no such day, by Python's ``datetime``."""
        try:
            day = self.value(text)
        except ValueError as error:
            return f"it is no date: {error}"
        spelled = day.isoformat() if self.format == ISO_DATE else day.strftime(self.format)
        if spelled != text or (day.year < FIRST_FORMATTED_YEAR and self.format != ISO_DATE):
            return f"it is not written as {self._shown}"
        return beyond(day, self.earliest, self.latest, "before", "after")

    def value(self, text: str) -> datetime.date:
        """The day."""
        if self.format == ISO_DATE:
            return datetime.date.fromisoformat(text)
        return datetime.datetime.strptime(text, self.format).date()

    def describe(self) -> str:
        """The form and the bounds, as an instruction to a model."""
        return f"Respond only with a date in the form {self._shown} {self._range}".rstrip()

    @property
    def _shown(self) -> str:
        return shown(parts_of("date", self.format, date=True, time=False))

    @property
    def _range(self) -> str:
        return times_in_words(self.earliest, self.latest)


def _make(value: object = None, *, format: str = ISO_DATE) -> Date:
    earliest, latest = given("date", value, 2)
    return date(earliest, latest, format=format)  # type: ignore[arg-type]


DATE = ConstraintSource(
    name="date",
    description="a day as in 2024-02-29; the first and the last, as in 2024-01-01,2024-12-31",
    make=_make,
)
