import json
import time

import pytest

from condit.constraint.base import Strength, unpack
from condit.constraint.json_schema import JsonSchema, json_schema
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
SCHEMAS = [
    True,
    {},
    PERSON,
    {"type": "number"},
    {"type": "integer", "multipleOf": 5},
    {"enum": [None, True, 1, "ab", {"a": 1}]},
    {"const": {"a": [1, 2]}},
    {"anyOf": [{"type": "array", "items": {"type": "boolean"}}, {"type": "null"}]},
    {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"},
    {"type": "string", "pattern": "^[ab]+$"},
    {"type": "array", "prefixItems": [{"const": 1}, {"const": "a"}], "minItems": 2},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_laws(obeys, schema):
    obeys(json_schema(schema), walks=2, steps=10)


@pytest.mark.parametrize("schema", SCHEMAS[:3], ids=json.dumps)
def test_laws_with_flexible_whitespace(obeys, schema):
    obeys(json_schema(schema, whitespace="flexible"), walks=2, steps=8)


def test_compact_whitespace(writes):
    constraint = json_schema({"type": ["object", "array"]})
    for text in ('{"a":1,"b":[1,2]}', '{"a": 1, "b": [1, 2]}', "[]", "[1, {}]"):
        assert writes(constraint, text)
    for text in ('{ "a":1}', '{"a" :1}', '{"a":  1}', "[ 1]", "[1,  2]", "[1 ]", " []", "[] "):
        assert constraint.accepts(text)
        assert not writes(constraint, text)


def test_flexible_whitespace_is_bounded(writes):
    constraint = json_schema({"type": "array"}, whitespace="flexible")
    assert writes(constraint, "[\n  1 ,\t2\r\n]")
    assert writes(constraint, "[" + " " * 24 + "1" + " " * 24 + "]")
    assert not writes(constraint, "[" + " " * 25 + "1]")
    assert not writes(constraint, "[1" + " " * 25 + "]")


@pytest.mark.parametrize("option", ["whitespace", "order", "formats"])
def test_an_option_that_is_not_known(option):
    with pytest.raises(ArgumentError, match=f"{option}='none' is unknown; use '.*' or '.*'"):
        json_schema({}, **{option: "none"})


def test_members_are_written_in_order_and_read_in_any(writes):
    constraint = json_schema(PERSON)
    assert writes(constraint, '{"name": "Bo", "age": 3}')
    assert not writes(constraint, '{"age": 3, "name": "Bo"}')
    assert constraint.accepts('{"age": 3, "name": "Bo"}')


@pytest.mark.parametrize(
    ("schema", "text", "place"),
    [
        ({"type": "string", "format": "date"}, '"2023-02-31"', 9),
        ({"type": "string", "format": "hostname"}, '"a-.b"', 3),
        ({"type": "number"}, "1e999", 4),
        (
            {"properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "string"}},
            '{"\\u0061": "x"}',
            10,
        ),
        ({"uniqueItems": True}, "[1, 1]", 5),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, "5", 1),
    ],
)
def test_what_is_wrong_is_refused_where_that_is_known(by_byte, schema, text, place):
    constraint = json_schema(schema)
    matcher = constraint.bind(by_byte)
    tokens = [*text.encode(), by_byte.end]
    written = matcher.count_allowed(tokens)
    assert not constraint.accepts(text)
    assert written <= place
    for token in tokens[:written]:
        matcher.advance(token)
    assert matcher.explain(tokens[written])


def test_the_verdict_on_the_end_is_asked_once_a_state(by_byte, monkeypatch):
    constraint = json_schema({"type": "integer"})
    asked = []
    violation = JsonSchema.violation
    monkeypatch.setattr(
        JsonSchema, "violation", lambda self, text: asked.append(text) or violation(self, text)
    )
    matcher = constraint.bind(by_byte)
    matcher.advance(ord("1"))
    for _ in range(3):
        matcher.allows(by_byte.end)
        matcher.mask()
        matcher.copy().allows(by_byte.end)
    assert asked == ["1"]


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ('{"name": "Bo", "age": 200}', 22, "200 is greater than the maximum of 150"),
        ('{"age": -1, "name": "Robert"}', 8, "-1 is less than the minimum of 0"),
        ('{"name": "Bo"}', 0, '"age" is a required property'),
        ('{"name": "Bo", "age": 1, "tags": ["a", "c"]}', 39, "not one of"),
        ('{"name": "Bo", "age": 1', 23, "not complete"),
        ("NaN", 0, "NaN is not JSON"),
        ("[" * 2000 + "]" * 2000, None, "nested too deeply"),
        ('"\\ud800"', 0, "surrogate"),
    ],
)
def test_violation(text, position, reason):
    violation = json_schema(PERSON).violation(text)
    assert violation.position == position
    assert reason in violation.reason


def test_a_long_reason_is_cut():
    text = json.dumps({"name": "x" * 5000, "age": 1})
    assert len(json_schema(PERSON).violation(text).reason) < 400


def test_big_numbers_do_not_crash():
    constraint = json_schema({"type": "integer", "minimum": 10})
    assert constraint.accepts("1" * 400)
    assert not constraint.accepts("-" + "1" * 400)
    assert "too many digits" in constraint.explain("1" * 10_000)


def test_deep_values_do_not_crash(by_byte):
    constraint = json_schema(SCHEMAS[8])
    matcher = constraint.bind(by_byte)
    for value in b"[" * 3000 + b"]" * 3000:
        matcher.advance(value)
    assert not matcher.allows(by_byte.end)
    assert "nested too deeply" in matcher.explain(by_byte.end)
    assert constraint.accepts("[" * 200 + "]" * 200)


def test_a_deep_value_that_is_not_valid_is_refused():
    constraint = json_schema({"type": "array", "items": {"type": "array"}})
    assert constraint.accepts("[" * 500 + "]" * 500)
    assert not json_schema(PERSON).accepts("[" * 500 + "]" * 500)
    assert json_schema({}).accepts("[" * 500 + "]" * 500)
    violation = json_schema({}).violation("[" * 901 + "]" * 901)
    assert "nested too deeply" in violation.reason
    assert json_schema({"type": "string"}).accepts('"' + "[" * 2000 + '"')


def test_value_and_strength(by_byte):
    constraint = json_schema('{"type": "array"}')
    assert constraint.value("[1, null]") == [1, None]
    assert constraint.bind(by_byte).strength is Strength.SOUND
    with pytest.raises(ValueError, match="not complete"):
        constraint.value("[1")


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        (
            {
                "properties": {
                    "not": {"not": {"type": "null"}},
                    "a/b": {"items": {"not": {"const": 1}}},
                }
            },
            '{"not": 1, "a/b": [2]}',
            '{"not": null}',
        ),
        ({"uniqueItems": True, "contains": {}}, "[1, 2]", "[1, 1]"),
        ({"if": {"type": "null"}, "then": {}, "else": False}, "null", "1"),
        ({"anyOf": [{"type": "null"}, {"type": "string", "format": "nope"}]}, '"x"', "1"),
        ({"items": {"oneOf": [{"type": "string"}, {"minLength": 3}]}}, '["a"]', '["abcd"]'),
        (
            {"properties": {"a": {"type": "string", "pattern": "(?=a)a"}}},
            '{"a": "a"}',
            '{"a": "b"}',
        ),
        ({"patternProperties": {"(?=a)a": {"type": "string"}}}, '{"a": "x"}', '{"a": 1}'),
        (
            {"patternProperties": {"^a": {"type": "string"}, "b$": {"type": "null"}}},
            '{"a": "x", "b": null}',
            '{"ab": "x"}',
        ),
        ({"not": {"type": "null"}, "anyOf": [{"not": {"const": 1}}] * 9}, "2", "1"),
        (
            {"properties": {"a": {}, "b": {}}, "required": ["a"], "maxProperties": 2},
            '{"a": 1, "b": 2}',
            '{"a": 1, "b": 2, "c": 3}',
        ),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_keywords_that_the_engine_has_not(writes, schema, valid, invalid):
    before = json.dumps(schema)
    constraint = json_schema(schema)
    assert writes(constraint, valid)
    assert constraint.accepts(valid)
    assert not writes(constraint, invalid)
    assert not constraint.accepts(invalid)
    assert json.dumps(schema) == before


@pytest.mark.parametrize(
    ("schema", "keywords", "pieces"),
    [
        (
            {"$defs": {"a": {"$ref": "https://example.invalid/x#/y"}}, "$ref": "#/$defs/a"},
            ("$ref",),
            ["https://example.invalid/x", "/$defs/a/$ref", "nothing is fetched", "registry="],
        ),
        (
            {"$schema": "http://json-schema.org/draft-03/schema#"},
            ("$schema",),
            ["draft-03", "2020-12", "registry="],
        ),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_is_not_there_is_named(schema, keywords, pieces):
    with pytest.raises(UnsupportedConstraintError) as info:
        json_schema(schema)
    assert info.value.keywords == keywords
    for piece in pieces:
        assert piece in str(info.value)


@pytest.mark.parametrize(
    ("schema", "pieces"),
    [
        ({"type": "strng"}, ["not valid at /type", "strng"]),
        ({"items": {"minLength": -1}}, ["not valid at /items/minLength", "-1"]),
        ({"properties": 5}, ["not valid at /properties", 'not of type "object"']),
        ({"pattern": "("}, ["not valid at /pattern"]),
        ({"minimum": 3, "exclusiveMinimum": True}, ["not valid at /exclusiveMinimum"]),
        ({"$ref": "#/$defs/x"}, ["not there", "at /$ref", "/$defs/x"]),
        ({"items": {"$ref": "#nope"}}, ["not there", "at /items/$ref", "'#nope'"]),
        ("{'type': 1}", ["not a JSON text", "at character 1"]),
        ("5", ["not a schema", "true or false", "this is 5"]),
    ],
    ids=str,
)
def test_invalid_schemas_are_placed(schema, pieces):
    with pytest.raises(CompileError) as info:
        json_schema(schema)
    assert not isinstance(info.value, UnsupportedConstraintError)
    for piece in pieces:
        assert piece in str(info.value)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "at the top: false admits nothing"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum 3 and maximum 2 exclude"),
        ({"enum": []}, r"enum \[\] admits nothing"),
        ({"properties": {"a": False}, "required": ["a"], "type": "object"}, "/properties/a: false"),
        ({"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6}, "no (JSON )?value"),
    ],
)
def test_unsatisfiable(schema, reason):
    with pytest.raises(UnsatisfiableError, match=reason):
        json_schema(schema)


@pytest.mark.parametrize("schema", [{"const": float("nan")}, {"const": {1, 2}}])
def test_a_schema_that_is_not_json(schema):
    with pytest.raises(ArgumentError, match="not JSON"):
        json_schema(schema)


def test_old_drafts_are_read_as_such(writes):
    constraint = json_schema(
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "integer",
            "minimum": 3,
            "exclusiveMinimum": True,
        }
    )
    assert not constraint.accepts("3")
    assert writes(constraint, "4")
    assert not writes(constraint, "3")


def test_options_of_the_user_s_schema_do_not_count(writes):
    schema = {"x-guidance": {"whitespace_flexible": True, "item_separator": ";"}, "type": "array"}
    assert writes(json_schema(schema), "[1, 2]")
    assert schema["x-guidance"]["item_separator"] == ";"


def test_a_schema_is_a_value():
    assert json_schema({"type": "null"}) == json_schema('{"type": "null"}')
    assert json_schema({}) != json_schema({}, whitespace="flexible")
    assert hash(json_schema({})) == hash(json_schema({}))
    assert json_schema({"type": "null"}).schema == {"type": "null"}


def test_the_mask_of_a_string_holds_nearly_everything(by_byte):
    matcher = json_schema({"type": "string"}).bind(by_byte)
    matcher.advance(ord('"'))
    allowed = set(unpack(matcher.mask(), len(by_byte)).nonzero()[0].tolist())
    assert set(range(0x20, 0x7F)) <= allowed
    assert not allowed & {0, 10, 0xC0, 0xFF, by_byte.end}


@pytest.mark.slow
def test_deep_or_enormous_schemas_do_not_crash(writes):
    chain = {f"d{i}": {"items": {"$ref": f"#/$defs/d{i + 1}"}} for i in range(3000)}
    chain["d3000"] = {"$anchor": "end", "items": {"$ref": "#end"}}
    with pytest.raises(ConstraintTooComplexError, match="references lead to one another more than"):
        json_schema({"$ref": "#/$defs/d0", "$defs": chain})
    assert writes(json_schema('{"items":' * 100 + '{"type": "null"}' + "}" * 100), "[[[[1]]]]")
    for depth in (600, 900, 5000):
        text = '{"items":' * depth + "{}" + "}" * depth
        with pytest.raises((ConstraintTooComplexError, CompileError), match=r"deep|recursion"):
            json_schema(text)
    properties = {f"p{i}": {"type": "string"} for i in range(20_000)}
    with pytest.raises(ConstraintTooComplexError, match="takes too long to compile"):
        json_schema({"properties": properties}, deadline=0.05)


@pytest.fixture
def deadline_of_the_processor(monkeypatch):
    """The deadline counts the processor's seconds, whatever else runs on it."""
    monkeypatch.setattr(time, "monotonic", time.process_time)


@pytest.mark.slow
@pytest.mark.usefixtures("deadline_of_the_processor")
@pytest.mark.parametrize("values", [{"type": "string"}, {"$ref": "#"}], ids=json.dumps)
def test_many_names_take_no_more_than_linear_time(writes, values):
    constraint = json_schema({"properties": {f"p{i}": values for i in range(1000)}}, deadline=2)
    value = '"x"' if "type" in values else "{}"
    assert writes(constraint, f'{{"p7": {value}, "p999": {value}}}')
    assert not writes(constraint, '{"p7": {"p1": 1, "p1": 1}}')


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.usefixtures("deadline_of_the_processor")
def test_more_names_than_the_engine_follows_at_once(writes):
    # Chains of more than 2,000 rules would crash the process, were they not read in parts.
    properties = {f"p{i}": {"type": "string"} for i in range(3000)}
    constraint = json_schema({"properties": properties})
    assert writes(constraint, '{"p7": "x", "p2999": "y"}')
    around = {f"p{i}": {"$ref": "#"} for i in range(3000)}
    with pytest.raises(ConstraintTooComplexError, match="too deep for the mask engine"):
        json_schema({"properties": around})
