"""Top-k and top-p by a threshold, against what sorting the whole vocabulary gives."""

from __future__ import annotations

import numpy as np
import pytest

from condit import Vocabulary
from condit.sampler.law import BaseLaw
from condit.sampler.truncation import most_probable, nucleus

SIZES = [1, 5, 130, 4000, 130_001]


def rows(size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Flat and sharp ones, ones with many ties, and ones with tokens that are excluded."""
    flat = rng.normal(0, 0.01, size)
    smooth = rng.normal(0, 3, size)
    sharp = smooth + 20 * (np.arange(size) == size // 2)
    tied = np.round(smooth)
    all_tied = np.zeros(size)
    excluded = np.where(rng.random(size) < 0.5, -np.inf, smooth)
    excluded[size // 2] = 1.0
    far = smooth - 200.0 * (rng.random(size) < 0.9)
    far[0] = 0.0
    made = (flat, smooth, sharp, tied, all_tied, excluded, far)
    return [row.astype(np.float32) for row in made]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 50, 1000, 70_000])
def test_the_most_probable_and_their_ties(size: int, count: int, rng: np.random.Generator) -> None:
    for row in rows(size, rng):
        found = most_probable(row, count)
        least = np.sort(row)[::-1][min(count, size) - 1]
        assert np.array_equal(found, np.flatnonzero(row >= least))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("top_p", [1e-9, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_the_nucleus_is_what_a_full_sort_gives(
    size: int, top_p: float, rng: np.random.Generator
) -> None:
    """The same order, cut at the same mass as far as 32 bits can tell."""
    for row in rows(size, rng):
        order = np.argsort(-row, kind="stable")
        upto = np.exp(row[order].astype(np.float64) - float(row.max())).cumsum()
        upto /= upto[-1]
        found = nucleus(row, top_p)
        assert np.array_equal(found, np.sort(order[: len(found)]))
        assert upto[len(found) - 1] >= top_p - 1e-6
        assert len(found) == 1 or upto[len(found) - 2] < top_p + 1e-6


def test_both_together_leave_a_law_that_sums_to_one(rng: np.random.Generator) -> None:
    size = 50_000
    row = rng.normal(0, 2, size).astype(np.float32)
    vocabulary = Vocabulary([b"x"] * (size - 1) + [b""], end=size - 1)
    law = BaseLaw(top_k=400, top_p=0.8).at(row, vocabulary)
    kept = np.array([token for token in range(size) if law.mass(token) > 0])
    assert 0 < len(kept) < 400
    truth = np.exp(row[kept].astype(np.float64))
    truth /= truth.sum()
    assert [law.mass(token) for token in kept] == pytest.approx(truth, rel=1e-5)
    assert np.exp([law.log_probability(token) for token in kept]) == pytest.approx(truth, rel=1e-5)
    assert law.remaining == pytest.approx(1)
    allowed = np.zeros(size, dtype=np.bool_)
    allowed[kept[:3]] = True
    assert law.restrict(allowed) == pytest.approx(truth[:3].sum(), rel=1e-5)
    assert {law.draw(rng) for _ in range(300)} <= set(kept[:3].tolist())
    assert law.take_out(int(kept[-1])) == 0
    assert law.mass(int(kept[0])) > 0
