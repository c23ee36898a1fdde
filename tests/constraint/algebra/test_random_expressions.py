"""Random expressions of the algebra against brute force on all short texts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest

import condit
from condit.constraint.algebra.repeated import optional, repeat
from condit.constraint.algebra.sequence import then
from condit.constraint.base import Constraint, Matcher, Strength
from condit.errors import UnsatisfiableError, VocabularyError
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

LETTERS = "ab"
LONGEST = 4
TEXTS = tuple(
    "".join(letters)
    for length in range(LONGEST + 1)
    for letters in itertools.product(LETTERS, repeat=length)
)
VOCABULARY = Vocabulary.of(["a", "b", "ab", "ba", "aab", "bb", "a"])

Texts = frozenset[str]

PATTERNS: dict[str, Texts] = {
    pattern: frozenset(text for text in TEXTS if condit.regex(pattern).accepts(text))
    for pattern in ("a", "b+", "a*", "(ab)*", "[ab]", "a?b", "[ab]{2}", "b*a")
}
BASES = {pattern: condit.regex(pattern) for pattern in PATTERNS}


def joined(one: Texts, other: Texts) -> Texts:
    return frozenset(a + b for a in one for b in other if len(a + b) <= LONGEST)


def in_a_row(texts: Texts, least: int, most: int | None) -> Texts:
    found: set[str] = set()
    so_far: Texts = frozenset([""])
    for number in range((LONGEST + least + 1 if most is None else most) + 1):
        if number >= least:
            found |= so_far
        so_far = joined(so_far, texts)
    return frozenset(found)


GRAMMARS: dict[str, Texts] = {
    'start: "a" start "b" | "ab"': frozenset(["ab", "aabb"]),
    'start: "a" start "a" | "b" start "b" | "a" | "b"': frozenset(
        text for text in TEXTS if len(text) % 2 and text == text[::-1]
    ),
    'start: ("a" | "bb")*': frozenset(
        text for text in TEXTS if all(len(run) % 2 == 0 for run in text.split("a"))
    ),
}
"""Some that are not regular, and one that is and does not tell."""


def random_expression(
    rng: random.Random, depth: int, *, mixed: bool = False
) -> tuple[Constraint, Texts]:
    """A constraint, and its texts of the lengths that are looked at.

    ``mixed``: with grammars among its parts, and limits of length.
    """
    if depth == 0 or rng.random() < 0.15:
        if mixed and rng.random() < 0.5:
            text = rng.choice(list(GRAMMARS))
            return condit.grammar(text), GRAMMARS[text]
        if rng.random() < 0.3:
            text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 2)))
            return then(text), frozenset([text])
        pattern = rng.choice(list(PATTERNS))
        return BASES[pattern], PATTERNS[pattern]
    one, ones = random_expression(rng, depth - 1, mixed=mixed)
    kind = rng.randrange(9 if mixed else 8)
    if kind == 8:
        most = rng.randint(1, 3)
        return condit.within(one, chars=most), frozenset(t for t in ones if len(t) <= most)
    if kind == 0:
        return optional(one), ones | {""}
    if kind == 1:
        least = rng.randint(0, 2)
        most = rng.choice([None, least + rng.randint(0, 2)])
        return one * (least, most), in_a_row(ones, least, most)
    if kind == 2:
        return ~one, frozenset(TEXTS) - ones
    if kind == 3:
        least = rng.randint(0, 2)
        between: Texts = frozenset(["b"])
        some = in_a_row(joined(between, ones), max(least - 1, 0), None)
        wanted = joined(ones, some) | (frozenset([""]) if least == 0 else frozenset())
        return repeat(one, least, separator="b"), wanted
    other, others = random_expression(rng, depth - 1, mixed=mixed)
    operators: list[tuple[Callable[[], Constraint], Texts]] = [
        (lambda: one & other, ones & others),
        (lambda: one | other, ones | others),
        (lambda: one + other, joined(ones, others)),
        (lambda: then(one, other, separator="a"), joined(joined(ones, frozenset("a")), others)),
    ]
    make, texts = operators[kind - 4]
    return make(), texts


def allowed_texts(start: Matcher) -> tuple[set[str], set[tuple[int, ...]]]:
    """The texts that can be written and ended, and all allowed beginnings, as tokens."""
    vocabulary, texts, beginnings = start.vocabulary, set(), set()
    waiting: list[tuple[tuple[int, ...], Matcher]] = [((), start)]
    while waiting:
        tokens, matcher = waiting.pop()
        beginnings.add(tokens)
        if matcher.allows(vocabulary.end):
            texts.add(vocabulary.decode(tokens))
        for token in range(vocabulary.end):
            if matcher.allows(token) and len(vocabulary.spell((*tokens, token))) <= LONGEST:
                further = matcher.copy()
                further.advance(token)
                waiting.append(((*tokens, token), further))
    return texts, beginnings


def check_against_brute_force(seed: int, *, mixed: bool = False) -> None:
    rng = random.Random(seed)
    constraint, wanted = random_expression(rng, rng.randint(1, 3), mixed=mixed)
    assert {text for text in TEXTS if constraint.accepts(text)} == wanted, constraint
    try:
        start = constraint.bind(VOCABULARY)
    except UnsatisfiableError:
        assert not wanted, constraint
        return
    except VocabularyError:
        assert not wanted, constraint
        return
    written, beginnings = allowed_texts(start)
    assert written == wanted, constraint
    # Every spelling of every text is allowed.
    for text in wanted:
        for tokens in spellings(text.encode()):
            assert tokens in beginnings, (constraint, tokens)
    # No search proves that there is no text at all, and each takes long to give up.
    ending = start.ending() if wanted else None
    if ending is not None:
        assert constraint.accepts(ending.text.decode())


def spellings(text: bytes) -> list[tuple[int, ...]]:
    if not text:
        return [()]
    return [
        (token, *rest)
        for token, spelled in enumerate(VOCABULARY.bytes)
        if spelled and text.startswith(spelled)
        for rest in spellings(text[len(spelled) :])
    ]


def test_random_expressions() -> None:
    for seed in range(100):
        check_against_brute_force(seed)


@pytest.mark.parametrize("seed", [325, 1172, 2830])
def test_expressions_that_went_wrong_once(seed: int) -> None:
    check_against_brute_force(seed)


@pytest.mark.slow
def test_many_random_expressions() -> None:
    for seed in range(100, 500):
        check_against_brute_force(seed)


def test_random_expressions_with_grammars() -> None:
    for seed in range(40):
        check_against_brute_force(seed, mixed=True)


@pytest.mark.slow
def test_many_random_expressions_with_grammars() -> None:
    for seed in range(40, 200):
        check_against_brute_force(seed, mixed=True)


def test_random_expressions_obey_the_laws_of_matchers() -> None:
    checked = 0
    for seed in range(24):
        constraint, wanted = random_expression(random.Random(seed), 2)
        if any(wanted - {""}):
            check_matcher(constraint, VOCABULARY, np.random.default_rng(seed), walks=3, steps=8)
            checked += 1
            assert constraint.bind(VOCABULARY).strength is not Strength.FINAL
    assert checked > 12
