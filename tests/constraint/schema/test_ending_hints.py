import json

import jsonschema_rs
import pytest

from condit.constraint.json_schema import json_schema
from condit.constraint.schema.examples import _FORMATS, examples

PATTERNS = [
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}",
    r"^[A-Z]{3}-\d{4}$",
    r"^(GET|POST) /[a-z/]+$",
    r"^\p{Lu}\p{Ll}+$",
    r'^"\\\n$',
    r"^v\d+(\.\d+){2}(-(alpha|rc))?$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_example_of_a_pattern_matches_it(pattern):
    (spelled,) = examples([pattern], [], [])
    assert jsonschema_rs.is_valid({"pattern": pattern}, json.loads(b'"%s"' % spelled))


@pytest.mark.parametrize("name", _FORMATS)
def test_an_example_of_a_format_has_it(name):
    schema = {"type": "string", "format": name}
    assert jsonschema_rs.is_valid(schema, _FORMATS[name], validate_formats=True)
    assert examples([], [name], []) == (_FORMATS[name].encode(),)


def test_words_are_spelled_and_none_comes_twice():
    assert examples(["^a$"], [], ["a", 'b"']) == (b"a", b'b\\"')
    assert examples(["^$", "(?=a)b"], ["nobody's"], []) == ()


ENDINGS = [
    # Found by no walk that goes byte by byte: something long in the middle of any text.
    {"type": "string", "pattern": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"},
    {"type": "string", "pattern": r"\.alfredworkflow"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "idn-email"},
    # Conditions on the text as a whole.
    {"type": "string", "pattern": r"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{8,}$"},
    # A key that must be there, and is named only by what must fail.
    {"type": "object", "not": {"propertyNames": {"not": {"const": "a4d"}}}},
    {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
    {"type": "array", "contains": {"const": "z"}, "minContains": 2},
]


@pytest.mark.parametrize("schema", ENDINGS, ids=json.dumps)
@pytest.mark.parametrize("beginning", [b"", b"first"])
def test_an_ending_is_found(by_byte, schema, beginning):
    constraint = json_schema(schema)
    matcher = constraint.bind(by_byte)
    written = b""
    if beginning and schema["type"] == "string":
        written = b'"' + beginning
        for byte in written:
            matcher.advance(byte)
    ending = matcher.ending()
    assert ending is not None
    assert constraint.accepts((written + ending.text).decode())
    assert len(ending.text) < 100


def test_references_are_resolved_where_alternatives_exclude_each_other():
    named = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    other = {"properties": {"b": {"type": "string"}}, "required": ["b"]}
    schema = {
        "$defs": {"named": named, "other": other},
        "type": "object",
        "oneOf": [{"$ref": "#/$defs/named"}, {"$ref": "#/$defs/other"}],
    }
    assert {each.where for each in json_schema(schema).plan} == {"token"}
    recursive = {**schema, "$defs": {"named": {**named, "not": {"$ref": "#"}}, "other": other}}
    assert json_schema(recursive).accepts('{"b": "x"}')
