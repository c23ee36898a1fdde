"""Finishing within the budget: it happens, and the law is the one that is documented."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np
import pytest
from pydantic import BaseModel

import condit
from condit import AWRS, SMC, Masked, NgramModel, Vocabulary
from condit.constraint.base import Constraint, Matcher, Violation, unpack
from condit.constraint.budgeted import Budgeted
from condit.errors import RefusedTokenError
from condit.model.transformers import TransformersModel
from condit.sampler.base import Problem, Sampler
from condit.sampler.kernels import allowed_tokens
from condit.testing import World, check_matcher, check_sampler


@dataclasses.dataclass(frozen=True)
class FinishingWorld(World):
    """A world whose target leaves out texts that no known ending could have finished."""

    def problem(self, lanes: int) -> Problem:
        return dataclasses.replace(super().problem(lanes), finish=True)

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        everything = World(self.model, self.constraint, self.prompt, self.max_tokens).probabilities
        return {tokens: mass for tokens, mass in everything.items() if self._within(tokens)}

    def _within(self, tokens: tuple[int, ...]) -> bool:
        matcher = self.problem(1).bind()
        assert matcher is not None
        return matcher.count_allowed(tokens) == len(tokens)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["(abc)+", "c[bc]*aa", "(ab|ba|c)*"])
@pytest.mark.parametrize("sampler", [Masked(), AWRS(), SMC()], ids=repr)
def test_weights_are_exact_for_the_restricted_law(
    sampler: Sampler, pattern: str, letters: NgramModel
) -> None:
    world = FinishingWorld(letters, condit.regex(pattern), "ab", 4)
    everything = World(letters, condit.regex(pattern), "ab", 4)
    assert 0.3 * everything.evidence < world.evidence <= everything.evidence
    check_sampler(sampler, world, runs=250)


def test_no_lane_is_cut_off(letters: NgramModel) -> None:
    asked = {"n": 200, "max_tokens": 4, "sampler": "awrs", "seed": 0}
    result = condit.generate(letters, "ab", condit.regex("(abc)+"), **asked)
    assert {sample.finish_reason for sample in result.samples} <= {"stop", "dead_end"}
    assert sum(sample.valid for sample in result.samples) == 200


def budgeted(constraint: condit.Constraint, max_tokens: int, vocabulary: Vocabulary) -> Budgeted:
    return Budgeted.of(constraint.bind(vocabulary), max_tokens)


BYTES = Vocabulary.of_bytes()


def test_it_is_a_matcher() -> None:
    matcher = budgeted(condit.regex("b*aaa"), 4, BYTES)
    assert matcher.steers
    assert matcher.mask() is None
    assert matcher.allows(ord("b"))
    assert matcher.explain(ord("b")) == ""
    twin = matcher.copy()
    twin.advance(ord("b"))
    assert not twin.allows(ord("b"))
    assert twin.explain(ord("b")) == "after it the text could not be finished in 2 tokens"
    assert "cannot follow" in twin.explain(ord("x"))
    with pytest.raises(RefusedTokenError):
        twin.advance(ord("b"))
    assert matcher.allows(ord("b"))
    for _ in range(3):
        twin.advance(ord("a"))
    assert not twin.steers
    assert twin.allows(256)
    assert twin.forced_text() == b""
    with pytest.raises(RefusedTokenError):
        twin.advance(ord("a"))
    mask = twin.mask()
    assert mask is not None
    assert unpack(mask, 257).nonzero()[0].tolist() == [256]
    twin.advance(256)
    assert not twin.allows(256)


@dataclasses.dataclass(frozen=True)
class InBudget(Constraint):
    """A constraint and a budget in bytes, as a constraint: for the laws of matchers."""

    inner: condit.Constraint
    most: int

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        return budgeted(self.inner, self.most, vocabulary)

    def violation(self, text: str) -> Violation | None:
        if len(text.encode()) > self.most:
            return Violation("too long")
        return self.inner.violation(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("constraint", "most"),
    [
        (condit.regex("b*aaa"), 3),
        (condit.regex("(ab|ba|c)*x?"), 5),
        (condit.json_schema({"type": "array", "items": {"type": "string"}, "minItems": 2}), 9),
        (condit.choice("yes", "no", "yesterday"), 4),
    ],
)
def test_it_obeys_the_laws_of_matchers(constraint: condit.Constraint, most: int) -> None:
    check_matcher(InBudget(constraint, most), BYTES, np.random.default_rng(0), walks=6, steps=12)


class Line(BaseModel):
    description: str
    quantity: int
    price: float


class Invoice(BaseModel):
    customer: str
    lines: list[Line]
    total: float


@pytest.mark.model
@pytest.mark.parametrize(("sampler", "max_tokens"), [("masked", 40), ("smc", 90)])
def test_an_unbounded_type_is_finished_by_the_embedded_model(
    smollm2: TransformersModel, sampler: str, max_tokens: int
) -> None:
    constraint = condit.json_schema(Invoice)
    result = condit.generate(
        *(smollm2, "Invoice for three oak chairs at 80 euros each, as JSON:", constraint),
        n=4,
        max_tokens=max_tokens,
        sampler=sampler,
        seed=max_tokens,
        heal=False,
    )
    assert all(sample.finish_reason == "stop" for sample in result.samples)
    assert all(isinstance(sample.value, Invoice) for sample in result.samples)
    assert all(len(sample.tokens) <= max_tokens for sample in result.samples)


def test_where_no_token_is_to_spare_endings_of_the_same_length_stay() -> None:
    vocabulary = Vocabulary.of(['"', "a", "b", '"]', "]", "[", 'b"]', "]]"])
    constraint = condit.json_schema({"type": "array", "items": {"type": "string"}})
    for left, allowed in ((1, [3, 6]), (2, list(range(8)))):
        within = budgeted(constraint, 3 + left, vocabulary)
        for token in (5, 0, 1):
            within.advance(token)
        assert allowed_tokens(within).nonzero()[0].tolist() == allowed


def test_a_budget_that_just_fits_does_not_choose_among_texts() -> None:
    said = ["ay"] * 80 + ["ax"] * 10 + ["bx"] * 10
    vocabulary = Vocabulary.of(["a", "b", "x", "y"])
    model = NgramModel.train(said, vocabulary=vocabulary, order=3, smoothing=0.001)
    drawn = condit.generate(
        model, [4], condit.regex("[ab]x"), n=400, max_tokens=2, sampler="masked", seed=0
    )
    # Masking draws ax nine times in ten: within 6 standard errors.
    assert 0.81 < sum(sample.text == "ax" for sample in drawn.samples) / 400 < 0.99
    assert {sample.text for sample in drawn.samples} == {"ax", "bx"}
