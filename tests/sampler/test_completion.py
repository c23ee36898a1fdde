from __future__ import annotations

import json
import time

import pytest

import condit
from condit.sampler.completion import shortest_known_completion

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
    },
    "required": ["name", "sizes"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("text", ["{", '{"name": "oak ch', '{"name":"x","sizes":[12', '{"name"'])
def test_a_cut_object_is_closed(text: str) -> None:
    constraint = condit.json_schema(SCHEMA)
    rest = shortest_known_completion(constraint, text)
    assert rest is not None
    assert constraint.accepts(text + rest), text + rest
    assert json.loads(text + rest)


def test_a_finished_text_needs_nothing() -> None:
    assert shortest_known_completion(condit.regex("a+"), "aa") == ""


def test_what_is_too_far_away_is_not_found_quickly() -> None:
    began = time.perf_counter()
    assert shortest_known_completion(condit.regex("[a-z]{900}"), "abc") is None
    assert time.perf_counter() - began < 5


def test_a_text_that_the_constraint_refuses_has_no_completion() -> None:
    assert shortest_known_completion(condit.regex("a+"), "b") is None
