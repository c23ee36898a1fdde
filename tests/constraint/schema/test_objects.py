"""Objects: every small object against the oracle, and what is refused before the end."""

import json
from itertools import combinations, permutations, product

import pytest

from condit import json_schema
from condit.errors import UnsatisfiableError

KEYS = ["a", "b", "ab", "zz"]
VALUES = [1, "x"]
NUMBER, TEXT = {"type": "number"}, {"type": "string"}
SCHEMAS = [
    {"minProperties": 2},
    {"maxProperties": 1},
    {"minProperties": 1, "maxProperties": 3, "properties": {"a": NUMBER, "b": TEXT}},
    {"properties": {"a": {}, "b": {}}, "required": ["b"], "minProperties": 2, "maxProperties": 2},
    {"properties": {"a": NUMBER}, "additionalProperties": TEXT},
    {"properties": {"a": NUMBER, "b": False}, "required": ["a"]},
    {"required": ["a", "zz"], "additionalProperties": NUMBER},
    {"properties": {"a": {}, "b": {}}, "additionalProperties": False, "minProperties": 1},
    {"patternProperties": {"^a": NUMBER, "b$": TEXT}},
    {"patternProperties": {"^a": NUMBER, "b$": {"minimum": 0}}, "additionalProperties": False},
    {"properties": {"ab": {}}, "patternProperties": {"a": NUMBER}, "additionalProperties": TEXT},
    {"patternProperties": {"^(?=a)": NUMBER}},
    {"propertyNames": {"maxLength": 1}},
    {"propertyNames": {"enum": ["a", "b", 3]}, "required": ["b"]},
    {"propertyNames": {"const": "a"}},
    {"propertyNames": False},
    {"propertyNames": {"pattern": "b"}, "minProperties": 1},
    {"propertyNames": {"not": {"const": "a"}}},
    {"dependentRequired": {"a": ["b"], "zz": ["a"]}},
    {"dependentSchemas": {"a": {"properties": {"b": NUMBER}, "required": ["b"]}}},
    {"allOf": [{"properties": {"a": NUMBER}}], "unevaluatedProperties": False},
    {
        "anyOf": [{"properties": {"a": NUMBER}, "required": ["a"]}, {"required": ["b"]}],
        "unevaluatedProperties": TEXT,
    },
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"maxProperties": 1}},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"not": {"required": ["a", "b"]}},
    {"enum": [{"a": 1, "b": "x"}, {"b": 1}, {}]},
    {"anyOf": [{"maxProperties": 0}, {"minProperties": 3, "additionalProperties": NUMBER}]},
]


def objects():
    for size in range(4):
        for keys in combinations(KEYS, size):
            for values in product(VALUES, repeat=size):
                yield dict(zip(keys, values, strict=True))


def disagreements(constraint, vocabulary, texts):
    start = constraint.bind(vocabulary)
    found = []
    for text in texts:
        written = start.count_allowed([*text.encode(), vocabulary.end]) == len(text) + 1
        if written != constraint.accepts(text):
            found.append((text, written))
    return found


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_every_small_object_in_any_order(by_byte, schema):
    constraint = json_schema({"type": "object", **schema}, order="any")
    texts = [json.dumps(each) for each in objects()]
    texts += [json.dumps(dict(reversed(each.items()))) for each in objects()]
    assert disagreements(constraint, by_byte, texts) == []


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_every_small_object_in_one_order_at_least(by_byte, schema):
    constraint = json_schema({"type": "object", **schema})
    start = constraint.bind(by_byte)
    for value in objects():
        written = []
        for items in permutations(value.items()):
            text = json.dumps(dict(items))
            if start.count_allowed([*text.encode(), by_byte.end]) == len(text) + 1:
                written.append(text)
        assert bool(written) == constraint.accepts(json.dumps(value)), value


@pytest.mark.parametrize("order", ["written", "any"])
@pytest.mark.parametrize(
    "schema",
    [True, {"properties": {"a": {}}}, {"required": ["a"]}, {"properties": {"x": {}, "a": {}}}],
    ids=json.dumps,
)
def test_no_key_comes_twice(writes, schema, order):
    constraint = json_schema(schema, order=order)
    assert writes(constraint, '{"a": 1}')
    for text in ('{"a": 1, "a": 1}', '{"a": 1, "\\u0061": 2}', '{"a": {"b": 1, "b": 2}}'):
        assert not constraint.accepts(text)
        assert not writes(constraint, text), text


def test_a_second_key_is_refused_when_the_key_closes(by_byte):
    matcher = json_schema({"type": "object"}).bind(by_byte)
    for value in b'{"k": 1, "k':
        matcher.advance(value)
    assert not matcher.allows(ord('"'))
    assert matcher.allows(ord("2"))


def test_what_is_required_is_never_left_out(by_byte):
    constraint = json_schema(
        {"properties": {"a": NUMBER, "b": NUMBER, "c": NUMBER}, "required": ["b"], "type": "object"}
    )
    matcher = constraint.bind(by_byte)
    matcher.advance(ord("{"))
    assert not matcher.allows(ord("}"))
    for value in b'"a":1,"':
        matcher.advance(value)
    assert matcher.forced_text().startswith(b"b")


def test_what_is_required_in_any_order_is_asked_for_at_the_brace(by_byte):
    constraint = json_schema(
        {"properties": {"a": NUMBER, "b": NUMBER}, "required": ["a"], "type": "object"}, order="any"
    )
    matcher = constraint.bind(by_byte)
    for value in b'{"b": 1':
        matcher.advance(value)
    assert not matcher.allows(ord("}"))
    assert matcher.allows(ord(","))


@pytest.mark.parametrize("count", [3, 40, 300])
def test_many_members_are_counted(writes, count):
    names = [f"k{i}" for i in range(count)]
    properties = {name: {"type": "null"} for name in names}
    constraint = json_schema({"properties": properties, "type": "object", "maxProperties": 2})
    assert writes(constraint, json.dumps(dict.fromkeys(names[-2:])))
    assert not writes(constraint, json.dumps(dict.fromkeys(names[-3:])))
    constraint = json_schema({"properties": properties, "type": "object", "minProperties": 2})
    assert writes(constraint, json.dumps(dict.fromkeys(names[1:3])))
    assert not writes(constraint, json.dumps(dict.fromkeys(names[:1])))


def test_more_members_than_the_grammar_counts_are_counted_by_the_check(by_byte):
    names = [f"k{i}" for i in range(100)]
    schema = {"properties": {name: {} for name in names}, "type": "object", "minProperties": 60}
    constraint = json_schema(schema)
    assert {each.keyword: each.where for each in constraint.plan}["minProperties"] == "close"
    few, enough = (json.dumps(dict.fromkeys(names[:count], 1)) for count in (59, 60))
    assert disagreements(constraint, by_byte, [few, enough]) == []


def test_keys_with_escapes(writes):
    schema = {"properties": {'q"\\/é': NUMBER, "\n": NUMBER}, "additionalProperties": False}
    constraint = json_schema({"type": "object", **schema})
    for text in (
        '{"q\\"\\\\/é": 1}',
        '{"q\\"\\\\/\\u00e9": 1, "\\n": 2}',
        '{"\\n": 2}',
    ):
        assert constraint.accepts(text)
        assert writes(constraint, text), text
    assert not writes(constraint, '{"q": 1}')


def test_more_patterns_than_overlaps_are_written_out(by_byte):
    patterns = {f"{letter}": {"minimum": n} for n, letter in enumerate("abcdef")}
    constraint = json_schema({"type": "object", "patternProperties": patterns})
    texts = [json.dumps({key: n}) for key in ("a", "fa", "abc", "zf", "z") for n in range(-1, 7)]
    assert disagreements(constraint, by_byte, texts) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"required": ["a"], "properties": {"a": False}},
        {"required": ["a", "b"], "maxProperties": 1},
        {"required": ["a"], "additionalProperties": False},
        {"required": ["abc"], "propertyNames": {"maxLength": 2}},
        {"minProperties": 3, "propertyNames": {"enum": ["a", "b"]}},
    ],
    ids=json.dumps,
)
def test_no_object_at_all(schema):
    with pytest.raises(UnsatisfiableError):
        json_schema({"type": "object", **schema})
