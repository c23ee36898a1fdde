"""Specifications as constraints of text: against all short texts, the laws of matchers, drawing."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest
from formulas import random_formula, satisfies

import condit
from condit.constraint.base import Matcher, Strength
from condit.errors import ConditError, UnsatisfiableError
from condit.temporal.formula import Formula
from condit.temporal.ltlf import ltlf
from condit.temporal.specification import Ltlf, Valued
from condit.testing import check_every_spelling, check_matcher
from condit.vocabulary import Vocabulary

TAGGED = {
    "search": "<s>" + condit.regex("[a-z ]+") + "</s>",
    "observe": "<o>" + condit.free(until="</o>"),
    "call": condit.json_schema(
        {
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
            "additionalProperties": False,
        }
    ),
    "answer": "<a>" + condit.integer(0, 99) + "</a>",
}
SPEC = ltlf("G(search -> X observe) & F answer & G(answer -> last)", TAGGED, given=["observe"])


def readings(text: str, events: dict[str, str]) -> Iterator[list[str]]:
    """All rows of events whose texts are ``text``."""
    if not text:
        yield []
    for name, written in events.items():
        if text.startswith(written):
            for further in readings(text[len(written) :], events):
                yield [name, *further]


def bound(spec: Ltlf) -> Matcher | None:
    """The matcher over bytes; ``None`` where there is no text."""
    try:
        return spec.bind(Vocabulary.of_bytes())
    except UnsatisfiableError:
        return None


def allowed(matcher: Matcher | None, text: str) -> bool:
    """What the matcher says of a text."""
    if matcher is None:
        return False
    tokens = [*text.encode(), matcher.vocabulary.end]
    return matcher.count_allowed(tokens) == len(tokens)


@pytest.mark.parametrize(
    "events",
    [
        {"a": "x", "b": "y", "c": "z"},
        {"a": "x", "b": "y", "c": "xy"},
        {"a": "x", "b": "xx", "c": "y"},
    ],
    ids=["plain", "one is two others", "one is another twice"],
)
def test_matcher_and_oracle_on_all_short_texts(events: dict[str, str]) -> None:
    rng = random.Random(5)
    texts = ["".join(t) for size in range(5) for t in itertools.product("xyz", repeat=size)]
    texts = [text for text in texts if set(text) <= set("".join(events.values()))]
    for _ in range(12):
        formula = random_formula(rng, 5)
        spec = ltlf(str(formula), events)
        matcher = bound(spec)
        for text in texts:
            rows = [[frozenset({name}) for name in row] for row in readings(text, events)]
            want = any(bool(row) and satisfies(row, 0, formula) for row in rows)
            assert spec.accepts(text) == want, f"oracle: {formula} on {text!r}"
            assert allowed(matcher, text) == want, f"matcher: {formula} on {text!r}"


@pytest.mark.parametrize("number", range(6))
def test_laws_of_matchers(number: int) -> None:
    rng, numbers = random.Random(number), np.random.default_rng(number)
    events = dict(zip("abc", ("<a>" + condit.regex("[xy]{1,2}") + ">", "<b>", "c"), strict=True))
    vocabulary = Vocabulary.of(
        ["<", "<a", "a", "b", ">", ">c", "><", "x", "y", "xy", "c", "cc<", ""]
    )
    while True:
        spec = ltlf(str(random_formula(rng, 4)), events)
        if spec.automaton.live:
            break
    assert spec.bind(Vocabulary.of_bytes()).strength is Strength.EXACT
    check_matcher(spec, Vocabulary.of_bytes(), numbers, walks=3, steps=20)
    check_matcher(spec, vocabulary, numbers, walks=5, steps=20)


def test_laws_of_matchers_with_content_of_every_kind() -> None:
    rng = np.random.default_rng(0)
    check_matcher(SPEC, Vocabulary.of_bytes(), rng, walks=2, steps=40)
    vocabulary = Vocabulary.of(["<", "s>", "</", "ab", " ", "<s>", "</s><o>", "o>", "x", "<a", ">"])
    tokens = [*vocabulary.bytes, *(bytes([byte]) for byte in range(256))]
    wide = Vocabulary(tokens, len(vocabulary) - 1)
    check_matcher(SPEC, wide, rng, walks=2, steps=20)
    check_every_spelling(SPEC, wide, "<s>ab x</s><o>x</o><a>9</a>")


def test_progress_never_decreases_in_any_automaton() -> None:
    events = {each: each for each in "abcd"}
    rng = random.Random(6)
    for _ in range(20):
        spec = ltlf(str(random_formula(rng, 6, tuple("abcd"))), events)
        first = spec.layout.circles
        for place, steps in enumerate(spec.layout.steps):
            for step in steps:
                before = place if first[place] is None else first[place]
                after = step.after if first[step.after] is None else first[step.after]
                assert before <= after, spec.formula


def test_the_value_is_the_row_of_events() -> None:
    text = '<s>cats</s><o>two</o>{"n":2}<a>2</a>'
    assert SPEC.value(text) == (
        Valued("search", ("cats",)),
        Valued("observe", ("two",)),
        Valued("call", {"n": 2}),
        Valued("answer", (2,)),
    )


def test_draws_are_transcripts_that_satisfy_the_formula() -> None:
    events = {"search": TAGGED["search"], "answer": TAGGED["answer"]}
    spec = ltlf("X search & X X answer & G(answer -> last)", events)
    result = condit.generate(condit.load("ngram"), "", spec, n=3, max_tokens=80, seed=0)
    assert all(sample.finish_reason == "stop" for sample in result.samples)
    for sample in result.samples:
        assert [each.event for each in spec.value(sample.text)] == ["search", "search", "answer"]


def test_it_stands_beside_other_constraints() -> None:
    short = SPEC & condit.regex(r"(?s).{0,12}")
    assert short.accepts("<a>5</a>")
    assert not short.accepts("<s>cats and dogs</s><o></o><a>5</a>")
    assert (">> " + SPEC).accepts(">> <a>5</a>")
    check_matcher(short, Vocabulary.of_bytes(), np.random.default_rng(1), walks=2, steps=15)


def test_negation_conjunction_and_alternatives_are_of_the_same_kind() -> None:
    events = {each: each for each in "ab"}
    one, other = ltlf("F a", events), ltlf("F b", events)
    both, either, neither = one & other, one | other, ~(one | other)
    assert isinstance(both, Ltlf)
    assert both.clauses == (*one.clauses, *other.clauses)
    assert isinstance(either, Ltlf)
    assert either.accepts("bb")
    assert isinstance(neither, Ltlf)
    assert not neither.automaton.live
    assert (~one).accepts("bb")
    assert not (~one).accepts("")
    assert not (~one).accepts("cc")
    assert ~~one == one
    assert not isinstance(one & ltlf("F b", {"a": "a", "b": "c"}), Ltlf)


def test_contradictions_name_their_clauses() -> None:
    spec = ltlf(["F a", "G (b -> a)", "F b", "G !(a & b)"], {"a": "a", "b": "b"})
    with pytest.raises(
        UnsatisfiableError, match=r"clause 2, G \(b -> a\); clause 3, F b$"
    ) as found:
        spec.bind(Vocabulary.of_bytes())
    assert "clause 1" not in str(found.value)
    with pytest.raises(UnsatisfiableError, match="no row of events satisfies clause 1, false"):
        ltlf("false", {"a": "a"}).bind(Vocabulary.of_bytes())


def test_labels_are_names_that_several_events_share() -> None:
    events = {"search": "s", "call": "c", "answer": "a"}
    spec = ltlf("G(tool -> X answer)", events, labels={"search": ["tool"], "call": {"tool"}})
    assert spec.accepts("saca")
    assert not spec.accepts("sc")
    assert spec.equivalent("G((search | call) -> X answer)")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"formula": "F serach"}, "did you mean 'search'"),
        ({"formula": "F("}, "ends too early"),
        ({"formula": []}, "give a formula"),
        ({"events": {}}, "at least one event"),
        ({"events": {"search": condit.regex("a*")}}, "may be empty"),
        ({"events": {"search": 5}}, "made of constraints and texts"),
        ({"events": {"": "a"}}, "no name of an event"),
        ({"labels": {"x": ["y"]}}, "no event is called 'x'"),
        ({"labels": {"search": ["answer"]}}, "is another event"),
        ({"given": ["x"]}, "no event is called 'x'"),
        ({"most_states": 0}, "most_states=0"),
        ({"formula": None}, "None is no formula"),
        ({"formula": "F \ud800"}, r"half of a surrogate pair, at character 2"),
        ({"events": {"\ud800": "a"}}, "half of a surrogate pair"),
        ({"labels": {"search": "tool"}}, "give a list of names"),
        ({"labels": {"search": [5]}}, "5 is no name"),
        ({"labels": ["search"]}, "give a dict"),
        ({"given": "search"}, "given='search': give a list"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], said: str) -> None:
    usual = {"formula": "F search", "events": {"search": "s", "answer": "a"}}
    with pytest.raises(ConditError, match=said):
        ltlf(**{**usual, **arguments})  # type: ignore[arg-type]


def test_formulas_show_themselves() -> None:
    assert repr(Formula("true")) == "<true>"
    assert "G (search -> X observe)" in SPEC.describe()
