"""SmolLM2 itself, along finite languages whose posterior is known: the bend, and its removal.

The model is walked once through each language in 32 bits; samplers then run on its recorded laws.
Bets and simulations have a chance of at most 1e-6 to fail a correct sampler.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import condit
from condit import SMC, Exact, Learned
from condit.sampler.trie import Trie
from condit.testing import FiniteWorld, check_sampler, total_variation
from condit.testing.laws import p_values_of_means
from condit.testing.samplers import run_to_the_end

pytestmark = pytest.mark.model

PROMPTS: dict[str, tuple[str, condit.Constraint, int]] = {
    "yes or no": (
        "Should I bring an umbrella today? Answer yes, no or maybe.",
        condit.choice("Yes", "No", "Maybe", "yes", "no", "maybe"),
        5,
    ),
    "enum": (
        "It may rain later. Answer in JSON, with sky: sun, rain or fog.",
        condit.json_schema(
            {
                "type": "object",
                "properties": {"sky": {"enum": ["sun", "rain", "fog"]}},
                "required": ["sky"],
                "additionalProperties": False,
            }
        ),
        6,
    ),
}


@pytest.fixture(scope="module")
def worlds(smollm2_in_32_bits: condit.Model) -> dict[str, FiniteWorld]:
    return {
        name: FiniteWorld.walk(
            smollm2_in_32_bits, constraint, [{"role": "user", "content": question}], longest
        )
        for name, (question, constraint, longest) in PROMPTS.items()
    }


@pytest.mark.parametrize("name", PROMPTS)
def test_masking_bends_and_exact_draws_do_not(worlds: dict[str, FiniteWorld], name: str) -> None:
    world = worlds[name]
    # Known without noise: 0.29 and 0.06.
    assert total_variation(world.masked_law, world.posterior) > 0.05
    check_sampler(Exact(), world, runs=100, lanes=4)


@pytest.mark.parametrize("draws", [1, 20, 400])
def test_exact_draws_are_as_far_as_perfect_ones(
    worlds: dict[str, FiniteWorld], draws: int, rng: np.random.Generator
) -> None:
    """Total variation against that of as many perfect draws, at 1e-4 (fixed seeds)."""
    for world in worlds.values():
        lanes = run_to_the_end(Exact(), world, draws, seed=draws).lanes
        found = Counter(tuple(lane.tokens) for lane in lanes)
        truth = world.posterior
        law = {text: count / draws for text, count in found.items()}
        distance = total_variation(law, truth)
        perfect = rng.multinomial(draws, np.array(list(truth.values())), size=30_000) / draws
        distances = np.abs(perfect - np.array(list(truth.values()))).sum(axis=1) / 2
        assert (distances >= distance - 1e-9).mean() > 1e-4


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("sampler", [Learned(), SMC(kernel="learned"), SMC(kernel="awrs")])
def test_weights_are_unbiased(
    worlds: dict[str, FiniteWorld], name: str, sampler: condit.Sampler
) -> None:
    check_sampler(sampler, worlds[name], runs=200)


def test_a_memory_does_not_bias_the_evidence(worlds: dict[str, FiniteWorld]) -> None:
    """200 runs of 4 calls: the mean of ``Ẑ``, relative to what it can be at most, is ``Z``."""
    world = worlds["yes or no"]
    first = Trie()
    run_with(world, first, 0)
    assert first.root is not None
    most = np.exp(first.root.log_allowed)  # the mass of the allowed first tokens
    evidences = np.zeros((200, 4))
    for run in range(200):
        trie = Trie()
        for call in range(4):
            evidences[run, call] = run_with(world, trie, 10 * run + call)
    p_values = p_values_of_means(evidences / most, np.full(4, world.evidence / most))
    assert p_values.min() > 1e-6 / 4
    assert evidences[:, 3].std() < evidences[:, 0].std()


def run_with(world: FiniteWorld, trie: Trie, seed: int) -> float:
    rng = np.random.default_rng(seed)
    sampler = SMC(kernel="learned")
    state = sampler.init(replace(world.problem(4), trie=trie), rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return float(np.exp([lane.log_weight + state.log_evidence for lane in state.lanes]).mean())
