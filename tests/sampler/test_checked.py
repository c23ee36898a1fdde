"""Draws inside an outline: exact tokens, unbiased weights, and how few checks they take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from one_token import Fixed, every_course
from scipy import stats

from condit import Masked, Vocabulary
from condit.sampler import checked
from condit.sampler.checked import _Checked, draw_checked
from condit.sampler.law import BaseLaw, TokenLaw
from condit.testing.laws import p_values_of_means

SIZE = 80
VOCABULARY = Vocabulary.of([bytes([byte]) for byte in range(33, 33 + SIZE - 1)])
REPETITIONS = 6_000


def outlined(allowed: set[int], within: set[int]) -> Fixed:
    return Fixed(VOCABULARY, allowed, has_mask=False, within=within)


def masses() -> NDArray[np.float64]:
    """Two heavy tokens, some of a few percent, and many light ones."""
    light = np.random.default_rng(5).uniform(0.001, 0.012, SIZE - 5)
    heavy = np.array([0.3, 0.15, 0.05, 0.04, 0.03])
    return np.concatenate([heavy, light * (1 - heavy.sum()) / light.sum()])


ALL = set(range(SIZE))
CASES = {
    "all allowed": (ALL, ALL),
    "a light one refused": (ALL - {40}, ALL - {50}),
    "the heaviest refused": (ALL - {0}, ALL),
    "every second refused": (set(range(0, SIZE, 2)), ALL),
    "few allowed": ({3, 30, 60}, ALL),
    "one light one allowed": ({70}, ALL),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_draws_are_exact_and_weights_unbiased(name: str, rng: np.random.Generator) -> None:
    """Chi-square on the token, and a bet on ``E[w 1[x in a part]] = p(part)``, each at 1e-6."""
    allowed, within = CASES[name]
    matcher, kernel, law = outlined(allowed, within), Masked(), BaseLaw()
    logits = np.log(masses()).astype(np.float32)
    ids = np.array(sorted(allowed & within))
    # Where there is one token to draw, only its weight can be wrong, and that hardly varies.
    repetitions = REPETITIONS if len(ids) > 1 else 600
    counts, weights = np.zeros(SIZE), np.zeros((repetitions, 5))
    for repetition in range(repetitions):
        draw = kernel.draw(law.at(logits, VOCABULARY), matcher, rng)
        assert draw.token in allowed & within
        counts[draw.token] += 1
        weights[repetition, [0, 1 + draw.token % 4]] = math.exp(draw.log_weight)
    target = masses()[ids]
    expected = target / target.sum() * repetitions
    assert stats.chisquare(counts[ids], expected).pvalue > 1e-6 if len(ids) > 1 else True
    truth = np.array([target.sum(), *(target[ids % 4 == part].sum() for part in range(4))])
    some = truth > 0
    assert p_values_of_means(weights[:, some], truth[some]).min() > 1e-6 / some.sum()


@pytest.mark.parametrize("allowed", [{0, 2, 5}, {0}, {1, 3, 4}, set(range(6))], ids=str)
@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_over_all_orders_of_the_tail_the_mean_weight_is_the_allowed_mass(
    allowed: set[int], looks: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum over every order in which the looks can come: no noise but that of 32 bits."""
    monkeypatch.setattr(checked, "_LOOKS", ((math.inf, looks),))
    monkeypatch.setattr(checked, "_LOOKS_IF_ALL_ALLOWED", looks)
    few = np.array([0.31, 0.03, 0.22, 0.01, 0.13, 0.30])

    def weight(law: TokenLaw) -> float:
        seen = _Checked(law, outlined(allowed, ALL))
        seen.check(0)
        return seen.weight(rng)

    mean = math.fsum(chance * found for chance, found in every_course(few, weight))
    assert mean == pytest.approx(sum(few[token] for token in allowed), rel=2e-6)


def test_a_refused_heavy_token_leaves_hardly_any_noise(rng: np.random.Generator) -> None:
    """A single look would come upon the heaviest in every third draw, and lose nearly all."""
    matcher, logits = outlined(ALL - {0}, ALL), np.log(masses()).astype(np.float32)
    weights = [
        Masked().draw(BaseLaw().at(logits, VOCABULARY), matcher, rng).log_weight for _ in range(500)
    ]
    assert np.std(weights) < 1e-3
    assert np.mean(weights) == pytest.approx(math.log(0.7), abs=1e-3)


def test_where_nothing_is_refused_only_the_heavy_are_checked(rng: np.random.Generator) -> None:
    matcher = outlined(ALL, ALL)
    draw = Masked().draw(
        BaseLaw().at(np.log(masses()).astype(np.float32), VOCABULARY), matcher, rng
    )
    assert matcher.asked[:5] == [0, 1, 2, 3, 4]
    assert draw.checks == len(matcher.asked) <= 8
    assert draw.log_weight == pytest.approx(0, abs=1e-6)


def test_a_clear_opinion_takes_two_checks(rng: np.random.Generator) -> None:
    logits = np.full(SIZE, -12, dtype=np.float32)
    logits[7] = 0
    matcher = outlined(ALL, ALL)
    draw = Masked().draw(BaseLaw().at(logits, VOCABULARY), matcher, rng)
    assert draw.checks <= 3


def test_no_allowed_token_is_a_dead_end(rng: np.random.Generator) -> None:
    law = BaseLaw().at(np.log(masses()).astype(np.float32), VOCABULARY)
    assert draw_checked(law, outlined(set(), ALL), rng) == (None, -math.inf, SIZE)


def test_an_allowed_token_of_hardly_any_mass_is_found(rng: np.random.Generator) -> None:
    logits = np.full(SIZE, -300, dtype=np.float32)
    logits[:3] = [0, -150, -151]
    for _ in range(20):
        law = BaseLaw().at(logits, VOCABULARY)
        token, log_weight, _ = draw_checked(law, outlined({1, 2}, ALL), rng)
        assert token in {1, 2}
        assert log_weight == pytest.approx(math.log(1 + math.exp(-1)) - 150, abs=1e-3)
