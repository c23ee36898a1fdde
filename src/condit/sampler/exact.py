"""Exact draws by constrained adaptive rejection (CARS; Parys et al. 2025).

An attempt draws ``t ∝ p(t|u) θ(ut)`` along the trie. Coming to ``u`` it goes on with probability

    Σ_t p(t|u) θ(ut) / θ_assumed(u)

where ``θ_assumed(u)`` is the bound that it saw when ``u`` was drawn; else it is refused. Along a
text the factors telescope: from the bound ``θ(root)`` at its beginning, an attempt returns the
valid text ``x`` with probability ``p(x) / θ(root)``, whatever it and others learn meanwhile. So
every accepted draw is an independent draw from the target, and as the bound comes down to ``Z``,
more are accepted. At a new node with a mask this is the published rule: drawing from the model and
refusing what is not allowed is going on with the allowed mass, and drawing from what is allowed.
The coin also covers what attempts beside this one have learned since.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from condit.sampler.attempts import AttemptsSampler, AttemptsState, Going, Trial
from condit.sampler.base import Guarantee
from condit.sampler.trie import Node
from condit.sampler.twisted import REST, may_follow
from condit.sampler.walk import extend, steering, twisted


@dataclass(frozen=True)
class Exact(AttemptsSampler):
    """Independent draws from the target itself; it works until there are enough.

    The evidence is the mean over attempts of the bound where one was accepted, without the last
    attempt, which is always an accepted one, and at most the bound at the end. It is consistent,
    with a standard error that goes to 0 as the bound comes near ``Z``, but not unbiased.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.EXACT

    def advance(self, state: AttemptsState, trial: Trial, node: Node) -> Going:
        """Go on by the coin, then draw; either may refuse."""
        lane = trial.lane
        law = twisted(state, lane, node)
        if lane.resting:
            lane.resting = False
            slot = law.draw_rest(lane.rng)
        else:
            log_going_on = law.log_remaining - lane.log_assumed
            if log_going_on < 0 and math.log1p(-lane.rng.random()) > log_going_on:
                return Going.REFUSED
            slot = law.draw_kept(lane.rng)
            if slot == REST:
                lane.resting = True
                return Going.WAITS
        if slot is None or not may_follow(state.trie, node, slot, steering(state, lane)):
            return Going.REFUSED
        extend(state, lane, node, slot)
        return Going.ON

    def estimate(self, trial: Trial) -> float:
        """The bound where the attempt was accepted, else 0; as natural logarithm."""
        accepted = trial.lane.finish_reason in ("stop", "length")
        return trial.log_start if accepted and trial.lane.log_weight > -math.inf else -math.inf
