"""In which order the keys of an object are written."""

import json
from itertools import permutations

import pytest

from condit import json_schema

NUMBER = {"type": "number"}
BA = {"b": NUMBER, "a": NUMBER}


def text_of(keys):
    return json.dumps(dict.fromkeys(keys, 1))


@pytest.mark.parametrize(
    ("schema", "first", "second"),
    [
        ({"properties": BA}, "ba", "ab"),
        ({"properties": BA, "required": ["a", "b"]}, "ba", "ab"),
        ({"required": ["b", "a"]}, "ba", "ab"),
        ({"properties": {"b": NUMBER}, "required": ["a", "b"]}, "ba", "ab"),
        ({"properties": {"b": NUMBER}, "additionalProperties": NUMBER}, "ba", "ab"),
        ({"allOf": [{"properties": {"b": {}}}, {"properties": {"a": {}}}]}, "ba", "ab"),
        ({"$defs": {"d": {"properties": BA}}, "$ref": "#/$defs/d"}, "ba", "ab"),
        ({"$defs": {"d": {"$anchor": "here", "properties": BA}}, "$ref": "#here"}, "ba", "ab"),
        (
            {"$id": "https://x.org/s", "$defs": {"d": {"$id": "d", "properties": BA}}, "$ref": "d"},
            "ba",
            "ab",
        ),
        ({"$defs": {"a/b~c": {"properties": BA}}, "$ref": "#/$defs/a~1b~0c"}, "ba", "ab"),
        ({"$defs": {"d e": {"properties": BA}}, "$ref": "#/$defs/d%20e"}, "ba", "ab"),
        ({"if": {"properties": {"b": {}}}, "then": {"properties": {"a": {}}}}, "ba", "ab"),
        ({"propertyNames": {"enum": ["b", "a", "c"]}}, "bac", "abc"),
        ({"const": {"b": 1, "a": 1}}, "ba", "ab"),
        ({"enum": [{"c": 1}, {"b": 1, "a": 1}]}, "ba", "ab"),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "properties": BA}, "ba", "ab"),
        (
            {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "definitions": {"d": {"id": "#here", "properties": BA}},
                "allOf": [{"$ref": "#here"}],
            },
            "ba",
            "ab",
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_keys_are_written_as_in_the_schema(writes, schema, first, second):
    schema = {"type": "object", **schema}
    constraint = json_schema(schema)
    assert writes(constraint, text_of(first))
    assert not writes(constraint, text_of(second))
    assert constraint.accepts(text_of(reversed(first)))
    free = json_schema(schema, order="any")
    for keys in permutations(first):
        assert writes(free, text_of(keys))


def test_alternatives_keep_their_own_orders(writes):
    constraint = json_schema(
        {
            "anyOf": [
                {"type": "object", "properties": {"a": {"const": 1}, "b": {}}, "required": ["a"]},
                {"type": "object", "properties": {"b": {}, "a": {"const": 2}}, "required": ["a"]},
            ]
        }
    )
    assert writes(constraint, '{"a": 1, "b": 1}')
    assert writes(constraint, '{"b": 1, "a": 2}')


def test_nested_and_recursive_objects_keep_the_order(writes):
    node = {
        "type": "object",
        "properties": {"value": NUMBER, "next": {"$ref": "#/$defs/node"}},
        "additionalProperties": False,
    }
    constraint = json_schema({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    assert writes(constraint, '{"value": 1, "next": {"value": 2, "next": {"value": 3}}}')
    assert not writes(constraint, '{"value": 1, "next": {"next": {"value": 3}, "value": 2}}')


def test_one_definition_in_two_places_with_two_orders(writes):
    constraint = json_schema(
        {
            "type": "object",
            "$defs": {"d": {"type": "object", "properties": {"x": NUMBER, "y": NUMBER}}},
            "properties": {
                "p": {"$ref": "#/$defs/d"},
                "q": {"properties": {"y": {}}, "$ref": "#/$defs/d"},
            },
        }
    )
    assert writes(constraint, '{"p": {"x": 1, "y": 2}, "q": {"y": 1, "x": 2}}')
    assert not writes(constraint, '{"p": {"y": 1, "x": 2}}')


def test_a_dynamic_reference_leads_to_the_outermost(writes):
    tree = {
        "$id": "https://x.org/tree",
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {
            "value": True,
            "children": {"type": "array", "items": {"$dynamicRef": "#node"}},
        },
    }
    strict = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://x.org/strict",
        "$dynamicAnchor": "node",
        "$ref": "tree",
        "unevaluatedProperties": False,
    }
    constraint = json_schema(strict, registry={"https://x.org/tree": tree})
    text = '{"value": 1, "children": [{"value": 2, "children": []}]}'
    assert writes(constraint, text)
    assert not writes(constraint, '{"value": 1, "children": [{"other": 2}]}')
    assert not writes(constraint, '{"value": 1, "children": [{"children": [], "value": 1}]}')


def test_the_order_in_another_document(writes):
    other = {"$defs": {"p": {"type": "object", "properties": BA}}}
    constraint = json_schema(
        {"type": "array", "items": {"$ref": "https://x.org/other#/$defs/p"}},
        registry={"https://x.org/other": other},
    )
    assert writes(constraint, '[{"b": 1, "a": 1}]')
    assert not writes(constraint, '[{"a": 1, "b": 1}]')
    constraint = json_schema(
        {"$ref": "https://x.org/const"},
        registry={"https://x.org/const": {"const": [{"b": 1, "a": {"d": 1, "c": 2}}]}},
    )
    assert writes(constraint, '[{"b": 1, "a": {"d": 1, "c": 2}}]')


def test_values_inside_arrays_maps_and_patterns(writes):
    shape = {"type": "object", "properties": BA}
    for schema, text in (
        ({"items": shape}, '[{"b":1,"a":1}]'),
        ({"prefixItems": [{}, shape]}, '[0,{"b":1,"a":1}]'),
        ({"additionalProperties": shape}, '{"k":{"b":1,"a":1}}'),
        ({"patternProperties": {"^k": shape}}, '{"k":{"b":1,"a":1}}'),
        ({"properties": {"a/b": shape}}, '{"a/b":{"b":1,"a":1}}'),
        ({"anyOf": [{"items": shape}, {"type": "null"}], "type": ["array"]}, '[{"b":1,"a":1}]'),
        ({"unevaluatedProperties": shape}, '{"k":{"b":1,"a":1}}'),
    ):
        constraint = json_schema(schema)
        assert writes(constraint, text), schema
        assert not writes(constraint, text.replace('"b":1,"a":1', '"a":1,"b":1')), schema


def test_constants_in_any_order(writes):
    constraint = json_schema({"const": {"a": 1, "b": [{"c": 1, "d": 2}]}}, order="any")
    for text in (
        '{"a": 1, "b": [{"c": 1, "d": 2}]}',
        '{"b": [{"d": 2, "c": 1}], "a": 1}',
    ):
        assert writes(constraint, text)
    for text in ('{"a": 1, "a": 1}', '{"a": 1}', '{"b": [{"c": 1, "c": 1}], "a": 1}'):
        assert not writes(constraint, text), text


def test_a_wide_schema_with_many_places(writes):
    # One definition is reached along many paths: it is written anew for some of them only.
    leaf = {"type": "object", "properties": BA}
    properties = {
        f"k{n}": {"allOf": [{"$ref": "#/$defs/leaf"}], "properties": {f"x{n}": NUMBER}}
        for n in range(40)
    }
    constraint = json_schema({"type": "object", "$defs": {"leaf": leaf}, "properties": properties})
    assert writes(constraint, '{"k0": {"b": 1, "a": 1}, "k39": {"b": 1, "a": 1}}')
