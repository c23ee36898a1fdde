"""Drafts change how often the model is called, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

import condit
from condit.model.base import Model
from condit.sampler.base import Problem
from condit.speculate.recycling import forget
from condit.testing import World, check_sampler

TRAINED = [
    '{"name":"ann","age":31}',
    '{"name":"bob","age":4}',
    '{"name":"anna","age":44}',
    "name and age, age and name",
]
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 5}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
SAMPLERS: dict[str, condit.Sampler] = {
    "masked": condit.Masked(),
    "awrs": condit.AWRS(),
    "awrs, three looks": condit.AWRS(looks=3, mask_after=None),
    "smc, awrs": condit.SMC(kernel="awrs", threshold=0.9),
    "smc, masked": condit.SMC(kernel="masked", threshold=1.0, resampling="residual"),
}


@pytest.fixture(scope="module")
def model() -> condit.NgramModel:
    return condit.NgramModel.train(TRAINED, order=4, smoothing=0.2)


def signature(result: condit.Result) -> Any:
    """All that a result says about its draws, to the last bit."""
    draws = [[each._replace(guessed=False) for each in info.draws] for info in result.trace]
    steps = [(info.ends, info.checks, info.masks, info.ancestors) for info in result.trace]
    return result.samples, result.log_evidence, draws, steps


def draw(model: Model, drafts: bool | condit.Drafts, **arguments: Any) -> condit.Result:
    settings: dict[str, Any] = {"n": 5, "max_tokens": 40, **arguments}
    constraint = settings.pop("constraint", condit.json_schema(SCHEMA))
    return condit.generate(model, "name: ann ", constraint, drafts=drafts, **settings)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("temperature", [0.0, pytest.param(0.7, marks=pytest.mark.slow), 1.0])
def test_draws_and_weights_are_the_same_to_the_last_bit(
    model: condit.NgramModel, name: str, temperature: float
) -> None:
    for seed in range(5):
        arguments = {"sampler": SAMPLERS[name], "seed": seed, "temperature": temperature}
        plain, drafted = (draw(model, drafts, **arguments) for drafts in (False, True))
        if temperature == 0:
            assert [s.tokens for s in plain.samples] == [s.tokens for s in drafted.samples]
        else:
            assert signature(plain) == signature(drafted)
        assert drafted.stats.forwards <= plain.stats.forwards
        assert plain.stats.drafted == plain.stats.accepted == 0


@pytest.mark.parametrize("lanes", [1, 2, 9])
def test_at_any_number_of_lanes(model: condit.NgramModel, lanes: int) -> None:
    for seed in range(4):
        arguments = {"sampler": SAMPLERS["smc, awrs"], "seed": seed, "n": lanes}
        plain, drafted = (draw(model, drafts, **arguments) for drafts in (False, True))
        assert signature(plain) == signature(drafted)


LISTS = {
    "type": "object",
    "properties": {
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 4},
        "ages": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "name": {"type": "string", "maxLength": 5},
    },
    "required": ["tags", "name"],
    "additionalProperties": False,
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["masked", "awrs", condit.AWRS(looks=2, mask_after=None)])
@pytest.mark.parametrize("lanes", [2, 7])
def test_where_lanes_wait_for_each_other(kernel: str | condit.AWRS, lanes: int) -> None:
    texts = [
        '{"tags":["a","b","ann"],"name":"ann"}',
        '{"tags":[],"ages":[1,2],"name":"bob"}',
        '{"tags":["ann"],"ages":[31],"name":"x"}',
        '{"tags":["bob","bob"],"name":"bob"}',
    ]
    lists = condit.NgramModel.train(texts, order=5, smoothing=0.1)
    accepted = waited = together = 0
    for seed in range(6):
        settings: dict[str, Any] = {
            "constraint": condit.json_schema(LISTS),
            "sampler": condit.SMC(kernel, threshold=1.0),
            "seed": seed,
            "n": lanes,
            "max_tokens": 60,
        }
        plain, drafted = (draw(lists, drafts, **settings) for drafts in (False, True))
        assert signature(plain) == signature(drafted)
        assert drafted.stats.forwards <= plain.stats.forwards
        accepted += drafted.stats.accepted
        growing = set(range(lanes))
        for info in plain.trace:
            waited += len(growing) - len(info.draws)
            growing -= {ended.lane for ended in info.ends if ended.lane is not None}
            if info.ancestors:
                together += 1
                growing = {i for i, ancestor in enumerate(info.ancestors) if ancestor in growing}
    assert accepted > 0
    assert waited > 0
    assert together > 0


def test_with_a_preference_that_resamples(model: condit.NgramModel) -> None:
    def few_letters_a(text: str) -> float:
        return -float(text.count("a"))

    prefer = condit.prefer(few_letters_a, 2.0, partial=True)
    for seed in range(4):
        arguments = {"sampler": SAMPLERS["smc, awrs"], "seed": seed, "prefer": prefer}
        plain, drafted = (draw(model, drafts, **arguments) for drafts in (False, True))
        assert signature(plain) == signature(drafted)
        assert any(info.ancestors for info in plain.trace)


@pytest.mark.slow
@pytest.mark.usefixtures("assumed_costs")
@pytest.mark.parametrize("source", ["forced", "recycling", "lookup"])
def test_with_any_source_of_guesses(model: condit.NgramModel, source: str) -> None:
    nothing = condit.Drafts(forced=False, recycling=False, lookup=False)
    only = replace(nothing, **{source: True})
    forget(model)
    drafts_made = accepted = 0
    for seed in range(4):
        plain = draw(model, False, seed=seed, sampler="awrs")
        silent = draw(model, nothing, seed=seed, sampler="awrs")
        drafted = draw(model, only, seed=seed, sampler="awrs")
        assert signature(plain) == signature(silent) == signature(drafted)
        assert silent.stats.drafted == 0
        assert drafted.stats.accepted <= plain.stats.tokens
        drafts_made += drafted.stats.drafted
        accepted += drafted.stats.accepted
    assert drafts_made > 0
    assert accepted > 0


def test_without_a_constraint_and_at_the_budget(model: condit.NgramModel) -> None:
    for seed in range(10):
        plain, drafted = (
            draw(model, drafts, seed=seed, constraint=None, max_tokens=12, sampler="masked")
            for drafts in (False, True)
        )
        assert signature(plain) == signature(drafted)


@dataclass(frozen=True)
class Drafted(World):
    """A world in which samplers look ahead."""

    def problem(self, lanes: int) -> Problem:
        return replace(super().problem(lanes), drafts=condit.Drafts())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["awrs", "smc, awrs", "smc, masked"])
def test_the_law_of_drafted_draws_is_the_target(name: str, letters: condit.NgramModel) -> None:
    # By enumeration, with a false-alarm rate of 1e-6.
    world = Drafted(letters, condit.regex("(ab|ba|c)*"), "ab", 4)
    check_sampler(SAMPLERS[name], world, runs=400, lanes=3, false_alarm=1e-6)


@pytest.mark.model
@pytest.mark.usefixtures("assumed_costs")
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_smollm2_in_its_own_16_bits_with_resampling(smollm2: Model, temperature: float) -> None:
    constraint = condit.json_schema(SCHEMA)
    plain, drafted = (
        condit.generate(
            smollm2,
            "A person as JSON:",
            constraint,
            n=4,
            max_tokens=30,
            sampler=condit.SMC(kernel="awrs", threshold=0.8),
            temperature=temperature,
            seed=2,
            drafts=drafts,
        )
        for drafts in (False, True)
    )
    assert plain.samples == drafted.samples
    assert drafted.stats.accepted > 0
    assert drafted.stats.forwards < plain.stats.forwards
