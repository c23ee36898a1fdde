"""Attempts that walk down a trie, and extend it: what `Exact` and `ASAp` have in common.

What an attempt learns is known to the others at once. `Exact` refuses attempts so that the ones
left are exact draws; `ASAp` never does.

Whoever may break off must not decide by the draws. How many attempts are accepted in so many steps
depends on how long the texts are; and how many of so many attempts are accepted depends on what the
ones before have taught, thus again on the texts. So the attempts that a decision is made by are on
*probation*: all begin at the same bound, whatever is learned meanwhile. Then whether they are
accepted is independent of what they are (see "Deciding by the draws" in docs/samplers/auto.md).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from condit.sampler.attempts import AttemptsSampler, AttemptsState, Trial, empty_lanes
from condit.sampler.base import Findings, Problem
from condit.sampler.node import Node
from condit.sampler.walk import (
    TrieLane,
    Walk,
    begin,
    extend,
    in_vain,
    node_of,
    read_nodes,
    require_temperature,
    standing,
)
from condit.trace import Drawn, FinishReason, StepInfo


@dataclass
class TrieTrial(TrieLane, Trial):
    """An attempt that walks along a trie."""


@dataclass
class TrieAttemptsState(AttemptsState[TrieTrial]):
    """Attempts over one trie.

    Attributes:
        path: what they walk along.
        probation: how many of the first attempts begin at the same bound.
        log_probation: natural logarithm of that bound.
        judged: whether attempts may begin that are not on probation.
    """

    path: Walk = field(kw_only=True)
    probation: int = 0
    log_probation: float = 0.0
    judged: bool = True

    def findings(self) -> Findings:
        """How attempts went, and the trie's upper bound on the mass of valid texts."""
        return replace(super().findings(), log_bound=self.path.trie.log_bound)

    def begin_probation(self, attempts: int) -> None:
        """Let the next attempts all begin at the bound as it is now, and no others after them.

        Until ``judged`` is set again, which should depend on nothing but how many of them were
        accepted.
        """
        self.probation = self.begun + attempts
        self.log_probation = self.path.trie.log_bound
        self.judged = False


@dataclass(frozen=True)
class TrieAttempts(AttemptsSampler[TrieAttemptsState]):
    """What `Exact` and `ASAp` have in common; see `AttemptsSampler` for its settings."""

    @abstractmethod
    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Append a token to the text that ends at ``node``, or reject the attempt.

        Returns:
            whether neither can be decided before the next forward.
        """

    @abstractmethod
    def evidence(self, state: TrieAttemptsState) -> tuple[float, float | None]:
        """Natural logarithm of an estimate of ``Z`` by settled attempts, and its standard error."""

    def init(self, problem: Problem, rng: np.random.Generator) -> TrieAttemptsState:
        """No attempts yet; the prompt is forwarded here."""
        require_temperature(problem, type(self).__name__.lower())
        reader = problem.model.reader(problem.prompt)
        path, lane = begin(problem, rng, reader)
        root = TrieTrial(lane.matcher, rng)
        return TrieAttemptsState(problem, empty_lanes(problem, rng), [reader], root, path=path)

    def may_begin(self, state: TrieAttemptsState) -> bool:
        """Whether more attempts are needed, allowed, and not in vain from the beginning."""
        on_probation = state.begun < state.probation
        allowed = (on_probation or state.judged) and state.path.trie.log_bound > -math.inf
        return allowed and super().may_begin(state)

    def step(
        self, rng: np.random.Generator, state: TrieAttemptsState
    ) -> tuple[TrieAttemptsState, StepInfo]:
        """Walk every attempt to where it needs the model, then ask the model once for all."""
        state, info = super().step(rng, state)
        kept = [standing(state.path, trial) for trial in state.running]
        if not state.judged:
            kept.append(state.path.trie.root)  # its bound must not rise above the probation's
        state.path.trie.evict(kept)
        return state, info

    def prepare(self, state: TrieAttemptsState, trial: TrieTrial) -> None:
        """Note the bound at which it begins."""
        on_probation = trial.number < state.probation
        trial.log_start = state.log_probation if on_probation else state.path.trie.log_bound
        trial.log_assumed = trial.log_start

    def walk(self, state: TrieAttemptsState, trial: TrieTrial) -> bool:
        """Draw tokens until the model is needed (``True``) or the attempt has ended."""
        while trial.finish_reason is None:
            node = node_of(state.path, trial)
            if node is None or self.advance(state, trial, node):
                return True
        return False

    def take(
        self,
        state: TrieAttemptsState,
        trial: TrieTrial,
        node: Node,
        slot: int,
        log_assumed: float | None = None,
    ) -> None:
        """Append the token in ``slot`` of ``node``; see ``condit.sampler.walk.extend``."""
        log_mass, token = float(node.log_masses[slot]), int(node.tokens[slot])
        extend(state.path, trial, node, slot, log_assumed)
        state.draws.append(
            Drawn(None, trial.number, token, log_mass, node.log_allowed, trial.log_weight)
        )

    def forward(self, state: TrieAttemptsState, waiting: Sequence[TrieTrial]) -> int:
        """Read the nodes where attempts wait."""
        return read_nodes(state.path, waiting)

    def conclude(self, state: TrieAttemptsState, trial: TrieTrial) -> None:
        """Carry up what it has taught."""
        state.path.trie.back_up()

    def update_evidence(self, state: TrieAttemptsState) -> None:
        """Bring the estimate of the evidence up to date."""
        log_mean, state.log_evidence_error = self.evidence(state)
        # Lanes that stay empty have weight 0: the others make up for them.
        state.log_evidence = log_mean + math.log(len(state.lanes) / max(state.accepted, 1))

    def failure_reason(self, state: TrieAttemptsState) -> FinishReason | None:
        """Nothing more may begin; not while somebody still has to judge those on probation."""
        if state.path.trie.log_bound == -math.inf:
            return in_vain(state.path.trie)
        return "rejected" if state.judged else None
