"""Every type of the table: its condition is enforced, and it is known where and how it ends."""

from __future__ import annotations

import annotated_types
import pydantic
import pytest
import types_table
from types_table import CASES, Case

import condit
from condit.errors import ArgumentError, UnsatisfiableError

# An order on the edge of the budget with distinct items is slow to finish, whatever their type.
# Where nothing is known of a condition, all that might meet it is tried.
_SLOW_TO_DRAW = {"set", "conset", "constr(pattern of Rust's)"}
DRAWN = [case for case in CASES if case.name not in _SLOW_TO_DRAW]


@pytest.fixture(scope="module")
def order_taker() -> condit.NgramModel:
    """A model of a few texts over small pieces: fast, and likely to write anything at all."""
    return condit.load("ngram")


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_type_is_enforced(case: Case, writes, by_byte) -> None:
    constraint = condit.json_schema(case.type)
    for text in case.good:
        assert constraint.explain(text) == ""
        assert writes(constraint, text), text
    for text in case.bad:
        assert not constraint.accepts(text), text
        assert not writes(constraint, text), text
    # What is left to pydantic is in the plan, and the rest is in the grammar.
    left = [each for each in constraint.plan if each.keyword in _ASKED]
    assert bool(left) == case.late
    assert all(each.where == "close" and each.note for each in left)
    assert not [e for e in constraint.plan if e.keyword == "pattern" and e.where != "token"]
    # An ending is known before the first token, so that every draw finishes.
    matcher = constraint.bind(by_byte)
    ending = matcher.ending()
    assert ending is not None
    assert constraint.accepts(ending.text.decode())


@pytest.mark.slow
@pytest.mark.parametrize("case", DRAWN, ids=[case.name for case in DRAWN])
def test_a_type_is_drawn(case: Case, order_taker) -> None:
    constraint = condit.json_schema(case.type)
    result = condit.generate(order_taker, "x ", constraint, max_tokens=40, seed=0, sampler="masked")
    assert result.best.valid
    if case.kind is not None:
        assert isinstance(result.best.value, case.kind)


_ASKED = {"validator", "Decimal", "date", "datetime", "time", "timedelta", "str", "bytes", "Url"}
_ASKED |= {"PaymentCardNumber", "Path", "Pattern", "ip_network", "email", "Json", "Fraction"}


def test_what_json_cannot_hold_is_refused() -> None:
    for refused in types_table.REFUSED:
        with pytest.raises(ArgumentError):
            condit.json_schema(refused)


@pytest.mark.parametrize("name", ["IsNan", "IsInfinite", "IsNotFinite"])
def test_numbers_that_json_does_not_have(name: str) -> None:
    with pytest.raises(UnsatisfiableError):
        condit.json_schema(getattr(annotated_types, name)[float])


def test_a_reader_gets_the_schema_as_pydantic_writes_it() -> None:
    schema = condit.json_schema(list[pydantic.HttpUrl]).schema
    assert schema["items"] == {
        "type": "string",
        "format": "uri",
        "minLength": 1,
        "maxLength": 2083,
    }


def test_addresses_of_mail() -> None:
    pytest.importorskip("email_validator")
    assert condit.json_schema(pydantic.EmailStr).accepts('"a@b.co"')
    assert not condit.json_schema(pydantic.EmailStr).accepts('"a@b"')
    assert condit.json_schema(pydantic.NameEmail).accepts('"Ann Lee <a@b.co>"')
