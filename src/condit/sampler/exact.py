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

import numpy as np

from condit.errors import ArgumentError
from condit.report import Guarantee
from condit.sampler.base import Problem
from condit.sampler.beginnings import read_beginnings
from condit.sampler.node import Node, log_sum_exp
from condit.sampler.trie_attempts import TrieAttempts, TrieAttemptsState, TrieTrial
from condit.sampler.twisted import REST, may_follow
from condit.sampler.walk import twisted


@dataclass(frozen=True)
class Exact(TrieAttempts):
    """Independent draws from the target itself; it works until there are enough.

    The evidence is consistent, with a standard error that goes to 0 as the bound comes near ``Z``,
    but not unbiased.

    Attributes:
        beginnings: where valid texts have at most so many beginnings, in all spellings, they are
            all read in one forward before the first attempt, and every attempt is accepted. Where
            texts have more, but cannot be long, the heaviest beginnings are read. 0 reads none.

    Raises:
        ArgumentError: ``width`` or ``attempts`` is less than 1, or ``beginnings`` negative.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.EXACT
    beginnings: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beginnings < 0:
            raise ArgumentError(f"beginnings must be 0 or more, not {self.beginnings}")

    def init(self, problem: Problem, rng: np.random.Generator) -> TrieAttemptsState:
        """No attempts yet; the prompt is forwarded here, and beginnings of few or short texts."""
        state = super().init(problem, rng)
        if self.beginnings:
            read_beginnings(state.path, state.root, self.beginnings)
        return state

    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Reject by a coin, or else draw a token, which may be refused."""
        law = twisted(state.path, trial, node)
        log_assumed: float | None = None
        if trial.resting is not None:
            slot = law.draw_rest(trial.rng, trial.resting)
            # The bound of all of the rest was 1, whatever is known of this token by now.
            trial.resting, log_assumed = None, 0.0
        else:
            log_going_on = law.log_remaining - trial.log_assumed
            if log_going_on < 0 and math.log1p(-trial.rng.random()) > log_going_on:
                trial.reject()
                return False
            slot = law.draw_kept(trial.rng)
            if slot == REST:
                trial.resting = len(node.tokens)
                return True
        if slot is None or not may_follow(state.path.trie, node, slot, trial.matcher):
            trial.reject()
        else:
            self.take(state, trial, node, slot, log_assumed)
        return False

    def evidence(self, state: TrieAttemptsState) -> tuple[float, float | None]:
        """``Ẑ = accepted / Σ 1/bound``, within what is sure, and its standard error.

        An attempt is accepted with probability ``Z / bound``, so this is where the number that was
        accepted is the number to be expected. The last attempt is always an accepted one, and is
        left out where it is not the only one.
        """
        last = -1 if state.accepted == len(state.lanes) > 1 else None
        log_starts = np.array(state.log_starts[:last])
        accepted = state.accepted - (last is not None)
        if accepted == 0:
            return -math.inf, None
        log_evidence = math.log(accepted) - log_sum_exp(-log_starts)
        # What was drawn is surely there, and more than the bound is surely not.
        found = {tuple(lane.tokens): lane.log_probability for lane in state.lanes[: state.accepted]}
        log_evidence = max(log_evidence, log_sum_exp(np.array(list(found.values()))))
        log_evidence = min(log_evidence, state.path.trie.log_bound)
        chances = np.minimum(np.exp(log_evidence - log_starts), 1.0)
        return log_evidence, math.sqrt((chances * (1 - chances)).sum()) / float(chances.sum())
