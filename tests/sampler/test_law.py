"""The base law: what temperature, top-k and top-p mean, and draws as statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from condit import Vocabulary
from condit.constraint.base import few_tokens, pack
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


@pytest.mark.parametrize("size", [5, 512, 513, 3000])
def test_draws_follow_the_law(size: int, rng: np.random.Generator) -> None:
    logits = rng.normal(scale=2, size=size).astype(np.float32)
    law = TokenLaw(logits)
    expected = np.exp(logits.astype(np.float64))
    expected *= 8_000 / expected.sum()
    counts = np.bincount([law.draw(rng) or 0 for _ in range(8_000)], minlength=size)
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


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.9, 1.0])
@pytest.mark.parametrize("settings", [{}, {"top_k": 900}])
def test_a_packed_mask_restricts_as_its_booleans_do(
    share: float, settings: dict[str, int], rng: np.random.Generator
) -> None:
    size = 40_001
    vocabulary = Vocabulary([b"x"] * (size - 1) + [b""], end=size - 1)
    logits = rng.normal(size=size).astype(np.float32)
    allowed = rng.random(size) < share
    again = rng.random(size) < 0.9
    packed, plain = (BaseLaw(**settings).at(logits, vocabulary) for _ in range(2))  # type: ignore[arg-type]
    if share < 0.5:
        few = few_tokens(pack(allowed))
        assert few is None or np.array_equal(few, np.flatnonzero(allowed))
        assert (few is None) == (share == 0.05)
    for mask in (again, allowed):
        mass = plain.restrict(mask)
        assert packed.restrict_by_mask(pack(mask)) == pytest.approx(mass, rel=1e-6)
    some = rng.choice(size, 3000, replace=False)
    some[0] = np.flatnonzero(allowed & again)[0] if (allowed & again).any() else 0
    kept = [plain.mass(token) for token in some.tolist()]
    assert [packed.mass(token) for token in some.tolist()] == kept
    left = some[np.array(kept) > 0]
    assert (allowed & again)[left].all()
    if len(left) > 1:
        first, second = (law.draw(np.random.default_rng(5)) for law in (packed, plain))
        assert first == second


def test_few_tokens_gives_up_where_there_are_many() -> None:
    assert few_tokens(pack(np.ones(5000, dtype=np.bool_))) is None
    assert few_tokens(pack(np.zeros(5000, dtype=np.bool_))).tolist() == []  # type: ignore[union-attr]
    one = np.zeros(5000, dtype=np.bool_)
    one[[31, 32, 4999]] = True
    assert few_tokens(pack(one)).tolist() == [31, 32, 4999]  # type: ignore[union-attr]


@pytest.mark.parametrize("share", [0.05, 0.9])
@pytest.mark.parametrize("taken", [0, 3])
def test_what_was_removed_stays_removed(share: float, taken: int, rng: np.random.Generator) -> None:
    """Restricted twice, taken out of and rescaled, only tokens in both restrictions come."""
    size = 4000
    logits = rng.normal(size=size).astype(np.float32)
    logits[::7] -= 300
    first, second = rng.random(size) < share, rng.random(size) < 0.8
    second[0] = first[0] = True
    left = first & second
    for order in ((first, second), (second, first)):
        law = TokenLaw(logits)
        for allowed in order:
            law.restrict(allowed)
        for token in np.flatnonzero(left)[:taken].tolist():
            law.take_out(token)
        remaining = np.flatnonzero(left)[taken:]
        for _ in range(2):
            drawn = {law.draw(rng) for _ in range(300)}
            assert drawn <= set(remaining.tolist())
            assert law.rescale() == 1
        masses_left = np.array([law.mass(token) for token in range(size)])
        assert masses_left.sum() == pytest.approx(1)
        assert np.array_equal(masses_left > 0, np.isin(np.arange(size), remaining) & (logits > -50))
        truth = np.logaddexp.reduce(logits[remaining].astype(np.float64))
        truth -= np.logaddexp.reduce(logits.astype(np.float64))
        assert law.log_scale == pytest.approx(truth, abs=1e-5)


def test_taking_out_all_tokens_one_by_one(rng: np.random.Generator) -> None:
    """The masses taken out sum to 1, down to what 32 bits tell from nothing."""
    size = 2000
    law = TokenLaw(rng.normal(0, 8, size).astype(np.float32))
    total, seen = 0.0, set()
    while (token := law.draw(rng)) is not None or law.rescale() > 0:
        if token is not None:
            scale = math.exp(law.log_scale)
            total += law.take_out(token) * scale
            assert total + law.remaining * scale == pytest.approx(1, abs=1e-7)
            seen.add(token)
    assert seen == set(range(size))


def test_temperature_zero_tells_logits_apart_whose_weights_are_equal(
    rng: np.random.Generator,
) -> None:
    logits = np.full(1000, -5.0, dtype=np.float32)
    logits[700] = 1e-9
    logits[[20, 800]] = 0
    law = TokenLaw(logits, greedy=True)
    assert law.mass(20) == law.mass(700)
    assert law.draw(rng) == 700
    law.take_out(700)
    assert law.draw(rng) == 20
    law.restrict(np.arange(1000) > 20)
    assert law.draw(rng) == 800


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
