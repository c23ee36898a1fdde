"""Known endings: they finish the text, they are short, and what they cost bounds the least."""

from __future__ import annotations

import time

import pytest

import condit
from condit import Vocabulary
from condit.constraint.ending import find_ending

BYTES = Vocabulary.of_bytes()
ORDER = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 3},
        "price": {"type": "number"},
        "sizes": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
    },
    "required": ["name", "price", "sizes"],
    "additionalProperties": False,
}


def at(constraint: condit.Constraint, text: str) -> condit.Matcher:
    matcher = constraint.bind(BYTES)
    for byte in text.encode():
        matcher.advance(byte)
    return matcher


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("", '{"name":"xyz","price":0,"sizes":[0,0]}'),
        ('{"name":"oak', '","price":0,"sizes":[0,0]}'),
        ('{"name":"oak","price":1.', '0,"sizes":[0,0]}'),
        ('{"name":"oak","price":1.25', ',"sizes":[0,0]}'),
        ('{"name":"oak","price":1,"sizes":[1,2', "]}"),
        ('{"name":"oak","price":1,"sizes":[1,2]}', ""),
    ],
)
def test_a_cut_object_is_closed(text: str, ending: str) -> None:
    constraint = condit.json_schema(ORDER)
    found = find_ending(at(constraint, text))
    assert found is not None
    assert constraint.accepts(text + found.decode())
    assert len(found) <= len(ending)


def test_a_character_cut_short_is_completed() -> None:
    matcher = condit.regex("[à-ü]").bind(BYTES)
    matcher.advance("é".encode()[0])
    found = find_ending(matcher)
    assert found is not None
    assert len(found) == 1


@pytest.mark.parametrize(
    ("constraint", "text", "least", "most"),
    [
        (condit.regex("[0-9]{4}-[0-9]{2}"), "20", 5, 5),
        (condit.regex("a|b"), "a", 0, 0),
        (condit.choice("yes", "no"), "", 2, 3),
        # Nothing tells the walk that "a" and "(" lead in circles, but it leaves them.
        (condit.regex("a*x"), "aa", 1, 8),
        (condit.grammar('start: "(" start ")" | "x"'), "(((", 4, 16),
    ],
)
def test_costs(constraint: condit.Constraint, text: str, least: int, most: int) -> None:
    cost = at(constraint, text).cost_to_finish()
    assert cost is not None
    assert least <= cost <= most


def test_the_cost_counts_tokens_not_bytes() -> None:
    vocabulary = Vocabulary.of([*(bytes([value]) for value in range(128)), '"}', "0000"])
    matcher = condit.json_schema({"const": {"a": "b"}}).bind(vocabulary)
    for byte in b'{"a":"b':
        matcher.advance(byte)
    assert matcher.cost_to_finish() == 1


def test_an_ending_is_followed_or_found_again() -> None:
    matcher = at(condit.json_schema(ORDER), '{"name":"oak')
    cost = matcher.cost_to_finish()
    assert cost is not None
    matcher.advance(ord("s"))
    assert matcher.cost_to_finish() == cost  # still in the string: the same ending
    matcher.advance(ord('"'))
    assert matcher.cost_to_finish() == cost - 1  # its first byte has been written
    for byte in b',"price":1,"sizes":[1,2,3,4':
        matcher.advance(byte)
    assert matcher.cost_to_finish() == 2


def test_what_is_too_far_away_is_not_found_and_soon_given_up() -> None:
    began = time.perf_counter()
    assert find_ending(at(condit.regex("[a-z]{4000}"), "abc")) is None
    assert at(condit.regex("[a-z]{4000}"), "abc").cost_to_finish() is None
    assert time.perf_counter() - began < 10


def test_without_the_bytes_on_the_way_nothing_is_known() -> None:
    matcher = condit.regex("abcabc").bind(Vocabulary.of(["abc", "a"]))
    assert matcher.cost_to_finish() is None


def test_an_object_with_many_strings_is_closed_without_detours() -> None:
    properties = {f"field{rank}": {"type": "string"} for rank in range(12)}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    ending = find_ending(at(condit.json_schema({**schema, "additionalProperties": False}), ""))
    assert ending is not None
    assert len(ending) < 12 * len('"field10":"", ') + 2
