"""Grammar-aligned decoding by adaptive sampling with approximate expected futures (ASAp).

The same trie as exact sampling (Park et al. 2024), but nothing is ever refused as a whole: an
attempt draws ``t ∝ p(t|u) θ(ut)`` among the allowed tokens and always goes on. The first draw is
that of plain masking. As bounds come down, later draws come nearer to the target, and in the limit
they are exact. It is here as the baseline that `Exact` and `Learned` improve upon: the same walks
with the weights dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from condit.sampler.attempts import AttemptsSampler, AttemptsState, Going, Trial
from condit.sampler.base import Guarantee, log_mean_exp
from condit.sampler.node import Node
from condit.sampler.rejection import relative_error
from condit.sampler.twisted import draw_allowed
from condit.sampler.walk import extend, twisted


@dataclass(frozen=True)
class ASAp(AttemptsSampler):
    """Draws that come nearer to the target the more were made before.

    The weights that are dropped from the draws still give an estimate of ``Z``: unbiased where no
    attempt is refused, else consistent.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT
    width: int = 1

    def advance(self, state: AttemptsState, trial: Trial, node: Node) -> Going:
        """Draw among what is allowed; refused only where nothing is."""
        lane = trial.lane
        law = twisted(state, lane, node)
        draw = draw_allowed(law, state.trie, node, lane.matcher, lane.rng)
        if draw.slot is None:
            return Going.REFUSED
        lane.log_weight += draw.log_mass - lane.log_assumed
        extend(state, lane, node, draw.slot)
        return Going.ON

    def evidence(self, state: AttemptsState) -> tuple[float, float | None]:
        """The mean weight of attempts, and its standard error.

        Where some were refused, the last is left out: it was sure to be an accepted one.
        """
        log_weights = state.log_weights_of_attempts
        if 1 < state.accepted == len(state.lanes) < len(log_weights):
            log_weights = log_weights[:-1]
        if not log_weights:
            return -math.inf, None
        return log_mean_exp(log_weights), relative_error(log_weights, len(log_weights))
