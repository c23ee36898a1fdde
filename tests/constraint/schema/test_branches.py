"""Long lists of alternatives: as exact as short ones, and the same values."""

import json

import jsonschema_rs
import pytest

from condit import json_schema
from condit.constraint.schema.branches import MANY, with_named_branches


def tool(number, **more):
    arguments = {
        "type": "object",
        "properties": {"query": {"type": "string"}, f"p{number}": {"type": "integer"}},
        "required": ["query"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"name": {"const": f"tool_{number}"}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
        **more,
    }


def call(number, argument):
    return f'{{"name": "tool_{number}", "arguments": {{"query": "a", "p{argument}": 1}}}}'


def rewritten(schema, draft=jsonschema_rs.Draft202012):
    return with_named_branches(schema, json.dumps(schema), draft)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize("count", [MANY, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", ["root", "items", "property", "typed"])
def test_tools_are_enforced_at_the_token(by_byte, writes, keyword, count, place):
    schema = {keyword: [tool(number) for number in range(count)]}
    around = "{}"
    if place == "typed":
        schema = {"type": "object", **schema}
    elif place == "items":
        schema, around = {"type": "array", "items": schema}, "[{}]"
    elif place == "property":
        schema = {"type": "object", "properties": {"call": schema}, "required": ["call"]}
        around = '{{"call": {}}}'
    constraint = json_schema(schema)
    assert {each.where for each in constraint.plan} <= {"token", "annotation"}
    for number in (0, count - 1):
        assert writes(constraint, around.format(call(number, number)))
        assert not writes(constraint, around.format(call(number, number - 1)))
    start = around.format('{"nope')
    assert constraint.bind(by_byte).count_allowed([*start.encode()]) < len(start)


def test_alternatives_that_may_hold_together_are_not_taken_for_any(writes):
    # Each value of tool 0 is one of the last alternative as well: exactly one must hold.
    schema = {"oneOf": [*(tool(number) for number in range(MANY)), tool(0, title="again")]}
    constraint = json_schema(schema)
    assert not writes(constraint, call(0, 0))
    assert writes(constraint, call(1, 1))


@pytest.mark.parametrize("draft", [4, 6, 7, 201909, 202012])
def test_every_draft(writes, draft):
    address = {
        4: "http://json-schema.org/draft-04/schema#",
        6: "http://json-schema.org/draft-06/schema#",
        7: "http://json-schema.org/draft-07/schema#",
        201909: "https://json-schema.org/draft/2019-09/schema",
        202012: "https://json-schema.org/draft/2020-12/schema",
    }[draft]
    branches = [tool(number) for number in range(40)]
    for number, each in enumerate(branches):
        each["properties"]["name"] = {"enum": [f"tool_{number}"]}
    identifier = "id" if draft == 4 else "$id"
    schema = {"$schema": address, identifier: "http://example.org/a", "anyOf": branches}
    constraint = json_schema(schema)
    assert writes(constraint, call(39, 39))
    assert not writes(constraint, call(39, 38))


def test_what_is_referred_to_by_its_place_stays_there(writes):
    branches = [tool(number) for number in range(MANY)]
    branches[3]["properties"]["arguments"] = {"$ref": "#/anyOf/2/properties/arguments"}
    schema = {"anyOf": branches}
    assert rewritten(schema) is schema
    assert writes(json_schema(schema), call(3, 2))


def test_names_that_are_taken_stay_what_they_are(writes):
    schema = {
        "$defs": {"alternative0": {"const": 7}},
        "anyOf": [*(tool(number) for number in range(MANY)), {"$ref": "#/$defs/alternative0"}],
    }
    constraint = json_schema(schema)
    assert writes(constraint, "7")
    assert writes(constraint, call(0, 0))


def test_short_lists_and_what_is_combined_stay_as_they_are():
    few = {"anyOf": [tool(number) for number in range(MANY - 1)]}
    combined = {"minProperties": 1, "anyOf": [tool(number) for number in range(MANY)]}
    for schema in (few, combined, True, {"not": {"anyOf": few["anyOf"] * 2}}):
        assert rewritten(schema) is schema


def test_reasons_are_still_told():
    constraint = json_schema({"anyOf": [tool(number) for number in range(40)]})
    assert constraint.violation('{"name": "tool_99", "arguments": {}}') is not None
