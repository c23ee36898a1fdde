"""Schemas over all keywords of all drafts, written byte by byte and token by token."""

import json
from collections import Counter

import numpy as np
import pytest

from condit import json_schema
from condit.errors import UnsatisfiableError
from condit.testing import check_every_spelling, check_matcher
from condit.vocabulary import Vocabulary

D4 = "http://json-schema.org/draft-04/schema#"
D6 = "http://json-schema.org/draft-06/schema#"
D7 = "http://json-schema.org/draft-07/schema#"
D19 = "https://json-schema.org/draft/2019-09/schema"
INTEGER, NUMBER, TEXT, NULL = ({"type": kind} for kind in ("integer", "number", "string", "null"))
TREE = {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}
EVEN = {"if": {"type": "integer"}, "then": {"multipleOf": 2}, "else": {"type": "string"}}
LINKED = {
    "$defs": {"n": {"type": "object", "properties": {"v": INTEGER, "n": {"$ref": "#/$defs/n"}}}},
    "$ref": "#/$defs/n",
    "unevaluatedProperties": False,
}

# Schema, values that satisfy it, values that do not.
TABLE = [
    (True, [None, 0, "x", [], {}, [{"a": [1.5]}]], []),
    ({}, [True, -1, ""], []),
    (NULL, [None], [0, False, "null"]),
    ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
    (INTEGER, [0, -5, 10**40, 3.0], [1.5, "1", True]),
    (NUMBER, [0, 1.5, -2e-7, 1e30], ["1", None, False]),
    ({"type": ["integer", "null"]}, [1, None], [1.5, "", []]),
    ({"type": ["number", "integer"]}, [1, 1.5], [None]),
    ({"minimum": 3}, [3, "a", None], [2, 2.99]),
    ({"minimum": 3, "maximum": 4, "type": "number"}, [3, 3.5, 4], [2, 4.01, -3]),
    ({"exclusiveMinimum": 0, "exclusiveMaximum": 1, "type": "number"}, [0.5, 0.001], [0, 1, 1.0]),
    ({"multipleOf": 0.05, "type": "number"}, [0.05, 1, 19.95, -0.1], [0.07, 1.01]),
    ({"multipleOf": 12, "type": "integer"}, [0, 24, -36], [18, 1]),
    ({"const": "a\"\\\n\t/é😀"}, ["a\"\\\n\t/é😀"], ["a", ""]),
    ({"const": None}, [None], [0, "", False]),
    ({"const": {"b": [1, {"c": None}]}}, [{"b": [1, {"c": None}]}], [{"b": [1]}, {}]),
    ({"const": []}, [[]], [[1], {}, None]),
    ({"const": 0}, [0, 0.0], [False, None, 1]),
    ({"const": False}, [False], [0, True, []]),
    ({"enum": [1, "1", None, [1], {"a": 1}]}, [1, "1", None, [1], {"a": 1}], [2, "", [], {}, True]),
    ({"enum": ["a", "b", "ab"], "minLength": 2}, ["ab"], ["a", "b", ""]),
    ({"enum": [1, 2.5, "x"], "type": "integer"}, [1], [2.5, "x"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc", "é😀"], ["a", "abcd", "😀"]),
    ({"type": "string", "pattern": "^[ab]+$"}, ["a", "abba"], ["", "abc", "a\n"]),
    ({"type": "string", "pattern": "b"}, ["b", "abc"], ["", "ac"]),
    ({"type": "string", "pattern": "^(?=.*\\d)(?!x).{2,}$"}, ["a1", "12"], ["ab", "x1", "1"]),
    ({"type": "string", "pattern": "^\\p{Lu}\\p{Ll}*$"}, ["Ab", "Éa"], ["ab", "AB", "1"]),
    ({"type": "string", "pattern": "\\bcat\\b"}, ["cat", "a cat."], ["cats", "concat"]),
    ({"type": "string", "pattern": "^\\S+$", "maxLength": 4}, ["a", "abcd"], ["a b", "abcde", ""]),
    ({"type": "string", "pattern": "^a", "not": {"pattern": "z$"}}, ["ab", "a"], ["b", "az"]),
    ({"allOf": [{"pattern": "^a"}, {"pattern": "b$"}], **TEXT}, ["ab", "axb"], ["a", "b", "abc"]),
    ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "2024-1-1", ""]),
    ({"type": "string", "format": "uuid"}, ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08"]),
    ({"type": "string", "format": "ipv4"}, ["127.0.0.1"], ["256.0.0.1", "1.2.3", "01.2.3.4"]),
    ({"type": "string", "format": "made-up"}, ["anything", ""], [1]),
    ({"type": "string", "format": "time", "minLength": 10}, ["12:00:00+01:00"], ["12:00:00Z", "x"]),
    ({"type": "string", "contentEncoding": "base64"}, ["a", "!!"], [1]),
    ({"type": "array"}, [[], [1, "a", [None]]], [{}, "", None]),
    ({"items": INTEGER}, [[], [1, 2], "x"], [["a"], [1, None]]),
    ({"prefixItems": [INTEGER, TEXT], "items": NULL}, [[1, "a", None], [], [1]],
     [["a"], [1, "a", 1]]),
    ({"$schema": D7, "items": [INTEGER], "additionalItems": TEXT}, [[1, "a"], []], [["a"], [1, 2]]),
    ({"$schema": D19, "items": [INTEGER], "unevaluatedItems": False}, [[1], []], [[1, 2]]),
    ({"contains": INTEGER, "minContains": 2, "type": "array"}, [[1, "a", 2]],
     [[1], ["a", "b"], []]),
    ({"$schema": D6, "contains": {"const": 5}, "type": "array"}, [[5], [1, 5]], [[], [1]]),
    ({"uniqueItems": True, "type": "array"}, [[1, "1", True], [[1], [2]]],
     [[1, 1], [{}, {}], [1, 1.0]]),
    ({"type": "object"}, [{}, {"a": {"b": []}}], [[], "a", 1]),
    ({"properties": {"a": INTEGER}}, [{}, {"a": 1, "b": "x"}, 3], [{"a": "x"}, {"a": 1.5}]),
    ({"required": ["a"]}, [{"a": None}, [], 1], [{}, {"b": 1}]),
    ({"$schema": D4, "required": ["a"], "type": "object"}, [{"a": 1}], [{}, 1]),
    ({"additionalProperties": False, "properties": {"a": {}}}, [{}, {"a": 1}, 1], [{"b": 1}]),
    ({"patternProperties": {"^n": NUMBER, "t$": TEXT}}, [{"n": 1, "t": "x"}],
     [{"n": "x"}, {"nt": 1}]),
    ({"propertyNames": {"pattern": "^[a-z]{2}$"}}, [{"ab": 1}, {}], [{"a": 1}, {"AB": 2}]),
    ({"$schema": D6, "propertyNames": {"maxLength": 1}}, [{"a": 1}], [{"ab": 1}]),
    ({"minProperties": 1, "maxProperties": 2}, [{"a": 1}, 5, {"a": 1, "b": 2}],
     [{}, {"a": 1, "b": 2, "c": 3}]),
    ({"dependentRequired": {"b": ["a"]}}, [{"a": 1}, {"a": 1, "b": 2}, {}], [{"b": 2}]),
    ({"$schema": D7, "dependencies": {"b": ["a"]}}, [{"a": 1, "b": 2}, {"c": 1}], [{"b": 1}]),
    ({"$schema": D4, "dependencies": {"b": {"required": ["a"]}}}, [{"b": 2, "a": 1}], [{"b": 1}]),
    ({"dependentSchemas": {"b": {"minProperties": 2}}}, [{"b": 2, "a": 1}, {"a": 1}], [{"b": 1}]),
    ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, [{"a": 1}],
     [{"b": 1}]),
    ({"allOf": [INTEGER, {"minimum": 2}, {"maximum": 3}]}, [2, 3], [1, 4, "a", 2.5]),
    ({"anyOf": [INTEGER, {"type": "string", "maxLength": 1}]}, [5, "a"], ["ab", 1.5, None]),
    ({"oneOf": [INTEGER, {"minimum": 2}]}, [1, 2.5, "a"], [3, 1.5, 2]),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, [{"a": 1}, {"b": 1}],
     [{}, {"a": 1, "b": 1}, 1]),
    ({"not": INTEGER}, [1.5, "a", None], [1, 2.0]),
    ({"not": {"enum": [1, "a", [1]]}}, [2, "b", [], [1, 1]], [1, "a", [1]]),
    ({"not": {"not": TEXT}}, ["a"], [1]),
    ({"not": {"properties": {"a": INTEGER}, "required": ["a"]}}, [{}, {"a": "x"}], [{"a": 1}, 1]),
    (EVEN, [2, "a", -4], [3, 1.5, None]),
    ({"$schema": D7, **EVEN}, [2, "a"], [3, None]),
    ({"$schema": D6, **EVEN, "type": "integer"}, [3, 2], ["a"]),
    ({"$schema": D4, "minimum": 3, "exclusiveMinimum": True, **INTEGER}, [4], [3, 2]),
    ({"$schema": D4, "type": "integer"}, [1, -3], ["a", 1.5]),
    ({"$schema": D4, "id": "x", "definitions": {"p": INTEGER}, "$ref": "#/definitions/p"}, [1],
     ["a"]),
    ({"$schema": D7, "definitions": {"p": INTEGER}, "$ref": "#/definitions/p", "maximum": 3}, [9],
     ["a"]),
    ({"$defs": {"p": INTEGER}, "$ref": "#/$defs/p", "maximum": 3}, [3], [9, "a"]),
    (TREE, [[], [[], [[]]]], [[[], [], []], [1], {}]),
    (LINKED, [{"v": 1, "n": {"v": 2}}, {}], [{"v": "x"}, {"w": 1}, {"n": {"n": 1}}]),
    ({"$schema": D19, "$recursiveAnchor": True, **TREE, "items": {"$recursiveRef": "#"}}, [[[]]],
     [[1]]),
    ({"$dynamicAnchor": "t", "type": "array", "items": {"$dynamicRef": "#t"}}, [[[], [[]]]], [[1]]),
    ({"title": "x", "default": 1, "examples": [2], "deprecated": True, "type": "null"}, [None],
     [1, 2]),
    ({"unknown": 5, "$comment": "no", "readOnly": True, "maxLength": 1}, ["a", 5], ["ab"]),
    ({"properties": {"$ref": INTEGER, "type": TEXT}}, [{"$ref": 1, "type": "x"}], [{"$ref": "a"}]),
    ({"type": "object", "properties": {"a": TEXT, "b": False}}, [{"a": "x"}, {}],
     [{"b": 1}, {"b": None}]),
    ({"type": "object", "additionalProperties": {"type": "array", "items": NUMBER}}, [{"a": [1]}],
     [{"a": ["x"]}]),
]  # fmt: skip
LAWFUL = TABLE[4:6] + TABLE[11:16] + TABLE[25:27] + TABLE[38:50:3] + TABLE[54:72:4]


def spelled(value):
    yield json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    yield json.dumps(value, ensure_ascii=False)


def is_written(constraint, vocabulary, text):
    tokens = [*vocabulary.tokenize(text.encode()), vocabulary.end]
    return constraint.bind(vocabulary).count_allowed(tokens) == len(tokens)


@pytest.fixture(scope="module")
def pairs(by_byte) -> Vocabulary:
    """All bytes, and the 400 pieces of the table's own texts that save most, up to 8 bytes long."""
    count: Counter[bytes] = Counter()
    for _, valid, invalid in TABLE:
        for value in (*valid, *invalid):
            for text in spelled(value):
                data = text.encode()
                for size in range(2, 9):
                    count.update(data[at : at + size] for at in range(len(data) - size + 1))
    best = sorted(count, key=lambda piece: (-(len(piece) - 1) * count[piece], piece))[:400]
    return Vocabulary(bytes=[*by_byte.bytes[:256], *best, b""], end=656, ends=frozenset())


@pytest.mark.parametrize(("schema", "valid", "invalid"), TABLE, ids=lambda x: json.dumps(x)[:50])
def test_valid_values_are_written_and_invalid_ones_are_not(by_byte, pairs, schema, valid, invalid):
    constraint = json_schema(schema, numbers="any")
    for vocabulary in (by_byte, pairs):
        for fits, values in ((True, valid), (False, invalid)):
            for value in values:
                for text in spelled(value):
                    assert constraint.accepts(text) is fits, text
                    assert is_written(constraint, vocabulary, text) is fits, text


@pytest.mark.parametrize(("schema", "valid", "invalid"), LAWFUL, ids=lambda x: json.dumps(x)[:50])
def test_laws(pairs, obeys, schema, valid, invalid):
    obeys(json_schema(schema), walks=2, steps=10)
    check_matcher(json_schema(schema), pairs, np.random.default_rng(2), walks=1, steps=6)
    check_matcher(
        json_schema(schema, order="any", whitespace="flexible"),
        pairs,
        np.random.default_rng(3),
        walks=1,
        steps=6,
    )


@pytest.mark.parametrize(("schema", "valid", "invalid"), LAWFUL, ids=lambda x: json.dumps(x)[:50])
def test_every_spelling_of_a_valid_text(overlapping, schema, valid, invalid):
    constraint = json_schema(schema)
    for value in valid[:2]:
        text = json.dumps(value)
        if set(text) <= set('abc01":, {}[]\n-truenlx.+()'):
            check_every_spelling(constraint, overlapping, text, limit=50)


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"), TABLE[::5], ids=lambda x: json.dumps(x)[:50]
)
def test_flexible_whitespace(writes, schema, valid, invalid):
    constraint = json_schema(schema, whitespace="flexible")
    for fits, values in ((True, valid), (False, invalid)):
        for value in values:
            text = json.dumps(value, indent=2, ensure_ascii=False)
            assert writes(constraint, text) is fits, text


def test_escapes_and_surrogates(writes):
    constraint = json_schema({"type": "string", "minLength": 1, "maxLength": 1})
    for text in ('"é"', '"\\u00e9"', '"\\ud83d\\ude00"', '"😀"', '"\\n"', '"\\\\"', '"\\u0001"'):
        assert constraint.accepts(text), text
        assert writes(constraint, text), text
    for text in ('"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83dx"', '"\\x41"', '"\n"', '"\\u12"', '""'):
        assert not constraint.accepts(text), text
        assert not writes(constraint, text), text


def test_formats_are_asserted_or_remarks(writes):
    schema = {"type": "string", "format": "date"}
    assert not writes(json_schema(schema), '"soon"')
    remarks = json_schema(schema, formats="annotate")
    assert remarks.accepts('"soon"')
    assert writes(remarks, '"soon"')
    where = {each.keyword: each.where for each in remarks.plan}
    assert where == {"type": "token", "format": "annotation"}


@pytest.mark.parametrize("formats", ["assert", "annotate"])
def test_a_format_that_nobody_knows_is_a_remark(writes, formats):
    assert writes(json_schema({"type": "string", "format": "shoe-size"}, formats=formats), '"x"')


def test_schemas_from_the_registry(writes):
    registry = {
        "https://x.org/n": {"type": "integer", "minimum": 3},
        "https://x.org/m": '{"type": "array", "items": {"$ref": "n"}}',
    }
    constraint = json_schema({"properties": {"a": {"$ref": "https://x.org/m"}}}, registry=registry)
    assert writes(constraint, '{"a": [3, 4]}')
    assert not writes(constraint, '{"a": [2]}')


def test_references_that_lead_back_to_where_they_are(writes):
    constraint = json_schema({"type": ["number", "null"], "allOf": [{"$ref": "#"}]})
    assert writes(constraint, "1")
    assert writes(constraint, "null")
    assert not writes(constraint, '"x"')
    around = {
        "a": {"type": "number", "$ref": "#/$defs/b"},
        "b": {"minimum": 2, "$ref": "#/$defs/a"},
    }
    constraint = json_schema({"$defs": around, "$ref": "#/$defs/a"})
    assert writes(constraint, "2")
    assert not writes(constraint, "1")
    assert not writes(constraint, "[]")


def test_strings_that_nothing_matches(by_byte):
    schema = {"type": "string", "pattern": "^[a-c]{2}$", "minLength": 3}
    with pytest.raises(UnsatisfiableError):
        json_schema(schema).bind(by_byte)


@pytest.mark.parametrize(
    ("schema", "keyword", "where"),
    [
        ({"type": "integer", "minimum": 3}, "minimum", "token"),
        ({"type": "string", "pattern": "^(?=a)b?"}, "pattern", "token"),
        ({"properties": {"a": {}}, "required": ["a"]}, "required", "token"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems", "close"),
        ({"type": "array", "contains": {"const": 1}}, "contains", "close"),
        ({"anyOf": [TEXT, NULL]}, "anyOf", "token"),
        ({"oneOf": [TEXT, NULL]}, "oneOf", "token"),
        ({"title": "x"}, "title", "annotation"),
    ],
    ids=str,
)
def test_the_plan(schema, keyword, where):
    assert {each.keyword: each.where for each in json_schema(schema).plan}[keyword] == where
