"""Samplers that draw whole texts and accept or reject them, until enough are accepted.

The loop that `Rejection` shares with the samplers that walk a trie (``trie_attempts.py``). Several
attempts run side by side: each goes on until it needs the model, and one forward serves all that
wait. How a token is drawn, and what is rejected, is not decided here.

Attempts are numbered in the order in which they begin, and the accepted ones become draws in that
order: the order in which they end would favour short texts.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
from typing_extensions import TypeVar

from condit.errors import ArgumentError
from condit.sampler.base import Findings, Lane, Problem, Sampler, State, ended_as
from condit.sampler.local import weigh_preference
from condit.trace import Drawn, FinishReason, StepInfo
from condit.weights import effective_sample_size


@dataclass
class Trial(Lane):
    """An attempt at one text; its weight is 0 once it is rejected.

    Attributes:
        number: counted from 0, in the order in which attempts begin.
        log_start: natural logarithm of the upper bound on ``Z`` when it began; 0 without one.
    """

    number: int = 0
    log_start: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether it has ended as a text of the target."""
        return self.finish_reason is not None and self.log_weight > -math.inf

    def reject(self, reason: FinishReason = "rejected") -> None:
        """End it with weight 0."""
        self.finish_reason, self.log_weight = reason, -math.inf


TrialT = TypeVar("TrialT", bound=Trial)


@dataclass
class AttemptsState(State, Generic[TrialT]):
    """Attempts that run, and those that have ended.

    An attempt is *settled* once it and all attempts before it have ended. Only settled attempts
    count, in ``attempts`` and in the lists of logarithms.

    Attributes:
        root: what attempts are copied from.
        running: the attempts that have not ended.
        ended: attempts that have ended and are not settled, by number.
        begun: how many attempts have begun.
        attempts: how many are settled.
        accepted: how many of these were accepted; each fills a lane, in order.
        log_starts: of each settled attempt its ``log_start``.
        log_weights_of_attempts: of each settled attempt the natural logarithm of its weight times
            the bound that it began at; ``-inf`` where it was rejected.
        longest: the longest text that was rejected.
        log_evidence_error: standard error of the evidence, relative to it; ``None``: unknown.
        draws: tokens drawn in this step.
        checks: single tokens that matchers were asked about in this step.
    """

    root: TrialT
    running: list[TrialT] = field(default_factory=list)
    ended: dict[int, TrialT] = field(default_factory=dict)
    begun: int = 0
    attempts: int = 0
    accepted: int = 0
    log_starts: list[float] = field(default_factory=list)
    log_weights_of_attempts: list[float] = field(default_factory=list)
    longest: list[int] = field(default_factory=list)
    log_evidence_error: float | None = None
    draws: list[Drawn] = field(default_factory=list)
    checks: int = 0

    def findings(self) -> Findings:
        """Numbers of attempts, and the error of the evidence."""
        return Findings(self.attempts, self.accepted, self.log_evidence_error)


AttemptsStateT = TypeVar("AttemptsStateT", bound=AttemptsState[Any], default=Any)


@dataclass(frozen=True)
class AttemptsSampler(Sampler[AttemptsStateT]):
    """Draws whole texts until there are enough.

    Attributes:
        width: how many attempts run at a time; they share the model's forwards.
        attempts: how many attempts may be made for each draw asked for, on average.

    Raises:
        ArgumentError: one of them is less than 1.
    """

    width: int = 8
    attempts: int = 1000

    def __post_init__(self) -> None:
        for name in ("width", "attempts"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be 1 or more, not {getattr(self, name)}")

    @abstractmethod
    def walk(self, state: AttemptsStateT, trial: Any) -> bool:
        """Draw tokens until the model is needed (``True``) or the attempt has ended."""

    @abstractmethod
    def forward(self, state: AttemptsStateT, waiting: Sequence[Any]) -> int:
        """One forward for all attempts that need the model; returns how many masks it took."""

    @abstractmethod
    def update_evidence(self, state: AttemptsStateT) -> None:
        """Estimate the evidence from all settled attempts."""

    def may_begin(self, state: AttemptsStateT) -> bool:
        """Whether more attempts are needed and allowed."""
        found = state.accepted + sum(trial.accepted for trial in state.ended.values())
        return found < len(state.lanes) and state.begun < self.attempts * len(state.lanes)

    def prepare(self, state: AttemptsStateT, trial: Any) -> None:
        """Called with each new attempt before its first token."""

    def conclude(self, state: AttemptsStateT, trial: Any) -> None:
        """Called with each attempt as it ends: weigh it, or learn from it."""

    def log_weight_of(self, trial: Any) -> float:
        """Natural logarithm of the weight of the lane that an accepted attempt fills."""
        log_weight: float = trial.log_weight
        return log_weight

    def failure_reason(self, state: AttemptsStateT) -> FinishReason | None:
        """Why lanes stay empty when no attempt runs; ``None``: more attempts may follow."""
        return "rejected"

    def step(
        self, rng: np.random.Generator, state: AttemptsStateT
    ) -> tuple[AttemptsStateT, StepInfo]:
        """Run every attempt until it needs the model, then one forward for all."""
        state.draws, state.checks = [], 0
        ended: list[Trial] = []
        waiting = 0  # so many of the running attempts, the first ones, need the model
        while waiting < self.width:
            if waiting == len(state.running) and not self._begin(rng, state):
                break
            trial = state.running[waiting]
            if self.walk(state, trial):
                waiting += 1
                continue
            del state.running[waiting]
            self.conclude(state, trial)
            state.ended[trial.number] = trial
            ended.append(trial)
            self._settle(state)
            if state.done:
                break
        if ended:
            self.update_evidence(state)
        masks = 0
        if not state.done:
            if state.running:
                masks = self.forward(state, state.running)
            elif (reason := self.failure_reason(state)) is not None:
                for lane in state.lanes[state.accepted :]:
                    lane.tokens, lane.finish_reason = list(state.longest), reason
        state.steps += 1
        weights = state.log_weights[: state.accepted]
        info = StepInfo(
            step=state.steps - 1,
            draws=tuple(state.draws),
            ends=tuple(
                ended_as(trial, attempt=trial.number, log_bound=trial.log_start) for trial in ended
            ),
            effective_sample_size=effective_sample_size(weights) if weights else 0.0,
            checks=state.checks,
            masks=masks,
        )
        return state, info

    def _begin(self, rng: np.random.Generator, state: AttemptsStateT) -> bool:
        """Begin another attempt, if one may begin; returns whether."""
        if not self.may_begin(state):
            return False
        trial: Trial = state.root.copy_to(rng.spawn(1)[0])
        trial.number = state.begun
        state.begun += 1
        self.prepare(state, trial)
        state.running.append(trial)
        return True

    def _settle(self, state: AttemptsStateT) -> None:
        """Count attempts in the order in which they began, and fill lanes with accepted ones."""
        while state.attempts in state.ended and state.accepted < len(state.lanes):
            trial = state.ended.pop(state.attempts)
            state.attempts += 1
            state.log_starts.append(trial.log_start)
            state.log_weights_of_attempts.append(trial.log_start + trial.log_weight)
            if not trial.accepted:
                if len(trial.tokens) > len(state.longest):
                    state.longest = trial.tokens
                continue
            lane = state.lanes[state.accepted]
            lane.tokens, lane.finish_reason = trial.tokens, trial.finish_reason
            lane.log_probability, lane.log_weight = trial.log_probability, self.log_weight_of(trial)
            state.accepted += 1
            weigh_preference(state.problem, [lane])


def empty_lanes(problem: Problem, rng: np.random.Generator) -> list[Lane]:
    """Lanes without weight, for attempts to fill."""
    return [
        Lane(None, lane_rng, log_weight=-math.inf, origin=index)
        for index, lane_rng in enumerate(rng.spawn(problem.lanes))
    ]
