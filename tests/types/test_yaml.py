"""YAML in block style by a JSON schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from small_texts import check_agreement, check_laws, matches

import condit
from condit.errors import ArgumentError, UnsatisfiableError, UnsupportedConstraintError

STRING, INTEGER = {"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 12}
PET = {
    "type": "object",
    "title": "Pet",
    "properties": {
        "name": STRING,
        "no": {"type": ["integer", "null", "boolean"]},
        "tags": {"type": "array", "items": {"enum": ["a: b", "c", 1, None]}, "maxItems": 2},
        "toys": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"a b": {"type": "number", "minimum": -1.5}, "m": INTEGER},
            },
        },
        "home": {"type": "object", "properties": {"x": INTEGER}, "required": ["x"]},
    },
    "required": ["name", "toys"],
}
NESTED = {"type": "array", "items": {"type": "array", "items": INTEGER, "maxItems": 3}}
SCHEMAS: list[dict[str, Any]] = [STRING, INTEGER, PET, NESTED, {"const": "yes"}]
SCHEMAS.append({"type": ["string", "integer"], "enum": ["a", 1, 2.5, None, 2]})


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_documents_by_matcher_and_oracle(schema: dict[str, Any]) -> None:
    wanted = condit.yaml(schema)
    check_agreement(wanted, 'ab:- \n"{}[]0.1\\n#&\u2028\x85\r\t\ufeff\u00e9', texts=200)
    check_agreement(wanted, 'ab:- \n"0.1', texts=60, stopping=0.05)
    letters = ' abcefghimnostxy:-"\n{}[]\\0123.'
    check_laws(wanted, [*letters, "name", ': "', "\n  ", "- "], walks=2)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(('name: "Rex"\ntoys:\n  - {}', True), ("name: Rex\ntoys:\n  - {}", False)),
        *(('name: "Rex"\n"no": null\ntoys:\n  - "a b": 0.50\n    m: 7\n  - m: 3', True),),
        *(('name: "Rex"\n"no": ~\ntoys:\n  - {}', False), ('name: "Rex"\ntoys: []', False)),
        *(('name: "Rex"\ntags: []\ntoys:\n  - m: 3\nhome:\n  x: 1', True),),
        *(('name: "Rex"\ntags:\n  - "a: b"\n  - null\ntoys:\n  - m: 3', True),),
        *(('name: "Rex"\ntoys:\n  - m: 13', False), ('toys:\n  - {}\nname: "Rex"', False)),
        *(('name: "Rex"\ntoys:\n  - m: 3\n', False), ('name: "Rex"\ntoys:\n- m: 3', False)),
        *(
            ('name: "Rex"\nname: "Max"\ntoys:\n  - {}', False),
            ('name: "x" # y\ntoys:\n  - {}', False),
        ),
        *(('name: "Rex"\ntoys:\n  - "a b": -0.0', False), ('{"name": "Rex", "toys": [{}]}', False)),
        *(
            ("", False),
            (": : :", False),
            ("- \t", False),
            ('name: "\\u0041"\ntoys:\n  - {}', False),
        ),
    ],
)
def test_traps_of_documents(text: str, valid: bool) -> None:
    wanted = condit.yaml(PET)
    assert matches(wanted, text) == wanted.accepts(text) == valid, wanted.explain(text)


def test_values_are_those_of_the_library() -> None:
    text = 'name: "say \\"hi\\"\\n"\ntoys:\n  - m: 3\n  - {}'
    assert condit.yaml(PET).value(text) == {"name": 'say "hi"\n', "toys": [{"m": 3}, {}]}


@pytest.mark.parametrize(
    ("schema", "error"),
    [
        *(
            ([], ArgumentError),
            ({"type": "strin"}, ArgumentError),
            ({}, UnsupportedConstraintError),
        ),
        ({"type": "string", "minLength": 3}, UnsupportedConstraintError),
        ({"anyOf": [STRING]}, UnsupportedConstraintError),
        ({"type": "array"}, UnsupportedConstraintError),
        ({"type": ["object", "null"]}, UnsupportedConstraintError),
        ({"enum": [[1]]}, UnsupportedConstraintError),
        ({"type": "integer", "minimum": 2, "maximum": 1}, UnsatisfiableError),
        ({"type": "string", "enum": [1]}, UnsatisfiableError),
        ({"type": "array", "items": STRING, "minItems": 2, "maxItems": 1}, UnsatisfiableError),
    ],
)
def test_schemas_that_cannot_be_used(schema: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="yaml: "):
        condit.yaml(schema)


def test_it_is_made_by_name() -> None:
    assert condit.make_constraint("yaml", json.dumps(PET)) == condit.yaml(PET)
