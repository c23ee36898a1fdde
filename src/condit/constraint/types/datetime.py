"""The constraint ``datetime``: moments, as RFC 3339 writes them."""

from __future__ import annotations

import datetime as python
from dataclasses import dataclass

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
from condit.constraint.types.bounds import beyond, times_in_words
from condit.constraint.types.calendar_fields import (
    FIRST_FORMATTED_YEAR,
    RANGES,
    bound,
    days_between,
    parts_of,
    shown,
    written,
)
from condit.constraint.types.date import (
    ISO_DATE,
)
from condit.constraint.types.patterns import read
from condit.constraint.types.time import ISO_TIME, in_microseconds
from condit.errors import ArgumentError, UnsatisfiableError

ISO = f"{ISO_DATE}T{ISO_TIME}"


def datetime(
    earliest: python.datetime | str | None = None,
    latest: python.datetime | str | None = None,
    *,
    zone: str | None = "Z",
    format: str = ISO,
) -> Datetime:
    """Moments from ``earliest`` to ``latest``, both included; ``None``: no bound there.

    As RFC 3339 has them, ``2024-02-29T23:59:59Z``, maybe with one to six digits of a second; from
    the year 1 to 9999, with a capital ``T`` and ``Z``, without hour 24 or second 60. The value is a
    ``datetime.datetime``.

    >>> datetime("2024-01-01").accepts("2023-12-31T23:59:59Z")
    False
    >>> datetime(zone="any").accepts("2024-02-29T23:59:59.5+01:00")
    True
    >>> datetime(zone=None, format="%d.%m.%Y %H:%M").value("29.02.2024 07:05")
    datetime.datetime(2024, 2, 29, 7, 5)

    Args:
        earliest: the first moment that may be written: a datetime, or a text in ISO 8601. One
            without a time zone is in the zone that is written.
        latest: the last one.
        zone: what stands at the end: ``"Z"``, or one offset such as ``"+01:00"``; ``"any"``: either
            of all these, in which case there can be no bounds; ``None``: nothing.
        format: another way to write what stands before the zone; see ``condit.date`` and
            ``condit.time`` for what it may have.

    Raises:
        ArgumentError: a bound is no moment, or has a time zone where none is written; there is no
            such zone; or the format is none of these.
        UnsatisfiableError: no moment that can be written lies between the bounds.
    """
    offset = _zone(zone)
    if zone == "any" and not (earliest is None and latest is None):
        raise ArgumentError(
            "datetime: between bounds all moments are written in one zone: give zone='Z' or an "
            "offset such as zone='+01:00'"
        )
    bounds = [None if each is None else _bound(each, zone, offset) for each in (earliest, latest)]
    return Datetime(bounds[0], bounds[1], zone, format)


@dataclass(frozen=True)
class Datetime(RegularType):
    """Moments; made by ``datetime``.

    Attributes:
        earliest: the first, in the zone that is written, or ``None``.
        latest: the last, likewise.
        zone: the zone that is written: ``"Z"``, an offset, ``"any"`` or ``None``.
        format: how the rest is written.
    """

    earliest: python.datetime | None
    latest: python.datetime | None
    zone: str | None
    format: str

    def __post_init__(self) -> None:
        parts = parts_of("datetime", self.format, date=True, time=True)
        low, high = (
            None if each is None else (*each.timetuple()[:6], each.microsecond)
            for each in (self.earliest, self.latest)
        )
        boxes = days_between(low, high, RANGES, early=self.format == ISO)
        moments = written(parts, boxes, 0, may_have_fraction=self.format == ISO)
        zone = _any_zone() if self.zone == "any" else word(self.zone or "")
        self._follow(concatenation(moments, zone))
        if self.machine.is_empty:
            raise UnsatisfiableError(f"datetime: there is no moment {self._range}")

    def objection(self, text: str) -> str | None:
        """Why it is no such moment, by Python's ``datetime``."""
        try:
            found = self.value(text)
        except ValueError as error:
            return f"it is no date and time: {error}"
        local = found.replace(tzinfo=None)
        if self.format == ISO:
            is_written = local.isoformat(timespec="microseconds") == in_microseconds(
                self._without_zone(text)
            )
        else:
            is_written = local.strftime(self.format) == self._without_zone(text)
            is_written = is_written and found.year >= FIRST_FORMATTED_YEAR
        end = text[len(self._without_zone(text)) :]
        if self.zone == "any" and end != "Z":
            is_written = is_written and found.isoformat().endswith(end) and len(end) == 6
        elif self.zone != "any":
            is_written = is_written and end == (self.zone or "")
        if not is_written:
            return f"it is not written as {self._shown}"
        return beyond(found, self.earliest, self.latest, "before", "after")

    def value(self, text: str) -> python.datetime:
        """The moment, with its zone where one is written."""
        if self.format == ISO:
            return python.datetime.fromisoformat(text)
        local = python.datetime.strptime(self._without_zone(text), self.format)
        end = text[len(self._without_zone(text)) :]
        return (
            local if not end else local.replace(tzinfo=python.time.fromisoformat("00" + end).tzinfo)
        )

    def _without_zone(self, text: str) -> str:
        if self.zone != "any":
            return text.removesuffix(self.zone or "")
        return text[:-1] if text.endswith("Z") else text[:-6]

    def describe(self) -> str:
        """The form and the bounds, as an instruction to a model."""
        return f"Respond only with a date and time in the form {self._shown} {self._range}".rstrip()

    @property
    def _shown(self) -> str:
        zone = "Z (or +hh:mm)" if self.zone == "any" else self.zone or ""
        return shown(parts_of("datetime", self.format, date=True, time=True)) + zone

    @property
    def _range(self) -> str:
        bounds = [
            None if each is None else each.isoformat() for each in (self.earliest, self.latest)
        ]
        return times_in_words(*bounds)


def _any_zone() -> Node:
    offset = read("[+-]([01][0-9]|2[0-3]):[0-5][0-9]")
    return alternation(word("Z"), intersection(offset, complement(word("-00:00"))))


def _zone(zone: object) -> python.tzinfo | None:
    """The offset that a zone stands for."""
    if zone is None or zone == "any":
        return None
    found = None
    if isinstance(zone, str) and zone != "-00:00" and (zone == "Z" or len(zone) == 6):
        try:
            found = python.time.fromisoformat(f"00:00{zone}").tzinfo
        except ValueError:
            found = None
    if found is None:
        raise ArgumentError(
            f"datetime: zone={zone!r}; give 'Z', an offset such as '+01:00', 'any' or None"
        )
    return found


def _bound(each: object, zone: str | None, offset: python.tzinfo | None) -> python.datetime:
    found = bound("datetime", each, python.datetime, python.datetime.fromisoformat)
    if found.tzinfo is None:
        return found.replace(tzinfo=offset)
    if zone is None:
        raise ArgumentError(f"datetime: the bound {found} has a time zone, and zone=None")
    try:
        return found.astimezone(offset)
    except OverflowError:
        raise ArgumentError(f"datetime: the bound {found} is in no year of zone {zone}") from None


def _make(value: object = None, *, zone: str | None = "Z", format: str = ISO) -> Datetime:
    earliest, latest = given("datetime", value, 2)
    return datetime(earliest, latest, zone=zone, format=format)  # type: ignore[arg-type]


DATETIME = ConstraintSource(
    name="datetime",
    description="a moment as in 2024-02-29T23:59:59Z; the first and the last, separated by a comma",
    make=_make,
)
