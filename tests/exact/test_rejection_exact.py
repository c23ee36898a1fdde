"""Rejection against worlds whose posterior is known: exact draws, and weighted ones.

Tests of means and frequencies fail a correct sampler with probability at most 1e-6 each.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

import condit
from condit import NgramModel, Rejection, Vocabulary
from condit.prefer.score import prefer
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.sampler.rejection import RejectionState
from condit.testing import World, check_sampler
from condit.testing.laws import p_values_of_means
from condit.weights import log_share

TOKENS = ["a", "b", "c", "ab", "bc", "a"]
TEXTS = ["abcab", "bca", "aabbcc", "cab", "abab", "ca", "bab", "a", "aca"]


def letters(*texts: str, vocabulary: Vocabulary | None = None) -> NgramModel:
    vocabulary = vocabulary or Vocabulary.of(TOKENS)
    return NgramModel.train(texts or TEXTS, vocabulary=vocabulary, order=3, smoothing=1.5)


def world_of(pattern: str, law: BaseLaw | None = None) -> World:
    return World(letters(), condit.regex(pattern), "ab", 3, law or BaseLaw())


def run(sampler: Rejection, problem: Problem, lanes: int, seed: int) -> RejectionState:
    rng = np.random.default_rng(seed)
    state = sampler.init(dataclasses.replace(problem, lanes=lanes), rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
        assert isinstance(state, RejectionState)
    return state


def p_value_of_counts(
    found: Counter[tuple[int, ...]], masses: dict[tuple[int, ...], float]
) -> float:
    """Chi-square; the rarest texts are counted together, so that no cell expects less than 5."""
    assert set(found) <= set(masses)
    total, evidence = found.total(), math.fsum(masses.values())
    cells, rare = [], np.zeros(2)
    for text, mass in sorted(masses.items(), key=lambda item: item[1]):
        cell = np.array([found[text], total * mass / evidence])
        if cell[1] < 5 or rare[1] < 5:
            rare += cell
        else:
            cells.append(cell)
    observed, expected = np.array([rare, *cells]).T
    return float(chisquare(observed, expected).pvalue)


WORLDS = {
    "several spellings": lambda: world_of("(ab|ba|c)*"),
    "some attempts too long": lambda: world_of("(ca?)+b?"),
    "temperature": lambda: world_of("[^b]*|b+c?", BaseLaw(temperature=0.7)),
}


@pytest.mark.parametrize("name", WORLDS)
def test_draws_and_evidence_are_exact(name: str) -> None:
    world = WORLDS[name]()
    assert 0.1 < world.evidence < 0.95
    # If lanes were filled by the attempts that end first, short texts would gain.
    check_sampler(Rejection(width=8), world, runs=120, lanes=2)
    state = run(Rejection(width=32), world.problem(1), lanes=1000, seed=1)
    assert {lane.log_weight for lane in state.lanes} == {0.0}
    found = Counter(tuple(lane.tokens) for lane in state.lanes)
    assert p_value_of_counts(found, world.probabilities) > 1e-6


def test_the_plain_share_of_accepted_attempts_would_be_noticed() -> None:
    world = world_of("(ca?)+b?")
    tried = [run(Rejection(), world.problem(1), 2, seed).attempts for seed in range(150)]
    truth = np.array([world.evidence])
    plain = np.array([[2 / attempts] for attempts in tried])
    assert p_values_of_means(plain, truth).min() < 1e-6
    better = np.exp([[log_share(2, attempts, 2)] for attempts in tried])
    assert p_values_of_means(better, truth).min() > 1e-6


def test_near_the_budget_the_target_is_that_of_other_samplers() -> None:
    world = world_of("(b|ca|cb)*(aab|c)")
    problem = dataclasses.replace(world.problem(1), finish=True)
    root = problem.bind()
    assert root is not None
    end = world.model.vocabulary.end

    def kept(tokens: tuple[int, ...]) -> bool:
        matcher = root.copy()
        for token in (*tokens, end):
            if not matcher.allows(token):
                return False
            matcher.advance(token)
        return True

    masses = {tokens: mass for tokens, mass in world.probabilities.items() if kept(tokens)}
    assert 5 < len(masses) <= len(world.probabilities)
    state = run(Rejection(width=16), problem, lanes=60, seed=0)
    assert p_value_of_counts(Counter(tuple(lane.tokens) for lane in state.lanes), masses) > 1e-6


PREFERENCE = prefer(lambda text: -0.5 * len(text))

# Chosen so that no text weighs much: then few draws tell a right mean from a wrong one.
PROPOSALS = {
    "another prompt": Rejection(prompt="bc"),
    "another model": Rejection(model=letters("abca", "abcb", "abc", "abcab", "abcac"), width=1),
    "both": Rejection(prompt="b", model=letters("cab", "aca", "caca", "ab"), width=3),
}


def masses_of(sampler: Rejection, world: World) -> NDArray[np.float64]:
    """``p(x)`` and ``a'(x)`` of every valid text, by enumeration; shape ``(2, texts)``."""
    model = sampler.model if isinstance(sampler.model, NgramModel) else world.model
    prompt = (
        world.prompt
        if sampler.prompt is None
        else model.decode(model.encode_prompt(sampler.prompt))
    )
    proposal = World(model, world.constraint, prompt, world.max_tokens, world.law).probabilities
    return np.array([[mass, proposal[text]] for text, mass in world.probabilities.items()]).T


@pytest.mark.parametrize("name", PROPOSALS)
@pytest.mark.parametrize("preferred", [False, True])
def test_weights_make_up_for_the_proposal(name: str, preferred: bool) -> None:
    world, sampler = world_of("(ca?)+b?", BaseLaw(temperature=0.9)), PROPOSALS[name]
    masses, proposed = masses_of(sampler, world)
    assert np.abs(masses / masses.sum() - proposed / proposed.sum()).sum() > 0.1
    problem = world.problem(1)
    if preferred:
        texts = [world.model.decode(tokens) for tokens in world.probabilities]
        masses = masses * np.exp(PREFERENCE.log_weights(texts))
        problem = dataclasses.replace(problem, preference=PREFERENCE)
    columns = {tokens: column for column, tokens in enumerate(world.probabilities)}
    runs, lanes = 120, 3
    estimates = np.zeros((runs, len(masses) + 1))
    for seed in range(runs):
        state = run(sampler, problem, lanes, seed)
        for lane in state.lanes:
            weight = math.exp(lane.log_weight + state.log_evidence) / lanes
            estimates[seed, columns[tuple(lane.tokens)]] += weight
    estimates[:, -1] = estimates.sum(axis=1)
    most = 1.001 * (masses / proposed).max()  # no weight is more, and no share more than 1
    p_values = p_values_of_means(estimates / most, np.append(masses, masses.sum()) / most)
    assert p_values.min() > 1e-6 / len(p_values)


@pytest.mark.parametrize("name", ["another prompt", "both"])
def test_divergences_and_error_are_told(name: str) -> None:
    world, sampler = world_of("(ca?)+b?"), PROPOSALS[name]
    masses, proposed = masses_of(sampler, world)
    target, drawn = masses / masses.sum(), proposed / proposed.sum()
    to_draws = float(target @ np.log(target / drawn))
    to_proposal = float(target @ np.log(target / proposed))
    assert to_draws > 0.03
    lanes = 500
    state = run(sampler, world.problem(1), lanes, seed=5)
    # Standard error of the self-normalised estimate, by the delta method.
    ratios = target / drawn
    influence = ratios * np.log(ratios) - to_draws * ratios - (ratios - 1)
    error = math.sqrt(float(drawn @ influence**2) / lanes)
    log_rate_error = math.sqrt((1 - proposed.sum()) / lanes)
    assert state.notes["kl_to_draws"] == pytest.approx(to_draws, abs=4.9 * error + 1 / lanes)
    assert state.notes["log_acceptance_rate"] == pytest.approx(
        math.log(proposed.sum()), abs=4.9 * log_rate_error
    )
    assert state.notes["kl_to_proposal"] == pytest.approx(
        to_proposal, abs=4.9 * (error + log_rate_error) + 1 / lanes
    )
    # The error that is told is that of the mean of all attempts' weights, the refused ones at 0.
    truth = math.sqrt(
        (float(masses @ (masses / proposed)) / masses.sum() ** 2 - 1) / state.attempts
    )
    assert state.log_evidence_error == pytest.approx(truth, rel=0.2)


def test_a_model_that_ends_by_another_token() -> None:
    """What either model calls an end is one, and the target's own end is drawn."""
    spelled = [*Vocabulary.of(TOKENS).bytes, b""]
    target = letters(vocabulary=Vocabulary(spelled, end=6))
    proposal = letters("abca", "cb", "abc", "ca", vocabulary=Vocabulary(spelled, end=7))
    world = World(target, condit.regex("(ca?)+b?"), "ab", 3)
    lanes = 400
    state = run(Rejection(model=proposal), world.problem(1), lanes, seed=2)
    proposed = {tokens: joint_end_mass(proposal, tokens) for tokens in world.probabilities}
    found = Counter(tuple(lane.tokens) for lane in state.lanes)
    assert p_value_of_counts(found, proposed) > 1e-6
    rate = math.fsum(proposed.values())
    # Within 4.9 standard errors: 1e-6, in the normal approximation.
    off = 4.9 * math.sqrt((1 - rate) / lanes)
    assert state.notes["log_acceptance_rate"] == pytest.approx(math.log(rate), abs=off)
    for lane in state.lanes:
        tokens = tuple(lane.tokens)
        weight = world.probabilities[tokens] / proposed[tokens]
        assert lane.log_weight == pytest.approx(math.log(weight), abs=1e-5)


def joint_end_mass(proposal: NgramModel, tokens: tuple[int, ...]) -> float:
    """``a'`` of a text, either end token taken for the end."""
    prefix, mass = proposal.encode("ab"), 1.0
    for token in tokens:
        mass *= math.exp(float(proposal.logits(prefix)[token]))
        prefix = [*prefix, token]
    return mass * float(np.exp(proposal.logits(prefix)[[6, 7]]).sum())


def test_draws_do_not_depend_on_the_width() -> None:
    problem = world_of("(ca?)+b?").problem(1)
    states = [run(Rejection(width=width), problem, 5, seed=4) for width in (1, 3, 64)]
    drawn = [[lane.tokens for lane in state.lanes] for state in states]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len({(state.attempts, state.log_evidence) for state in states}) == 1
