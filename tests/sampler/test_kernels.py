"""The local kernels as statistics: exact draws, unbiased weights, and their dead ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from one_token import Fixed, every_course
from scipy import stats

from condit import AWRS, Masked, Vocabulary
from condit.errors import ArgumentError
from condit.sampler.law import BaseLaw
from condit.sampler.local import LocalSampler
from condit.testing.laws import p_values_of_means

PROBABILITIES = np.array([0.30, 0.05, 0.22, 0.01, 0.12, 0.20, 0.04, 0.06])
VOCABULARY = Vocabulary.of(["a", "b", "c", "d", "e", "f", "g"])
REPETITIONS = 10_000

# Few enough to go through every order of them.
FEW_PROBABILITIES = np.array([0.31, 0.03, 0.22, 0.01, 0.13, 0.30])
FEW = Vocabulary.of(["a", "b", "c", "d", "e"])


def fixed(allowed: set[int], has_mask: bool = True, vocabulary: Vocabulary = VOCABULARY) -> Fixed:
    return Fixed(vocabulary, allowed, has_mask=has_mask)


def law_of(probabilities: NDArray[np.float64], temperature: float = 1.0):  # type: ignore[no-untyped-def]
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities).astype(np.float32)
    return BaseLaw(temperature=temperature).at(logits, VOCABULARY)


KERNELS: list[LocalSampler] = [
    Masked(),
    AWRS(),
    AWRS(mask_after=None),
    AWRS(looks=1),
    AWRS(looks=1, mask_after=None),
    AWRS(looks=1, mask_after=0),
    AWRS(looks=1, mask_after=2),
    AWRS(looks=2, mask_after=None),
    AWRS(looks=5, mask_after=None),
]


OF_EACH_KIND = [Masked(), AWRS(), AWRS(mask_after=None), AWRS(looks=1, mask_after=None)]

# Kernels that choose by ``law.draw`` alone, which the script replaces; see ``test_checked.py``.
SCRIPTED = [each for each in KERNELS if not isinstance(each, AWRS) or each.looks is not None]


@pytest.mark.parametrize("kernel", SCRIPTED, ids=repr)
@pytest.mark.parametrize("allowed", [{0, 2, 5}, {3}, {1, 3}, set(range(6))], ids=str)
@pytest.mark.parametrize("has_mask", [True, False])
def test_over_all_courses_draws_are_exact_and_weights_unbiased(
    kernel: LocalSampler, allowed: set[int], has_mask: bool, rng: np.random.Generator
) -> None:
    """``P(x) = p(x)/Z`` and ``E[w 1[x]] = p(x)``, summed over every order of tokens: no noise.

    What is left is the rounding of 32-bit weights, of which no course adds up more than 14.
    """
    share, weighted, total = np.zeros(6), np.zeros(6), 0.0
    matcher = fixed(allowed, has_mask, FEW)
    for probability, draw in every_course(
        FEW_PROBABILITIES, lambda law: kernel.draw(law, matcher, rng)
    ):
        assert draw.token in allowed
        total += probability
        share[draw.token] += probability
        weighted[draw.token] += probability * math.exp(draw.log_weight)
    target = np.where(np.isin(np.arange(6), list(allowed)), FEW_PROBABILITIES, 0.0)
    rounding = 14 * float(np.finfo(np.float32).eps)
    assert total == pytest.approx(1, rel=rounding)
    assert share == pytest.approx(target / target.sum(), rel=rounding)
    assert weighted == pytest.approx(target, rel=rounding)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", OF_EACH_KIND, ids=repr)
def test_draws_are_exact_and_weights_unbiased(
    kernel: LocalSampler, rng: np.random.Generator
) -> None:
    """With the law's own draws: chi-square on the token, a bet on ``E[w 1[x]] = p(x)``, at 1e-6."""
    allowed = [0, 2, 5]
    matcher = fixed(set(allowed))
    tokens, weights = [], np.zeros((REPETITIONS, 4))
    for repetition in range(REPETITIONS):
        draw = kernel.draw(law_of(PROBABILITIES), matcher, rng)
        assert draw.token is not None
        tokens.append(draw.token)
        column = 1 + allowed.index(draw.token)
        weights[repetition, 0] = weights[repetition, column] = math.exp(draw.log_weight)
    masses = PROBABILITIES[allowed]
    counts = [tokens.count(token) for token in allowed]
    assert stats.chisquare(counts, masses / masses.sum() * REPETITIONS).pvalue > 1e-6
    truth = np.array([masses.sum(), *masses])
    assert p_values_of_means(weights, truth).min() > 1e-6 / len(truth)


def test_the_mask_gives_the_exact_weight(rng: np.random.Generator) -> None:
    draw = Masked().draw(law_of(PROBABILITIES), fixed({0, 2}), rng)
    assert draw.log_weight == pytest.approx(math.log(0.52), rel=1e-6)
    assert (draw.checks, draw.masks) == (0, 1)


@pytest.mark.slow
def test_more_looks_lower_the_variance(rng: np.random.Generator) -> None:
    def variance(looks: int) -> float:
        kernel = AWRS(looks=looks, mask_after=None)
        draws = [kernel.draw(law_of(PROBABILITIES), fixed({0, 2, 7}), rng) for _ in range(2000)]
        return float(np.var([math.exp(draw.log_weight) for draw in draws]))

    assert variance(1) > 1.3 * variance(2) > 1.3 * 1.3 * variance(5)


def test_two_checks_suffice_where_everything_is_allowed(rng: np.random.Generator) -> None:
    matcher = fixed(set(range(8)))
    draw = AWRS(looks=1).draw(law_of(PROBABILITIES), matcher, rng)
    assert (draw.checks, len(matcher.asked), draw.masks, draw.log_weight) == (2, 2, 0, 0.0)


def test_by_default_the_mask_is_taken_where_there_is_one(rng: np.random.Generator) -> None:
    draw = AWRS().draw(law_of(PROBABILITIES), fixed({0, 2}), rng)
    assert (draw.checks, draw.masks) == (0, 1)
    assert draw.log_weight == pytest.approx(math.log(0.52), rel=1e-6)
    for kernel, has_mask in ((AWRS(), False), (AWRS(mask_after=None), True)):
        draw = kernel.draw(law_of(PROBABILITIES), fixed({0, 2}, has_mask), rng)
        assert draw.masks == 0
        assert draw.log_weight == pytest.approx(math.log(0.52), abs=0.02)


def test_the_mask_is_asked_for_after_so_many_refusals(rng: np.random.Generator) -> None:
    draw = AWRS(looks=1, mask_after=2).draw(law_of(PROBABILITIES), fixed({3}), rng)
    assert draw.token == 3
    assert draw.masks == 1
    assert draw.checks == 2
    assert draw.log_weight == pytest.approx(math.log(0.01), rel=1e-5)


@pytest.mark.parametrize("kernel", OF_EACH_KIND, ids=repr)
@pytest.mark.parametrize("has_mask", [True, False])
def test_a_dead_end_has_no_token_and_no_weight(
    kernel: LocalSampler, has_mask: bool, rng: np.random.Generator
) -> None:
    certain = np.array([0.5, 0.5, 0, 0, 0, 0, 0, 0])
    for allowed in (set(), {4}):
        draw = kernel.draw(law_of(certain), fixed(allowed, has_mask), rng)
        assert draw.token is None
        assert draw.log_weight == -math.inf


@pytest.mark.parametrize("kernel", OF_EACH_KIND, ids=repr)
def test_allowed_tokens_of_hardly_any_mass_are_found(
    kernel: LocalSampler, rng: np.random.Generator
) -> None:
    logits = np.array([0, -150, -151, -160, -300, -300, -300, -300], dtype=np.float32)
    truth = math.log(math.exp(0) + math.exp(-1)) - 150
    seen = []
    for _ in range(300):
        draw = kernel.draw(BaseLaw().at(logits, VOCABULARY), fixed({1, 2}), rng)
        assert draw.token in {1, 2}
        seen.append(draw.log_weight)
    # In the estimate a look at token 3 may miss 1e-4 of the mass.
    assert np.log(np.mean(np.exp(np.array(seen) + 150))) - 150 == pytest.approx(truth, abs=0.5)
    assert max(seen) <= truth + 1e-3


@pytest.mark.parametrize("kernel", OF_EACH_KIND, ids=repr)
def test_temperature_zero_takes_the_most_probable_allowed(
    kernel: LocalSampler, rng: np.random.Generator
) -> None:
    draw = kernel.draw(law_of(PROBABILITIES, temperature=0), fixed({1, 4, 7}), rng)
    assert draw.token == 4
    assert draw.log_weight == 0


@pytest.mark.parametrize("settings", [{"looks": 0}, {"mask_after": -1}])
def test_settings_out_of_range_are_named(settings: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(settings))):
        AWRS(**settings)
