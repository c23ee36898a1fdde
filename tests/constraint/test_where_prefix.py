"""``condit.where_prefix``: a function asked about texts as they are written."""

from __future__ import annotations

import pytest

import condit
from condit import Strength
from condit.errors import CheckError, UnsatisfiableError
from condit.testing import check_every_spelling


def balanced(text: str) -> str:
    opened = 0
    for character in text:
        opened += (character == "(") - (character == ")")
        if opened < 0:
            return "no"
    return "not yet" if opened else "yes"


def short(text: str) -> bool | None:
    if len(text) > 3:
        return False
    return True if len(text) == 3 else None


@pytest.mark.parametrize(
    "constraint",
    [
        condit.where_prefix(balanced, of=condit.regex("[()a]*")),
        condit.where_prefix(short),
        condit.where_prefix(short, of=condit.where_prefix(balanced)),
        condit.where(lambda text: "a" in text, of=condit.where_prefix(short)),
    ],
)
def test_laws_of_matchers(constraint, obeys) -> None:
    obeys(constraint, walks=3, steps=6)


def test_every_spelling_of_a_valid_text_may_be_written(overlapping) -> None:
    check_every_spelling(condit.where_prefix(balanced), overlapping, "(a(bc))")


def test_what_cannot_become_valid_is_refused_at_once(by_byte) -> None:
    matcher = condit.where_prefix(balanced).bind(by_byte)
    assert matcher.strength is Strength.SOUND
    assert not matcher.allows(ord(")"))
    said = matcher.explain(ord(")"))
    assert said == "')' cannot come here: balanced says that nothing valid begins so"
    matcher.advance(ord("("))
    assert matcher.allows(ord(")"))
    assert not matcher.allows(by_byte.end)
    assert "asks for more to come" in matcher.explain(by_byte.end)


def test_verdicts_on_finished_texts() -> None:
    constraint = condit.where_prefix(balanced, of=condit.regex("[()]+"))
    assert constraint.accepts("(())")
    assert constraint.explain("(()") == "at character 3: balanced asks for more to come"
    assert constraint.explain("())") == "balanced refuses it"
    assert not constraint.accepts("")


def test_it_is_asked_about_whole_characters(overlapping) -> None:
    asked: list[str] = []

    def keep(text: str) -> str:
        asked.append(text)
        return "yes"

    matcher = condit.where_prefix(keep).bind(overlapping)
    for piece in (b"a", b"\xc3", b"\xa9", b"bc"):
        matcher.advance(overlapping.first_token[piece])
    assert asked == ["", "a", "aé", "aébc"]


def test_a_function_that_never_says_yes_to_anything() -> None:
    with pytest.raises(UnsatisfiableError, match="says no to the empty text"):
        condit.where_prefix(lambda text: "no").bind(condit.Vocabulary.of_bytes())


@pytest.mark.parametrize("answer", ["maybe", 1, "", [], "Yes"])
def test_answers_that_mean_nothing(answer) -> None:
    with pytest.raises(CheckError, match='return "yes", "no" or "not yet"'):
        condit.where_prefix(lambda text: answer).accepts("1")


@pytest.mark.parametrize("sampler", ["auto", "exact", "smc", "awrs", "masked", "learned"])
def test_samplers_draw_what_it_accepts(sampler) -> None:
    constraint = condit.where_prefix(balanced, of=condit.regex("[() ]{2,12}"))
    result = condit.generate(
        "ngram", "f(x", constraint, n=16, max_tokens=12, sampler=sampler, seed=0
    )
    valid = [sample.text for sample in result.samples if sample.valid]
    assert valid
    assert all(balanced(text) == "yes" for text in valid)
