"""The base law: what temperature, top-k and top-p mean, and draws as statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from condit import Vocabulary
from condit.errors import ArgumentError
from condit.sampler.law import BaseLaw, TokenLaw

VOCABULARY = Vocabulary.of(["a", "b", "c", "d"])
LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.25, 0.05])).astype(np.float32)


def masses(law: TokenLaw, size: int = 5) -> list[float]:
    return [law.mass(token) for token in range(size)]


def test_temperature_one_is_the_model() -> None:
    law = BaseLaw().at(LOGITS, VOCABULARY)
    assert masses(law) == pytest.approx([0.1, 0.4, 0.2, 0.25, 0.05], rel=1e-6)
    assert law.remaining == pytest.approx(1)
    assert law.log_probability(1) == pytest.approx(math.log(0.4), rel=1e-6)


def test_temperature_divides_the_logits() -> None:
    powered = np.array([0.1, 0.4, 0.2, 0.25, 0.05]) ** 2
    law = BaseLaw(temperature=0.5).at(LOGITS, VOCABULARY)
    assert masses(law) == pytest.approx(powered / powered.sum(), rel=1e-5)


def test_top_k_keeps_the_k_most_probable() -> None:
    law = BaseLaw(top_k=2).at(LOGITS, VOCABULARY)
    assert masses(law) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], rel=1e-5)
    assert masses(BaseLaw(top_k=99).at(LOGITS, VOCABULARY)) == masses(
        BaseLaw().at(LOGITS, VOCABULARY)
    )


@pytest.mark.parametrize(("top_p", "kept"), [(0.3, [1]), (0.5, [1, 3]), (0.8, [1, 2, 3])])
def test_top_p_keeps_the_fewest_that_reach_it(top_p: float, kept: list[int]) -> None:
    law = BaseLaw(top_p=top_p).at(LOGITS, VOCABULARY)
    assert [token for token in range(5) if law.mass(token) > 0] == kept
    assert law.remaining == pytest.approx(1)


def test_all_end_tokens_count_as_one() -> None:
    vocabulary = Vocabulary([b"a", b"b", b"c", b"", b""], end=4, ends=frozenset({3, 4}))
    law = BaseLaw().at(LOGITS, vocabulary)
    assert law.mass(3) == 0
    assert law.mass(4) == pytest.approx(0.3, rel=1e-6)


def test_the_logits_are_not_modified() -> None:
    before = LOGITS.copy()
    law = BaseLaw(temperature=0.7, top_k=3, top_p=0.9).at(LOGITS, VOCABULARY)
    law.take_out(1)
    law.restrict(np.array([True, False, True, False, True]))
    assert np.array_equal(LOGITS, before)


@pytest.mark.parametrize("size", [5, 256, 257, 3000])
def test_draws_follow_the_law(size: int, rng: np.random.Generator) -> None:
    logits = rng.normal(scale=2, size=size).astype(np.float32)
    law = TokenLaw(logits)
    expected = np.exp(logits.astype(np.float64))
    expected *= 20_000 / expected.sum()
    counts = np.bincount([law.draw(rng) or 0 for _ in range(20_000)], minlength=size)
    common = expected >= 5
    observed = [*counts[common], counts[~common].sum()]
    foreseen = [*expected[common], expected[~common].sum()]
    if foreseen[-1] == 0:
        observed, foreseen = observed[:-1], foreseen[:-1]
    assert stats.chisquare(observed, foreseen).pvalue > 1e-6


def test_taking_out_leaves_the_rest(rng: np.random.Generator) -> None:
    law = BaseLaw().at(LOGITS, VOCABULARY)
    assert law.take_out(1) == pytest.approx(0.4, rel=1e-6)
    assert law.mass(1) == 0
    assert law.remaining == pytest.approx(0.6, rel=1e-6)
    drawn = {law.draw(rng) for _ in range(500)}
    assert drawn == {0, 2, 3, 4}
    for token in (0, 2, 3, 4):
        law.take_out(token)
    assert law.draw(rng) is None
    assert law.rescale() == 0


@pytest.mark.parametrize("size", [4, 2000])
def test_restriction_to_few_and_to_many_tokens(size: int, rng: np.random.Generator) -> None:
    logits = rng.normal(size=size).astype(np.float32)
    truth = np.exp(logits.astype(np.float64))
    truth /= truth.sum()
    for share in (0.05, 0.9):
        allowed = rng.random(size) < share
        allowed[0] = True
        law = TokenLaw(logits)
        assert law.restrict(allowed) == pytest.approx(truth[allowed].sum(), rel=1e-5)
        assert law.log_scale == 0
        assert all(allowed[law.draw(rng) or 0] for _ in range(200))


def test_masses_below_32_bits_are_still_told_apart(rng: np.random.Generator) -> None:
    logits = np.array([0.0, -200.0, -201.0, -np.inf], dtype=np.float32)
    law = TokenLaw(logits)
    assert law.restrict(np.array([False, True, True, True])) == 1
    assert law.log_scale == pytest.approx(math.log(math.exp(0) + math.exp(-1)) - 200)
    assert law.mass(1) == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-6)
    assert {law.draw(rng) for _ in range(200)} == {1, 2}

    law = TokenLaw(logits)
    law.take_out(0)
    assert law.draw(rng) is None
    assert law.rescale() == 1
    assert law.mass(2) == pytest.approx(math.exp(-1) / (1 + math.exp(-1)), rel=1e-6)


def test_nothing_allowed_with_any_mass() -> None:
    law = TokenLaw(np.array([0.0, -np.inf], dtype=np.float32))
    assert law.restrict(np.array([False, True])) == 0


def test_temperature_zero_takes_the_most_probable(rng: np.random.Generator) -> None:
    law = BaseLaw(temperature=0).at(LOGITS, VOCABULARY)
    assert law.draw(rng) == 1
    law.take_out(1)
    assert law.draw(rng) == 3
    assert law.log_probability(1) == pytest.approx(math.log(0.4), rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, float], name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        BaseLaw(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [100, 3000, 50_000])
@pytest.mark.parametrize("spread", [0.01, 1.0, 6.0])
def test_the_heaviest_and_the_rest(size: int, spread: float, rng: np.random.Generator) -> None:
    logits = rng.normal(0, spread, size).astype(np.float32)
    probabilities = np.exp(logits.astype(float) - logits.max())
    probabilities /= probabilities.sum()
    allowed = rng.random(size) < 0.7
    law = TokenLaw(logits)
    law.restrict(allowed)
    tokens, log_masses, log_rest = law.heaviest(1024, 0.999)
    assert allowed[tokens].all()
    assert np.exp(log_masses) == pytest.approx(probabilities[tokens], rel=1e-5)
    others = np.flatnonzero(allowed)
    others = others[~np.isin(others, tokens)]
    assert math.exp(log_rest) == pytest.approx(probabilities[others].sum(), rel=1e-4, abs=1e-12)
    if len(others):
        assert probabilities[tokens].min() >= probabilities[others].max() * (1 - 1e-6)
    assert len(tokens) == 1024 or np.exp(log_masses).sum() >= 0.999 * probabilities[allowed].sum()
