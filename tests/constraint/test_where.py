"""``condit.where`` over finished texts: values, laws, samplers near the budget, and messages."""

from __future__ import annotations

import dataclasses
import doctest
import sys
from typing import ClassVar

import numpy as np
import pytest
from pydantic import BaseModel

import condit
import condit.constraint.where_prefix
from condit import Strength, Vocabulary
from condit.constraint.base import Constraint
from condit.constraint.where import Where, judged
from condit.errors import ArgumentError, DeadEndError
from condit.testing import check_every_spelling, check_matcher

DIGITS = condit.regex("[0-9]{1,6}")


class Pair(BaseModel):
    low: int
    high: int


def ascends(pair: Pair) -> bool:
    """The low number is at most the high one."""
    return pair.low <= pair.high


def by_seven(text: str) -> bool:
    return int(text) % 7 == 0


def test_the_function_gets_the_value_or_the_text() -> None:
    asked: list[object] = []

    def keep(value: object) -> bool:
        asked.append(value)
        return True

    assert condit.where(keep, of=condit.json_schema(list[int])).accepts("[1, 2]")
    assert condit.where(keep, of=condit.json_schema(Pair)).accepts('{"low": 1, "high": 2}')
    assert condit.where(keep, of=condit.json_schema({})).accepts("null")
    assert condit.where(keep, of=DIGITS).accepts("12")
    assert condit.where(keep, of=condit.choice("a", "b")).accepts("b")
    assert condit.where(keep).accepts("anything\n at all é")
    nested = condit.where(keep, of=condit.where(lambda value: True, of=condit.json_schema(int)))
    assert nested.accepts("3")
    expected = [[1, 2], Pair(low=1, high=2), None, "12", "b", "anything\n at all é", 3]
    assert asked == expected


def test_the_constraint_is_asked_first() -> None:
    constraint = condit.where(by_seven, of=DIGITS)
    assert constraint.accepts("14")
    assert not constraint.accepts("15")
    assert not constraint.accepts("fourteen")  # int() would raise
    assert constraint.explain("15") == "by_seven refuses it"
    constraint = condit.where(ascends, of=condit.json_schema(Pair))
    assert constraint.explain('{"low": 3, "high": 2}') == (
        "ascends (The low number is at most the high one.) refuses it"
    )
    assert constraint.value('{"low": 1, "high": 2}') == Pair(low=1, high=2)
    assert constraint.longest() == condit.json_schema(Pair).longest()


def test_a_function_that_changes_its_argument_spoils_nothing() -> None:
    def empties(items: list[int]) -> bool:
        first = items.pop(0)
        items.clear()
        return first == 1

    constraint = condit.where(empties, of=condit.json_schema(list[int]))
    assert constraint.accepts("[1, 2]")
    assert constraint.value("[1, 2]") == [1, 2]
    assert constraint.accepts("[1, 2]")

    class Shared(Constraint):
        kept: ClassVar[list[int]] = [1]

        def bind(self, vocabulary: Vocabulary):  # type: ignore[no-untyped-def]
            raise NotImplementedError

        def violation(self, text: str) -> None:
            return None

        def value(self, text: str) -> list[int]:
            return self.kept

    assert condit.where(empties, of=Shared()).accepts("")
    assert judged(Shared(), "") == [1]


@pytest.mark.parametrize(
    "constraint",
    [
        condit.where(by_seven, of=condit.regex("[01]{1,4}")),
        condit.where(lambda text: "ab" in text, of=condit.regex("[abc]*")),
        condit.where(lambda text: len(text) == 2, of=condit.regex("[é0]+")),
        condit.where(len, of=condit.json_schema(list[bool])),
        condit.where(
            lambda text: text > "b",
            of=condit.where(lambda text: "a" in text, of=condit.regex("[abc]{0,3}")),
        ),
    ],
)
def test_laws_of_matchers(constraint, obeys) -> None:
    if constraint.function is len:
        constraint = condit.where(lambda value: len(value) % 2 == 0, of=constraint.typed)
    obeys(constraint)


def test_strengths(by_byte) -> None:
    alone = condit.where(lambda text: text.isupper())
    assert alone.bind(by_byte).strength is Strength.FINAL
    check_matcher(alone, by_byte, np.random.default_rng(0), walks=2, steps=5)
    assert alone.of(DIGITS).bind(by_byte).strength is Strength.SOUND
    final = condit.where(str.isupper, of=condit.where(str.isascii)).bind(by_byte)
    assert final.strength is Strength.FINAL


def test_every_spelling_of_a_valid_text_may_be_written(overlapping) -> None:
    check_every_spelling(condit.where(lambda text: text.endswith("bc")), overlapping, "abcaabc")


def test_a_text_may_not_stop_inside_a_character(overlapping) -> None:
    matcher = condit.where(lambda text: True).bind(overlapping)
    matcher.advance(overlapping.first_token[b"\xc3"])
    assert not matcher.allows(overlapping.end)
    matcher.advance(overlapping.first_token[b"\xa9"])
    assert matcher.allows(overlapping.end)


def test_outlines_ask_nothing_and_masks_ask_about_the_end_alone(by_byte) -> None:
    asked: list[str] = []

    def check(text: str) -> bool:
        asked.append(text)
        return False

    matcher = condit.where(check, of=condit.regex("ab*")).bind(by_byte)
    assert matcher.outline().exact
    matcher.advance(ord("a"))
    mask, exact = matcher.outline()
    assert mask is not None
    assert not exact
    assert asked == []
    allowed = np.unpackbits(matcher.mask().view(np.uint8), bitorder="little").nonzero()[0]
    assert allowed.tolist() == [ord("b")]
    assert asked == ["a"]
    assert matcher.explain(by_byte.end) == f"the text cannot stop here: {reason(check)}"


def reason(check: object) -> str:
    return str(condit.where(check).violation("a").reason)  # type: ignore[arg-type,union-attr]


@pytest.mark.parametrize(
    "sampler", ["auto", "exact", "smc", "learned", "awrs", "masked", "mcmc", "asap", "beam"]
)
def test_every_sampler_draws_what_the_function_accepts(sampler) -> None:
    constraint = condit.where(lambda text: len(text) % 3 == 1, of=condit.regex("[a-z ]{1,9}"))
    result = condit.generate(
        "ngram", "The number", constraint, n=8, max_tokens=4, sampler=sampler, seed=0
    )
    valid = [sample.text for sample in result.samples if sample.valid]
    assert valid
    assert all(len(text) in (1, 4) for text in valid)


def test_any_text_is_tried_as_a_whole() -> None:
    constraint = condit.where(lambda text: text.count("e") == 2)
    result = condit.generate("ngram", "The ", constraint, n=3, max_tokens=20, seed=0)
    assert all(sample.text.count("e") == 2 for sample in result.samples)
    assert "whole texts are tried" in result.reason


def test_the_budget_is_steered_by_the_constraint_alone() -> None:
    # After four digits the text can only stop, whatever the function says of it.
    never = condit.where(lambda text: len(text) == 6, of=condit.regex("[0-9]{2,6}"))
    matcher = condit.sampler.base.Budgeted.of(never.bind(Vocabulary.of_bytes()), 4)
    for _ in range(4):
        assert matcher.allows(ord("1"))
        matcher.advance(ord("1"))
    assert not any(matcher.allows(token) for token in range(257))


def test_a_dead_end_names_the_function_and_the_way_out() -> None:
    constraint = condit.where(lambda value: False, of=condit.choice("yes", "no"))
    with pytest.raises(DeadEndError, match=r"lambda> refuses it.*sampler='exact'"):
        condit.generate("ngram", "It is ", constraint, n=2, max_tokens=5, sampler="awrs", seed=0)


def test_plan_and_description() -> None:
    constraint = condit.where(ascends, of=condit.json_schema(Pair))
    last = constraint.plan[-1]
    assert (last.keyword, last.where, last.note) == ("where ascends", "end", ascends.__doc__)
    assert constraint.plan[:-1] == condit.json_schema(Pair).plan
    said = constraint.describe()
    assert said.startswith(condit.json_schema(Pair).describe())
    assert said.endswith("It must also hold: The low number is at most the high one.")
    assert condit.where(by_seven, of=DIGITS).describe() == DIGITS.describe()
    assert "at most the high one" in condit.where(ascends).describe()
    with pytest.raises(ArgumentError, match="docstring"):
        condit.where(by_seven).describe()
    assert all(
        int(text) % 2 for text in condit.where(lambda t: int(t) % 2 == 1, of=DIGITS).example_texts()
    )


def test_constraints_compare_by_function_and_parts() -> None:
    assert condit.where(by_seven, of=DIGITS) == condit.where(by_seven).of(DIGITS)
    assert hash(condit.where(by_seven)) == hash(condit.where(by_seven))
    assert condit.where(by_seven) != condit.where(ascends)
    bound = condit.where(by_seven, of=DIGITS)
    assert bound.of(condit.choice("7")) is bound
    assert isinstance(bound, Where)
    assert dataclasses.replace(bound, seconds=3.0).seconds == 3


@pytest.mark.parametrize("name", ["where", "where_prefix"])
def test_the_examples_of_docstrings(name) -> None:
    tried = doctest.testmod(sys.modules[f"condit.constraint.{name}"])
    assert tried.attempted
    assert not tried.failed


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(ArgumentError, match="not a constraint"):
        condit.where(by_seven, of="[0-9]")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="give the function behind it"):
        condit.where("total")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="first argument is the field"):
        condit.where(by_seven, "total")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="paths of fields"):
        condit.where("total", by_seven, on=3)  # type: ignore[call-overload]
