"""Bodies that cost as much as they may, for `bench.hostile`: long lists, large constraints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_DEEP: Any = {"type": "string"}
for _ in range(15):
    _DEEP = {"anyOf": [_DEEP, {"allOf": [_DEEP]}]}

_WORDS = [f"{number * 7919 % 1_000_003:06d}-{number}" for number in range(100_000)]
_LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
_TREE = {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}}
_NEEDED = {f"p{n}": [f"p{n + 1}"] for n in range(100)}
_ONE_OF = [{"type": "object", "properties": {f"p{n}": {"type": "integer"}}} for n in range(200)]
_ALL_OF = [{"properties": {f"p{n}": {"type": "integer", "minimum": n}}} for n in range(2000)]
_TAGS = [{"begin": f"<{n}>", "holds": ["regex", ".*"], "end": "</a>"} for n in range(300)]

CONSTRAINTS: list[dict[str, Any]] = [
    {"json_schema": schema}
    for schema in (
        {"enum": list(range(100_000))},
        {"type": "array", "maxItems": 10**9, "items": {"type": "string"}},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"type": "string", "pattern": "^(a+)+$"},
        {"type": "string", "pattern": "(.*a){30}.{30}"},
        {"not": {"type": "string", "pattern": "(.*a){20}"}},
        {"type": "array", "uniqueItems": True, "maxItems": 1000},
        {"type": "number", "multipleOf": 1e-300},
        {"type": "object", "properties": {f"p{n}": {"type": "integer"} for n in range(5000)}},
        {"dependentRequired": _NEEDED},
        {"oneOf": _ONE_OF},
        {"allOf": _ALL_OF},
        {"$ref": "#/$defs/a", "$defs": {"a": _TREE}},
        _LOOP,
        _DEEP,
    )
]
CONSTRAINTS += [
    {"choice": _WORDS},
    {"regex": "(a{1,500}){1,500}"},
    {"regex": "((a{1,100}){1,100}){1,100}"},
    {"regex": "(.*[ab].{20}){5}"},
    {"regex": "[a-z ]{90000}"},
    {"regex": "a" * 1_000_000},
    {"regex": "|".join(f"w{n}" for n in range(100_000))},
    {"regex": r"(\p{L}{1,200}\d){100}"},
    {"regex": "(?=.*a)(?=.*b)(?!.*c).{10,500}"},
    {"all": [["regex", ".*a.{12}"], ["regex", ".*b.{13}"], ["regex", ".*c.{11}"]]},
    {"lark": 'start: start "a" | "a"'},
    {"lark": "start: start start | /[a-z]+/"},
    {"lark": 'start: a\na: b a c\nb: "x"?\nc: "x"?'},
    {"gbnf": 'root ::= root "a" | ""'},
    {"literal": "x" * 1_000_000},
    {"free": "x" * 100_000},
    {"tags": {"tags": _TAGS}},
    {"date": "0001-01-01, 9999-12-31"},
    {"sentence": ""},
]

_PLAIN: dict[str, Any] = {"prompt": "Hello", "max_tokens": 8}

FIELDS: list[dict[str, Any]] = [
    {"stop": [f"s{n}" for n in range(400_000)]},
    {"stop": [1] * 1_000_000},
    {"stop": ["x" * 1_000_000]},
    {"stop": [["a"]] * 300_000},
    {"logit_bias": {str(n): 1 for n in range(100_000)}},
    {"logit_bias": {str(n): -100 for n in range(256)}},
    {"logit_bias": {f"x{n}": [] for n in range(100_000)}},
    {"prompt": "x" * 3_000_000},
    {"prompt": ["a"] * 128},
    {"prompt": ["a"] * 300_000},
    {"prompt": [1] * 1_000_000},
    {"prompt": [[1]] * 300_000},
    {"prompt": [[1], ["a"]] * 200_000},
    {"n": 32, "logprobs": 20, "echo": True, "max_tokens": 100},
    {"max_tokens": 10**9},
    {"user": [[[]]] * 500_000},
    {f"field{n}": n for n in range(150_000)},
    {"condit": {"sampler": "exact", "constraint": {"regex": "[a-z]{30}"}}},
    {"condit": {"sampler": "rejection", "constraint": {"regex": "[0-9]{30}"}}},
    {"condit": {"sampler": "mcmc", "n_lanes": 32, "constraint": {"regex": "[a-z]{1,8}"}}},
    {"condit": {"prefer": {"likelihood": "x"}, "sampler": "smc", "n_lanes": 8}},
    {"condit": {"prefer": {"likelihood": "x" * 100_000}}},
]


def bodies() -> Iterator[bytes]:
    """Bodies for ``/v1/completions``."""
    for fields in FIELDS:
        yield json.dumps({**_PLAIN, **fields}).encode()
    for constraint in CONSTRAINTS:
        own = {"constraint": constraint}
        yield json.dumps({**_PLAIN, "max_tokens": 60, "condit": own}).encode()
