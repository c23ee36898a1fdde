"""Dates, times of day, and both together."""

from __future__ import annotations

import datetime
import random

import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.errors import ArgumentError, UnsatisfiableError

TOKENS = [*"0123456789-:.TZ+ ", "20", "2024-", "02-", "29", ":00"]
STRANGE = "0123456789-:.TZ+ ztW,\u0663"


@pytest.mark.parametrize(
    ("earliest", "latest", "format"),
    [
        (None, None, "%Y-%m-%d"),
        ("2024-02-28", "2024-03-01", "%Y-%m-%d"),
        ("1999-12-31", "2101-01-01", "%d.%m.%Y"),
        (None, "0999-06-15", "%Y-%m-%d"),
        ("2023-05-17", None, "%d %b %Y"),
        ("1980-01-01", "2067-02-28", "%y%m%d"),
        (None, None, "%B %d, %Y"),
    ],
)
def test_dates_by_matcher_and_oracle(earliest: str, latest: str, format: str) -> None:
    wanted = condit.date(earliest, latest, format=format)
    if not set(format) & set("bB"):
        check_laws(wanted, TOKENS)
    check_agreement(wanted, STRANGE)


def test_every_day_of_some_years() -> None:
    wanted = condit.date("1896-03-01", "1904-10-31")
    for year in range(1895, 1906):
        for month in range(14):
            for day in range(33):
                text = f"{year}-{month:02}-{day:02}"
                try:
                    there = datetime.date(1896, 3, 1) <= datetime.date(year, month, day)
                    there = there and datetime.date(year, month, day) <= datetime.date(1904, 10, 31)
                except ValueError:
                    there = False
                assert matches(wanted, text) == wanted.accepts(text) == there, text


@pytest.mark.slow
def test_february_29_in_leap_years_alone() -> None:
    formatted = condit.date(format="%d/%m/%Y")
    for year in range(1, 10000):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        assert matches(condit.date(), f"{year:04}-02-29") == leap
        assert matches(formatted, f"29/02/{year:04}") == (leap and year >= 1000)


@pytest.mark.parametrize(
    ("earliest", "latest", "format"),
    [
        (None, None, "%H:%M:%S"),
        ("09:00", "17:30:15.5", "%H:%M:%S"),
        ("00:00:00.000001", None, "%H:%M:%S"),
        ("09:15", "17:30", "%H:%M"),
        (None, "12:59:59.25", "%M/%S.%f"),
    ],
)
def test_times_by_matcher_and_oracle(earliest: str, latest: str, format: str) -> None:
    wanted = condit.time(earliest, latest, format=format)
    check_laws(wanted, [*TOKENS, "/"])
    check_agreement(wanted, STRANGE + "/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("earliest", "latest", "zone", "format"),
    [
        (None, None, "Z", "%Y-%m-%dT%H:%M:%S"),
        (None, None, "any", "%Y-%m-%dT%H:%M:%S"),
        ("2024-02-28T23:59:59.5Z", "2024-03-01", "+01:00", "%Y-%m-%dT%H:%M:%S"),
        ("2024-02-28T23:59", "2024-02-29T00:00:01", None, "%Y-%m-%dT%H:%M:%S"),
        ("2024-02-28T23:59", None, "Z", "%d.%m.%Y %H:%M "),
        (None, None, "any", "%H:%M %d.%m.%y "),
    ],
)
def test_moments_by_matcher_and_oracle(earliest: str, latest: str, zone: str, format: str) -> None:
    wanted = condit.datetime(earliest, latest, zone=zone, format=format)
    check_laws(wanted, TOKENS)
    check_agreement(wanted, STRANGE)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-02-29T24:00:00Z", "2024-02-29T23:59:60Z", "2023-02-29T00:00:00Z"),
        *("2024-02-29t00:00:00Z", "2024-02-29T00:00:00z", "2024-02-29 00:00:00Z"),
        *("2024-02-29T00:00Z", "20240229T000000Z", "2024-W09-4T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00+24:00", "2024-02-29T00:00:00+0100"),
        *("2024-02-29T00:00:00+01:00:30", "2024-02-29T00:00:00.Z", "2024-02-29T00:00:00.1234567Z"),
        *("2024-02-29T00:00:00,5Z", "2024-02-29T00:00:00", "\u0662024-02-29T00:00:00Z"),
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    for zone in ("Z", "any"):
        assert not matches(condit.datetime(zone=zone), text)
        assert not condit.datetime(zone=zone).accepts(text)


def test_bounds_are_compared_in_the_zone_that_is_written() -> None:
    wanted = condit.datetime("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", zone="-05:00")
    rng = random.Random(0)
    first = datetime.datetime(2023, 12, 31, 18, 0)
    for _ in range(500):
        local = first + datetime.timedelta(seconds=rng.randrange(3 * 3600))
        inside = local.hour == 19 or local == datetime.datetime(2023, 12, 31, 20, 0)
        text = local.isoformat() + "-05:00"
        assert matches(wanted, text) == wanted.accepts(text) == inside


def test_values_are_those_of_python() -> None:
    assert condit.date().value("2024-02-29") == datetime.date(2024, 2, 29)
    assert condit.time().value("23:59:59.5") == datetime.time(23, 59, 59, 500_000)
    at = condit.datetime(zone="any").value("2024-02-29T00:00:00+01:00")
    assert at == datetime.datetime(2024, 2, 28, 23, tzinfo=datetime.UTC)
    written = condit.datetime(zone="+01:00", format="%d.%m.%Y %H:%M ").value(
        "29.02.2024 00:00 +01:00"
    )
    assert written == at


def test_nothing_between_the_bounds() -> None:
    for make in (
        lambda: condit.date("2024-01-02", "2024-01-01"),
        lambda: condit.date("0998-01-01", "0999-01-01", format="%d.%m.%Y"),
        lambda: condit.time("23:00", "01:00"),
        lambda: condit.time("12:00:01", "12:00:59", format="%H:%M"),
        lambda: condit.datetime("2024-01-01T00:00:01", "2024-01-01"),
    ):
        with pytest.raises(UnsatisfiableError, match="there is no "):
            make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: condit.date("2023-02-29"),
        lambda: condit.date(datetime.datetime(2024, 1, 1)),
        lambda: condit.date(5),  # type: ignore[arg-type]
        lambda: condit.date(format="%d.%m."),
        lambda: condit.date(format="%Y-%m-%d %H"),
        lambda: condit.date(format="%Y-%m-%d%d"),
        lambda: condit.date(format="%Y-%m-%j"),
        lambda: condit.time("25:00"),
        lambda: condit.time("12:00Z"),
        lambda: condit.time(format="noon"),
        lambda: condit.datetime(datetime.date(2024, 1, 1)),  # type: ignore[arg-type]
        lambda: condit.datetime(zone="CET"),
        lambda: condit.datetime(zone="-00:00"),
        lambda: condit.datetime("2024-01-01", zone="any"),
        lambda: condit.datetime("2024-01-01T00:00:00Z", zone=None),
        lambda: condit.datetime("0001-01-01T00:00:00+05:00"),
    ],
)
def test_arguments_that_cannot_be_used(make: object) -> None:
    with pytest.raises(ArgumentError, match=r"^(date|time|datetime): "):
        make()  # type: ignore[operator]


def test_they_say_what_they_are() -> None:
    assert condit.date("2024-01-01", "2024-12-31").describe() == (
        "Respond only with a date in the form YYYY-MM-DD from 2024-01-01 to 2024-12-31"
    )
    assert "day is out of range" in condit.date().explain("2023-02-29")
    assert condit.date().longest() == 10


def test_they_are_made_by_name() -> None:
    made = condit.make_constraint("date", "2024-01-01,2024-12-31")
    assert made == condit.date("2024-01-01", "2024-12-31")
    assert condit.make_constraint("time", "", format="%H:%M") == condit.time(format="%H:%M")
    assert condit.make_constraint("datetime", "2024-01-01") == condit.datetime("2024-01-01")
