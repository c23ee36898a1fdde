"""The law of best-of-N is known exactly from the law of one candidate, and is compared with it.

Frequencies are tested by chi-square with cells of less than 10 expected draws pooled, means by bets
(see ``condit.testing.laws``); in both the chance that a correct sampler fails is at most 1e-6.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import chisquare
from test_unbiased import WORLDS, world_of

from condit import AWRS, BestOf
from condit.constraint.base import Matcher
from condit.prefer.base import Preference
from condit.sampler.base import Problem, State
from condit.sampler.best_of import kl_bound, kl_of_yes_or_no
from condit.sampler.local import Kernel
from condit.testing import World, check_sampler, kullback_leibler
from condit.testing.laws import p_values_of_means
from condit.weights import log_mean_exp

Text = tuple[int, ...]
Law = dict[Text | None, float]
"""Probabilities of token sequences; ``None`` stands for what ends in vain."""


class Preferring(Preference):
    """Log weights from a function of the text."""

    def __init__(self, score: Callable[[str], float]) -> None:
        self.score = score

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        return [self.score(text) for text in texts]


PREFERENCES = {
    "many ties": Preferring(lambda text: -float(len(text) % 3)),
    "hardly any ties": Preferring(lambda text: -0.37 * (hash_of(text) % 1000) / 1000 - 0.1),
    "never an even length": Preferring(lambda text: 0.0 if len(text) % 2 else -math.inf),
}


def hash_of(text: str) -> int:
    return sum((place + 1) * 7919 * ord(letter) for place, letter in enumerate(text))


@cache
def masked_law(name: str) -> Law:
    """The exact law of one masked candidate."""
    world = world_of(name)
    law: Law = {None: 0.0}

    def walk(prefix: Text, matcher: Matcher, reached: float) -> None:
        end = world.model.vocabulary.end
        if len(prefix) == world.max_tokens:
            if matcher.allows(end):
                law[prefix] = reached
            else:
                law[None] += reached
            return
        laws = world.next_token(prefix)
        allowed = [t for t in range(len(laws)) if laws[t] > 0 and matcher.allows(t)]
        total = math.fsum(laws[token] for token in allowed)
        if not allowed:
            law[None] += reached
        for token in allowed:
            mass = reached * float(laws[token]) / total
            if token == end:
                law[prefix] = mass
                continue
            further = matcher.copy()
            further.advance(token)
            walk((*prefix, token), further, mass)

    walk((), world.constraint.bind(world.model.vocabulary), 1.0)
    assert math.fsum(law.values()) == pytest.approx(1)
    return law


def judged(law: Law, world: World, preference: Preference) -> tuple[Law, dict[Text, float]]:
    """The law with what is never preferred in vain too, and ``log φ`` of the rest."""
    scores = {
        tokens: preference.log_weights([world.model.decode(tokens)])[0]
        for tokens in law
        if tokens is not None
    }
    scores = {tokens: score for tokens, score in scores.items() if score > -math.inf}
    kept: Law = {tokens: law[tokens] for tokens in scores}
    return {**kept, None: 1 - math.fsum(kept.values())}, scores


def best_of_law(law: Law, scores: dict[Text, float], of: int) -> Law:
    """What wins among ``of`` candidates: the first of the highest ``φ``, unless all are in vain."""
    levels = defaultdict(list)
    for tokens, score in scores.items():
        levels[score].append(tokens)
    below = law[None]
    best: Law = {None: below**of}
    for _, texts in sorted(levels.items()):
        mass = math.fsum(law[tokens] for tokens in texts)
        won = (below + mass) ** of - below**of
        best |= {tokens: won * law[tokens] / mass for tokens in texts}
        below += mass
    assert math.fsum(best.values()) == pytest.approx(1)
    return best


def winners(state: State) -> list[Text | None]:
    return [tuple(x.tokens) if x.log_weight > -math.inf else None for x in state.lanes]


def run(sampler: BestOf, problem: Problem, seed: int) -> State:
    rng = np.random.default_rng(seed)
    state: State = sampler.init(problem, rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return state


def p_value(drawn: Sequence[Text | None], law: Law) -> float:
    counts = Counter(drawn)
    assert counts.keys() <= law.keys()
    expected = {cell: len(drawn) * mass for cell, mass in law.items()}
    # The cells with less than 10 are pooled, and more if the pool has less than that.
    cells = sorted(expected, key=expected.__getitem__)
    pooled = sum(mass < 10 for mass in expected.values())
    while pooled and math.fsum(expected[cell] for cell in cells[:pooled]) < 10:
        pooled += 1
    groups = [group for group in (cells[:pooled], *([cell] for cell in cells[pooled:])) if group]
    observed = [sum(counts[cell] for cell in group) for group in groups]
    means = [math.fsum(expected[cell] for cell in group) for group in groups]
    assert len(groups) > 1
    return float(chisquare(observed, means).pvalue)


@pytest.mark.parametrize(
    ("name", "preferred", "kernel"),
    [
        *((name, "many ties", "masked") for name in WORLDS),
        ("regex of low mass", "hardly any ties", "masked"),
        ("regex of low mass", "never an even length", "masked"),
        ("regex of low mass", "hardly any ties", AWRS(looks=2, mask_after=None)),
    ],
)
def test_the_law_of_the_best_candidate(name: str, preferred: str, kernel: str | Kernel) -> None:
    world, preference = world_of(name), PREFERENCES[preferred]
    law = best_of_law(*judged(masked_law(name), world, preference), 4)
    problem = replace(world.problem(400), preference=preference)
    assert p_value(winners(run(BestOf(of=4, kernel=kernel), problem, 1)), law) > 1e-6


def test_the_check_notices_another_number_of_candidates() -> None:
    name, preference = "regex of low mass", PREFERENCES["many ties"]
    world = world_of(name)
    law = best_of_law(*judged(masked_law(name), world, preference), 4)
    problem = replace(world.problem(400), preference=preference)
    assert p_value(winners(run(BestOf(of=2, kernel="masked"), problem, 3)), law) < 1e-6


@pytest.mark.parametrize("kernel", ["masked", "awrs", "learned"])
def test_the_evidence_with_a_preference_is_unbiased(kernel: str) -> None:
    world, preference = world_of("regex of low mass"), PREFERENCES["never an even length"]
    problem = replace(world.problem(2), preference=preference)
    truth = math.fsum(
        mass * math.exp(preference.log_weights([world.model.decode(tokens)])[0])
        for tokens, mass in world.probabilities.items()
    )
    estimates = np.zeros((150, 1))
    for index in range(len(estimates)):
        state = run(BestOf(of=3, kernel=kernel), problem, index)
        assert {lane.log_weight for lane in state.lanes} <= {0.0, -math.inf}
        estimates[index] = math.exp(
            log_mean_exp([lane.log_weight + state.log_evidence for lane in state.lanes])
        )
    assert p_values_of_means(estimates, np.array([truth]))[0] > 1e-6


@pytest.mark.parametrize("name", WORLDS)
def test_judged_by_the_constraint_alone_winners_are_exact_draws(name: str) -> None:
    """Both the evidence and the frequencies are unbiased then."""
    check_sampler(BestOf(of=3), world_of(name), runs=100, lanes=3)


@pytest.mark.parametrize("preferred", PREFERENCES)
@pytest.mark.parametrize("name", WORLDS)
def test_the_bound_on_the_divergence_holds(name: str, preferred: str) -> None:
    world, preference = world_of(name), PREFERENCES[preferred]
    law, scores = judged(masked_law(name), world, preference)
    for of in (1, 2, 3, 8, 100):
        best = best_of_law(law, scores, of)
        # With what is in vain as an outcome, and among winners only.
        assert kullback_leibler(best, law) <= kl_bound(of) + 1e-9
        assert kullback_leibler(_good(best), _good(law)) <= kl_bound(of) + 1e-9
    assert kl_bound(1) == 0


def _good(law: Law) -> Law:
    return {cell: mass / (1 - law[None]) for cell, mass in law.items() if cell is not None}


@pytest.mark.parametrize("name", WORLDS)
def test_the_divergence_for_yes_or_no_is_exact(name: str) -> None:
    world = world_of(name)
    law, scores = judged(world.probabilities, world, Preferring(lambda _: 0.0))
    assert law[None] == pytest.approx(1 - world.evidence)
    for of in (1, 2, 8, 1000):
        divergence = kl_of_yes_or_no(of, world.evidence)
        best = best_of_law(law, scores, of)
        assert kullback_leibler(best, law) == pytest.approx(divergence, abs=1e-9)
        assert divergence <= kl_bound(of) + 1e-12
