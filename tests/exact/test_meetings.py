"""Lanes that wait for each other at boundaries, in worlds whose exact posterior is known.

As in ``test_unbiased.py``: the chance that a correct sampler fails is at most 1e-6 a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
import pytest

import condit
from condit import AWRS, SMC, Auto, Guarantee, Masked, NgramModel, Vocabulary
from condit.sampler import auto
from condit.sampler.base import Problem, Sampler, State
from condit.sampler.rejuvenation import Group
from condit.testing import BrokenLawError, FiniteWorld, check_sampler
from condit.testing.samplers import run_to_the_end
from condit.testing.worlds import KnownWorld

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[xy]{0,2}$"},
            "maxItems": 2,
        },
        "b": {
            "anyOf": [
                {"const": 1},
                {"enum": ["x", ""]},
                {"type": "array", "items": {"const": 1}, "maxItems": 1},
            ]
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
}
RECORDS = [
    '{"a":["x"],"b":1}',
    '{"a":["y","x"],"b":1}',
    '{"a":[],"b":"x"}',
    '{"a":["xy","yy"],"b":["x"]}',
    '{"a":["x","xyy"]}',
    '{"a":["yxyx"]}',
    '{"b":1}',
    '{"b":[1]}',
    '{"b":"x"}',
    "xyxy",
]
RECORD_TOKENS = ['{"a":[', '"', "x", "y", '","', "]", ',"b":', "]}", "}", "1", "[", '{"b":', '"]']


PATTERN = condit.regex("[ab]{1,2}ca(b|bca)?[ab]?")


def records() -> FiniteWorld:
    """Arrays of unequal lengths, keys that may be left out, and values of three kinds."""
    vocabulary = Vocabulary.of(RECORD_TOKENS)
    model = NgramModel.train(RECORDS, vocabulary=vocabulary, order=4, smoothing=1.0)
    return FiniteWorld.walk(model, condit.json_schema(SCHEMA), "", 8)


def literals() -> FiniteWorld:
    """Literal text between parts of unequal lengths, of which one may be left out."""
    vocabulary = Vocabulary.of(["a", "b", "c", "ab", "bc", "ca"])
    texts = ["abcab", "bcaa", "aaca", "bcab", "abcabca", "bca", "bacab", "aca", "acabcab"]
    model = NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=0.5)
    return FiniteWorld.walk(model, Unlimited(PATTERN), "b", 40)


@dataclass(frozen=True)
class Unlimited(condit.Constraint):
    """A constraint that does not say that its texts are short: then literals count."""

    within: condit.Constraint

    def bind(self, vocabulary: Vocabulary) -> condit.Matcher:
        return self.within.bind(vocabulary)

    def violation(self, text: str) -> condit.Violation | None:
        return self.within.violation(text)


def flat() -> FiniteWorld:
    """Short texts without structure: lanes are compared after every token."""
    return replace(literals(), constraint=PATTERN, max_tokens=12)


WORLDS: dict[str, Callable[[], FiniteWorld]] = {
    "records": records,
    "literals": literals,
    "flat": flat,
}


@cache
def world_of(name: str) -> FiniteWorld:
    return WORLDS[name]()


@dataclass(frozen=True)
class Watched(SMC):
    """It writes down what lanes do when some of them are let go."""

    seen: list[tuple[int, int, int, int]] = field(default_factory=list, compare=False, repr=False)
    """How many are in groups, in how many groups, how many go on waiting, how many have ended."""

    def _resample(
        self, rng: np.random.Generator, state: State, groups: list[Group]
    ) -> list[int] | None:
        let_go = sum(len(group.lanes) for group in groups)
        waiting = sum(lane.waits for lane in state.lanes)
        ended = sum(lane.finish_reason is not None for lane in state.lanes)
        self.seen.append((let_go, len(groups), waiting - let_go, ended))
        return super()._resample(rng, state, groups)


KERNELS = ["masked", AWRS(looks=1, mask_after=None), "learned"]


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(
    ("kernel", "threshold", "resampling"),
    [*((kernel, 1.0, "systematic") for kernel in KERNELS), ("masked", 0.6, "residual")],
    ids=str,
)
def test_evidence_and_every_text_are_unbiased(
    name: str, kernel: str | AWRS, threshold: float, resampling: str
) -> None:
    world = world_of(name)
    assert 0.01 < world.evidence < 0.9
    assert len(world.probabilities) > 20
    sampler = Watched(kernel, threshold=threshold, resampling=resampling)
    check_sampler(sampler, world, runs=200, lanes=6, false_alarm=1e-6)
    if name == "flat":
        assert all(let_go == 6 and groups == 1 for let_go, groups, _, _ in sampler.seen)
    else:
        assert any(0 < let_go < 6 and ended for let_go, _, _, ended in sampler.seen)
    if name == "records":
        assert any(groups > 1 for _, groups, _, _ in sampler.seen)
        assert any(waiting and ended for _, _, waiting, ended in sampler.seen)


@dataclass(frozen=True)
class Preferred(KnownWorld):
    """A world with a preference, which judges prefixes."""

    world: FiniteWorld

    @property
    def model(self) -> condit.Model:
        return self.world.model

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        return {
            tokens: mass * math.exp(liked(self.model.decode(tokens)))
            for tokens, mass in self.world.probabilities.items()
        }

    @property
    def evidence(self) -> float:
        return math.fsum(self.probabilities.values())

    def problem(self, lanes: int) -> Problem:
        preference = condit.prefer(liked, partial=True)
        return replace(self.world.problem(lanes), preference=preference)


def liked(text: str) -> float:
    return -0.8 * text.count("x") - 0.5 * text.count("cab")


@pytest.mark.parametrize("name", WORLDS)
def test_with_a_preference_that_judges_prefixes(name: str) -> None:
    sampler = SMC("masked", threshold=1.0)
    check_sampler(sampler, Preferred(world_of(name)), runs=200, lanes=6, false_alarm=1e-6)


@dataclass(frozen=True)
class Weighted(Auto):
    """It claims to be unbiased, as it is where exact sampling is not tried first."""

    guarantee = Guarantee.WEIGHTED


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("preferred", [False, True])
def test_the_one_lane_that_auto_draws_of_eight_is_unbiased(
    name: str, preferred: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "SHORT", 0)
    world = Preferred(world_of(name)) if preferred else world_of(name)
    check_sampler(Weighted(), world, runs=150, lanes=1, false_alarm=1e-6)


@dataclass(frozen=True)
class Forgetful(SMC):
    """Lanes that were resampled begin with weight 1, as if all lanes had been."""

    def _resample(
        self, rng: np.random.Generator, state: State, groups: list[Group]
    ) -> list[int] | None:
        before = list(state.log_weights)
        ancestors = super()._resample(rng, state, groups)
        for lane, log_weight in zip(state.lanes, before, strict=True):
            if lane.log_weight != log_weight:
                lane.log_weight = 0.0
        return ancestors


def test_the_check_notices_that_a_group_forgets_its_weight() -> None:
    with pytest.raises(BrokenLawError, match="the evidence should weigh"):
        check_sampler(Forgetful("masked", threshold=1.0), world_of("records"), runs=600, lanes=6)


@pytest.mark.parametrize("kernel", ["masked", "awrs"])
def test_a_lane_that_waits_costs_no_forward(kernel: str) -> None:
    waited = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sampler = SMC(kernel, threshold=0.6)
        state = sampler.init(world_of("records").problem(6), rng)
        ended: set[int] = set()
        while not state.done:
            before = state.positions_forwarded
            state, info = sampler.step(rng, state)
            grown = {drawn.lane for drawn in info.draws}
            waited += 6 - len(grown | ended)
            assert not grown & ended
            ended = {i for i, lane in enumerate(state.lanes) if lane.finish_reason is not None}
            # One token for each of those that draw the next one: fewer where texts are the same.
            assert state.positions_forwarded - before <= sum(lane.grows for lane in state.lanes)
    assert waited > 50


@pytest.mark.parametrize(("kernel", "alone"), [("masked", Masked()), ("awrs", AWRS())])
def test_waiting_changes_no_draw(kernel: str, alone: Sampler) -> None:
    for seed in range(30):
        one, other = (
            run_to_the_end(sampler, world_of("records"), 6, seed)
            for sampler in (SMC(kernel, threshold=0), alone)
        )
        texts, other_texts = ([lane.tokens for lane in state.lanes] for state in (one, other))
        assert texts == other_texts
        assert one.log_weights == other.log_weights
