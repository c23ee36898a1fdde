"""Constraints on fields of JSON schemas: what is drawn, refused, and told of where it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import TypedDict

import condit
from condit.constraint.base import Constraint
from condit.constraint.json_string import JsonString
from condit.corpus.index import Occurrence
from condit.errors import ArgumentError
from condit.testing.matchers import check_matcher
from condit.vocabulary import Vocabulary

DOCUMENT = 'The cat said "no"\\\n\x01 and left é\x7f. The cat sat.'
NOTE = {
    "type": "object",
    "properties": {"quote": {"type": "string"}, "free": {"type": "string", "maxLength": 3}},
    "required": ["quote"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "notes": {"type": "array", "items": {"$ref": "#/$defs/note"}, "maxItems": 2, "minItems": 1},
        "city": {"type": ["string", "null"]},
    },
    "required": ["notes"],
    "additionalProperties": False,
    "$defs": {"note": NOTE},
}
TOKENS = [
    *(bytes([byte]) for byte in range(256)),
    *(b'"quote": "The', b'": "', b'", "', b'"}', b'."}', b'sat."}]', b'said \\"', b"The cat "),
    *(b'o\\"', b'\\"\\', b'sat"}, {"quote": "The', b'": "Ul', b'm"}', b'n"'),
]


@pytest.fixture(scope="module")
def quote() -> Constraint:
    pytest.importorskip("pydivsufsort")
    return condit.quote({"a": DOCUMENT, "b": "some other text"}, min_words=2, max_words=4)


def whole(quote: Constraint) -> Any:
    towns = condit.one_of_many(["Ulm", "Bonn", 'U"'])
    return condit.json_schema(SCHEMA, fields={"notes[*].quote": quote, "city": towns})


@pytest.mark.parametrize("vocabulary", [Vocabulary.of(TOKENS), Vocabulary.of_bytes()], ids=len)
def test_laws(quote: Constraint, vocabulary: Vocabulary) -> None:
    check_matcher(whole(quote), vocabulary, np.random.default_rng(1), walks=8)


@pytest.mark.parametrize(
    "inner",
    [condit.date(), condit.regex('[a-z"]{2,5}é'), condit.choice("a", 'b"\\c'), condit.integer(0)],
    ids=lambda each: type(each).__name__,
)
def test_any_constraint_may_stand_in_a_field(inner: Constraint) -> None:
    constraint = condit.json_schema({"type": "array", "maxItems": 3}, fields={"[*]": inner})
    vocabulary = Vocabulary.of(TOKENS)
    check_matcher(constraint, vocabulary, np.random.default_rng(2), walks=3)
    check_matcher(JsonString(inner), vocabulary, np.random.default_rng(3), walks=2)


def test_what_is_drawn_and_where_it_stands(quote: Constraint) -> None:
    constraint = whole(quote)
    result = condit.generate(condit.load("ngram"), "x", constraint, n=3, max_tokens=200, seed=1)
    for sample in result.samples:
        for note in json.loads(sample.text)["notes"]:
            assert quote.accepts(note["quote"])
        assert set(constraint.field_values(sample.text)) >= {"notes[0].quote"}
    text = '{"notes": [{"quote": "said \\"no\\""}, {"quote": "The cat"}], "city": "Ulm"}'
    value = constraint.value(text)
    assert value["notes"][1]["quote"].count == 2
    assert value["notes"][0]["quote"].occurrences == (Occurrence("a", 8, 17),)
    assert value["city"] == constraint.field_values(text)["city"] == "Ulm"
    assert constraint.value('{"notes": [{"quote": "The cat"}], "city": null}')["city"] is None


def test_of_a_type(quote: Constraint) -> None:
    class Answer(BaseModel):
        why: list[str]
        by: dict[str, str] = {}

    constraint = condit.json_schema(Answer, fields={"why[*]": quote, "by.*": condit.choice("me")})
    text = '{"why": ["some other text"], "by": {"x": "me"}}'
    assert constraint.value(text) == Answer(why=["some other text"], by={"x": "me"})
    assert list(constraint.field_values(text)) == ["why[0]", "by.x"]
    assert "by.x: at character 0" in constraint.explain(text.replace('"me"', '"you"'))
    check_matcher(constraint, Vocabulary.of(TOKENS), np.random.default_rng(4), walks=2)
    short = condit.where("why", lambda why: len(why) == 1, of=constraint)
    assert short.accepts(text)


def test_a_refusal_says_which_field(quote: Constraint) -> None:
    constraint = whole(quote)
    text = '{"notes": [{"quote": "The cat ran"}]}'
    violation = constraint.violation(text)
    assert violation.position == text.index('"The')
    assert "notes[0].quote: at character 8: no document goes on" in violation.reason
    matcher = constraint.bind(Vocabulary.of_bytes())
    for byte in text.encode()[: text.index("ran")]:
        matcher.advance(byte)
    assert "field" in matcher.explain(ord("x"))
    assert "notes[*].quote: a passage" in constraint.describe()
    assert [each.pointer for each in constraint.plan][-2:] == ["/notes/*/quote", "/city"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("note", "did you mean 'notes'"),
        ("notes[*].quot", "did you mean 'quote'"),
        ("notes", "is of type array"),
        ("notes.quote", "no field"),
        ("city[*]", "no array"),
        ("notes[", "cannot be read"),
        ("notes[-1].quote", "count from the first"),
        (3, "is not str"),
    ],
)
def test_paths_that_lead_nowhere(path: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        condit.json_schema(SCHEMA, fields={path: condit.choice("a")})


def test_what_is_no_constraint() -> None:
    with pytest.raises(ArgumentError, match=r"fields\['city'\] is str, not a constraint"):
        condit.json_schema(SCHEMA, fields={"city": "Ulm"})  # type: ignore[dict-item]
    with pytest.raises(ArgumentError, match="fields is list"):
        condit.json_schema(SCHEMA, fields=["city"])  # type: ignore[call-overload]


class Note(TypedDict):
    quote: Annotated[str, condit.choice("a", "b"), "other"]


@dataclass
class Letter:
    notes: tuple[Note, ...]
    pair: tuple[int, Annotated[str, condit.choice("c")]] | None = None


class Mail(BaseModel):
    to: Annotated[str, Field(alias="To", max_length=3), condit.choice("you", "yours")]
    by_day: dict[str, list[Letter]] = {}


class Chain(BaseModel):
    name: Annotated[str, condit.choice("x")]
    next: Chain | None = None


def test_annotations_are_constraints() -> None:
    constraint: Any = condit.json_schema(Mail)
    assert [path for path, _ in constraint.fields] == [
        "To",
        "by_day.*[*].notes[*].quote",
        "by_day.*[*].pair[1]",
    ]
    text = '{"To": "you", "by_day": {"x": [{"notes": [{"quote": "b"}], "pair": [1, "c"]}]}}'
    assert constraint.value(text).by_day["x"][0].notes[0]["quote"] == "b"
    assert "pair[1]: at" in constraint.explain(text.replace('"c"', '"d"'))
    check_matcher(constraint, Vocabulary.of_bytes(), np.random.default_rng(5), walks=2)
    with pytest.raises(ArgumentError, match="Chain contains itself"):
        condit.json_schema(Chain)
    odd = condit.json_schema({}, fields={'["a[*]"][*].b': condit.choice("x")})
    assert odd.patterns == (("a[*]", None, "b"),)
    many: Any = condit.json_schema(RootModel[list[Annotated[str, condit.choice("a")]]])
    assert [path for path, _ in many.fields] == ["[*]"]


def test_annotations_of_functions() -> None:
    def forecast(city: Annotated[str, condit.one_of_many(["Ulm", "Bonn"])], days: int = 1) -> str:
        return f"{city} {days}"

    call: Any = condit.function(forecast)
    assert call.call('{"city": "Bonn"}') == "Bonn 1"
    assert "argument 'city'" in call.explain('{"city": "Rome"}')
