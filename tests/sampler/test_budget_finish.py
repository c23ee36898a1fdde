"""Every draw of every sampler finishes, however small the budget is, if any text fits at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import condit
from condit import MCMC, SMC, ASAp, Beam, BestOf, Exact, Learned, Masked, NgramModel
from condit.errors import BudgetError
from condit.sampler.base import Problem, Sampler

RECORD = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}},
                           {"type": "number"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
}  # fmt: skip
TREE = {
    "type": "object",
    "properties": {"left": {"$ref": "#"}, "value": {"type": "integer"}},
    "required": ["value"],
    "additionalProperties": False,
}
# Once begun, the other alternative needs far more than was left a token before.
PIT = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string", "minLength": 6}, "minItems": 5},
    ]
}
CONSTRAINTS: dict[str, condit.Constraint] = {
    "a record": condit.json_schema(RECORD),
    "a tree": condit.json_schema(TREE),
    "a pit": condit.json_schema(PIT),
    "a loop": condit.regex("(ab|ba)*c|(xyz)+w"),
    "a long repeat": condit.regex("[a-z]{12,}!"),
    "brackets": condit.grammar('start: "(" start* ")" | "x"'),
    "a choice": condit.choice("yes", "no, thanks", "not at all", "maybe another time"),
}
SAMPLERS: dict[str, Sampler] = {
    "masked": Masked(),
    "awrs": condit.AWRS(),
    "smc": SMC(),
    "smc, masked": SMC(kernel="masked"),
    "learned": Learned(),
    "exact": Exact(attempts=40),
    "asap": ASAp(),
    "mcmc": MCMC(moves=3),
    "best_of": BestOf(of=2),
    "beam": Beam(width=4),
}


@pytest.fixture(scope="module")
def model() -> NgramModel:
    texts = [
        '{"name":"ann","tags":["a","b"],"size":{"a":"b"}}',
        '["aaaaaaaaaa","bbbbbbbbbb"]',
        '{"left":{"left":{"value":12},"value":3},"value":44}',
        "ababababab((((xx)(x))xyzxyzxyznot at all maybe",
    ]
    return NgramModel.train(texts, order=3, smoothing=0.3)


def least(model: NgramModel, constraint: condit.Constraint) -> int:
    cost = constraint.bind(model.vocabulary).cost_to_finish()
    assert cost is not None
    return cost


@pytest.mark.slow
@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_lane_finishes(name: str, more: int, model: NgramModel) -> None:
    for what, constraint in CONSTRAINTS.items():
        max_tokens = least(model, constraint) + more
        asked: dict[str, Any] = {"n": 4, "max_tokens": max_tokens, "seed": more}
        if name == "best_of":
            asked["prefer"] = condit.prefer(lambda text: float(text.count("a")), 1.0)
        try:
            result = condit.generate(model, "a", constraint, sampler=SAMPLERS[name], **asked)
        except condit.errors.RejectedError:
            assert name == "exact"  # whole attempts are refused, but none for its length
            continue
        for sample in result.samples:
            if name in ("exact", "beam") and sample.finish_reason == "rejected":
                continue  # no attempt was accepted, or there are not so many texts
            assert sample.finish_reason == "stop", what
            assert constraint.accepts(sample.text)
            assert len(sample.tokens) <= max_tokens


@pytest.mark.parametrize("max_tokens", [30, 60])
def test_a_pit_that_opens_far_from_the_budget_is_not_entered(
    max_tokens: int, model: NgramModel
) -> None:
    needs = 8 * max_tokens
    pit = {"type": "array", "items": {"const": "b" * 10}, "minItems": needs // 10}
    constraint = condit.json_schema({"anyOf": [{"type": "string"}, pit]})
    for sampler in ("masked", "awrs", "smc", "learned"):
        asked: dict[str, Any] = {"n": 6, "max_tokens": max_tokens, "seed": 1, "sampler": sampler}
        result = condit.generate(model, "[", constraint, **asked)
        assert all(sample.text.startswith('"') for sample in result.samples)
        assert all(sample.valid for sample in result.samples)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_too_small_a_budget_is_an_error_before_the_first_token(
    name: str, model: NgramModel
) -> None:
    constraint = CONSTRAINTS[name]
    if least(model, constraint) == 1:
        constraint = condit.regex("abc(d|efg)")
    needed = least(model, constraint)
    steps: list[Any] = []
    for sampler in ("auto", "masked", "smc", "exact", "beam", "rejection"):
        with pytest.raises(BudgetError, match=f"takes {needed} tokens") as caught:
            condit.generate(
                model, "a", constraint, max_tokens=needed - 1, sampler=sampler, on_step=steps.append
            )
        assert caught.value.needed == needed
        assert caught.value.result is None
        assert f"Set max_tokens to {needed} or more" in str(caught.value)
    assert not steps


def test_far_from_the_budget_nothing_is_refused(model: NgramModel) -> None:
    """Draws are those of a run that knows no budget, to the last bit."""
    constraint = CONSTRAINTS["a record"]
    prompt = tuple(model.encode_prompt("a"))
    for kernel in (condit.AWRS(mask_after=None), condit.AWRS(looks=3, mask_after=None)):
        sampler = SMC(kernel=kernel)
        texts = []
        for finish in (False, True):
            problem = Problem(model, prompt, constraint, 4, 2000, finish=finish)
            rng = np.random.default_rng(3)
            state = sampler.init(problem, rng)
            for _ in range(60):
                state, _ = sampler.step(rng, state)
            texts.append([(lane.tokens, lane.log_weight) for lane in state.lanes])
        assert texts[0] == texts[1]
