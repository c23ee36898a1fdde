"""``condit.where`` over fields of a schema: when it is asked, about what, and what it refuses."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

import condit
from condit import Vocabulary
from condit.constraint.where_field import WhereField
from condit.errors import ArgumentError, CheckError
from condit.testing import check_every_spelling


class Item(BaseModel):
    price: int = Field(ge=0, le=99)


class Invoice(BaseModel):
    items: list[Item] = Field(max_length=3)
    total: int = Field(ge=0, le=300)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 0, "maximum": 12},
        "inner": {
            "type": "object",
            "properties": {"b": {"enum": [1, 10, True, "x", None]}},
            "required": ["b"],
            "additionalProperties": False,
        },
        "last": {"type": "string", "maxLength": 2},
    },
    "required": ["a"],
    "additionalProperties": False,
}


def sums_up(total: int, items: list[Item]) -> bool:
    """The total is the sum of the prices."""
    return total == sum(item.price for item in items)


INVOICE = condit.where("total", sums_up, of=condit.json_schema(Invoice))


def refused_after(constraint: condit.Constraint, text: str) -> str | None:
    """The longest beginning of ``text`` that can be written; ``None``: all of it, and its end."""
    vocabulary = Vocabulary.of_bytes()
    matcher = constraint.bind(vocabulary)
    for place, byte in enumerate(text.encode()):
        if not matcher.allows(byte):
            return text[:place]
        matcher.advance(byte)
    return None if matcher.allows(vocabulary.end) else text


def test_verdicts_blame_the_field() -> None:
    assert INVOICE.accepts('{"items": [{"price": 3}, {"price": 4}], "total": 7}')
    assert INVOICE.explain('{"items": [{"price": 3}], "total": 4}') == (
        "at character 35: total: sums_up (The total is the sum of the prices.) refuses it"
    )
    # What the schema refuses is none of its business.
    assert "sums_up" not in INVOICE.explain('{"items": [{"price": "3"}], "total": 3}')


def test_a_wrong_value_is_refused_as_it_closes() -> None:
    assert refused_after(INVOICE, '{"items":[{"price":3}],"total":3}') is None
    assert refused_after(INVOICE, '{"items":[{"price":30}],"total":4}') == (
        '{"items":[{"price":30}],"total":'
    )
    later = condit.where("a", lambda a: a % 2 == 0, of=condit.json_schema(SCHEMA))
    assert refused_after(later, '{"a":3,"last":"xx"}') == '{"a":'  # 3 can only close
    assert refused_after(later, '{"a":1,"last":"xx"}') == '{"a":1'  # 10 and 12 begin so
    blind = condit.where("a", lambda a: a % 2 == 0, ahead=0, of=condit.json_schema(SCHEMA))
    assert refused_after(blind, '{"a":3,"last":"xx"}') == '{"a":3'


def test_two_checks_of_fields_both_look_ahead() -> None:
    first = condit.where("a", lambda a, last: str(a) != last, of=condit.json_schema(SCHEMA))
    both = condit.where("a", lambda a: a % 2 == 0, of=first)
    assert refused_after(both, '{"a":3,"last":"x"}') == '{"a":'
    assert refused_after(both, '{"a":4,"last":"4"}') == '{"a":4,"last":"4'


def test_it_is_asked_once_for_equal_values_and_early() -> None:
    asked: list[tuple[int, str]] = []

    def check(a: int, last: str) -> bool:
        asked.append((a, last))
        return True

    constraint = condit.where("a", check, of=condit.json_schema(SCHEMA))
    text = '{"a":3,"inner":{"b":1},"last":"xy"}'
    assert refused_after(constraint, text) is None
    assert constraint.accepts(text)
    assert constraint.accepts('{"last": "xy", "a": 3}')
    assert asked == [(3, "xy")]


def test_paths_and_positions() -> None:
    schema = condit.json_schema(SCHEMA)
    by_name = condit.where("inner.b", lambda b, a: b == a, of=schema)
    by_place = condit.where("a", lambda one, other: one == other, on=("inner.b",), of=schema)
    for constraint in (by_name, by_place):
        assert constraint.accepts('{"a":1,"inner":{"b":1}}')
        assert not constraint.accepts('{"a":2,"inner":{"b":1}}')
        assert refused_after(constraint, '{"a":1,"inner":{"b":10}}') == '{"a":1,"inner":{"b":1'
        assert refused_after(constraint, '{"a":1,"inner":{"b":null}}') == '{"a":1,"inner":{"b":'
        # Without the field there is nothing to ask.
        assert constraint.accepts('{"a":2}')
        assert refused_after(constraint, '{"a":2}') is None
    text = '{"a":2,"inner":{"b":1}}'
    assert by_name.violation(text).position == text.index("1")  # type: ignore[union-attr]
    assert by_place.violation(text).position == text.index("2")  # type: ignore[union-attr]
    assert by_name.plan[-1].pointer == "/inner/b"
    assert by_name.plan[-1].where == "close"


def test_defaults_stand_for_fields_that_are_missing() -> None:
    schema = condit.json_schema(SCHEMA)
    constraint = condit.where("a", lambda a, last="": a > 0 or bool(last), of=schema)
    assert constraint.accepts('{"a":1}')
    assert not constraint.accepts('{"a":0}')
    assert refused_after(constraint, '{"a":0}') == '{"a":0'
    assert refused_after(constraint, '{"a":0,"last":"x"}') is None

    class Trip(BaseModel):
        days: int
        pause: int = 2

    of_type = condit.where("pause", lambda pause, days: pause < days, of=condit.json_schema(Trip))
    assert of_type.accepts('{"days": 3}')
    assert not of_type.accepts('{"days": 2}')


def test_values_are_those_of_the_type() -> None:
    class Stay(BaseModel):
        first: datetime.date
        nights: int = Field(alias="n")
        last: datetime.date | None

    def fits(last: datetime.date | None, first: datetime.date, n: int) -> bool:
        return last is None or (last - first).days == n

    constraint = condit.where("last", fits, of=condit.json_schema(Stay))
    assert constraint.accepts('{"first": "2024-02-28", "n": 2, "last": "2024-03-01"}')
    assert not constraint.accepts('{"first": "2024-02-28", "n": 3, "last": "2024-03-01"}')
    assert constraint.accepts('{"first": "2024-02-28", "n": 3, "last": null}')


def test_arguments_of_functions() -> None:
    def order(item: str, count: int = 1) -> None: ...

    def fits(count: int, item: str) -> bool:
        return len(item) == count

    constraint = condit.where("count", fits, of=condit.function(order))
    assert constraint.accepts('{"item": "ab", "count": 2}')
    assert not constraint.accepts('{"item": "ab", "count": 3}')
    assert constraint.accepts('{"item": "ab"}')  # it is not asked: its count has no default
    assert constraint.value('{"item": "ab", "count": 2}') == {"item": "ab", "count": 2}


def test_a_function_that_changes_its_arguments_spoils_nothing() -> None:
    schema = condit.json_schema(
        {"type": "object", "properties": {"l": {"type": "array"}, "n": {"type": "integer"}}}
    )

    def empties(n: int, l: list[int]) -> bool:  # noqa: E741
        count = len(l)
        l.clear()
        return n == count

    constraint = condit.where("n", empties, of=schema)
    text = '{"l":[1,2],"n":2}'
    assert refused_after(constraint, text) is None
    assert constraint.accepts(text)
    assert constraint.value(text) == {"l": [1, 2], "n": 2}


@pytest.mark.parametrize("order", ["written", "any"])
@pytest.mark.parametrize(
    "check",
    [
        ("a", lambda a: a in (1, 12)),
        ("inner.b", lambda b, a: b == a),
        ("last", lambda last, a=5: len(last) == a),
        ("inner", lambda inner: inner["b"] is not True),
    ],
)
def test_laws_of_matchers(check, order, obeys) -> None:
    obeys(condit.where(*check, of=condit.json_schema(SCHEMA, order=order)), walks=4, steps=24)


@pytest.mark.parametrize("ahead", [0, 5, 128])
def test_no_spelling_of_a_valid_text_is_refused(ahead) -> None:
    tokens = ['{"a":', '"inner":', '{"b":', *"0123456789", "12", "1}", "10", ",", "}", "}}"]
    vocabulary = Vocabulary.of([*tokens, '{"inner":', ',"a":', *"]+-.eE \n\r\t"])

    def close(b: object, a: int) -> bool:
        return isinstance(b, int) and abs(a - b) <= 2

    constraint = condit.where("inner.b", close, ahead=ahead, of=condit.json_schema(SCHEMA))
    properties = dict(reversed(SCHEMA["properties"].items()))
    other_order = condit.json_schema({**SCHEMA, "properties": properties})
    turned = condit.where(
        "a", lambda a, b: close(b, a), on=["inner.b"], ahead=ahead, of=other_order
    )
    for a in range(13):
        for b in (1, 10):
            for each, text in (
                (constraint, f'{{"a":{a},"inner":{{"b":{b}}}}}'),
                (turned, f'{{"inner":{{"b":{b}}},"a":{a}}}'),
            ):
                if each.accepts(text):
                    check_every_spelling(each, vocabulary, text)
                else:
                    assert refused_after(each, text) is not None


def test_laws_of_two_checks_together(obeys) -> None:
    first = condit.where("a", lambda a: a > 3, of=condit.json_schema(SCHEMA))
    both = condit.where("last", lambda last, a: last != str(a), of=first)
    obeys(both, walks=4, steps=24)
    whole = condit.where(lambda value: len(value) == 2, of=both)
    obeys(whole, walks=4, steps=24)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["auto", "smc", "awrs", "masked", "learned", "beam", "asap"])
def test_samplers_draw_totals_that_are_right(sampler) -> None:
    result = condit.generate(
        "ngram", "Invoice: ", INVOICE, n=4, max_tokens=90, sampler=sampler, seed=0
    )
    valid = [sample for sample in result.samples if sample.valid]
    assert valid
    assert all(sums_up(each.value.total, each.value.items) for each in valid)


def test_a_real_model_writes_an_invoice_whose_total_is_right(smollm2: condit.Model) -> None:
    prompt = "An invoice for two items, of 12 and 15 dollars, as JSON: "
    result = condit.generate(smollm2, prompt, INVOICE, n=2, max_tokens=60, seed=0)
    valid = [sample.value for sample in result.samples if sample.valid]
    assert valid
    assert all(sums_up(invoice.total, invoice.items) for invoice in valid)


def test_errors_tell_the_values() -> None:
    constraint = condit.where(
        "total", lambda total, items: total / len(items), of=condit.json_schema(Invoice)
    )
    with pytest.raises(CheckError, match="ZeroDivisionError") as caught:
        constraint.accepts('{"items":[],"total":0}')
    assert caught.value.value == "total: 0, items: []"
    assert caught.value.file == __file__


def test_unknown_fields_are_refused_with_a_suggestion() -> None:
    schema = condit.json_schema(Invoice)
    for make in (
        lambda: condit.where("totl", lambda totl, items: True, of=schema),
        lambda: condit.where("total", lambda total, item: True, of=schema),
        lambda: condit.where("total", lambda total, other: True, on=["items.x"], of=schema),
        lambda: condit.where("inner.c", lambda c: True, of=condit.json_schema(SCHEMA)),
    ):
        with pytest.raises(ArgumentError, match="no field"):
            make()
    with pytest.raises(ArgumentError, match="did you mean 'total'"):
        condit.where("totl", lambda total: True, of=schema)
    # An object that may have any keys.
    open_schema = condit.json_schema(
        {"type": "object", "additionalProperties": {"type": "integer"}}
    )
    assert not condit.where("x.y", lambda y: False, of=open_schema).explain('{"x": 1}')
    assert condit.where("x", lambda x: x > 1, of=open_schema).explain('{"x": 1}')


def test_fields_behind_references_and_alternatives() -> None:
    schema = {
        "$defs": {"p": {"type": "object", "properties": {"x": {"type": "integer"}}}},
        "oneOf": [
            {"type": "object", "properties": {"one": {"$ref": "#/$defs/p"}}, "required": ["one"]},
            {"type": "object", "properties": {"two.2": True}, "required": ["two.2"]},
        ],
    }
    constraint = condit.json_schema(schema)
    assert not condit.where("one.x", lambda x: x > 1, of=constraint).accepts('{"one": {"x": 1}}')
    assert condit.where("two.2", lambda two: two, of=constraint).accepts('{"two.2": true}')
    with pytest.raises(ArgumentError, match="field of 'one' is called 'y'"):
        condit.where("one.y", lambda y: True, of=constraint)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda of: condit.where("total", lambda *values: True, of=of), "does not name the fields"),
        (lambda of: condit.where("total", lambda: True, of=of), "takes no argument"),
        (lambda of: condit.where("total", lambda one: True, on=["items"], of=of), "cannot be call"),
        (lambda of: condit.where("total", lambda total: True, ahead=-1, of=of), "ahead=-1"),
        (lambda of: condit.where("total", bool, of=condit.regex("a")), "Regex has neither"),
        (lambda of: condit.where("total", bool).bind(Vocabulary.of_bytes()), "as of="),
        (lambda of: condit.where("total", bool).violation("1"), "as of="),
    ],
)
def test_what_cannot_be_asked_is_refused(make, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(condit.json_schema(Invoice))


def test_a_check_is_given_to_a_schema_later() -> None:
    check = condit.where("total", sums_up)
    assert isinstance(check, WhereField)
    assert check.of(condit.json_schema(Invoice)) == INVOICE
    assert INVOICE.of(condit.json_schema(SCHEMA)) is INVOICE
    with pytest.raises(ArgumentError, match="no field"):
        check.of(condit.json_schema(SCHEMA))
