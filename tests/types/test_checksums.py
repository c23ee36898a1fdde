"""Numbers with check digits: IBAN, ISBN, EAN, Luhn and others."""

from __future__ import annotations

import random
import sys

import pytest
from small_texts import check_agreement, check_laws, matches, walked
from stdnum import iban, luhn

import condit
from condit.constraint.types.checked_number import KINDS
from condit.errors import (
    ArgumentError,
    MissingDependencyError,
    UnknownNameError,
    UnsatisfiableError,
)

STRANGE = "0123456789X-AZaz \u0663"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_by_matcher_and_oracle(kind: str) -> None:
    wanted = condit.checked_number(kind)
    letters = "ABX" if kind in ("lei", "isbn", "isbn10", "issn") else ""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if kind == "lei" else letters
    tokens = [*"0123456789-", *letters, "12", "978", "00"]
    check_laws(wanted, tokens)
    check_agreement(wanted, STRANGE)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["DE", "NO", "MT", "FR", "GB", "RU", "SC"])
def test_account_numbers_by_matcher_and_oracle(code: str) -> None:
    wanted = condit.iban(code)
    check_agreement(wanted, STRANGE, texts=100)
    tokens = [*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", code, "12", "000"]
    check_laws(wanted, tokens, walks=2)


@pytest.mark.slow
def test_account_numbers_of_all_countries() -> None:
    every = condit.iban()
    rng = random.Random(0)
    for code in every.countries:
        text = walked(condit.iban(code), rng)
        assert iban.is_valid(text, check_country=False)
        assert len(text) == condit.iban(code).longest()
        assert every.accepts(text)
        assert matches(every, text)
        assert not matches(every, text[:-1])
        assert not matches(every, text + "0")


@pytest.mark.slow
def test_check_digits_are_those_that_are_given_out() -> None:
    wanted = condit.iban("NO")
    rng = random.Random(0)
    for _ in range(300):
        account = f"{rng.randrange(10**11):011}"
        good = [f"NO{check:02}{account}" for check in range(100)]
        good = [text for text in good if matches(wanted, text)]
        assert good == [f"NO{iban.calc_check_digits('NO00' + account)}{account}"]
        assert wanted.accepts(good[0])


def test_the_last_digit_is_forced() -> None:
    matcher = condit.checked_number("luhn", digits=16).bind(condit.Vocabulary.of_bytes())
    for byte in b"411111111111111":
        matcher.advance(byte)
    assert matcher.forced_text() == b"1"
    assert luhn.is_valid("4111111111111111")
    assert "not the check digit" in matcher.explain(ord("2"))


def test_digits_of_luhn_numbers() -> None:
    wanted = condit.checked_number("luhn", digits=(3, 4))
    check_agreement(wanted, STRANGE)
    assert [text for text in ("59", "018", "0018", "00018") if wanted.accepts(text)] == [
        "018",
        "0018",
    ]


def test_arguments_that_cannot_be_used() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'isbn'"):
        condit.checked_number("isbm")
    with pytest.raises(ArgumentError, match="only 'luhn'"):
        condit.checked_number("isbn", digits=10)
    for digits in (1, (5, 4), (2, 5000), 2.5):
        with pytest.raises(ArgumentError, match="no count"):
            condit.checked_number("luhn", digits=digits)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="country with IBANs"):
        condit.iban("XX")
    with pytest.raises(UnsatisfiableError, match="no country"):
        condit.iban([])


def test_what_is_not_installed_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stdnum.luhn", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'condit\[types\]'"):
        condit.checked_number("luhn")


def test_they_are_made_by_name() -> None:
    assert condit.make_constraint("iban", "DE,FR") == condit.iban(["DE", "FR"])
    assert condit.make_constraint("iban", "") == condit.iban()
    assert condit.checked_number("iban") == condit.iban()
    assert condit.make_constraint("checked_number", "isbn") == condit.checked_number("isbn")
    made = condit.make_constraint("checked_number", "luhn", digits=[2, 3])
    assert made == condit.checked_number("luhn", digits=(2, 3))
