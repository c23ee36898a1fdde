"""The short form of a schema: what it says, that it stays short, and that nothing breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from condit.constraint.schema.skeleton import LIMIT, skeleton


def form(schema: object, **options: Any) -> str:
    return skeleton([("json-schema:///", schema)], **options)


def member(schema: object) -> str:
    """The form of one required member."""
    text = form({"properties": {"a": schema}, "required": ["a"]})
    return text.removeprefix('{"a": ').removesuffix("}")


def test_an_object_with_all_sorts_of_members() -> None:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "what is\nwrong"},
            "priority": {"enum": ["low", "high"]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
            "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        },
        "required": ["title", "priority", "due"],
    }
    assert form(schema) == (
        '{"title": string (what is wrong), "priority": "low" | "high", '
        '"tags": [string, ...] (1 to 3 items) (optional), "due": "YYYY-MM-DD" | null}'
    )


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (True, "any JSON value"),
        ({}, "any JSON value"),
        (False, "nothing"),
        ({"const": {"a": 1}}, '{"a": 1}'),
        ({"type": ["string", "null"], "maxLength": 4}, "string (at most 4 characters) | null"),
        ({"type": "string", "format": "email"}, "string (email)"),
        ({"type": "string", "minLength": 1}, "string (at least 1 character)"),
        ({"pattern": "^a+$"}, "string (matching ^a+$)"),
        ({"type": "string", "examples": ["x"]}, 'string (such as "x")'),
        ({"type": "integer", "minimum": 1, "maximum": 5}, "integer (1 to 5)"),
        ({"type": "number", "exclusiveMinimum": 0}, "number (above 0)"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number (0 or more and below 1)"),
        ({"type": "boolean"}, "true | false"),
        ({"not": {"type": "string"}}, "any JSON value (but not string)"),
        ({"type": "string", "not": {"enum": ["a", "b"]}}, 'string (but not "a" | "b")'),
        ({"type": "string", "not": {"const": "a" * 100}}, "string"),
        (
            {"type": "integer", "allOf": [{"not": {"const": 1}}, {"not": {"const": 2}}]},
            "integer (but not 1 and not 2)",
        ),
        ({"type": "array"}, "[any JSON values, ...]"),
        ({"prefixItems": [{"type": "string"}], "items": False, "minItems": 1}, "[string]"),
        (
            {"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}},
            "[1, 2, ...]",
        ),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": False}, "{}"),
        ({"additionalProperties": {"type": "null"}}, "{(key): null, ...}"),
        (
            {"patternProperties": {"^x": {"type": "null"}}, "properties": {"a": {"const": 1}}},
            '{"a": 1 (optional), (key matching ^x): null, ...}',
        ),
        ({"required": ["b"], "properties": {"a": True}, "minProperties": 2}, None),
    ],
)
def test_single_schemas(schema: object, text: str | None) -> None:
    if text is None:
        text = '{"a": any JSON value (optional), "b": any JSON value} (at least 2 members)'
    assert form(schema) == text


def member_of_draft_4() -> dict[str, Any]:
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "definitions": {"small": {"type": "integer", "minimum": 1, "exclusiveMinimum": True}},
        "properties": {"a": {"$ref": "#/definitions/small", "type": "string"}},
        "required": ["a"],
    }


def test_draft_4_has_exclusive_bounds_and_references_that_stand_alone() -> None:
    assert form(member_of_draft_4()) == '{"a": integer (above 1)}'


def test_what_applies_together_is_written_as_one() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]},
            {"properties": {"a": {"maximum": 5}, "b": {"type": "null"}}},
        ],
    }
    assert form(schema) == '{"a": integer (1 to 5), "b": null (optional)}'


def test_what_stands_beside_alternatives_holds_for_each() -> None:
    schema = {
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}},
            {"properties": {"kind": {"const": "b"}}, "required": ["y"]},
        ],
    }
    assert form(schema) == (
        '{"kind": "a", "x": integer (optional)} | {"kind": "b", "y": any JSON value}'
    )


def test_alternatives_that_only_require_keys_do_not_repeat_the_object() -> None:
    schema = {
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert form(schema) == '{"a": null (optional), "b": null (optional)}'


def test_types_that_contain_themselves_have_names() -> None:
    tree = {
        "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
        "required": ["kids"],
    }
    assert form({"$defs": {"Tree": tree}, "$ref": "#/$defs/Tree"}) == (
        '{"kids": [Tree, ...]}\nTree is this whole form again.'
    )
    inside = {"$defs": {"Tree": tree}, "properties": {"t": {"$ref": "#/$defs/Tree"}}}
    assert form(inside) == '{"t": Tree (optional)}\nTree is {"kids": [Tree, ...]}'


def test_types_that_contain_each_other() -> None:
    schema = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"properties": {"b": {"$ref": "#/$defs/b"}}},
            "b": {"properties": {"a": {"$ref": "#/$defs/a"}}},
        },
    }
    text = form(schema)
    assert text.startswith('{"b": ')
    assert "A is this whole form again." in text


def test_references_that_only_lead_in_a_circle_end() -> None:
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}
    assert form(circle) == "any JSON value"


@pytest.mark.parametrize("name", ['a"b', "a\nb", "\\", "ü𝄞", "", "a/b~c", "\u2028", "(optional)"])
def test_hostile_names_and_values_stay_on_one_line(name: str) -> None:
    schema = {
        "properties": {name: {"enum": [name, "other"], "description": f"{name}\n\r{name}"}},
        "required": [name],
        "patternProperties": {"x\ny": {"const": name}},
    }
    text = form(schema)
    assert len(text.splitlines()) == 1
    written = text[1 : text.index(": ")]
    assert json.loads(written) == name
    assert "other" in text


def test_a_schema_of_500_members_is_cut_and_says_so() -> None:
    members = {f"p{i}": {"type": "string", "description": "very long " * 20} for i in range(500)}
    text = form({"properties": members, "required": ["p499"]})
    assert len(text) <= LIMIT
    assert '"p499": string' in text, "members that are required come before those that are not"
    assert "more members, all optional)" in text


def test_what_would_grow_exponentially_is_cut() -> None:
    levels: dict[str, Any] = {
        f"l{i}": {"properties": {k: {"$ref": f"#/$defs/l{i + 1}"} for k in "abcd"}}
        for i in range(30)
    }
    levels["l30"] = {"type": "null"}
    assert 0 < len(form({"$defs": levels, "$ref": "#/$defs/l0"})) <= LIMIT


def test_long_lists_of_values_are_cut() -> None:
    text = form({"enum": [f"value {i}" for i in range(1000)]})
    assert len(text) <= LIMIT
    assert text.endswith("more values)")


@pytest.mark.slow
def test_deep_schemas_are_cut() -> None:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert "[...]" in form(schema)
    for _ in range(3000):
        schema = {"allOf": [{"anyOf": [schema, {"type": "string"}]}]}
    assert 0 < len(form(schema)) <= LIMIT
