"""Where values of JSON begin, and how far a text is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import condit
from condit import Vocabulary
from condit.constraint.boundary import START, Boundary
from condit.constraint.schema.boundaries import JsonBoundaries, ranks_of
from condit.testing import check_matcher

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "home": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
        },
        "age": {"type": "number"},
    },
}


def reader(schema: Any = PERSON) -> JsonBoundaries:
    return JsonBoundaries(ranks_of(schema))


def along(text: str, schema: Any = PERSON) -> Iterator[Boundary]:
    """The boundary after each byte."""
    here = reader(schema)
    for byte in text.encode():
        here = here.after(bytes([byte]))
        yield here.boundary


def reached(text: str, schema: Any = PERSON) -> list[tuple[tuple[int, ...], str]]:
    """The boundaries in turn, as plain tuples."""
    found = [START, *along(text, schema)]
    return [tuple(after) for before, after in pairwise(found) if after != before]


def test_a_boundary_is_where_a_value_begins() -> None:
    text = '{"name": "x", "tags": ["a", "b"], "home": {"street": "", "number": 1}, "age": -2e5}'
    name, tags, home, street, number, age = (
        ranks_of(PERSON)[key] for key in (b"name", b"tags", b"home", b"street", b"number", b"age")
    )
    assert name < tags < home < age
    assert street < number
    assert reached(text) == [
        ((), "object"),
        ((name,), "string"),
        ((tags,), "array"),
        ((tags, 0), "string"),
        ((tags, 1), "string"),
        ((home,), "object"),
        ((home, street), "string"),
        ((home, number), "scalar"),
        ((age,), "scalar"),
    ]


def test_it_is_reached_by_the_first_byte_of_the_value() -> None:
    before, after = (reader().after(text).boundary for text in (b'{"name": ', b'{"name": "'))
    assert before == Boundary((), "object")
    assert after == Boundary((0,), "string")


@pytest.mark.parametrize("value", ['"x"', "-1.5", "true", "null", "[]", "{}"])
def test_a_text_that_is_a_single_value(value: str) -> None:
    kinds = {'"': "string", "[": "array", "{": "object"}
    assert reached(value) == [((), kinds.get(value[0], "scalar"))]


def test_unequal_arrays_and_skipped_keys_are_comparable_again_behind() -> None:
    texts = [
        '{"name":"x","tags":[],"age":',
        '{"name":"x","tags":["a","b","c"],"age":',
        '{ "age" : ',
        '{"home":{"number":12},"age":',
    ]
    assert len({reader().after(text.encode() + b"1").boundary for text in texts}) == 1


@pytest.mark.parametrize(
    "string",
    [r"\"", r"\\", r"a\\\"b", r"\\\\\\", r"\u0022", "}],{[:", '\\",\\"age\\":', "é\U0001f600"],
)
def test_what_is_in_a_string_opens_and_closes_nothing(string: str) -> None:
    text = f'{{"name":"{string}","age":1}}'
    json.loads(text)
    assert [kind for _, kind in reached(text)] == ["object", "string", "scalar"]
    assert reached(text)[-1][0] == (ranks_of(PERSON)[b"age"],)


def test_keys_with_escapes_are_found_as_the_grammar_writes_them() -> None:
    schema = {"properties": {'a"b': {}, "c\\d": {}, "é": {}, "\n": {}}}
    text = json.dumps({'a"b': 1, "c\\d": 2, "é": 3, "\n": 4}, ensure_ascii=False)
    assert [path for path, _ in reached(text, schema)] == [(), (0,), (1,), (2,), (3,)]


def test_keys_that_the_schema_does_not_name_come_after_all_others() -> None:
    one, two = (
        [path for path, _ in reached(text)] for text in ('{"x":1,"y":2}', '{"age":1,"y":2}')
    )
    assert one[1] < one[2]
    assert two[1] < two[2]
    assert two[1] < one[1]
    assert one[2] == two[2]  # the second of their keys


def random_json(rng: np.random.Generator, depth: int, keys: list[str] | None) -> Any:
    """A random value, whose keys are in the order of ``keys`` (``None``: in any)."""
    kind = int(rng.integers(6 if depth else 4))
    if kind == 4:
        return [random_json(rng, depth - 1, keys) for _ in range(rng.integers(4))]
    if kind == 5:
        names = keys or [str(name) for name in rng.permutation(list("abcdefgh"))]
        chosen = [name for name in names if rng.random() < 0.5]
        return {name: random_json(rng, depth - 1, keys) for name in chosen}
    return ['say "no", {[\\', -1.5e-7, True, None][kind]


@pytest.mark.parametrize("ordered", [True, False], ids=["in the schema's order", "in any order"])
def test_progress_never_decreases_and_each_value_begins_once(
    ordered: bool, rng: np.random.Generator
) -> None:
    keys = list("hgfedcba")
    schema = {"properties": {key: {} for key in keys}}
    for _ in range(300):
        value = random_json(rng, 4, keys if ordered else None)
        text = json.dumps(value, indent=[None, 1][rng.integers(2)])
        found = [progress for progress, _ in reached(text, schema)]
        assert all(before < after for before, after in pairwise(found)), text
        if ordered:
            assert found == list(paths(value, keys))


def paths(value: Any, keys: list[str], path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The path to each value, in the order of the text: what the progress should be."""
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from paths(member, keys, (*path, keys.index(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, keys, (*path, index))


def test_how_a_text_is_cut_does_not_matter(rng: np.random.Generator) -> None:
    for _ in range(100):
        data = json.dumps(random_json(rng, 4, None), ensure_ascii=False).encode()
        by_byte = [START, *along(data.decode())]
        here, place = reader(), 0
        while place < len(data):
            step = int(rng.integers(1, 9))
            here, place = here.after(data[place : place + step]), min(place + step, len(data))
            assert here.boundary == by_byte[place]
        assert here == reader().after(data)


def test_deep_nesting() -> None:
    depth = 2000
    text = "[" * depth + '{"age":1}' + "]" * (depth - 1) + ",0]"
    found = reached(text)
    assert len(found) == depth + 3
    assert found[depth] == ((0,) * depth, "object")
    assert found[-1] == ((1,), "scalar")
    schema: dict[str, Any] = {"properties": {"x": {}}}
    for _ in range(depth):
        schema = {"items": schema}
    assert ranks_of(schema) == {b"x": 0}


def ordered(schema: Any) -> list[str]:
    ranks = ranks_of(schema)
    return [key.decode() for key in sorted(ranks, key=ranks.__getitem__)]


def test_ranks_follow_every_list_of_properties() -> None:
    parts = [{"properties": {key: {} for key in names}} for names in ("ab", "cd", "xb", "be", "ca")]
    assert ordered({"allOf": parts[:2]}) == list("abcd")  # as they are written
    assert ordered({"anyOf": parts[:3]}) == list("acdxb")
    for schema in ({"anyOf": parts}, {"$defs": dict(enumerate(parts))}, {"items": parts}):
        order = ordered(schema)
        assert sorted(order) == list("abcdex")
        for part in parts:
            names = list(part["properties"])
            assert sorted(names, key=order.index) == names
    assert ordered(True) == ordered({}) == ordered({"properties": 3}) == []


def test_lists_that_contradict_each_other() -> None:
    pet = {"properties": {"age": {}, "name": {}}}
    schema = {"properties": {"name": {}, "age": {}, "pet": pet}}
    assert ordered(schema) == ["name", "age", "pet"]
    text = '{"name":1,"age":2,"pet":{"age":3,"name":4}}'
    found = [progress for progress, _ in reached(text, schema)]
    assert found == [(), (0,), (1,), (2,), (2, 1), (2, 2)]


VOCABULARY = Vocabulary.of(
    [*(bytes([value]) for value in range(32, 127)), '":', '{"', '"}', '","', '":["', '"],"', "12"]
)
SCHEMAS: dict[str, Any] = {
    "nested": PERSON,
    "closed": {**PERSON, "additionalProperties": False, "required": ["age", "name"]},
    "checked": {
        "properties": {"a": {"type": "array", "uniqueItems": True}, "b": {"multipleOf": 3}},
        "type": "object",
    },
    "allOf": {
        "type": "object",
        "allOf": [{"properties": {"a": {}, "b": {}}}, {"properties": {"c": {}, "d": {}}}],
        "required": ["a", "b", "c", "d"],
    },
    "contradictory": {
        "type": "object",
        "anyOf": [
            {"properties": {"a": {"const": 1}, "b": {}}, "required": ["a", "b"]},
            {"properties": {"b": {"const": 1}, "a": {}}, "required": ["a", "b"]},
        ],
    },
    "patterns": {"type": "object", "patternProperties": {"^x": {"type": "boolean"}}},
    "recursive": {
        "$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": "array"}},
        "$ref": "#/$defs/t",
    },
}


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("order", ["written", "any"])
def test_matchers_of_schemas_obey(name: str, order: str, rng: np.random.Generator) -> None:
    constraint = condit.json_schema(SCHEMAS[name], order=order)
    check_matcher(constraint, VOCABULARY, rng, walks=3, steps=25)
    matcher = constraint.bind(VOCABULARY)
    assert matcher.boundary() == START


def test_every_spelling_of_a_text_has_the_same_boundaries(rng: np.random.Generator) -> None:
    constraint = condit.json_schema(PERSON)
    data = b'{"name":"a","tags":["12","b"],"age":12}'
    by_byte = [START, *along(data.decode())]
    for _ in range(20):
        matcher, place = constraint.bind(VOCABULARY), 0
        while place < len(data):
            fitting = [
                token
                for token, spelled in enumerate(VOCABULARY.bytes)
                if spelled and data.startswith(spelled, place)
            ]
            token = int(rng.choice(fitting))
            matcher.advance(token)
            place += len(VOCABULARY.bytes[token])
            assert matcher.boundary() == by_byte[place]


def test_functions_and_types_have_boundaries() -> None:
    def order(item: str, count: int = 1) -> None: ...

    for constraint in (condit.function(order), condit.json_schema(dict[str, int])):
        matcher = constraint.bind(Vocabulary.of_bytes())
        matcher.advance(ord("{"))
        assert matcher.boundary() == Boundary((), "object")
