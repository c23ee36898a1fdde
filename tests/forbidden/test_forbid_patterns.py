"""Forbidden patterns: against ``search``, text by text and token by token."""

import itertools
import re

import pytest
import regex

import condit
from condit.constraint.base import Strength
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary

PATTERNS = [
    re.compile("ab", re.IGNORECASE),
    re.compile("^a|b$"),
    condit.regex(r"\bab\b"),
    re.compile("a # b", re.VERBOSE),
    regex.compile(r"(?<!b)a(?=b)"),
    regex.compile(r"\L<words>", words=["ab", "ba"]),
    condit.regex(r"([ab])\1"),
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.pattern)
def test_against_search(pattern):
    ban = condit.forbid(pattern)
    matcher = ban.bind(Vocabulary.of_bytes())
    assert matcher.strength is (Strength.SOUND if "\\1" in pattern.pattern else Strength.EXACT)
    search = pattern if hasattr(pattern, "search") else regex.compile(pattern.pattern, regex.V1)
    for size in range(5):
        for letters in itertools.product("abB ", repeat=size):
            text = "".join(letters)
            tokens = [*text.encode(), matcher.vocabulary.end]
            want = search.search(text) is None
            assert ban.accepts(text) == want, text
            assert (matcher.copy().count_allowed(tokens) == len(tokens)) == want, text


def test_beside_strings():
    ban = condit.forbid(["bomb", re.compile("[0-9]{3}-[0-9]{4}")], look_through=["leetspeak"])
    assert [ban.accepts(each) for each in ("call 555-0100", "a b0mb", "call 55-0100")] == [
        *(False, False, True)
    ]
    assert "has '555-0100', and the pattern" in ban.explain("call 555-0100")


def test_what_is_no_pattern():
    for wrong, said in (
        (re.compile("a*"), "matches the empty text"),
        (re.compile(b"a"), "one of bytes"),
        (regex.compile("[ab&&b]"), "'&&'"),
        (3, "number 0 is int"),
        ([], "at least one"),
    ):
        with pytest.raises(ArgumentError, match=re.escape(said)):
            condit.forbid(wrong)


def test_options_of_strings_are_not_ignored_for_patterns():
    with pytest.raises(ArgumentError, match="only patterns"):
        condit.forbid(re.compile("bomb"), look_through="leetspeak")
    assert not condit.forbid([re.compile("bomb"), "gun"], look_through="usual").accepts("9un")
