"""Tries with hardly any room: one token kept at a node, and nodes that go as soon as they may.

Each check is a bet that is fair if the draws are what they should be (see ``condit.testing.laws``):
a correct sampler fails it with a chance of at most 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from test_unbiased import world_of

import condit
from condit import SMC, ASAp, BestOf, Exact, Learned
from condit.model.base import Model
from condit.report import Guarantee
from condit.sampler.base import Problem, Sampler
from condit.sampler.trie import Trie
from condit.testing import World, check_sampler
from condit.testing.laws import p_values_of_means
from condit.testing.samplers import run_to_the_end

LIMITS: dict[str, Callable[[], Trie]] = {
    "one token": lambda: Trie(most_tokens=1),
    "two tokens": lambda: Trie(most_tokens=2),
    "no memory": lambda: Trie(most_bytes=1),
    "one token, no memory": lambda: Trie(most_bytes=1, most_tokens=1),
    "one token, a few nodes": lambda: Trie(most_bytes=6_000, most_tokens=1),
}


@dataclass(frozen=True)
class TightWorld:
    """A world whose problems come with a trie of that kind: a new one each, or one for all."""

    world: World
    trie: Callable[[], Trie]
    kept: list[Trie] = field(default_factory=list)

    @property
    def model(self) -> Model:
        return self.world.model

    @property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        return self.world.probabilities

    @property
    def evidence(self) -> float:
        return self.world.evidence

    def problem(self, lanes: int) -> Problem:
        trie = self.kept[0] if self.kept else self.trie()
        return replace(self.world.problem(lanes), trie=trie)


SAMPLERS: list[Sampler] = [
    Exact(width=1, beginnings=0),
    Exact(width=2, beginnings=0),
    Exact(width=8, beginnings=0),
    Learned(),
    SMC(kernel="learned", threshold=1.0),
    condit.Auto(),
    ASAp(width=1),
    ASAp(width=4),
    BestOf(of=2, kernel="learned"),
]


TIGHT = [limit for limit in LIMITS if limit.startswith("one token")]


@pytest.mark.slow
@pytest.mark.parametrize("limit", TIGHT)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_samplers_keep_their_promise(sampler: Sampler, limit: str) -> None:
    world = TightWorld(world_of("regex of low mass"), LIMITS[limit])
    check_sampler(sampler, world, runs=50, lanes=3)


def shares(sampler: Sampler, world: TightWorld, runs: int, lanes: int) -> np.ndarray:
    """Evidence of each run, and for each text the weight (or share of draws) it had."""
    columns = {tokens: column for column, tokens in enumerate(world.probabilities, start=1)}
    exact = sampler.guarantee is Guarantee.EXACT
    found = np.zeros((runs, len(columns) + 1))
    for run in range(runs):
        state = run_to_the_end(sampler, world, lanes, run)
        for lane in state.lanes:
            weight = 1.0 if exact else math.exp(lane.log_weight + state.log_evidence)
            if lane.log_weight > -math.inf:
                found[run, columns[tuple(lane.tokens)]] += weight / lanes
                found[run, 0] += weight / lanes
    return found


@pytest.mark.slow
@pytest.mark.parametrize("limit", TIGHT)
@pytest.mark.parametrize(
    "sampler",
    [Exact(width=1, beginnings=0), Exact(width=5, beginnings=0), Learned(), SMC(kernel="learned")],
    ids=repr,
)
def test_one_trie_for_all_runs(sampler: Sampler, limit: str) -> None:
    """As a memory has it: what earlier runs knew, and lost, is no bias."""
    world = TightWorld(world_of("regex of low mass"), LIMITS[limit], [LIMITS[limit]()])
    truth = np.array([world.evidence, *world.probabilities.values()])
    if sampler.guarantee is Guarantee.EXACT:
        truth = truth / world.evidence
    found = shares(sampler, world, runs=150, lanes=2)
    assert p_values_of_means(found, truth).min() > 1e-6 / len(truth)
    assert world.kept[0].log_bound > math.log(world.evidence) - 1e-6


@cache
def spread_out() -> World:
    """Three texts of one token, two of which a node with room for one does not keep."""
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "d"])
    model = condit.NgramModel.train(
        ["a"] * 9 + ["b"] * 8 + ["c"] * 5 + ["d"] * 2, vocabulary=vocabulary, smoothing=0.1
    )
    return World(model, condit.regex("[abc]"), "", 1)


@pytest.mark.parametrize("width", [2, 8])
@pytest.mark.parametrize("limit", LIMITS)
def test_attempts_side_by_side_do_not_share_out_the_rest(width: int, limit: str) -> None:
    """Pairs of draws come by the product of their laws, the same text twice included."""
    world = TightWorld(spread_out(), LIMITS[limit])
    texts = list(world.probabilities)
    truth = np.array([world.probabilities[text] for text in texts]) / world.evidence
    pairs = np.zeros((250, len(texts) ** 2))
    for run in range(len(pairs)):
        lanes = run_to_the_end(Exact(width, beginnings=0), world, 2, run).lanes
        first, second = (texts.index(tuple(lane.tokens)) for lane in lanes)
        pairs[run, len(texts) * first + second] = 1
    expected = np.outer(truth, truth).ravel()
    assert p_values_of_means(pairs, expected).min() > 1e-6 / len(expected)
