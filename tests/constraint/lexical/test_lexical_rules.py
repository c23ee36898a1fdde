"""Each rule about text: its automaton and its judge say the same of random short texts."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

import condit
from condit.constraint.base import Constraint
from condit.constraint.lexical.constraint import Lexical
from condit.errors import ArgumentError, BudgetError, UnsatisfiableError
from condit.lexical import (
    acrostic,
    alphabetical,
    bullets,
    capital_words,
    characters,
    consonant_clusters,
    contains,
    ends_with,
    first_word,
    highlights,
    in_order,
    kinds_of,
    last_word,
    letter,
    lines,
    lower,
    never,
    no_same_initials,
    no_white_space,
    only,
    palindromes,
    paragraphs,
    placeholders,
    postscript,
    quoted,
    script,
    sections,
    sentences,
    starts_with,
    title_case,
    titled,
    upper,
    vowel_kinds,
    without,
    word_lengths,
    words,
)
from condit.testing import check_matcher
from condit.vocabulary import Vocabulary

CASES = [
    (contains("ab"), "ab B-"),
    (contains(["ab", "ba"], at_least=2), "ab Bc"),
    (contains(["a b", "b"], exactly=2), "ab "),
    (contains("aa", anywhere=True, exactly=2), "aB"),
    (contains("a-", at_most=1), "a- b"),
    (contains("-a", exactly=1), "a- b"),
    (contains("k", exactly=1), "kK\u212a "),
    (contains("aB", match_case=True), "aAB "),
    (without("ab"), "abA "),
    (without("ab", anywhere=True), "abA "),
    (in_order("a", "b a"), "abA "),
    (in_order("a-", "-b"), "ab- "),
    (in_order("ab", "ab"), "ab "),
    (words(exactly=2), "ab -"),
    (words(at_least=2, at_most=3, apart="letters"), "ab -é"),
    (words(at_most=1, apart="spaces"), "ab -"),
    (capital_words(exactly=1), "aB -,1"),
    (capital_words(at_least=2), "aBC ."),
    (no_same_initials(), "abB é"),
    (characters(exactly=3), "aé"),
    (letter("e", exactly=2), "eEa"),
    (letter("#", at_most=1, match_case=True), "#a"),
    (only("ab"), "abc"),
    (never("a,"), "ab,"),
    (no_white_space(), "a b\n\x1f"),
    (upper(), "aA1\u01c5"),
    (lower(), "aA1\u01c5"),
    (title_case(), "aA' 1中"),
    (lines(exactly=2), "a \n\r"),
    (lines(at_least=1, at_most=2, blank=True), "a \n"),
    (paragraphs(exactly=2), " a\n"),
    (paragraphs(at_least=2, separator="***"), " a*\n"),
    (paragraphs(exactly=2, separator="aba"), " abc"),
    (bullets(exactly=1), "*- a\n"),
    (bullets(at_most=1, marks="*"), "*- a\n"),
    (bullets(exactly=1, marks="-"), "*- a\n"),
    (sections("aa", exactly=1), "a1 \n"),
    (sections("ab", at_least=1), "ab1 \n\t"),
    (placeholders(exactly=1), "[] a\n"),
    (highlights(exactly=1), "*a \n"),
    (highlights(at_least=2), "*a"),
    (starts_with("ab"), "abA"),
    (starts_with("ab", match_case=False), "abA"),
    (ends_with("ab"), 'abB" '),
    (ends_with('a"'), 'a" '),
    (ends_with("aba"), "ab"),
    (script("Greek"), "\u03b1a1\u0301中 "),
    (quoted(), '"a'),
    (titled(), "<>a \n"),
    (postscript("PS"), "PS a\n"),
    (first_word("ab", "a"), 'aAb "\n,'),
    (first_word("ab", of="line"), 'ab "\n'),
    (first_word("a", of="line", nth=2), "ab \n"),
    (first_word("a", of="paragraph"), "a \n"),
    (first_word("a", of="paragraph", nth=2), "ab \n"),
    (last_word("ab", "b"), "aBb \n."),
    (last_word("a", of="line"), "ab \n"),
    (last_word("a", of="line", nth=2), "ab \n"),
    (last_word("a", of="paragraph"), "ab\n"),
    (last_word("a", of="paragraph", nth=2), "a \n"),
    (acrostic("ab"), "ab -\n"),
    (acrostic("aba", of="word"), "ab -"),
    (alphabetical(), "abC -1"),
    (word_lengths({1, 3}), "a -b"),
    (consonant_clusters(), "bCa -"),
    (vowel_kinds(at_most=1), "aEx"),
    (kinds_of(["a", "ab"], at_least=2), "aBc -"),
    (palindromes(at_least=1, among_words=["aba", "bb"]), "ab "),
]


def sentence_cases() -> list[tuple[Lexical, str]]:
    return [
        (sentences(exactly=1), "Aab. !"),
        (sentences(at_least=2), 'A.!" '),
        (sentences(exactly=1), "Mr.a \n"),
        (sentences(at_least=1), "A1.)-\n"),
        (sentences(at_least=1), "AB2.*? "),
        (sentences(at_least=0), "Éa'.( "),
        (sentences(at_least=1, capitals=False), "ab. !\n"),
    ]


def agree(constraint: Lexical, alphabet: str, texts: int) -> None:
    rng = random.Random(1)
    met = set()
    for number in range(texts):
        text = "".join(rng.choice(alphabet) for _ in range(number % 9))
        for rule in constraint.rules:
            place, state, count = rule.component.follow(text)
            row = state * rule.component.nodes
            right = place == len(text) and rule.component.stops_at(row, count)
            reason = rule.objection(text)
            assert right == (reason is None), (rule.said, text, reason)
            met.add(right)
    assert met == {True, False}
    vocabulary = Vocabulary.of([*alphabet, alphabet[:2], alphabet[1:4], "a b"])
    check_matcher(constraint, vocabulary, np.random.default_rng(1), walks=3, steps=12)


@pytest.mark.parametrize(("constraint", "alphabet"), CASES, ids=lambda each: str(each)[:0])
def test_the_automaton_and_the_judge_agree(constraint: Lexical, alphabet: str) -> None:
    agree(constraint, alphabet, 3000)


def test_sentences_are_counted_as_punkt_counts_them() -> None:
    pytest.importorskip("nltk")
    for constraint, alphabet in sentence_cases():
        agree(constraint, alphabet, 6000)


def test_several_rules_are_one_matcher() -> None:
    rules = contains("be") & words(at_least=2, at_most=4) & never(",") & upper()
    assert isinstance(rules, Lexical)
    vocabulary = Vocabulary.of(["B", "E", " ", ",", "BE", "b", ".", " BE"])
    check_matcher(rules, vocabulary, np.random.default_rng(0), walks=5, steps=12)


def test_a_contradiction_is_refused_before_anything_is_drawn_and_names_its_parts() -> None:
    vocabulary = Vocabulary.of_bytes()
    hopeless = contains("the") & never("eE") & contains("sun")
    with pytest.raises(UnsatisfiableError, match=r"'the'.*'e'"):
        hopeless.bind(vocabulary)
    with pytest.raises(UnsatisfiableError, match=r"at least 300 words.*at most 100 characters"):
        (words(at_least=300, apart="letters") & characters(at_most=100)).bind(vocabulary)
    with pytest.raises(UnsatisfiableError, match="no number"):
        words(at_least=3, at_most=2)
    with pytest.raises(ArgumentError, match="say how many"):
        words()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: words(at_least=10**30), "more than can be counted, 100000"),
        (lambda: condit.lexical.contains(5), "5 are no words"),  # type: ignore[arg-type]
        (lambda: condit.lexical.contains([]), "list of words is empty"),
        (lambda: condit.lexical.kinds_of("and", at_least=1), "'and' are no words"),
        (lambda: condit.lexical.palindromes(at_least=1, among_words=["a", 5]), "5 is no text"),
        (lambda: condit.lexical.first_word("a", of=["line"]), "give 'text'"),
        (lambda: condit.lexical.vowel_kinds(at_most=None), "say how many"),  # type: ignore[arg-type]
        (lambda: condit.lexical.word_lengths(5), "5 are no lengths"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_wrong_types(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        make()


def test_drawn_texts_keep_to_their_rules_within_the_budget() -> None:
    model = condit.load("ngram")
    rules = (
        contains("harbour")
        & words(at_least=12, at_most=20)
        & without("the")
        & starts_with("A ")
        & ends_with("at last.")
    )
    result = condit.generate(model, "Once ", rules, n=4, max_tokens=120, seed=0)
    for sample in result.samples:
        assert sample.finish_reason == "stop"
        assert rules.accepts(sample.text)
    with pytest.raises(BudgetError):
        condit.generate(model, "Once ", rules, n=1, max_tokens=10, seed=0)


def test_rules_about_text_compose_with_other_constraints() -> None:
    model = condit.load("ngram")
    both = condit.regex("[a-z ]+") & words(exactly=3) & contains("ox")
    result = condit.generate(model, "Once ", both, n=2, max_tokens=40, seed=0)
    assert all(both.accepts(sample.text) for sample in result.samples)
    letter_to = condit.template(
        "Dear {name}, {body}", name=condit.regex("[A-Z][a-z]+"), body=words(exactly=2)
    )
    found = condit.generate(model, "Once ", letter_to, n=1, max_tokens=60, seed=0)
    assert letter_to.accepts(found.samples[0].text)


def test_an_ending_is_found_within_a_character() -> None:
    rules = words(at_least=3) & contains("zu")
    matcher = rules.bind(Vocabulary.of_bytes())
    for byte in "ü".encode()[:1]:
        matcher.advance(byte)
    ending = matcher.ending()
    assert ending is not None
    assert rules.accepts((b"\xc3" + ending.text).decode())


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        (words(at_least=5), r"(?s).*waves.*"),
        (lines(exactly=3), r"(?s).*#[0-9].*"),
        (sentences(at_least=2), r"(?s).*waves.*"),
        (sentences(exactly=2), r"(?s).*[0-9]{4}-[0-9]{2}.*"),
    ],
)
def test_rules_and_a_pattern_are_finished_together(rule: Constraint, pattern: str) -> None:
    both = rule & condit.regex(pattern)
    matcher, said = both.bind(Vocabulary.of_bytes()), b""
    for place in range(len(b"So it goes")):
        ending = matcher.ending()
        assert ending is not None
        assert both.accepts((said + ending.text).decode())
        said = b"So it goes"[: place + 1]
        matcher.advance(said[-1])
