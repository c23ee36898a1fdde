"""Where the keywords of a schema are enforced, by what its grammar relaxes."""

from __future__ import annotations

import copy
import time
from typing import Any

import jsonschema_rs
import pytest

import condit
from condit.constraint.schema.dialect import ASSERTIONS, Draft, asserts, is_checked_format
from condit.constraint.schema.plan import Enforcement, plan_of
from condit.constraint.schema.relaxed import Relaxed


def relaxed(keyword: str, *pointers: str) -> Relaxed:
    return Relaxed(keyword, f"{keyword} is relaxed", frozenset(pointers))


def where(schema: object, *relaxations: Relaxed, **options: Any) -> dict[tuple[str, str], str]:
    plan = plan_of(schema, relaxations, **options)
    found = {(each.pointer, each.keyword): each.where for each in plan}
    assert len(found) == len(plan)
    return found


def test_every_keyword_has_its_place_in_the_order_of_the_document() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.org/order",
        "title": "Order",
        "type": "object",
        "properties": {
            "a/b": {"type": "string", "description": "x", "format": "date"},
            "~": {"items": {"minimum": 3}, "format": "colour", "x-note": 1},
        },
        "required": ["~"],
        "default": {"title": "no keyword"},
        "additionalProperties": False,
    }
    assert plan_of(schema, [relaxed("format", "/properties/a~1b")]) == (
        Enforcement("", "title", "annotation", "for the reader"),
        Enforcement("", "type", "token"),
        Enforcement("", "properties", "token"),
        Enforcement("/properties/a~1b", "type", "token"),
        Enforcement("/properties/a~1b", "description", "annotation", "for the reader"),
        Enforcement("/properties/a~1b", "format", "close", "format is relaxed"),
        Enforcement("/properties/~0", "items", "token"),
        Enforcement("/properties/~0/items", "minimum", "token"),
        Enforcement(
            "/properties/~0", "format", "annotation", "'colour' is no format of draft 2020-12"
        ),
        Enforcement("/properties/~0", "x-note", "annotation", "unknown keyword"),
        Enforcement("", "required", "token"),
        Enforcement("", "default", "annotation", "for the reader"),
        Enforcement("", "additionalProperties", "token"),
    )


@pytest.mark.parametrize(
    ("schema", "reached"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}, "b": {}}}, "/$defs/a"),
        ({"$ref": "#x", "$defs": {"a": {"$anchor": "x", "type": "null"}}}, "/$defs/a"),
        ({"$ref": "#/parts/1/a%25", "parts": [0, {"a%": {"type": "null"}}]}, "/parts/1/a%"),
        (
            {
                "$id": "https://example.org/here/top",
                "$ref": "../there/b#/items",
                "$defs": {
                    "b": {"$id": "https://example.org/there/b", "items": {"type": "null"}},
                },
            },
            "/$defs/b/items",
        ),
        (
            {"$id": "urn:x:y", "$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}},
            "/$defs/a",
        ),
        (
            {"$dynamicRef": "#n", "$defs": {"a": {"$dynamicAnchor": "n", "type": "null"}}},
            "/$defs/a",
        ),
        (
            {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "$ref": "#x",
                "definitions": {"a": {"id": "#x", "type": "null"}},
            },
            "/definitions/a",
        ),
    ],
)
def test_references_are_followed(schema: dict[str, Any], reached: str) -> None:
    assert where(schema)[reached, "type"] == "token"
    reference = next(each for each in plan_of(schema, []) if each.keyword.endswith("Ref"[1:]))
    assert reference.note == f"to {reached}"


def test_definitions_that_nothing_uses_are_left_out() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#"}}, "b": {"type": "null"}}}
    assert set(where(schema)) == {("", "$ref"), ("/$defs/a", "items"), ("/$defs/a/items", "$ref")}


def test_references_that_lead_out_or_nowhere() -> None:
    outside = {"$ref": "http://json-schema.org/draft-07/schema#"}
    assert plan_of(outside, []) == (Enforcement("", "$ref", "token", "to another document"),)
    # What the other document asks has no pointer here: the reference stands for it.
    schema = {"type": "array", **outside}
    assert where(schema, relaxed("uniqueItems", "")) == {
        ("", "type"): "token",
        ("", "$ref"): "close",
    }
    assert plan_of({"$ref": "#/$defs/a", "$defs": {"a": True}}, [])[0].note == ""


@pytest.mark.parametrize("schema", [True, False, {}])
def test_nothing_to_enforce(schema: object) -> None:
    assert plan_of(schema, []) == ()


def test_only_the_place_that_was_relaxed_is_checked_later() -> None:
    schema = {
        "properties": {"a": {"uniqueItems": True}, "b": {"uniqueItems": True, "minItems": 1}},
    }
    found = where(schema, relaxed("uniqueItems", "/properties/b"))
    assert found["/properties/a", "uniqueItems"] == "token"
    assert found["/properties/b", "uniqueItems"] == "close"
    assert found["/properties/b", "minItems"] == "token"


def test_a_family_is_relaxed_together() -> None:
    schema = {"contains": {"type": "null"}, "minContains": 2, "maxContains": 3, "minItems": 2}
    assert where(schema, relaxed("contains", "")) == {
        ("", "contains"): "close",
        ("/contains", "type"): "close",
        ("", "minContains"): "close",
        ("", "maxContains"): "close",
        ("", "minItems"): "token",
    }


def test_what_was_rewritten_is_found_at_its_source() -> None:
    schema = {
        "type": "object",
        "if": {"required": ["a"]},
        "then": {"required": ["b"]},
        "allOf": [{"minProperties": 1}],
    }
    found = where(schema, relaxed("oneOf", "", "/if", "/then", "/allOf/0"))
    late = {each for each, place in found.items() if place == "close"}
    assert late == {("", "if"), ("", "then")}
    # No such keyword, nor one of its family: any that combines may be where it came from.
    found = where(schema, relaxed("patternProperties", ""))
    assert {each for each, place in found.items() if place == "close"} == {
        *(("", "if"), ("", "then"), ("", "allOf")),
    }
    # And none that combines either: any keyword there.
    assert set(where({"type": "array", "minItems": 2}, relaxed("items", "")).values()) == {"close"}


def test_a_relaxation_without_a_known_place_is_about_the_whole_document() -> None:
    schema = {"items": {"uniqueItems": True, "type": "array"}}
    for pointers in ((), ("/nowhere",)):
        found = where(schema, relaxed("uniqueItems", *pointers))
        assert found["/items", "uniqueItems"] == "close"
        assert found["/items", "type"] == "token"


def test_a_contrary_waits_for_what_it_is_the_contrary_of() -> None:
    schema = {
        "not": {"properties": {"a": {"$ref": "#/$defs/p"}}, "required": ["a"]},
        "if": {"$ref": "#/$defs/p"},
        "then": {"type": "string"},
        "anyOf": [{"$ref": "#/$defs/p"}],
        "$defs": {"p": {"pattern": "^(?=a)"}},
    }
    found = where(schema, relaxed("pattern", "/$defs/p"))
    assert found["", "not"] == found["", "if"] == found["", "then"] == "close"
    assert found["", "anyOf"] == found["/not", "required"] == "token"
    assert found["/$defs/p", "pattern"] == "close"


def test_what_is_raw_is_left_to_the_end() -> None:
    schema = {
        "properties": {"a": {"items": {"$ref": "#/$defs/p"}, "title": "A"}, "b": {"minimum": 1}},
        "$defs": {"p": {"pattern": "a"}},
    }
    found = where(schema, relaxed("raw", "/properties/a"), relaxed("pattern", "/$defs/p"))
    assert found == {
        ("", "properties"): "token",
        ("/properties/a", "items"): "end",
        ("/properties/a", "title"): "annotation",
        ("/properties/a/items", "$ref"): "end",
        ("/$defs/p", "pattern"): "end",
        ("/properties/b", "minimum"): "token",
    }


def test_formats_may_be_for_the_reader_alone() -> None:
    plan = plan_of({"format": "date"}, [], formats=False)
    assert plan == (Enforcement("", "format", "annotation", "formats are not asserted"),)


# For each keyword a schema that has it, and a value that it refuses where it asserts.
REFUSALS: dict[str, tuple[dict[str, Any], Any]] = {
    "type": ({"type": "string"}, 1),
    "enum": ({"enum": [1]}, 2),
    "const": ({"const": 1}, 2),
    "format": ({"format": "date"}, "x"),
    "allOf": ({"allOf": [{"type": "string"}]}, 1),
    "anyOf": ({"anyOf": [{"type": "string"}]}, 1),
    "oneOf": ({"oneOf": [{}, {}]}, 1),
    "not": ({"not": {}}, 1),
    "if": ({"if": {}, "then": {"type": "string"}}, 1),
    "then": ({"if": {}, "then": {"type": "string"}}, 1),
    "else": ({"if": {"type": "string"}, "else": {"type": "null"}}, 1),
    "multipleOf": ({"multipleOf": 2}, 1),
    "minimum": ({"minimum": 2}, 1),
    "maximum": ({"maximum": 0}, 1),
    "exclusiveMinimum": ({"minimum": 1, "exclusiveMinimum": True}, 1),
    "exclusiveMaximum": ({"maximum": 1, "exclusiveMaximum": True}, 1),
    "minLength": ({"minLength": 2}, "a"),
    "maxLength": ({"maxLength": 0}, "a"),
    "pattern": ({"pattern": "b"}, "a"),
    "contentMediaType": ({"contentMediaType": "application/json"}, "{"),
    "contentEncoding": ({"contentEncoding": "base64"}, "{"),
    "items": ({"items": {"type": "string"}}, [1]),
    "prefixItems": ({"prefixItems": [{"type": "string"}]}, [1]),
    "additionalItems": ({"items": [{}], "additionalItems": {"type": "string"}}, [1, 1]),
    "minItems": ({"minItems": 1}, []),
    "maxItems": ({"maxItems": 0}, [1]),
    "uniqueItems": ({"uniqueItems": True}, [1, 1]),
    "contains": ({"contains": {"type": "string"}}, [1]),
    "minContains": ({"contains": {}, "minContains": 2}, [1]),
    "maxContains": ({"contains": {}, "maxContains": 0, "minContains": 0}, [1]),
    "unevaluatedItems": ({"unevaluatedItems": {"type": "string"}}, [1]),
    "properties": ({"properties": {"a": {"type": "string"}}}, {"a": 1}),
    "patternProperties": ({"patternProperties": {"a": {"type": "string"}}}, {"a": 1}),
    "additionalProperties": ({"additionalProperties": {"type": "string"}}, {"a": 1}),
    "unevaluatedProperties": ({"unevaluatedProperties": {"type": "string"}}, {"a": 1}),
    "propertyNames": ({"propertyNames": {"maxLength": 0}}, {"a": 1}),
    "required": ({"required": ["b"]}, {"a": 1}),
    "dependencies": ({"dependencies": {"a": ["b"]}}, {"a": 1}),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"a": 1}),
    "dependentSchemas": ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}),
    "minProperties": ({"minProperties": 1}, {}),
    "maxProperties": ({"maxProperties": 0}, {"a": 1}),
    "$ref": ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}, 1),
    "$dynamicRef": (
        {"$dynamicRef": "#a", "$defs": {"x": {"$dynamicAnchor": "a", "type": "string"}}},
        1,
    ),
    "$recursiveRef": ({"$recursiveRef": "#", "$defs": {}, "type": "string"}, 1),
}


@pytest.mark.parametrize("draft", list(Draft), ids=str)
@pytest.mark.parametrize("keyword", sorted(ASSERTIONS))
def test_the_oracle_agrees_on_what_asserts(keyword: str, draft: Draft) -> None:
    schema, value = copy.deepcopy(REFUSALS[keyword])
    if keyword.startswith("exclusive") and draft > Draft.DRAFT_4:
        schema = {keyword: 1}
    if keyword == "additionalItems" and draft == Draft.DRAFT_2020_12:
        schema["items"] = {}  # lists are no longer allowed there
    if keyword == "$recursiveRef":
        # It refuses a value inside, by what the top asks.
        schema, value = {"type": "array", "items": {"$recursiveRef": "#"}}, [1]
        holder = schema["items"]
    else:
        holder = schema
    marked = {"$schema": draft.meta_schema, **schema}
    validator = jsonschema_rs.validator_for(marked, validate_formats=True)
    assert asserts(keyword, holder, draft) == (not validator.is_valid(value))


def test_beside_a_reference_the_first_drafts_read_nothing() -> None:
    schema = {"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {}}}
    for draft in Draft:
        marked = {"$schema": draft.meta_schema, **schema}
        ignored = jsonschema_rs.is_valid(marked, 1)
        assert (where(marked)["", "type"] == "annotation") is ignored


@pytest.mark.parametrize("draft", list(Draft), ids=str)
def test_formats_belong_to_drafts(draft: Draft) -> None:
    assert is_checked_format("date-time", draft)
    assert is_checked_format("duration", draft) == (draft >= Draft.DRAFT_2019_09)
    assert is_checked_format("uri-template", draft) == (draft >= Draft.DRAFT_6)
    assert not is_checked_format("colour", draft)


@pytest.mark.parametrize("draft", list(Draft), ids=str)
def test_a_draft_is_known_by_its_address(draft: Draft) -> None:
    for address in (
        draft.meta_schema,
        draft.meta_schema.rstrip("#"),
        draft.meta_schema.replace("http:", "https:"),
        draft.meta_schema.replace("/schema", "/hyper-schema"),
    ):
        assert Draft.of({"$schema": address}) is draft
    assert Draft.of({}, draft) is Draft.of(True, draft) is draft
    assert Draft.of({"$schema": "https://example.org/own"}) is Draft.DRAFT_2020_12


def test_large_and_deep_documents_take_no_time() -> None:
    deep: dict[str, Any] = {"uniqueItems": True}
    for _ in range(400):
        deep = {"not": {"items": deep}}
    wide = {f"k{index}": {"$ref": "#/$defs/a", "not": {"$ref": "#"}} for index in range(4000)}
    schema = {"properties": wide, "items": deep, "$defs": {"a": {"uniqueItems": True}}}
    begin = time.process_time()
    found = where(schema, relaxed("uniqueItems", "/$defs/a"), relaxed("raw", "/properties/k7"))
    # It takes about 0.1 s; what grows with the square of the document would take minutes.
    assert time.process_time() - begin < 10
    assert len(found) == 2 + 3 * 4000 + 801 + 1
    assert found["/properties/k9", "not"] == "end"


def test_the_compiler_hands_its_plan_on() -> None:
    constraint = condit.json_schema({"type": "array", "uniqueItems": True, "maxItems": 3})
    assert [(each.keyword, each.where) for each in constraint.plan] == [
        *(("type", "token"), ("uniqueItems", "close"), ("maxItems", "token")),
    ]
