"""Attempts at whole texts, several at a time, until enough are accepted.

What `Rejection` shares with the samplers that walk a trie (see ``trie_attempts.py``): attempts
begin at the empty text, go on until they need the model, and one forward serves all that wait.

Attempts are numbered in the order in which they begin, and draws are the accepted ones in that
order. Taking them in the order in which they end would favour short texts.
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
from condit.sampler.base import Findings, Lane, Problem, Sampler, State
from condit.sampler.local import weigh_preference
from condit.trace import Drawn, Ended, FinishReason, StepInfo
from condit.weights import effective_sample_size


@dataclass
class Trial(Lane):
    """An attempt; its weight is 0 where it is refused.

    Attributes:
        number: counted from 0, in the order in which attempts begin.
        log_start: natural logarithm of the bound on ``Z`` when it began; 0 where none is kept.
    """

    number: int = 0
    log_start: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether it has ended as a text that the target gives mass to."""
        return self.finish_reason is not None and self.log_weight > -math.inf

    def refuse(self, reason: FinishReason = "rejected") -> None:
        """End it in vain."""
        self.finish_reason, self.log_weight = reason, -math.inf


TrialT = TypeVar("TrialT", bound=Trial)


@dataclass
class AttemptsState(State, Generic[TrialT]):
    """Attempts under way, and the ones that ended while an earlier one had not.

    Only settled attempts count, which have ended as all before them have: ``attempts`` is how many
    there are, and ``accepted`` how many of them fill a lane.

    Attributes:
        root: what attempts are copied from.
        running: the attempts under way.
        ended: attempts that ended and are not settled yet, by number.
        begun: how many attempts have begun.
        longest: the longest text that was refused.
        log_evidence_error: standard error of the evidence, relative to it, where it is known.
        draws: tokens drawn in this step.
        checks: single tokens that matchers were asked about in this step.
    """

    root: TrialT
    running: list[TrialT] = field(default_factory=list)
    ended: dict[int, TrialT] = field(default_factory=dict)
    begun: int = 0
    attempts: int = 0
    accepted: int = 0
    longest: list[int] = field(default_factory=list)
    log_evidence_error: float | None = None
    draws: list[Drawn] = field(default_factory=list)
    checks: int = 0

    def findings(self) -> Findings:
        """How attempts went."""
        return Findings(self.attempts, self.accepted, self.log_evidence_error)


AttemptsStateT = TypeVar("AttemptsStateT", bound=AttemptsState[Any], default=Any)


@dataclass(frozen=True)
class AttemptsSampler(Sampler[AttemptsStateT]):
    """Tries whole texts until there are enough.

    Attributes:
        width: how many attempts are under way at a time; they share the model's forwards.
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
        """Go on until the model is needed (``True``) or the attempt has ended."""

    @abstractmethod
    def ask(self, state: AttemptsStateT, waiting: Sequence[Any]) -> int:
        """Ask the model once for all that wait; returns how many masks were computed."""

    @abstractmethod
    def sum_up(self, state: AttemptsStateT) -> None:
        """Bring the estimate of the evidence up to date."""

    def begins(self, state: AttemptsStateT, trial: Any) -> None:
        """Prepare an attempt that is about to begin."""

    def may_begin(self, state: AttemptsStateT) -> bool:
        """Whether more attempts are needed and allowed."""
        found = state.accepted + sum(trial.accepted for trial in state.ended.values())
        return found < len(state.lanes) and state.begun < self.attempts * len(state.lanes)

    def ends(self, state: AttemptsStateT, trial: Any) -> None:
        """See to what an attempt that has ended teaches, or weigh it."""

    def settles(self, state: AttemptsStateT, trial: Any) -> float:
        """Note an attempt that counts now; returns the log weight of its lane, if accepted."""
        return 0.0

    def gives_up(self, state: AttemptsStateT) -> FinishReason | None:
        """Why the lanes that are still empty stay so, with nothing under way; ``None``: not yet."""
        return "rejected"

    def step(
        self, rng: np.random.Generator, state: AttemptsStateT
    ) -> tuple[AttemptsStateT, StepInfo]:
        """Walk every attempt to where it needs the model, then ask the model once for all."""
        state.draws, state.checks = [], 0
        ended: list[Trial] = []
        waiting: list[Trial] = []
        while len(waiting) < self.width:
            trial = next((each for each in state.running if each not in waiting), None)
            trial = trial or self._begin(rng, state)
            if trial is None:
                break
            if self.walk(state, trial):
                waiting.append(trial)
                continue
            state.running.remove(trial)
            self.ends(state, trial)
            state.ended[trial.number] = trial
            ended.append(trial)
            self._settle(state)
            if state.done:
                break
        if ended:
            self.sum_up(state)
        masks = 0
        if not state.done:
            if waiting:
                masks = self.ask(state, waiting)
            elif not state.running and (reason := self.gives_up(state)) is not None:
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

    def _begin(self, rng: np.random.Generator, state: AttemptsStateT) -> Trial | None:
        if not self.may_begin(state):
            return None
        trial: Trial = state.root.copy_to(rng.spawn(1)[0])
        trial.number = state.begun
        state.begun += 1
        self.begins(state, trial)
        state.running.append(trial)
        return trial

    def _settle(self, state: AttemptsStateT) -> None:
        """Count attempts in the order in which they began, and fill lanes with accepted ones."""
        while state.attempts in state.ended and state.accepted < len(state.lanes):
            trial = state.ended.pop(state.attempts)
            state.attempts += 1
            log_weight = self.settles(state, trial)
            if not trial.accepted:
                if len(trial.tokens) > len(state.longest):
                    state.longest = trial.tokens
                continue
            lane = state.lanes[state.accepted]
            lane.tokens, lane.finish_reason = trial.tokens, trial.finish_reason
            lane.log_probability, lane.log_weight = trial.log_probability, log_weight
            state.accepted += 1
            weigh_preference(state.problem, [lane])


def empty_lanes(problem: Problem, rng: np.random.Generator) -> list[Lane]:
    """Lanes without weight, for attempts to fill."""
    return [
        Lane(None, noise, log_weight=-math.inf, origin=index)
        for index, noise in enumerate(rng.spawn(problem.lanes))
    ]


def ended_as(
    lane: Lane,
    *,
    index: int | None = None,
    attempt: int | None = None,
    accepted: bool = True,
    log_bound: float = 0.0,
) -> Ended:
    """The trace record of a text that has ended.

    Args:
        lane: the text; one without weight is never accepted.
        index: which lane it grows in.
        attempt: the number of the attempt.
        accepted: whether the sampler took it.
        log_bound: natural logarithm of the bound on ``Z`` when it began, where one is kept.
    """
    taken = accepted and lane.log_weight > -math.inf
    reason = lane.finish_reason or "rejected"
    return Ended(index, attempt, tuple(lane.tokens), reason, taken, lane.log_weight, log_bound)


def log_share(accepted: int, tried: int, wanted: int) -> float:
    """Natural logarithm of the share of tries that are accepted, as an estimate.

    Where they went on until ``wanted`` were accepted, the last one was sure to be: it is left out,
    which makes the share unbiased (Haldane 1945), unless it is the only one.
    """
    if accepted == wanted and wanted > 1:
        return math.log((accepted - 1) / (tried - 1))
    return math.log(accepted / tried)


def relative_error(log_weights: Sequence[float], tried: int) -> float | None:
    """Standard error of the mean weight of tries, relative to it; those left out weigh 0.

    ``None`` where it cannot be told: from one try, or where all weigh 0.
    """
    size = effective_sample_size(log_weights)
    if tried < 2 or size == 0:
        return None
    return math.sqrt(max(tried / size - 1, 0.0) / (tried - 1))
