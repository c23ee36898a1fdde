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

from condit.report import Guarantee
from condit.sampler.node import Node
from condit.sampler.trie_attempts import TrieAttempts, TrieAttemptsState, TrieTrial
from condit.sampler.twisted import draw_allowed
from condit.sampler.walk import twisted
from condit.weights import log_mean_exp, relative_error


@dataclass(frozen=True)
class ASAp(TrieAttempts):
    """Draws that come nearer to the target the more were made before.

    The weights that are dropped from the draws still give an estimate of ``Z``: unbiased where no
    attempt is refused, else consistent.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT
    width: int = 1

    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Draw among the allowed tokens; reject the attempt only where there are none."""
        law = twisted(state.path, trial, node)
        draw = draw_allowed(law, state.path.trie, node, trial.matcher, trial.rng)
        if draw.slot is None:
            trial.reject()
        else:
            trial.log_weight += draw.log_mass - trial.log_assumed
            self.take(state, trial, node, draw.slot)
        return False

    def log_weight_of(self, trial: TrieTrial) -> float:
        """Always 0: the weights of attempts serve the evidence alone."""
        return 0.0

    def evidence(self, state: TrieAttemptsState) -> tuple[float, float | None]:
        """The mean weight of attempts, and its standard error.

        Where some were refused, the last is left out: it was sure to be an accepted one.
        """
        log_weights = state.log_weights_of_attempts
        if 1 < state.accepted == len(state.lanes) < len(log_weights):
            log_weights = log_weights[:-1]
        if not log_weights:
            return -math.inf, None
        return log_mean_exp(log_weights), relative_error(log_weights)
