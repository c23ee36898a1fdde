"""Constraints that exclude each other, and the search for what rules and expressions share."""

from __future__ import annotations

import itertools
import random
import time
from functools import cache

import numpy as np
import pytest

import condit
from condit import free, grammar, json_schema, regex, repeat, then, triggered, within
from condit.constraint.algebra.common import Common, UndecidedError
from condit.constraint.algebra.engine_rules import read_engine_rules
from condit.constraint.algebra.rules import Rules
from condit.constraint.base import Constraint
from condit.constraint.regular.expression import ANYTHING, word
from condit.errors import UnlimitedTextWarning, UnsatisfiableError
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

BYTES = Vocabulary.of_bytes()
OBJECT = json_schema(
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
)
NESTED = grammar('start: "a" start "b" | "ab"')
TAGS = triggered(("<t>", OBJECT, "</t>"), at_least=1, max_tokens=20)

UNSATISFIABLE: dict[str, tuple[Constraint, str]] = {
    "expressions": (regex("a+") & regex("b+"), r"both regex 'a\+' and regex 'b\+'"),
    "three at once": (regex("a|b") & regex("b|c") & regex("a|c"), "all of regex"),
    "schema and length": (OBJECT & regex(".{0,5}"), "both JSON schema and regex"),
    "schema and letter": (OBJECT & regex(".*z.*"), "in the layout in which it is written"),
    "schema and limit": (within(OBJECT, chars=3), r"shortest text of JSON schema is '\{\"a\":0\}'"),
    "the third is to blame": (
        OBJECT & regex("[^q]*") & regex("[^{]*"),
        r"both JSON schema and regex '\[\^\{\]\*'",
    ),
    "words": (within("a b c d", words=2), "the text 'a b c d' and limit 'at most 2 words'"),
    "lines": (within(regex("a\nb+"), lines=1), "limit 'at most 1 line'"),
    "grammar": (NESTED & regex("a+"), "both grammar and regex"),
    "grammar of odd length": (NESTED & regex(".(?:..)*"), "both grammar and regex"),
    "sequence": (then(OBJECT, ", ", OBJECT) & regex(".{0,15}"), "both sequence and regex"),
    "repetition": (repeat(OBJECT, 2, separator=", ") & regex(".{0,15}"), "both repeat and regex"),
    "tags": (TAGS & regex("[^<]*"), "both free text with tags and regex"),
    "its own complement": (~OBJECT & OBJECT, "both complement of 'JSON schema' and JSON schema"),
    "two grammars": (NESTED & grammar('start: "aab" | "abb"'), "all of grammar and grammar"),
    "beside a function": (
        condit.where(lambda text: True) & regex("[ab]{3}") & OBJECT,
        "both regex",
    ),
}


@pytest.mark.parametrize("name", UNSATISFIABLE)
def test_what_excludes_each_other_is_refused(name: str) -> None:
    constraint, said = UNSATISFIABLE[name]
    with pytest.raises(UnsatisfiableError, match=said):
        constraint.bind(BYTES)


SATISFIABLE: dict[str, tuple[Constraint, bytes]] = {
    "schema and length": (OBJECT & regex(".{7}"), b'{"a":0}'),
    "schema and limit": (within(OBJECT, chars=7), b'{"a":'),
    "schema and letter": (OBJECT & regex(".*y.*"), b'{"a": 1'),
    "grammar and length": (NESTED & regex(".{40}"), b"aaa"),
    "sequence": (then(OBJECT, ", ", OBJECT) & regex(".{0,16}"), b'{"a":1}'),
    "words": (within(free(until="."), words=2), b"ab c"),
    "words of a schema": (within(free(until=".", max_chars=9) + OBJECT, words=3), b"a b"),
}


@pytest.mark.parametrize("name", SATISFIABLE)
def test_an_ending_is_found(name: str) -> None:
    constraint, begun = SATISFIABLE[name]
    matcher = constraint.bind(BYTES)
    for byte in begun:
        matcher.advance(byte)
    ending = matcher.ending()
    assert ending is not None
    assert constraint.accepts((begun + ending.text).decode())


@pytest.mark.parametrize("name", SATISFIABLE)
def test_laws(name: str) -> None:
    vocabulary = Vocabulary.of([*(bytes([b]) for b in range(128)), '{"', '":', "aa", "b.", '"}'])
    check_matcher(SATISFIABLE[name][0], vocabulary, np.random.default_rng(0), walks=3, steps=9)


def test_a_vain_search_ends_soon() -> None:
    # No limit tells that the numbers in the two objects can never be the same text.
    longer = grammar('start: "a" start "b" | "a" "a" start "b" | "aab"')
    for constraint, begun in (
        (longer & grammar('start: "a" start "b" | "a" start "b" "b" | "abb"'), b"aaaa"),
        (within(regex(r"(\w+)-\1"), chars=4), b"abc"),
    ):
        begin = time.process_time()
        try:
            matcher = constraint.bind(BYTES)
            for byte in begun:
                matcher.advance(byte)
            assert matcher.ending() is None
        except UnsatisfiableError:
            pass
        assert time.process_time() - begin < 5


GRAMMARS = [
    'start: "a" start "b" | "ab"',
    'start: "a" start "a" | "b" start "b" | "a" | "b" | "c"',
    'start: x start | x\nx: "a" "b"? | "c" x "c"',
    'start: ("a" | "bb" start)* "c"?',
    'start: start start | "(" start ")" | "ab"',
]
PATTERNS = [
    "a*b*",
    "(?:..)*",
    ".{3,6}",
    "[^c]*",
    ".*bb.*",
    "(?!a).*",
    "c.*c",
    "a.*|[bc]{2}",
    "(ab)+",
]
TEXTS = ["".join(each) for size in range(6) for each in itertools.product("abc", repeat=size)]


@cache
def derived(text: str) -> list[str]:
    """The shorter texts of a grammar, the shortest first."""
    made = grammar(text)
    return [each for each in TEXTS if made.accepts(each)]


@pytest.mark.parametrize("text", GRAMMARS)
def test_a_shortest_common_text_against_brute_force(text: str) -> None:
    made = grammar(text)
    for pattern in PATTERNS:
        other = regex(pattern)
        common = [each for each in derived(text) if other.accepts(each)]
        assert other.tree is not None
        found = Common(Rules(made), other.tree).shortest()
        if common:
            assert found is not None
            assert len(found) == len(common[0])
        if found is not None:
            assert made.accepts(found)
            assert other.accepts(found)


def test_texts_go_on_from_a_beginning() -> None:
    rng = random.Random(0)
    for text, pattern in itertools.product(GRAMMARS, PATTERNS):
        made, other = grammar(text), regex(pattern)
        assert other.tree is not None
        common = Common(Rules(made), other.tree)
        texts = [each for each in derived(text) if other.accepts(each)]
        for whole in rng.sample(texts, min(3, len(texts))):
            begun = whole[: rng.randrange(len(whole) + 1)]
            found = common.shortest(begun)
            assert found is not None
            assert len(begun + found) <= len(whole)
            assert made.accepts(begun + found)
            assert other.accepts(begun + found)
        assert common.shortest("q") is None


SCHEMAS: list[tuple[object, list[str]]] = [
    ({"type": "number", "multipleOf": 0.5}, ["1.5", "-2", "0"]),
    ({"type": "string", "format": "date"}, ['"2024-02-29"']),
    ({"type": "string", "pattern": "^[a-c]{2}é?$"}, ['"ab"', '"ccé"']),
    ({"type": "array", "items": {"type": "boolean"}, "maxItems": 3}, ["[]", "[true, false]"]),
    (
        {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        ['{"k": "v"}', '{"\\u00e9":"\\n"}'],
    ),
    ({"anyOf": [{"const": {"x": [1, None]}}, {"type": "integer", "minimum": 7}]}, ["8", "19"]),
    (
        {"type": "object", "properties": {"n": {"$ref": "#"}, "v": {"type": "integer"}}},
        ['{"n": {"n":{}, "v":1}}'],
    ),
]


@pytest.mark.parametrize(("schema", "texts"), SCHEMAS)
def test_rules_derive_what_the_engine_allows(schema: object, texts: list[str]) -> None:
    made = json_schema(schema)  # type: ignore[arg-type]
    assert read_engine_rules(made.engine_grammar) is not None
    rules, matcher = Rules(made), made.bind(BYTES)
    for text in texts:
        asked = [*text.encode(), BYTES.end]
        assert matcher.count_allowed(asked) == len(asked)
        assert Common(rules, word(text)).shortest() == text
        assert Common(rules, ANYTHING).shortest(text[:-1]) is not None
    is_known = rules.start != ANYTHING and "%" not in made.engine_grammar[1:]
    assert not is_known or Common(rules, word("{]")).shortest() is None


def test_what_is_not_known_is_no_claim() -> None:
    assert read_engine_rules("%ignore /x/") is None
    with pytest.raises(UndecidedError):
        Common(Rules(NESTED), regex(".{40}").tree).shortest(work=10)  # type: ignore[arg-type]


def test_free_text_without_a_limit_before_another_part_is_warned_of() -> None:
    with pytest.warns(UnlimitedTextWarning, match="max_tokens"):
        (free(until="</think>") + OBJECT).bind(BYTES)
    with pytest.warns(UnlimitedTextWarning, match="a tag must come"):
        triggered(("<t>", OBJECT, "</t>"), at_least=1).bind(BYTES)
    # No warnings, which are errors here:
    (free(until="</think>", max_tokens=9) + OBJECT).bind(BYTES)
    then(OBJECT, free(until="\n")).bind(BYTES)
