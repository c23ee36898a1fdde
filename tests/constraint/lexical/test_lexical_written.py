"""Rules that remember what was written: against plain counts of random texts; and they finish."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest

import condit
from condit.constraint.base import Constraint
from condit.constraint.lexical.relations import (
    equal_sentences,
    growing_alliteration,
    growing_sentences,
    keyword_at,
    keyword_in_sentence,
    lettered_sentences,
    linked_sentences,
)
from condit.constraint.lexical.shares import (
    few_of,
    framed_lines,
)
from condit.lexical import different_words, no_repeated, numbers, repeated_words
from condit.vocabulary import Vocabulary


def _texts() -> list[list[str]]:
    rng = random.Random(5)
    return [rng.choices(["to", "be", "or", "not"], k=rng.randrange(9)) for _ in range(150)]


def test_counts_of_words_are_those_of_plain_python() -> None:
    for words in _texts():
        text = " ".join(each.upper() if len(words) % 2 else each for each in words)
        most = max(Counter(words).values(), default=0)
        pairs = list(pairwise(words))
        assert different_words(at_least=3).accepts(text) == (len(set(words)) >= 3)
        assert repeated_words(at_most=2).accepts(text) == (most <= 2)
        assert no_repeated(2).accepts(text) == (len(set(pairs)) == len(pairs))


def test_what_is_refused_early_has_no_continuation() -> None:
    for words in _texts()[:40]:
        for rule in (repeated_words(at_most=2), no_repeated(2)):
            matcher = rule.bind(Vocabulary.of_bytes())
            text = " ".join(words)
            fits = matcher.count_allowed([*text.encode()]) == len(text)
            assert fits or not rule.accepts(f"{text} and so on")
            assert not rule.accepts(text) or fits


def test_numbers_are_those_that_all_count() -> None:
    rule = numbers(exactly=2)
    assert rule.accepts("1st of 1,000.5 a")
    for text in ("10:45", "1-2 3", "1 2 3", "1.,2", "1"):
        assert not rule.accepts(text)


SENTENCES = [
    (growing_sentences(2), "It is. So it is here.", "It is. So it is."),
    (growing_alliteration(), "It is. Big bears bite.", "Big bears. It is."),
    (linked_sentences(), "It is here. Here we are.", "It is here. We are here."),
    (keyword_in_sentence("sea", 2), "It is. The sea is.", "The sea is. It is."),
    (keyword_at("sea", 2, 2), "It is. The sea is.", "It is. We are at sea."),
    (lettered_sentences("ab"), "All is. But then.", "All is. All then."),
    (equal_sentences(2), "It was so. Now is he.", "It was so. It was he."),
]


@pytest.mark.parametrize(("rule", "good", "bad"), SENTENCES)
def test_relations_of_sentences(rule: Constraint, good: str, bad: str) -> None:
    pytest.importorskip("nltk")
    assert rule.accepts(good), rule.explain(good)
    assert not rule.accepts(bad)
    _finishes(rule)


def test_other_relations() -> None:
    assert framed_lines().accepts("So it is so.\nWe are we.")
    assert not framed_lines().accepts("So it is so.\nWe are they.")
    rule = few_of(frozenset({"the"}), 30)
    assert rule.accepts("the green hills rise")
    assert not rule.accepts("green the hills the")
    for each in (rule, framed_lines(), different_words(at_least=5)):
        _finishes(each)


def _finishes(rule: Constraint) -> None:
    model = condit.load("ngram")
    needed = rule.bind(model.vocabulary).unchecked().cost_to_finish()
    assert needed is not None
    result = condit.generate(
        model, "Once ", rule, max_tokens=needed + 12, seed=3, sampler="masked", drafts=False
    )
    assert rule.accepts(result.best.text)
