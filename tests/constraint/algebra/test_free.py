"""Free text, templates, limits and tags."""

from __future__ import annotations

import numpy as np
import pytest

import condit
from condit import Vocabulary, free, regex, template, triggered, within
from condit.constraint.algebra.triggered import Tagged
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, BudgetError

BYTES = Vocabulary.of_bytes()
INTEGER = condit.json_schema({"type": "integer"})
OBJECT = condit.json_schema({"properties": {"a": {"type": "integer"}}, "required": ["a"]})

CONSTRAINTS: dict[str, Constraint] = {
    "anything": free(),
    "until a word": free(until="ab"),
    "until one of several": free(until=["abc", "b", "é"]),
    "few characters": free(until="bc", max_chars=3),
    "few characters, no word": free(max_chars=3),
    "few tokens": free(until="abc", max_tokens=4),
    "few tokens and characters": free(max_tokens=3, max_chars=4),
    "template": template("a{x}b{{{y}}}", x=regex("[ab]*"), y=INTEGER),
    "characters": within(regex("[a-cé]*"), chars=3),
    "words": within(regex("[a ]*"), words=2),
    "lines": within(regex("(a|\n)+"), lines=2),
    "tokens": within(regex("[a-c]+"), tokens=3),
    "tokens in a row": within(INTEGER, tokens=3) + "x",
    "tags": triggered(("a", INTEGER, "b")),
    "tags and few tokens": triggered(("ab", regex("1*"), "b"), ("t", "", "1"), max_tokens=4),
    "tags at least and at most": triggered(
        ("a", INTEGER, "b"), at_least=1, at_most=2, max_tokens=9
    ),
    "two tags": triggered(("ab", regex("1*"), "b"), ("t", INTEGER, "")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_their_matchers_obey_the_laws(name: str, obeys) -> None:
    obeys(CONSTRAINTS[name], walks=3, steps=12)


def test_free_text_ends_with_the_first_word() -> None:
    thought = free(until="</think>")
    assert thought.value("a < b</think>") == "a < b"
    assert not thought.accepts("a</think>b</think>")
    assert thought.violation("a</think>b").position == 9  # type: ignore[union-attr]
    assert thought.violation("abc").position == 3  # type: ignore[union-attr]


def test_no_more_tokens_than_allowed() -> None:
    vocabulary = Vocabulary.of(["a", "b", "ab", "</", "t", ">", "</t", "é", b"\xc3", b"\xa9"])
    rng = np.random.default_rng(0)
    for _ in range(100):
        matcher, tokens = free(until="</t>", max_tokens=6).bind(vocabulary), 0
        while not matcher.allows(vocabulary.end):
            mask = matcher.mask()
            assert mask is not None
            allowed = [t for t in range(len(vocabulary)) if matcher.allows(t)]
            matcher.advance(int(rng.choice(allowed)))
            tokens += 1
        assert tokens <= 6


def test_a_limit_without_room_for_the_word_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="takes 4 tokens"):
        free(until="abcd", max_tokens=3).bind(BYTES)
    with pytest.raises(BudgetError):
        within(regex("a{4}"), tokens=3).bind(BYTES)


def test_a_template_has_values_by_name() -> None:
    form = template(
        "Name: {name}\nAge: {age}\n{{{notes}",
        name=regex("[A-Z][a-z]+"),
        age=INTEGER,
        notes=free(until="\n\n"),
    )
    text = "Name: Ann\nAge: 31\n{likes tea\n\n"
    assert form.value(text) == {"name": "Ann", "age": 31, "notes": "likes tea"}
    assert form.spans(text)[:3] == [("", 0, 6), ("name", 6, 9), ("", 9, 15)]
    assert "field 'age'" in form.explain("Name: Ann\nAge: x")
    assert "Name: {name}" in form.describe()


def test_fixed_text_of_a_template_can_be_put_in() -> None:
    form = template("Name: {name}\nAge: {age}.", name=regex("[a-z]+"), age=INTEGER)
    texts = {"": "Name: ", "Name: an": None, "Name: ann\n": "Age: ", "Name: ann\nAge: 3": None}
    assert {text: form.insert(text) for text in texts} == texts
    vocabulary = Vocabulary.of([*"Name: ann\nAge: 31.", "bob"])
    model = condit.NgramModel.train(["Name: ann\nAge: 31."], vocabulary=vocabulary, smoothing=0.1)
    result = condit.generate(model, "", form, max_tokens=30, insert=form.insert, seed=0)
    given = [result.best.tokens[span.start : span.stop] for span in result.best.given]
    assert [vocabulary.decode(tokens) for tokens in given] == ["Name: ", "Age: "]


def test_limits_are_counted_by_the_oracle_too() -> None:
    text = regex("[a-z \n]*")
    assert within(text, words=2).violation("a bc d").position == 5  # type: ignore[union-attr]
    assert within(text, chars=3).violation("abcd").position == 3  # type: ignore[union-attr]
    assert within(text, lines=1).violation("a\nb").position == 1  # type: ignore[union-attr]
    assert within(INTEGER, chars=2).value("12") == 12


def test_tags_have_values_in_order() -> None:
    calls = triggered(("<n>", INTEGER, "</n>"), ("<o>", OBJECT, "</o>"), at_least=1)
    value = calls.value('See <n>12</n><o>{"a": 1}</o>.')
    assert value == ("See ", Tagged("<n>", 12), Tagged("<o>", {"a": 1}), ".")
    assert not calls.accepts("nothing")
    assert not calls.accepts("a <n>x</n>")
    assert "tag '<n>'" in calls.explain("a <n>x</n>")
    assert not triggered(("<n>", INTEGER, "</n>"), at_most=1).accepts("<n>1</n><n>2</n>")


@pytest.mark.model
def test_a_model_reasons_first_and_answers_after(smollm2: condit.Model) -> None:
    answer = condit.json_schema({"type": "integer", "minimum": 0, "maximum": 100})
    reasoned = free(until="</think>", max_tokens=24) + answer
    result = condit.generate(
        smollm2, "What is 3 + 4? <think>", reasoned, n=2, max_tokens=40, seed=1, sampler="awrs"
    )
    for sample in result.samples:
        assert sample.valid
        value = reasoned.value(sample.text)
        assert isinstance(value, tuple)
        assert "</think>" not in value[0]
        assert 0 <= value[1] <= 100
