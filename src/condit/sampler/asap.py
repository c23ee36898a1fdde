"""Grammar-aligned decoding by adaptive sampling with approximate expected futures (ASAp).

Park et al. (2024). Uses the trie of `Exact`, but never rejects by a coin: an attempt draws
``t ∝ p(t|u) θ(ut)`` among the allowed tokens, where ``θ`` is the trie's upper bound on the mass of
valid endings. The first draw is that of plain masking; as bounds come down, later draws approach
the target, and in the limit they are exact. It is the published baseline of `Exact` and `Learned`,
which walk the same trie and reject or weigh.
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
    """Equally weighted draws whose law approaches the target the more draws were made before.

    The importance weights of attempts are used for the evidence only. It is unbiased if no attempt
    is rejected, and consistent otherwise.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT
    width: int = 1

    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Draw among the allowed tokens; reject the attempt only where there are none."""
        law = twisted(state.walk, trial, node)
        draw = draw_allowed(law, state.walk.trie, node, trial.matcher, trial.rng)
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

        If some were rejected, the last is left out: sampling stopped there as it was accepted.
        """
        log_weights = state.log_weights_of_attempts
        if 1 < state.accepted == len(state.lanes) < len(log_weights):
            log_weights = log_weights[:-1]
        if not log_weights:
            return -math.inf, None
        return log_mean_exp(log_weights), relative_error(log_weights)
