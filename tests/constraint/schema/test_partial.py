"""What is decided of a value that is still open: as early as it is, and never wrongly."""

import json

import jsonschema_rs
import pytest

from condit.constraint.schema.beginning import begun_bytes, begun_text, number_may_become
from condit.constraint.schema.partial import look
from condit.constraint.schema.parts import Forest, Node
from condit.constraint.schema.scanner import Scanner

UNIQUE = {"type": "array", "uniqueItems": True}
COLOURS = {**UNIQUE, "items": {"enum": ["red", "green", "grey"]}}
TREE = {
    "$defs": {"tree": {**UNIQUE, "items": {"$ref": "#/$defs/tree"}}},
    "$ref": "#/$defs/tree",
}
LOOP = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "array"}]}}, "$ref": "#/$defs/a"}


def reason(schema: object, text: str) -> str | None:
    canonical = jsonschema_rs.canonicalize(schema, validate_formats=True)
    scanner = Scanner()
    scanner.feed(text.encode())
    outlook = look(Node(canonical, Forest(lambda _: True, lambda _: True)), scanner)
    return outlook.reason() if outlook.never else None


DECIDED = [
    # The last byte decides: without it, the text may go on.
    (UNIQUE, '[1, "1", true, 1.0,', "items must be distinct: 1.0 comes twice"),
    (UNIQUE, '[{"a": 1}, {"a": 1}', "comes twice"),
    (COLOURS, '["red", "green", "grey",', "at most 3 items"),
    (COLOURS, '["red", "r', "all that are listed are used"),
    (COLOURS, '["grey", "gr\\u0065y', "all that are listed are used"),
    ({**UNIQUE, "items": {"enum": [12, 15, 30]}}, "[12, 15, 1", "all that are listed are used"),
    ({**UNIQUE, "prefixItems": [True], "items": {"enum": ["a"]}}, '["a",', "are used"),
    ({"contains": {"type": "string"}, "maxContains": 1}, '["a", 1, "b"', "more than 1 items"),
    (
        {"type": "array", "contains": {"const": 7}, "minContains": 2, "maxItems": 3},
        "[7, 1, t",
        "2 items must match",
    ),
    ({"type": "array", "maxItems": 2}, "[1, 2,", "at most 2 items"),
    ({"type": "array", "minItems": 2}, "[1]", "less than 2"),
    ({"type": "array", "not": {"uniqueItems": True}}, "[1, 2]", "not allowed"),
    ({"items": {"multipleOf": 0.3}}, "[0.6, 0.7,", "not a multiple of"),
    ({"items": {"type": "string", "pattern": "^(?!b)"}}, '["ab", "ba"', "does not match"),
    ({"items": {"format": "date"}}, '["2023-02-31"', "date"),
    ({"propertyNames": {"pattern": "^a"}, "type": "object"}, '{"ab": 1, "b"', "not allowed"),
    ({"type": "object", "maxProperties": 1}, '{"a": 1,', "at most 1 members"),
    ({"type": "object", "maxProperties": 2, "required": ["x", "y"]}, '{"a"', "no room is left"),
    ({"type": "object", "minProperties": 1}, "{}", "less than 1"),
    ({"propertyNames": {"enum": ["a", "b"]}, "type": "object"}, '{"b": 1, "b', "all keys"),
    ({"propertyNames": {"enum": ["a", "b"]}, "type": "object"}, '{"b": 1, "a": 1,', ""),
    ({"patternProperties": {"^x": {"type": "array"}}, "type": "object"}, '{"x1": "', "array"),
    ({"patternProperties": {"^x": False}, "type": "object"}, '{"y": 1, "x1"', "no value"),
    ({"properties": {"a": True}, "additionalProperties": {"const": 1}}, '{"b": 2', "none of"),
    ({"properties": {"a": {"not": {"const": 1}}}}, '{"a": 1,', "under the key"),
    ({"anyOf": [{"required": ["a"], "maxProperties": 1}, {"type": "array"}]}, '{"b"', "no room"),
    ({"anyOf": [{"items": {"const": 1}}, UNIQUE], "type": "array"}, "[2, 2,", "no alternative"),
    (
        {"oneOf": [{"$ref": "#/$defs/s"}, {"contains": {"const": 3}}], "$defs": {"s": COLOURS}},
        '["blue", 2]',
        "oneOf",
    ),
    ({"not": {"type": "object", "required": ["a"]}}, '{"b": 1, "a"', "no value"),
    ({"const": [1, {"a": [2]}]}, '[1, {"a": [3', "none of the listed values"),
    ({"enum": [{"a": 1, "b": 2}, [1]]}, '{"b"', None),
    ({"enum": [{"a": 1, "b": 2}, [1]]}, '{"c', "none of the listed values"),
    ({"enum": [{"a": 1, "b": 2}, [1]]}, "[1,", "none of the listed values"),
    ({"items": {"enum": ["left", "right"]}}, '["lo', "none of the listed values"),
    ({"items": {"type": "string"}}, "[1", "expected string, not number"),
    ({"items": {"type": "string"}}, "[{", "expected string, not object"),
    ({"items": {"type": "string"}}, "[t", "is not of type"),
    (TREE, "[[[]], [[], [[]], []", "comes twice"),
    (LOOP, "[1, {", None),
    ({"type": ["array", "object"]}, '{"a": [', None),
    (
        {"if": {"properties": {"k": {"const": 1}}}, "then": {"properties": {"v": COLOURS}}},
        '{"k": 1, "v": ["red", "r',
        "all that are listed are used",
    ),
]


@pytest.mark.parametrize(("schema", "text", "expected"), DECIDED)
def test_it_is_decided_at_this_byte(schema, text, expected):
    if expected is None:
        assert reason(schema, text) is None
        return
    for size in range(len(text)):
        assert reason(schema, text[:size]) is None, text[:size]
    found = reason(schema, text)
    assert found is not None
    assert expected in found


def test_what_was_not_relaxed_is_left_to_the_grammar():
    canonical = jsonschema_rs.canonicalize({"properties": {"a": UNIQUE, "b": UNIQUE}})
    kept = canonical.view().branches[1].view().properties["a"]
    scanner = Scanner()
    scanner.feed(b'{"b": [1, 1], "a": [1, 1]')
    nothing = Node(canonical, Forest(lambda _: False, lambda _: False))
    assert not look(nothing, scanner).never
    assert not scanner.top.watched
    assert look(Node(kept, Forest(lambda _: True, lambda _: True)), scanner).never


def test_only_what_lies_above_something_relaxed_is_looked_at():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "maxItems": 1}, "b": UNIQUE},
    }
    canonical = jsonschema_rs.canonicalize(schema)
    relaxed = canonical.view().properties["b"]
    forest = Forest(lambda node: node in (canonical, relaxed), lambda node: node == relaxed)
    for text, found in (('{"a": [1, 2', False), ('{"a": [1, 2], "b": [1, 1,', True)):
        scanner = Scanner()
        scanner.feed(text.encode())
        assert look(Node(canonical, forest), scanner).never == found
        assert scanner.top.watched == found


def test_deep_values_are_left_to_the_oracle():
    deep = "[" * 200
    assert reason(TREE, deep) is None
    assert reason({"type": "array"}, deep + "]" * 150) is None


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        (b"abc", "abc"),
        (b"ab\\", "ab"),
        (b"ab\\u00", "ab"),
        (b"ab\\u00e9", "abé"),
        (b"ab\xc3", "ab"),
        (b"ab\\ud83d", "ab"),
        (b"ab\\ud83d\\ude00", "ab😀"),
        (b"\\\\u00", "\\u00"),
    ],
)
def test_the_text_of_a_string_that_is_cut(spelled, text):
    assert begun_text(spelled) == text
    whole = begun_bytes(spelled)
    if whole is not None and b"\\" in spelled:
        assert whole.decode() == text
    assert (whole is None) == (spelled in (b"ab\\", b"ab\\u00", b"ab\\ud83d"))


@pytest.mark.parametrize("value", [12, -12, 0, 0.1, 3, 1200, 0.5, 1e22, 123456.789, -2.5e-9])
def test_every_beginning_of_every_spelling_of_a_number_may_become_it(value):
    spellings = {repr(value), json.dumps(float(value)), f"{value:e}", f"{value:.30f}"}
    spellings |= {f"{value:.20E}", "0.09999999999999999999999", "2.99999999999999999999"}
    for spelling in spellings:
        if float(spelling) != value:
            continue
        for size in range(1, len(spelling) + 1):
            assert number_may_become(spelling[:size].encode(), value), spelling[:size]


@pytest.mark.parametrize(
    ("spelled", "value"),
    [("-", 3), ("4", 3), ("1", -1), ("13", 12), ("0.2", 0.1), ("1", True), ("1", "1"), ("99", 98)],
)
def test_some_beginnings_rule_a_number_out(spelled, value):
    assert not number_may_become(spelled.encode(), value)
