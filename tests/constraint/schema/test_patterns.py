import json
import random
import time

import jsonschema_rs
import pytest

from condit.constraint.regular.ecma import NotReadError, read
from condit.constraint.regular.expression import ANYTHING, NOTHING
from condit.constraint.schema.patterns import matching
from condit.constraint.schema.spelling import escapes
from condit.constraint.schema.strings import language as spelled_out
from condit.constraint.schema.texts import Texts, without

EXACT = [
    "",
    "foo",
    "^foo$",
    "^foo$|^bar$",
    "(^a|b)(c$|d)",
    "a|^$",
    "a^b",
    "a$b",
    "^a*$^b?$",
    "^(?:^a|b)?c",
    r"^\d{3}-[a-f\d]{2,4}$",
    r"^[^\s\"]+$",
    r"^\S+\s\S+$",
    r"^.{2,5}$",
    r"^[\w.-]+@[\w-]+\.[a-z]{2,}$",
    r"^\/[^\/\\]+\/\.\-$",
    r"^\x41\u0042\u{1F600}\cJ\t$",
    r"^[\x00-\x1f\x7f]$",
    r"^[^\x00-\uffff]+$",
    r"^[à-ÿ]+$",
    r"^[\u0370-\u03ff\u{10000}-\u{10fffd}]{1,3}$",
    r"^(?<year>\d{4})(?<month>\d\d)$",
    r"^(?:a+?b*?){2,}?$",
    r"^a{0,65535}$",
    r"^(?i:straSSe)$",
    r"^(?i)[k-m]+$",
    r"^(?s:.)$",
    r"^\p{L}+$",
    r"^\P{Lu}\p{Script=Greek}$",
    r"[\p{L}\d]+_[^\p{L}]",
    r"^(?!foo).*$",
    r"^(?!foo$)[a-z]*$",
    r"^(?=.*\d)(?=.*[a-z]).{4,}$",
    r"^(?!.*(?:ab|ba))(?=.{2,}).*c$",
    r"(?<!x)$",
    r"(?<=a)b(?=c)",
    r"(?<!a)b(?!c)",
    r"(?<=ab|c)d",
    r"^(?!-)[a-z-]{1,5}(?<!-)$",
    r"^(?:(?!-)[a-z-]{1,3}(?<!-)\.)+[a-z]{2}$",
    r"^(?:(?!ab).)*$",
    r"^(?!.*(admin|root)).*(?<!x{1,50})$",
    r"(?=a|b(?!c))[a-z]{2}",
    r"^(?=[^a]*a[^a]*$)",
    r"\bfoo\b",
    r"\b\d{2}\b",
    r"\Boo",
    r"^\w+\b.$",
    r"\Aa\z",
]
RELAXED = [
    r"^(a|b)\1$",
    r"(\w)x\1",
    r"^(?!(.)\1)..$",
    r"^(?:(?!ab).)*b",
    r"a++b",
    r"^(?m)a$",
    r"^\p{Alnum}$",
    "^" + "".join(f"(?=.*{letter})" for letter in "abcdefghijkl") + ".*$",
    r"^([a-z]{1,50} ?){1,200}$",
    r"^((a{0,20}){0,20}){0,20}$",
    r"^(?:(?<=a)b|a)*$",
]
# What holds for all texts, or for none, or (the twelve conditions) is hardly ever drawn.
ONE_SIDED = {"", "a^b", "a$b"}
ODD = 'aZk_09-./:@ "\\\n\t\x00\x1f\x7f\x80éß\u017f中\u2028\ufeff😀\U0010ffff'


@pytest.mark.parametrize("pattern", [*EXACT, *RELAXED])
def test_a_pattern_holds_what_the_oracle_accepts(pattern, terminal, drawn, mutated):
    oracle = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern})
    language = matching(pattern)
    rest = without(Texts(ANYTHING), language)
    inside, outside = terminal(language), terminal(rest)
    rng = random.Random(pattern)
    sources = [matching(pattern).node]
    try:
        sources.append(read(pattern))
    except NotReadError:
        assert pattern in RELAXED
    seen = set()
    for _ in range(80):
        text = mutated(drawn(rng.choice(sources), rng), rng, ODD + pattern)
        wanted = oracle.is_valid(text)
        seen.add(wanted)
        for ascii_only in (False, True):
            spelled = json.dumps(text, ensure_ascii=ascii_only)
            if wanted and (escapes(language.node) or not ascii_only):
                assert inside(spelled), spelled
            if language.exact and not wanted:
                assert not inside(spelled), spelled
            if rest.exact and not (wanted or (ascii_only and not escapes(rest.node))):
                assert outside(spelled), spelled
            if rest.exact and wanted:
                assert not outside(spelled), spelled
    # Both sides were looked at, where there are two.
    assert seen == {True, False} or pattern in ONE_SIDED


@pytest.mark.parametrize("pattern", EXACT)
def test_what_is_regular_is_said_exactly(pattern):
    language = matching(pattern)
    assert language.exact
    assert language.relaxed == ()


@pytest.mark.parametrize("pattern", RELAXED)
def test_what_is_not_is_relaxed_and_says_so(pattern):
    language = matching(pattern)
    assert not language.exact
    assert language.relaxed == ("pattern",)


def test_letters_are_those_of_the_oracle_with_and_without_lookaround(terminal):
    # With lookaround the oracle's engine reads the pattern itself, and its \w knows all scripts.
    for pattern in (r"^\w$", r"(?!x)^\w$", r"^[^\d]$", r"(?!x)^[^\d]$", r"(?!x)^\s$", r"^\s$"):
        oracle = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern})
        holds = terminal(matching(pattern))
        for character in "aé٣_9\ufeff\x85\xa0 😀":
            assert holds(json.dumps(character, ensure_ascii=False)) == oracle.is_valid(character)


@pytest.mark.parametrize("pattern", ["a^b", "a$b", "(?!)", r"a\bb", "^$a", "(?=a)b", "a(?<!a)"])
def test_a_pattern_that_nothing_matches_is_seen(pattern):
    assert matching(pattern).node == NOTHING


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 500 + "a" + ")" * 500,
        "a" * 50_000,
        "|".join(f"w{i}" for i in range(20_000)),
        r"\b" * 40 + "a",
        "(?!a)" * 400 + ".*",
        "(?:(?=a)|(?!b))" * 40 + "a",
        "(?:a|^b|c$)" * 40,
        "(?=" * 50 + "a" + ")" * 50,
        "^(?:(?:a{1,1000}){1,1000}b?){1,1000}$",
        "(x+x+)+y",
        "^" + "(?=.*[ab])" * 60,
        "^(a?){500}a{500}$",
        "[" + "".join(chr(0x100 + 2 * i) for i in range(3000)) + "]",
    ],
)
def test_no_pattern_makes_it_hang(pattern, terminal):
    begun = time.process_time()
    language = matching(pattern)
    assert time.process_time() - begun < 2
    assert len(spelled_out(language).expression) < 100_000
    holds = terminal(language)
    holds('"' + "ab" * 60 + '"')
    assert time.process_time() - begun < 4


@pytest.mark.parametrize(
    "pattern",
    ["(", "a)", "[a", "a{2}{3}", "*", "(?<a", r"\q", r"\ud800", r"\u{110000}", "[b-a]", "[a-\\d]"],
)
def test_what_is_strange_is_not_read(pattern):
    with pytest.raises(NotReadError):
        read(pattern)
    assert not matching(pattern).exact
