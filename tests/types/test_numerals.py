"""Whole and decimal numbers between two bounds."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.errors import ArgumentError, UnsatisfiableError

DIGITS = [*"0123456789.-", "12", "-1", "0.", "100", "99"]
STRANGE = "0123456789.-+e _\u0663"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lo", "hi"),
    [
        (0, 130),
        (None, None),
        (-7, None),
        (None, -3),
        (-15, 1207),
        (5, 5),
        (0, 0),
        (-99, 0),
        (10, None),
    ],
)
def test_integers_by_matcher_and_oracle(lo: int | None, hi: int | None) -> None:
    wanted = condit.integer(lo, hi)
    check_laws(wanted, DIGITS)
    check_agreement(wanted, STRANGE)
    for number in range(-1300, 1300):
        inside = (lo is None or number >= lo) and (hi is None or number <= hi)
        assert matches(wanted, str(number)) == wanted.accepts(str(number)) == inside


@pytest.mark.parametrize(
    "text", ["-0", "007", "+5", "1.0", "1e2", "1_0", "\u0661", " 1", "1 ", "", "-"]
)
def test_other_spellings_are_no_integers(text: str) -> None:
    assert not condit.integer().accepts(text)
    assert not matches(condit.integer(), text)


def test_integers_have_no_limit_to_their_digits() -> None:
    digits = "7" * 5000
    assert condit.integer().value(digits) == int(Decimal(digits))
    assert condit.integer(0, 10**50).longest() == 51
    assert condit.integer(0).longest() is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lo", "hi", "digits"),
    [
        *((0, 1, 2), (-1.5, 2.25, None), (0, 100, (2, 2)), (-0.05, 0.05, 3), (None, 0, 1)),
        *((3, None, 0), (Decimal("0.125"), Decimal("0.5"), (1, 4)), (None, None, None)),
    ],
)
def test_numbers_by_matcher_and_oracle(lo: float, hi: float, digits: int) -> None:
    wanted = condit.number(lo, hi, digits=digits)
    check_laws(wanted, DIGITS)
    check_agreement(wanted, STRANGE)
    rng = random.Random(0)
    for _ in range(1000):
        near = Decimal(rng.choice([str(bound) for bound in (lo, hi) if bound is not None] or ["0"]))
        text = f"{near + Decimal(rng.randint(-30, 30)) / 10 ** rng.randint(0, 4):f}"
        assert matches(wanted, text) == wanted.accepts(text), text


@pytest.mark.parametrize(
    "text", ["-0", "-0.0", "1e5", "inf", "nan", ".5", "5.", "00.5", "\u0661.5"]
)
def test_other_spellings_are_no_numbers(text: str) -> None:
    assert not condit.number().accepts(text)
    assert not matches(condit.number(), text)


def test_values_are_numbers() -> None:
    value = condit.integer().value("-12")
    assert (value, type(value)) == (-12, int)
    assert condit.number(digits=2).value("0.25") == 0.25


def test_no_number_between_the_bounds() -> None:
    with pytest.raises(UnsatisfiableError, match="at least 3 and at most 2"):
        condit.integer(3, 2)
    with pytest.raises(UnsatisfiableError, match="at most 1 digits"):
        condit.number(0.01, 0.02, digits=1)
    with pytest.raises(UnsatisfiableError):
        condit.number(2, 1)


@pytest.mark.parametrize("bound", [0.5, True, "3", 10**2000])
def test_bounds_of_integers_are_whole(bound: object) -> None:
    with pytest.raises(ArgumentError, match="integer: "):
        condit.integer(bound)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [{"lo": float("nan")}, {"hi": float("inf")}, {"lo": True}, {"lo": "1"}, {"digits": -1},
     {"digits": (2, 1)}, {"digits": 0.5}, {"digits": True}],
)  # fmt: skip
def test_bounds_and_digits_of_numbers(arguments: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match="number: "):
        condit.number(**arguments)  # type: ignore[arg-type]


def test_they_say_what_they_are() -> None:
    assert condit.integer(0, 130).describe() == (
        "Respond only with a whole number from 0 to 130, in digits"
    )
    assert condit.integer(0, 130).explain("131") == "at character 2: it is greater than 130"
    matcher = condit.integer(0, 130).bind(condit.Vocabulary.of_bytes())
    for byte in b"13":
        matcher.advance(byte)
    assert "may continue with '0'" in matcher.explain(ord("7"))


def test_they_are_made_by_name() -> None:
    assert condit.make_constraint("integer", "0,130") == condit.integer(0, 130)
    assert condit.make_constraint("integer", ",5") == condit.integer(None, 5)
    assert condit.make_constraint("integer", [0, 130]) == condit.integer(0, 130)
    assert condit.make_constraint("number", "0,1,2") == condit.number(0, 1, digits=2)
    with pytest.raises(ArgumentError, match="no whole number"):
        condit.make_constraint("integer", "a,b")
    with pytest.raises(ArgumentError, match="2 values at most"):
        condit.make_constraint("integer", "1,2,3")
