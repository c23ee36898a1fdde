"""Attempts that walk down a trie and extend it: the base of `Exact` and `ASAp`.

What one attempt learns, the others use at once. `Exact` rejects attempts so that accepted ones are
exact draws; `ASAp` does not. Neither decides here when to stop trying.

`Auto` may stop early, and a decision to stop must not depend on the texts drawn, or the draws that
are kept would be biased. The number accepted so far depends on them: through their length, and
through what earlier attempts have taught. So the attempts that decide are on *probation*: all begin
at the same bound, whatever is learned meanwhile, and whether they are accepted is independent of
their texts (see "Deciding by the draws" in docs/samplers/auto.md).
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
    dead_end_reason,
    deepest_node,
    extend,
    node_of,
    read_nodes,
    require_temperature,
)
from condit.trace import Drawn, FinishReason, StepInfo


@dataclass
class TrieTrial(TrieLane, Trial):
    """An attempt, and where it is in the trie."""


@dataclass
class TrieAttemptsState(AttemptsState[TrieTrial]):
    """Attempts that share one trie.

    Attributes:
        walk: the trie, the model and the problem.
        probation: attempts with a lower number than this are on probation.
        log_probation: natural logarithm of the bound at which these begin.
        judged: whether attempts that are not on probation may begin.
    """

    walk: Walk = field(kw_only=True)
    probation: int = 0
    log_probation: float = 0.0
    judged: bool = True

    def findings(self) -> Findings:
        """Numbers of attempts, the error of the evidence, and the upper bound on ``Z``."""
        return replace(super().findings(), log_bound=self.walk.trie.log_bound)

    def begin_probation(self, attempts: int) -> None:
        """Put the next ``attempts`` attempts on probation, and let no others begin after them.

        The caller sets ``judged`` to let more begin; that may depend only on how many of those on
        probation were accepted.
        """
        self.probation = self.begun + attempts
        self.log_probation = self.walk.trie.log_bound
        self.judged = False


@dataclass(frozen=True)
class TrieAttempts(AttemptsSampler[TrieAttemptsState]):
    """The base of `Exact` and `ASAp`; see `AttemptsSampler` for its settings."""

    @abstractmethod
    def advance(self, state: TrieAttemptsState, trial: TrieTrial, node: Node) -> bool:
        """Append a token to the text that ends at ``node``, or reject the attempt.

        Returns:
            whether neither can be decided before the next forward.
        """

    @abstractmethod
    def evidence(self, state: TrieAttemptsState) -> tuple[float, float | None]:
        """Log of an estimate of ``Z`` from settled attempts, and its relative standard error."""

    def init(self, problem: Problem, rng: np.random.Generator) -> TrieAttemptsState:
        """No attempts yet; the prompt is forwarded here."""
        require_temperature(problem, type(self).__name__.lower())
        reader = problem.model.reader(problem.prompt)
        walk, lane = begin(problem, rng, reader)
        root = TrieTrial(lane.matcher, rng)
        return TrieAttemptsState(problem, empty_lanes(problem, rng), [reader], root, walk=walk)

    def may_begin(self, state: TrieAttemptsState) -> bool:
        """Whether more attempts are needed, allowed, and can be accepted (the bound is not 0)."""
        on_probation = state.begun < state.probation
        allowed = (on_probation or state.judged) and state.walk.trie.log_bound > -math.inf
        return allowed and super().may_begin(state)

    def step(
        self, rng: np.random.Generator, state: TrieAttemptsState
    ) -> tuple[TrieAttemptsState, StepInfo]:
        """Run every attempt until it needs the model, then one forward for all."""
        state, info = super().step(rng, state)
        kept = [deepest_node(state.walk, trial) for trial in state.running]
        if not state.judged:
            kept.append(state.walk.trie.root)  # its bound must not rise during probation
        state.walk.trie.evict(kept)
        return state, info

    def prepare(self, state: TrieAttemptsState, trial: TrieTrial) -> None:
        """Set the bound at which it begins."""
        on_probation = trial.number < state.probation
        trial.log_start = state.log_probation if on_probation else state.walk.trie.log_bound
        trial.log_assumed = trial.log_start

    def walk(self, state: TrieAttemptsState, trial: TrieTrial) -> bool:
        """Draw tokens until the model is needed (``True``) or the attempt has ended."""
        while trial.finish_reason is None:
            node = node_of(state.walk, trial)
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
        of_prompt = state.problem.bytes_of_prompt(token, trial.tokens, len(trial.tokens))
        extend(state.walk, trial, node, slot, log_assumed)
        state.draws.append(
            Drawn(
                None,
                trial.number,
                token,
                log_mass,
                node.log_allowed,
                trial.log_weight,
                prompt_bytes=of_prompt,
            )
        )

    def forward(self, state: TrieAttemptsState, waiting: Sequence[TrieTrial]) -> int:
        """Add the nodes that attempts need."""
        return read_nodes(state.walk, waiting)

    def conclude(self, state: TrieAttemptsState, trial: TrieTrial) -> None:
        """Update the bounds of the trie."""
        state.walk.trie.back_up()

    def update_evidence(self, state: TrieAttemptsState) -> None:
        """Estimate the evidence from all settled attempts."""
        log_mean, state.log_evidence_error = self.evidence(state)
        # Lanes that stay empty have weight 0: the others make up for them.
        state.log_evidence = log_mean + math.log(len(state.lanes) / max(state.accepted, 1))

    def failure_reason(self, state: TrieAttemptsState) -> FinishReason | None:
        """As in `AttemptsSampler`; ``None`` while attempts on probation are not judged."""
        if state.walk.trie.log_bound == -math.inf:
            return dead_end_reason(state.walk.trie)
        return "rejected" if state.judged else None
