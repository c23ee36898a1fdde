"""Exact draws are exact: at any number of draws, of attempts at a time, and while memory is short.

Each check is a bet that is fair if the draws are exact (see ``condit.testing.laws``): a correct
sampler fails it with a chance of at most 1e-6.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from test_unbiased import WORLDS, letters_world, world_of

import condit
from condit import ASAp, Exact, Learned
from condit.prefer.score import prefer
from condit.sampler.base import Problem, State
from condit.sampler.node import Node
from condit.sampler.trie import Trie
from condit.sampler.trie_attempts import TrieAttemptsState, TrieTrial
from condit.testing import BrokenLawError, World, check_sampler
from condit.testing.laws import p_values_of_means
from condit.testing.samplers import run_to_the_end


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(("width", "lanes"), [(1, 1), (8, 1), (8, 5), (64, 20)])
def test_draws_are_exact(width: int, lanes: int, name: str) -> None:
    check_sampler(Exact(width, beginnings=0), world_of(name), runs=400 // lanes, lanes=lanes)


@pytest.mark.parametrize(
    ("sampler", "runs"), [(Exact(), 250), (Exact(beginnings=0), 1000)], ids=str
)
def test_draws_are_independent(sampler: Exact, runs: int) -> None:
    """The second draw of a run does not know the first: pairs come by the product of their laws."""
    world = world_of("regex of low mass")
    texts = list(world.probabilities)[:6]
    truth = np.array([world.probabilities[text] / world.evidence for text in texts])
    pairs = np.zeros((runs, 36))
    for run in range(runs):
        first, second = (
            tuple(lane.tokens) for lane in run_to_the_end(sampler, world, 2, run).lanes
        )
        if first in texts and second in texts:
            pairs[run, 6 * texts.index(first) + texts.index(second)] = 1
    assert p_values_of_means(pairs, np.outer(truth, truth).ravel()).min() > 1e-6 / 36


@dataclass(frozen=True)
class InOrderOfEnding(Exact):
    """Takes accepted attempts as they end: short texts end first."""

    def _settle(self, state: TrieAttemptsState) -> None:
        renumbered = {
            state.attempts + rank: trial for rank, trial in enumerate(state.ended.values())
        }
        state.ended = renumbered
        super()._settle(state)


@dataclass(frozen=True)
class NoCoin(Exact):
    """Trusts bounds that have come down since they were seen."""

    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        trial.log_assumed = node.log_bound()
        return super().advance(state, trial, node)


@pytest.mark.parametrize(
    "sampler", [InOrderOfEnding(width=32, beginnings=0), NoCoin(beginnings=0)], ids=repr
)
def test_the_check_notices_draws_that_are_nearly_exact(sampler: Exact) -> None:
    world = letters_world(condit.regex("(ab|ba|c)*"), smoothing=100)
    with pytest.raises(BrokenLawError):
        check_sampler(sampler, world, runs=400, lanes=1)


def test_asap_begins_as_masking_and_comes_near_the_target() -> None:
    """With ``N`` draws from ``p`` the distance found is off by more than
    ``Σ sqrt(p/N)/2 + sqrt(log(1e6)/2N)`` with a chance of at most 1e-6 (McDiarmid)."""
    world = world_of("regex of low mass")
    truth = {tokens: p / world.evidence for tokens, p in world.probabilities.items()}
    draws = 4000

    def distance(found: Counter[tuple[int, ...]]) -> float:
        return sum(abs(found[text] / draws - p) for text, p in truth.items()) / 2

    spread = sum(math.sqrt(p / draws) for p in truth.values()) / 2
    noise = spread + math.sqrt(math.log(1e6) / (2 * draws))
    masked = run_to_the_end(condit.Masked(), world, draws, 0)
    alone = Counter(
        tuple(run_to_the_end(ASAp(), world, 1, s).lanes[0].tokens) for s in range(draws)
    )
    after = run_to_the_end(ASAp(), world, draws, 0)
    bent = distance(Counter(tuple(lane.tokens) for lane in masked.lanes))
    assert abs(distance(alone) - bent) < 2 * noise
    assert distance(Counter(tuple(lane.tokens) for lane in after.lanes)) < bent - 2 * noise
    assert after.log_evidence == pytest.approx(math.log(world.evidence), abs=0.05)


def run_problem(sampler: condit.Sampler, problem: Problem, seed: int) -> State:
    rng = np.random.default_rng(seed)
    state = sampler.init(problem, rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return state


@pytest.mark.parametrize("sampler", [Learned(), condit.SMC(kernel="learned")], ids=repr)
@pytest.mark.parametrize("name", WORLDS)
def test_learned_weights_are_unbiased_from_the_first_call_on(
    sampler: condit.Sampler, name: str
) -> None:
    check_sampler(sampler, world_of(name), runs=200)


@pytest.mark.parametrize("most_bytes", [2**28, 8_000], ids=["roomy", "tight"])
def test_learned_weights_stay_unbiased_over_calls(most_bytes: int) -> None:
    """The z-test of the issue, as a bet: the evidence of the k-th call with one memory."""
    world = world_of("regex of low mass")
    evidences = np.zeros((250, 5))
    bounds = []
    for run in range(250):
        trie = Trie(most_bytes)
        problem = replace(world.problem(4), trie=trie)
        for call in range(5):
            state = run_problem(condit.SMC(kernel="learned"), problem, 100 * run + call)
            log_weights = [lane.log_weight + state.log_evidence for lane in state.lanes]
            evidences[run, call] = np.exp(log_weights).mean()
            bounds.append(trie.log_bound)
    assert p_values_of_means(evidences, np.full(5, world.evidence)).min() > 1e-6 / 5
    assert min(bounds) > math.log(world.evidence) - 1e-9
    if most_bytes == 2**28:
        assert evidences[:, 4].std() < 0.7 * evidences[:, 0].std()


def test_exact_draws_stay_exact_while_nodes_are_evicted() -> None:
    world = world_of("regex of low mass")
    trie = Trie(most_bytes=8_000)

    @dataclass(frozen=True)
    class Tight(Exact):
        def init(self, problem: Problem, rng: np.random.Generator) -> TrieAttemptsState:
            return super().init(replace(problem, trie=trie), rng)

    check = Tight(width=4)
    # One memory for all runs: the same seed need not draw the same again.
    truth = np.array([p / world.evidence for p in world.probabilities.values()])
    texts = list(world.probabilities)
    shares = np.zeros((600, len(texts)))
    for run in range(600):
        for lane in run_to_the_end(check, world, 2, run).lanes:
            shares[run, texts.index(tuple(lane.tokens))] += 0.5
        assert trie.log_bound > math.log(world.evidence) - 1e-9
    assert p_values_of_means(shares, truth).min() > 1e-6 / len(texts)
    assert trie.bytes < 12_000


def test_the_evidence_of_exact_draws_is_consistent_and_bounded() -> None:
    for name in WORLDS:
        world: World = world_of(name)
        state = run_to_the_end(Exact(beginnings=0), world, 1500, seed=0)
        assert state.log_evidence_error is not None
        off = state.log_evidence - math.log(world.evidence)
        assert abs(off) < 4.9 * state.log_evidence_error
        assert state.findings().log_bound is not None
        assert state.findings().log_bound > math.log(world.evidence) - 1e-9
        assert state.accepted == 1500
        assert state.attempts < 1800


def test_estimates_never_rule_out_what_was_not_tried() -> None:
    """All that is known may have come to nothing, and the one valid text lie elsewhere."""
    vocabulary = condit.Vocabulary.of(["a", "b", "c"])
    texts = ["aaa", "ba", "bc", "aab"]
    model = condit.NgramModel.train(texts, vocabulary=vocabulary, order=2, smoothing=1.0)
    world = World(model, condit.regex("aaa|ba"), prompt="c", max_tokens=2)
    assert len(world.probabilities) == 1
    evidences = np.zeros((400, 3))
    for run in range(400):
        problem = replace(world.problem(1), trie=Trie())
        for call in range(3):
            state = run_problem(Learned(), problem, 1000 * run + call)
            evidences[run, call] = math.exp(state.lanes[0].log_weight)
    most = evidences.max()
    means = np.full(3, world.evidence)
    assert most < 20 * world.evidence
    scaled = p_values_of_means(evidences / (20 * world.evidence), means / (20 * world.evidence))
    assert scaled.min() > 1e-6 / 3


def test_the_trie_knows_nothing_of_preferences() -> None:
    world = world_of("regex of low mass")
    trie = Trie()
    never_b = prefer(lambda text: -math.inf if "b" in text else 0.0, partial=True)
    for seed in range(20):
        problem = replace(world.problem(4), trie=trie, preference=never_b)
        run_problem(condit.SMC(kernel="learned"), problem, seed)
        assert trie.log_bound > math.log(world.evidence) - 1e-9


def test_the_evidence_stays_within_what_is_sure() -> None:
    """Where nearly all attempts are made in vain before anything is known."""
    model = condit.load("ngram")
    options = condit.choice("yes", "no")
    for seed in range(20):
        result = condit.generate(
            model, "The answer is ", options, n=8, max_tokens=4, sampler="exact", seed=seed
        )
        report = result.report
        assert report.log_upper_bound is not None
        assert report.log_lower_bound - 1e-9 <= result.log_evidence <= report.log_upper_bound
