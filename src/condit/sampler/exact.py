"""Exact draws by constrained adaptive rejection (CARS; Parys et al. 2025).

``θ(u)`` is the trie's upper bound on the mass of valid endings after the prefix ``u``. An attempt
draws ``t ∝ p(t|u) θ(ut)`` token by token. At ``u`` it continues with probability

    Σ_t p(t|u) θ(ut) / θ_assumed(u)

where ``θ_assumed(u)`` is the bound that it used when ``u`` was drawn; else it is rejected. The
factors telescope: an attempt that began at the bound ``θ(root)`` returns the valid text ``x`` with
probability ``p(x) / θ(root)``, whatever it and others learn meanwhile. So accepted texts are
independent draws from the target, and more are accepted as the bound falls towards ``Z``. At a new
node with a mask this is the published rule: continuing with the allowed mass and drawing among
allowed tokens is drawing from the model and rejecting refused tokens. The coin also accounts for
bounds that other attempts have lowered since ``u`` was drawn.
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
from condit.sampler.node import Node
from condit.sampler.trie_attempts import TrieAttempts, TrieAttemptsState, TrieTrial
from condit.sampler.twisted import REST, may_follow
from condit.sampler.walk import twisted
from condit.weights import log_sum_exp


@dataclass(frozen=True)
class Exact(TrieAttempts):
    """Independent draws from the target; attempts go on until there are enough.

    The evidence is consistent but not unbiased; its standard error goes to 0 as the bound falls to
    ``Z``.

    Attributes:
        beginnings: read all prefixes of valid texts before the first attempt if there are at most
            so many (over all tokenizations); if there are more, but texts cannot be long, the most
            probable ones. See ``condit.sampler.beginnings``. 0 reads none.

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
        """The state before any attempt; forwards the prompt, and prefixes: see ``beginnings``."""
        state = super().init(problem, rng)
        if self.beginnings:
            read_beginnings(state.walk, state.root, self.beginnings)
        return state

    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Reject by a coin, or else draw a token, which may be refused."""
        law = twisted(state.walk, trial, node)
        log_assumed: float | None = None
        if trial.rest_from is not None:
            slot = law.draw_rest(trial.rng, trial.rest_from)
            # The bound of all of the rest was 1, whatever is known of this token by now.
            trial.rest_from, log_assumed = None, 0.0
        else:
            log_going_on = law.log_remaining - trial.log_assumed
            if log_going_on < 0 and math.log1p(-trial.rng.random()) > log_going_on:
                trial.reject()
                return False
            slot = law.draw_kept(trial.rng)
            if slot == REST:
                trial.rest_from = len(node.tokens)
                return True
        if slot is None or not may_follow(state.walk.trie, node, slot, trial.matcher):
            trial.reject()
        else:
            self.take(state, trial, node, slot, log_assumed)
        return False

    def evidence(self, state: TrieAttemptsState) -> tuple[float, float | None]:
        """``log Ẑ`` with ``Ẑ = accepted / Σ 1/bound``, and its standard error relative to it.

        An attempt is accepted with probability ``Z / bound``: the estimate makes the expected
        number of accepted attempts the observed one. The last attempt is left out, as sampling
        stops at an accepted one. The estimate is clipped to known bounds on ``Z``.
        """
        last = -1 if state.accepted == len(state.lanes) > 1 else None
        log_starts = np.array(state.log_starts[:last])
        accepted = state.accepted - (last is not None)
        if accepted == 0:
            return -math.inf, None
        log_evidence = math.log(accepted) - log_sum_exp(-log_starts)
        # Z is at least the mass of the distinct texts drawn, and at most the bound.
        found = {tuple(lane.tokens): lane.log_probability for lane in state.lanes[: state.accepted]}
        log_evidence = max(log_evidence, log_sum_exp(np.array(list(found.values()))))
        log_evidence = min(log_evidence, state.walk.trie.log_bound)
        chances = np.minimum(np.exp(log_evidence - log_starts), 1.0)
        return log_evidence, math.sqrt((chances * (1 - chances)).sum()) / float(chances.sum())
