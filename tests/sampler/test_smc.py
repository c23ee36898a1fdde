"""Resampling, and what sequential Monte Carlo does with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import condit
from condit import AWRS, SMC, Masked, NgramModel
from condit.errors import ArgumentError, UnknownNameError
from condit.sampler.resampling import SCHEMES, ancestors
from condit.testing import World
from condit.testing.laws import p_values_of_means
from condit.weights import effective_sample_size, log_mean_exp

WEIGHTS = np.array([0.5, 0.0, 0.25, 0.05, 0.2])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_expected_number_of_copies_is_right(scheme: str, rng: np.random.Generator) -> None:
    counts = np.array([SCHEMES[scheme](rng, WEIGHTS) for _ in range(20_000)])
    assert (counts.sum(axis=1) == 5).all()
    assert (counts[:, 1] == 0).all()
    p_values = p_values_of_means(counts / 5, WEIGHTS)
    assert p_values.min() > 1e-6 / 5


def test_schemes_differ_in_variance(rng: np.random.Generator) -> None:
    spread = {
        scheme: np.var([draw(rng, WEIGHTS) for _ in range(4000)], axis=0).sum()
        for scheme, draw in SCHEMES.items()
    }
    assert spread["multinomial"] > spread["stratified"] > spread["systematic"]
    assert spread["multinomial"] > spread["residual"]


def test_whole_means_need_no_chance(rng: np.random.Generator) -> None:
    assert SCHEMES["residual"](rng, np.array([0.5, 0.5, 0, 0])).tolist() == [2, 2, 0, 0]


def test_survivors_stay_where_they_are() -> None:
    assert ancestors(np.array([0, 3, 1, 0])) == [1, 1, 2, 1]


def test_log_mean_exp_and_effective_sample_size() -> None:
    assert log_mean_exp([0.0, math.log(3)]) == pytest.approx(math.log(2))
    assert log_mean_exp([-math.inf, -math.inf]) == -math.inf
    assert log_mean_exp([-2000.0, -2000.0]) == pytest.approx(-2000)
    assert effective_sample_size([0.0, 0.0, -math.inf]) == pytest.approx(2)
    assert effective_sample_size([-math.inf]) == 0


def test_it_resamples_when_the_weights_are_uneven(letters: NgramModel) -> None:
    world = World(letters, condit.regex("(abc)+"), "ab", 9)
    rng = np.random.default_rng(1)
    sampler = SMC(kernel=Masked(), threshold=0.9)
    state = sampler.init(world.problem(8), rng)
    infos = []
    while not state.done:
        state, info = sampler.step(rng, state)
        infos.append(info)
    resampled = [info for info in infos if info.ancestors is not None]
    assert resampled
    assert all(info.effective_sample_size < 0.9 * 8 for info in resampled)
    assert len(state.lanes) == len({id(lane.rng) for lane in state.lanes})


def test_threshold_zero_never_resamples(letters: NgramModel) -> None:
    smc = condit.generate(
        letters, "ab", condit.regex("(abc)+"), n=6, sampler=SMC(threshold=0), seed=3
    )
    alone = condit.generate(letters, "ab", condit.regex("(abc)+"), n=6, sampler=AWRS(), seed=3)
    assert smc.stats.resamplings == 0
    assert smc.samples == alone.samples


def test_names_are_checked_when_it_is_made() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'systematic'"):
        SMC(resampling="sistematic")
    with pytest.raises(UnknownNameError, match="did you mean 'masked'"):
        SMC(kernel="mask")
    with pytest.raises(ArgumentError, match="'smc' does not draw single tokens"):
        SMC(kernel="smc")
    with pytest.raises(ArgumentError, match="threshold must be from 0 to 1"):
        SMC(threshold=1.5)
