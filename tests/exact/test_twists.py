"""Lanes at different places compared by weight times a learned twist, in worlds that are known.

`SMC` compares lanes at the same place only. docs/samplers/smc.md proves that it could compare all
of them by weight times any estimate of the weight still to come, as long as the estimate is made of
what is known by then, and tells why it does not. This checks the proof, with estimates learned from
earlier calls and from what the run has seen. The chance that a correct sampler fails is at most
1e-6 a test.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from test_meetings import world_of

from condit import SMC
from condit.constraint.boundary import Boundary
from condit.sampler.base import Lane, Problem, State
from condit.sampler.rejuvenation import Group, uneven
from condit.sampler.resampling import SCHEMES, ancestors
from condit.testing import BrokenLawError, check_sampler
from condit.testing.samplers import run_to_the_end
from condit.trace import StepInfo
from condit.weights import log_mean_exp

Place = Boundary | None
"""Where a lane stands; ``None``: it has ended."""


class Way(NamedTuple):
    """What a lane has paid from one place to the next, as the natural logarithm of a factor."""

    to: Place
    log_factor: float


@dataclass
class Seen:
    """What lanes have paid so far, in this call and in earlier ones.

    Attributes:
        ways: from each place.
        last: for each lane the place where it stood at the last meeting, and its weight there.
        across: how often lanes of several places were resampled together.
        calls: how many calls it has been used in.
    """

    ways: dict[Boundary, list[Way]] = field(default_factory=lambda: defaultdict(list))
    last: list[tuple[Place, float]] = field(default_factory=list)
    across: int = 0
    calls: int = 0

    def stand(self, lanes: list[Lane]) -> None:
        self.last = [(place_of(lane), lane.log_weight) for lane in lanes]

    def learn(self, lanes: list[Lane]) -> None:
        for lane, (before, log_weight) in zip(lanes, self.last, strict=True):
            now = place_of(lane)
            if before is not None and before != now and log_weight > -math.inf:
                self.ways[before].append(Way(now, lane.log_weight - log_weight))

    def twists(self) -> dict[Place, float]:
        """For each place the mean of the weight still to come, within a factor of 100."""
        found: dict[Place, float] = {None: 0.0}
        for place in sorted(self.ways, reverse=True):
            log_means = [
                log_factor + found[to] for to, log_factor in self.ways[place] if to in found
            ]
            if log_means:
                found[place] = max(math.log(0.01), log_mean_exp(log_means))
        return found


def place_of(lane: Lane) -> Place:
    return None if lane.finish_reason is not None else lane.boundary


@dataclass(frozen=True)
class Twisted(SMC):
    """It compares all lanes whose place it knows, ended ones too.

    Attributes:
        earlier: how many calls it learns from before the one that counts.
        seen: what it has learned.
    """

    earlier: int = 0
    seen: Seen = field(default_factory=Seen, compare=False, repr=False)

    def init(self, problem: Problem, rng: np.random.Generator) -> State:
        self.seen.ways.clear()
        for _ in range(self.earlier):
            state = self._begin(problem, rng)
            while not state.done:
                state, _ = self.step(rng, state)
        return self._begin(problem, rng)

    def _begin(self, problem: Problem, rng: np.random.Generator) -> State:
        state = super().init(problem, rng)
        self.seen.stand(state.lanes)
        self.seen.calls += 1
        return state

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        state, info = super().step(rng, state)
        if state.done:
            self.seen.learn(state.lanes)
        return state, info

    def _resample(
        self, rng: np.random.Generator, state: State, groups: list[Group]
    ) -> list[int] | None:
        self.seen.learn(state.lanes)
        chosen = super()._resample(rng, state, groups) or list(range(len(state.lanes)))
        lanes, twists = state.lanes, self.seen.twists()
        known = [index for index, lane in enumerate(lanes) if place_of(lane) in twists]
        log_twists = [twists[place_of(lanes[index])] for index in known]
        log_twisted = [
            lanes[index].log_weight + log_twist
            for index, log_twist in zip(known, log_twists, strict=True)
        ]
        # The check of the law needs weights of at most 1. Whether they are is known by now.
        mean = log_mean_exp(log_twisted) if known else 0.0
        if len(known) > 1 and uneven(log_twisted, self.threshold) and mean <= min(log_twists):
            self.seen.across += len({place_of(lanes[index]) for index in known}) > 1
            weights = np.exp(np.array(log_twisted) - max(log_twisted))
            counts = SCHEMES[self.resampling](rng, weights / weights.sum())
            taken = list(range(len(lanes)))
            log_weights = [lane.log_weight for lane in lanes]
            for index, ancestor in zip(known, ancestors(counts), strict=True):
                taken[index] = known[ancestor]
                log_weights[index] = self._divided(mean, log_twists[ancestor])
            state.lanes = [
                lanes[ancestor].copy_to(lanes[index].rng) for index, ancestor in enumerate(taken)
            ]
            for lane, log_weight in zip(state.lanes, log_weights, strict=True):
                lane.log_weight = log_weight
            chosen = [chosen[ancestor] for ancestor in taken]
        self.seen.stand(state.lanes)
        return None if chosen == list(range(len(lanes))) else chosen

    def _divided(self, log_mean: float, log_twist: float) -> float:
        return log_mean - log_twist


@pytest.mark.slow
@pytest.mark.parametrize("name", ["records", "literals"])
@pytest.mark.parametrize(
    ("kernel", "resampling"), [("masked", "systematic"), ("awrs", "residual")], ids=str
)
def test_evidence_and_every_text_are_unbiased(name: str, kernel: str, resampling: str) -> None:
    sampler = Twisted(kernel, threshold=1.0, resampling=resampling, earlier=2)
    check_sampler(sampler, world_of(name), runs=300, lanes=6, false_alarm=1e-6)
    assert sampler.seen.across > sampler.seen.calls / 10


def test_a_run_that_waits_learns_nothing_about_where_its_lanes_stand() -> None:
    # All lanes leave a place at the same time, so that none is ahead of those that stand there.
    sampler = Twisted("masked", threshold=1.0)
    for seed in range(20):
        run_to_the_end(sampler, world_of("records"), 6, seed)
    assert sampler.seen.calls == 20
    assert sampler.seen.across == 0


@dataclass(frozen=True)
class Kept(Twisted):
    """The twist stays in the weights."""

    def _divided(self, log_mean: float, log_twist: float) -> float:
        return log_mean


@pytest.mark.slow
def test_the_check_notices_that_a_twist_is_not_divided_out() -> None:
    with pytest.raises(BrokenLawError, match="the evidence should weigh"):
        check_sampler(
            Kept("masked", threshold=1.0, earlier=2), world_of("records"), runs=300, lanes=6
        )
