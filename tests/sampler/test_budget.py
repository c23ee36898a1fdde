"""Finishing within the budget: it happens, and the law is the one that is documented."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import pytest
from pydantic import BaseModel

import condit
from condit import AWRS, SMC, Masked, NgramModel, Vocabulary
from condit.constraint.base import Matcher
from condit.errors import RefusedTokenError
from condit.model.transformers import TransformersModel
from condit.sampler.base import Problem, Sampler
from condit.sampler.budget import WithinBudget, steered, zone
from condit.sampler.kernels import allowed_tokens
from condit.testing import World, check_sampler


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
        matcher = self.constraint.bind(self.model.vocabulary)
        for place, token in enumerate(tokens):
            left = self.max_tokens - place
            could_finish = (matcher.cost_to_finish() or 0) <= left
            matcher.advance(token)
            cost = matcher.cost_to_finish()
            if could_finish and (cost is None or cost >= left):
                return False
        return True


@pytest.mark.parametrize("pattern", ["(abc)+", "c[bc]*aa", "(ab|ba|c)*"])
@pytest.mark.parametrize("sampler", [Masked(), AWRS(), SMC(), SMC(kernel="masked")], ids=repr)
def test_weights_are_exact_for_the_restricted_law(
    sampler: Sampler, pattern: str, letters: NgramModel
) -> None:
    world = FinishingWorld(letters, condit.regex(pattern), "ab", 4)
    everything = World(letters, condit.regex(pattern), "ab", 4)
    assert 0.3 * everything.evidence < world.evidence <= everything.evidence
    check_sampler(sampler, world, runs=400)


def test_no_lane_is_cut_off(letters: NgramModel) -> None:
    asked = {"n": 200, "max_tokens": 4, "sampler": "awrs", "seed": 0}
    result = condit.generate(letters, "ab", condit.regex("(abc)+"), **asked)
    assert {sample.finish_reason for sample in result.samples} <= {"stop", "dead_end"}
    assert sum(sample.valid for sample in result.samples) == 200


def test_where_no_ending_fits_nothing_changes() -> None:
    vocabulary = condit.Vocabulary.of_bytes()
    assert zone(condit.regex("[a-z]{90}").bind(vocabulary), 50) == 0
    assert zone(condit.regex("[a-z]{9}").bind(vocabulary), 50) == 64
    assert zone(condit.regex("[a-z]{40}").bind(vocabulary), 50) == 96


def test_it_is_a_matcher(letters: NgramModel) -> None:
    inner = condit.regex("b*aaa").bind(condit.Vocabulary.of_bytes())
    matcher = WithinBudget(inner, 4)
    assert matcher.mask() is None
    assert matcher.allows(ord("b"))
    assert matcher.explain(ord("b")) == ""
    twin = matcher.copy()
    twin.advance(ord("b"))
    assert not twin.allows(ord("b"))
    assert twin.explain(ord("b")) == "after it the text could not be finished in 2 tokens"
    assert "cannot follow" in twin.explain(ord("x"))
    assert matcher.allows(ord("b"))
    for _ in range(3):
        twin.advance(ord("a"))
    assert twin.allows(256)
    with pytest.raises(RefusedTokenError):
        twin.advance(ord("a"))


class Line(BaseModel):
    description: str
    quantity: int
    price: float


class Invoice(BaseModel):
    customer: str
    lines: list[Line]
    total: float


@pytest.mark.model
@pytest.mark.parametrize("sampler", ["masked", "smc"])
@pytest.mark.parametrize("max_tokens", [40, 90])
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
    )
    assert all(sample.finish_reason == "stop" for sample in result.samples)
    assert all(isinstance(sample.value, Invoice) for sample in result.samples)
    assert all(len(sample.tokens) <= max_tokens for sample in result.samples)


def test_where_no_token_is_to_spare_endings_of_the_same_length_stay() -> None:
    vocabulary = Vocabulary.of(['"', "a", "b", '"]', "]", "[", 'b"]', "]]"])
    inner = condit.json_schema({"type": "array", "items": {"type": "string"}}).bind(vocabulary)
    for token in (5, 0, 1):
        inner.advance(token)
    assert inner.cost_to_finish() == 1
    for left, allowed in ((1, [3, 6]), (2, list(range(8)))):
        within = steered(inner, left, last=8)
        assert isinstance(within, WithinBudget)
        assert allowed_tokens(within).nonzero()[0].tolist() == allowed
        # The short cut of the engine says what a search after each token says.
        for token in allowed_tokens(inner).nonzero()[0].tolist():
            searched = Matcher.finishes_within(inner, token, left - 1)
            assert searched == (token in allowed)


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
