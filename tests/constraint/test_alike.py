"""Characters that make the same difference are found, and no others are taken for such."""

from __future__ import annotations

import pytest

import condit
from condit import Vocabulary
from condit.constraint.alike import Alike, alike_at
from condit.constraint.base import Matcher
from condit.constraint.characters import ALPHABET, Characters, kind_of

BYTES = Vocabulary.of_bytes()


def found(constraint: condit.Constraint, text: str) -> Alike:
    matcher = constraint.bind(BYTES)
    for byte in text.encode():
        matcher.advance(byte)
    return alike_at(matcher, probes(matcher), lambda here: ())


def probes(matcher: Matcher) -> list[tuple[int, ...]]:
    ending = matcher.ending(thorough=True)
    assert ending is not None
    return [(*ending.tokens(place), BYTES.end) for place in range(len(ending.text) + 1)]


def characters(kinds: frozenset[int]) -> str:
    return "".join(ALPHABET[kind] for kind in sorted(kinds))


def test_in_a_free_string_only_what_ends_or_escapes_makes_a_difference() -> None:
    here = found(condit.json_schema({"type": "string"}), '"ab')
    idle = characters(here.idle)
    assert not set('"\\') & set(idle)
    assert set("abcXYZ019 ,:{}[]é€😀") <= set(idle)
    assert here.read(b'ab, c"') == b'"'
    assert here.read("日本".encode()) == b""
    assert here.read(b"a\xe6\x97") == "€".encode()[:2]
    assert here.rest_of("€".encode()[:2]) == "€".encode()[2:]
    assert here.rest_of(b'"') == b""
    assert here.read(b'a"b') == b'"b'


@pytest.mark.parametrize("pattern", ["[a-z]{50}", "[a-z]{12,}!"])
def test_where_characters_count_none_is_idle_and_all_are_of_one_group(pattern: str) -> None:
    here = found(condit.regex(pattern), "abc")
    assert not here.idle
    assert [characters(group) for group in here.groups.values()] == ["abcdefghijklmnopqrstuvwxyz"]
    assert here.read(b"hello") == b"aaaaa"
    assert here.read(b"hello!") == b"aaaaa!"


def test_what_only_many_together_change_is_not_idle() -> None:
    """A probe that twelve letters pass, but no single one."""
    matcher = condit.regex("[a-z]{12,}!").bind(BYTES)
    twelve = [(ord("!"), BYTES.end)]
    assert not alike_at(matcher, twelve, lambda here: ()).idle


def test_characters_that_lead_elsewhere_are_not_alike() -> None:
    here = found(condit.regex("(ab|ba)*c"), "ab")
    assert not here.idle
    assert not here.groups
    assert here.read(b"abba") == b"abba"


def test_many_texts_are_read_on_past_what_makes_a_difference() -> None:
    constraint = condit.regex("[A-Z][a-z]+( [A-Z][a-z]+)*")
    matcher = constraint.bind(BYTES)
    for byte in b"Ab":
        matcher.advance(byte)
    names = [f" {a}{b}{c}".encode() for a in "ABCDEFGH" for b in "abcdefgh" for c in "abcdefgh"]
    here = alike_at(matcher, probes(matcher), lambda here: names)
    assert len({here.read(name) for name in names}) == 1
    assert here.read(b" Zoo") == here.read(b" Abc")
    assert here.read(b" zoo") == b" zoo"


def test_characters_of_tokens() -> None:
    vocabulary = Vocabulary.of(["ab", "a\u00e9", b"a\xe2\x82", "ab", "\U0001f600"])
    sorted_out = Characters.of(vocabulary)
    kinds = [kind_of("a"), kind_of("b"), kind_of("\u00fc")]
    assert sorted_out.made_of(kinds).tolist() == [True, True, False, True, False, False]
    assert sorted_out.made_of([]).tolist() == [False] * 6
    assert sorted_out.counts[[0, 1, 4]].tolist() == [2, 2, 1]
    assert sorted_out.same == {b"ab": (0, 3)}
