"""Known endings: they finish the text, they are short, and what they cost bounds the least."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import condit
from condit import Vocabulary
from condit.constraint.base import Strength
from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import NEVER, spell
from condit.errors import RefusedTokenError

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


def test_an_ending_is_a_function_of_the_text() -> None:
    constraint = condit.json_schema(ORDER)
    text = '{"name":"oaks","price":1,"sizes":[1,2,3,4'
    asked = constraint.bind(BYTES)
    for place, byte in enumerate(text.encode()):
        asked.cost_to_finish()
        asked.ending()
        asked.copy().ending()
        asked = asked.copy()
        asked.advance(byte)
        if place % 7 == 0:
            fresh = at(constraint, text[: place + 1])
            assert asked.ending().text == fresh.ending().text
            assert asked.cost_to_finish() == fresh.cost_to_finish()
    assert asked.cost_to_finish() == 2


@pytest.mark.slow
def test_an_impossible_search_is_given_up_after_so_many_questions() -> None:
    class Endless(condit.Matcher):
        """One byte after the other, and never an end."""

        vocabulary, strength, asked = BYTES, Strength.SOUND, 0

        def allows(self, token: int) -> bool:
            Endless.asked += 1
            return token < 256

        def mask(self) -> None:
            return None

        def advance(self, token: int) -> None:
            pass

        def copy(self) -> Endless:
            return self

        def explain(self, token: int) -> str:
            return ""

    assert find_ending(Endless()) is None
    assert Endless.asked < 10_000_000


LONG = {"type": "object", "properties": {f"k{i}": {"type": "string"} for i in range(60)}}
LONG |= {"required": [*LONG["properties"]], "additionalProperties": False}
TREE = {"type": "object", "properties": {"l": {"anyOf": [{"$ref": "#/$defs/t"}, {"const": 12345}]}}}
TREE |= {"required": ["l"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "text", "most"),
    [
        ({"type": "string", "minLength": 3000}, "", 3002),
        ({"type": "string", "minLength": 3000, "maxLength": 3001}, '"abc', 2998),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 500}, "", 1001),
        ({"anyOf": [LONG, {"type": "null"}]}, "", 4),
        ({"anyOf": [LONG, {"type": "array", "items": LONG, "minItems": 1}, {"const": 77}]}, "", 2),
        ({"$ref": "#/$defs/t", "$defs": {"t": TREE}}, '{"l":{"l":', 7),
        ({"type": "object", "required": [f"k{i}" for i in range(12)]}, "", 12 * 8 + 2),
        ({"type": "object", "properties": {"x": {"enum": ["zb", "za", 1.5]}}, "required": ["x"],
          "additionalProperties": False}, "", 9),
    ],
)  # fmt: skip
def test_far_and_hidden_endings_are_found(schema: dict[str, Any], text: str, most: int) -> None:
    constraint = condit.json_schema(schema)
    matcher = at(constraint, text)
    cost, ending = matcher.cost_to_finish(), matcher.ending(thorough=True)
    assert ending is not None
    assert constraint.accepts(text + ending.text.decode())
    assert cost == len(ending.text) <= most


@pytest.mark.parametrize(
    ("pattern", "text", "most"),
    [
        pytest.param("[a-z]{4000}", "abc", 3997, marks=pytest.mark.slow),
        ("(ab)*zy", "", 2),
        ("(bc|de){3,}[f-h]+(xx|y)", "", 9),
        ("(qu)*x|wwwwww", "ququ", 1),
        ("[ -~]{20}k?", "kkk", 17),
    ],
)
def test_circles_are_left(pattern: str, text: str, most: int) -> None:
    constraint = condit.regex(pattern)
    ending = at(constraint, text).ending(thorough=True)
    assert ending is not None
    assert constraint.accepts(text + ending.text.decode())
    assert len(ending.text) <= most


class Checked(condit.Matcher):
    """A regex some of whose texts a later check refuses: dead ends as checks of values make them.

    No ``"`` may follow a text that does not hold ``needed``.
    """

    def __init__(self, inner: condit.Matcher, needed: bytes, text: bytes = b"") -> None:
        self.vocabulary, self.strength = inner.vocabulary, Strength.SOUND
        self.inner, self.needed, self.text = inner, needed, text

    def allows(self, token: int) -> bool:
        refused = token == ord('"') and len(self.text) > 1 and self.needed not in self.text
        return not refused and self.inner.allows(token)

    def mask(self) -> None:
        return None

    def advance(self, token: int) -> None:
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        self.inner.advance(token)
        self.text += self.vocabulary.bytes[token]

    def copy(self) -> Checked:
        return Checked(self.inner.copy(), self.needed, self.text)

    def explain(self, token: int) -> str:
        return self.inner.explain(token) or "refused"


@pytest.mark.slow
def test_a_search_goes_back_from_a_dead_end() -> None:
    inner = condit.regex('"(apple|pear|fig|plum)"').bind(BYTES)
    for needed in (b"apple", b"pear", b"fig", b"plum", b"l"):
        ending = find_ending(Checked(inner, needed))
        assert ending is not None
        assert needed in ending
    assert find_ending(Checked(inner, b"x")) is None


def shortest(constraint: condit.Constraint, vocabulary: Vocabulary, prefix: bytes) -> int | None:
    """The least number of tokens that finish, by trying all sequences, the short ones first."""
    tokens = [token for token, spelled in enumerate(vocabulary.bytes) if spelled]
    for length in range(7):
        for sequence in itertools.product(tokens, repeat=length):
            if constraint.accepts((prefix + vocabulary.spell(sequence)).decode()):
                return length
    return None


SMALL = Vocabulary.of(["a", "b", "c", "ab", "bca", "aa", "cc"])


@pytest.mark.parametrize(
    "options", [("abca", "ccc", "ccca"), ("aabbcc", "abcab", "bcabca"), ("b", "bbbb", "abc")]
)
def test_costs_of_a_choice_are_exact(options: tuple[str, ...]) -> None:
    constraint = condit.choice(*options)
    assert constraint.bind(SMALL).exact_costs
    for option in options:
        for cut in range(len(option) + 1):
            prefix = option[:cut].encode()
            matcher = constraint.bind(SMALL)
            for byte in prefix:
                matcher.advance(SMALL.first_token[bytes([byte])])
            assert matcher.cost_to_finish() == shortest(constraint, SMALL, prefix)


@pytest.mark.parametrize(
    "pattern", ["(abc)+", "c[bc]*aa", "(ab|ba|c)*", "(a|bb){2,3}c", "[bc]{4}a"]
)
def test_costs_of_a_regex_are_bounds_and_mostly_exact(pattern: str) -> None:
    constraint = condit.regex(pattern)
    seen = exact = 0
    for length in range(4):
        for letters in itertools.product("abc", repeat=length):
            prefix = "".join(letters).encode()
            matcher = constraint.bind(SMALL)
            tokens = [SMALL.first_token[bytes([byte])] for byte in prefix]
            if matcher.count_allowed(tokens) < len(tokens):
                continue
            for token in tokens:
                matcher.advance(token)
            cost, least = matcher.cost_to_finish(), shortest(constraint, SMALL, prefix)
            assert cost is not None
            assert least is not None
            assert cost >= least
            assert (cost == 0) == (least == 0)
            seen, exact = seen + 1, exact + (cost == least)
    assert exact >= 0.5 * seen


def test_the_fewest_tokens_are_found_by_dynamic_programming(rng: np.random.Generator) -> None:
    for _ in range(30):
        text = bytes(rng.choice([97, 98, 99], size=9).tolist())
        spelled = spell(text, SMALL)
        for place in range(len(text) + 1):
            rest = text[place:]
            tokens = spelled.tokens(place)
            assert SMALL.spell(tokens) == rest
            least = min(
                len(cut) + 1
                for size in range(len(rest) + 1)
                for cut in itertools.combinations(range(1, len(rest)), size)
                if all(
                    rest[i:j] in SMALL.first_token
                    for i, j in itertools.pairwise((0, *cut, len(rest)))
                )
            ) if rest else 0  # fmt: skip
            assert spelled.costs[place] == len(tokens) == least
    assert spell(b"abx", SMALL).costs == (NEVER, NEVER, NEVER, 0)


def test_where_bytes_are_missing_they_are_thought_of() -> None:
    assert condit.regex("abcabc").bind(Vocabulary.of(["abc", "a"])).cost_to_finish() == 2
    # Nothing spells the ending that was found.
    assert condit.regex("abd?cabcd").bind(Vocabulary.of(["abc", "a"])).cost_to_finish() is None


def test_an_object_with_many_strings_is_closed_without_detours() -> None:
    properties = {f"field{rank}": {"type": "string"} for rank in range(12)}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    ending = find_ending(at(condit.json_schema({**schema, "additionalProperties": False}), ""))
    assert ending is not None
    assert len(ending) < 12 * len('"field10":"", ') + 2


NAMES = [first + second for first in "abcdeghijklmnoprstuvwxyz"[:15] for second in "ao"] + ["tau"]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "string"},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "array", "items": {"type": "string"}, "minItems": 2},
        {"type": "string", "minLength": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("closed", [True, False])
def test_of_many_optional_keys_none_is_written(value: dict[str, Any], closed: bool) -> None:
    """What the shortest text takes is what a budget may be, however many names lead astray."""
    schema = {"type": "object", "required": ["tau"], "additionalProperties": not closed}
    many = condit.json_schema({**schema, "properties": dict.fromkeys(NAMES, value)})
    alone = condit.json_schema({**schema, "properties": {"tau": value}})
    assert at(many, "").cost_to_finish() == at(alone, "").cost_to_finish()
