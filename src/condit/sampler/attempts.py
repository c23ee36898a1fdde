"""Attempts at whole texts, several at a time, over one trie.

Attempts begin at the empty text and walk down the trie; where one comes to a prefix that no run has
seen, it waits for the model, and one forward serves all that wait. What an attempt learns is known
to the others at once. `Exact` refuses attempts so that the ones left are exact draws; `ASAp` never
does.

Attempts are numbered in the order in which they begin, and draws are the accepted ones in that
order. Taking them in the order in which they end would favour short texts.

Whoever may break off must not decide by the draws. How many attempts are accepted in so many steps
depends on how long the texts are; and how many of so many attempts are accepted depends on what the
ones before have taught, thus again on the texts. So the attempts that a decision is made by are on
*probation*: all begin at the same bound, whatever is learned meanwhile. Then whether they are
accepted is independent of what they are (see "Deciding by the draws" in docs/samplers/auto.md).
"""

from __future__ import annotations

import enum
import math
from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from condit.errors import ArgumentError
from condit.sampler.base import Lane, Problem, Sampler, State, StepInfo, attempt_of
from condit.sampler.base import effective_sample_size as size_of
from condit.sampler.local import weigh_preference
from condit.sampler.node import Node
from condit.sampler.walk import (
    TrieLane,
    TrieState,
    begin,
    in_vain,
    node_of,
    read_nodes,
    require_temperature,
    standing,
)


class Going(enum.Enum):
    """What became of an attempt at a node."""

    ON = enum.auto()
    WAITS = enum.auto()
    REFUSED = enum.auto()


@dataclass
class Trial:
    """An attempt under way.

    Attributes:
        number: counted from 0, in the order in which attempts begin.
        lane: its text, and where it stands.
        log_start: natural logarithm of the bound on ``Z`` when it began.
    """

    number: int
    lane: TrieLane
    log_start: float


@dataclass
class AttemptsState(TrieState):
    """Attempts under way, and the ones that ended while an earlier one had not.

    Only settled attempts count, which have ended as all before them have: ``attempts`` is how many
    there are, and ``accepted`` how many of them fill a lane.

    Attributes:
        root: the lane that attempts are copied from.
        running: the attempts under way.
        ended: attempts that ended and are not settled yet, by number.
        begun: how many attempts have begun.
        longest: the longest text that was refused.
        log_starts: for each settled attempt the natural logarithm of the bound when it began.
        log_weights_of_attempts: for each its weight, ``-inf`` where it was not accepted.
        probation: how many of the first attempts begin at the same bound.
        log_probation: natural logarithm of that bound.
        judged: whether attempts may begin that are not on probation.
    """

    root: TrieLane
    running: list[Trial] = field(default_factory=list)
    ended: dict[int, Trial] = field(default_factory=dict)
    begun: int = 0
    longest: list[int] = field(default_factory=list)
    log_starts: list[float] = field(default_factory=list)
    log_weights_of_attempts: list[float] = field(default_factory=list)
    probation: int = 0
    log_probation: float = 0.0
    judged: bool = True

    def begin_probation(self, attempts: int) -> None:
        """Let the next attempts all begin at the bound as it is now, and no others after them.

        Until ``judged`` is set again, which should depend on nothing but how many of them were
        accepted.
        """
        self.probation = self.begun + attempts
        self.log_probation = self.trie.log_bound
        self.judged = False


@dataclass(frozen=True)
class AttemptsSampler(Sampler):
    """What `Exact` and `ASAp` have in common.

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
    def advance(self, state: AttemptsState, trial: Trial, node: Node) -> Going:
        """Take one token further from ``node``."""

    @abstractmethod
    def evidence(self, state: AttemptsState) -> tuple[float, float | None]:
        """Natural logarithm of an estimate of ``Z`` by settled attempts, and its standard error."""

    def init(self, problem: Problem, rng: np.random.Generator) -> AttemptsState:
        """No attempts yet; the prompt is forwarded here."""
        require_temperature(problem, type(self).__name__.lower())
        base, root = begin(problem, rng, problem.model.reader(problem.prompt))
        state = AttemptsState(problem, base.lanes, base.reader, base.trie, root)
        state.lanes += [
            Lane(matcher=None, rng=noise, log_weight=-math.inf, origin=index)
            for index, noise in enumerate(rng.spawn(problem.lanes))
        ]
        return state

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """Walk every attempt to where it needs the model, then ask the model once for all."""
        assert isinstance(state, AttemptsState)
        ended: list[Trial] = []
        waiting: list[Trial] = []
        while len(waiting) < self.width:
            trial = next((t for t in state.running if t not in waiting), None)
            trial = trial or self._begin(rng, state)
            if trial is None:
                break
            if self._walk(state, trial):
                waiting.append(trial)
            else:
                state.running.remove(trial)
                state.ended[trial.number] = trial
                ended.append(trial)
                state.trie.back_up()
                self._settle(state)
                if state.done:
                    break
        if ended:
            self._sum_up(state)
        masks = 0
        if not state.done:
            if waiting:
                masks = read_nodes(state, [trial.lane for trial in waiting])
            elif not state.running and (state.judged or state.trie.log_bound == -math.inf):
                self._give_up(state)
        kept = [standing(state, trial.lane) for trial in state.running]
        if not state.judged:
            kept.append(state.trie.root)  # its bound must not rise above that of the probation
        state.trie.evict(kept)
        state.steps += 1
        return state, self._record(state, ended, masks)

    def _begin(self, rng: np.random.Generator, state: AttemptsState) -> Trial | None:
        """A new attempt, if more are needed and allowed."""
        found = state.accepted + sum(_accepted(trial) for trial in state.ended.values())
        on_probation = state.begun < state.probation
        spent = state.begun >= self.attempts * len(state.lanes)
        spent |= not (on_probation or state.judged)
        log_start = state.trie.log_bound
        if found >= len(state.lanes) or spent or log_start == -math.inf:
            return None
        if on_probation:
            log_start = state.log_probation
        lane = state.root.copy_to(rng.spawn(1)[0])
        lane.log_assumed = log_start
        trial = Trial(state.begun, lane, log_start)
        state.begun += 1
        state.running.append(trial)
        return trial

    def _walk(self, state: AttemptsState, trial: Trial) -> bool:
        """Go on until the model is needed (``True``) or the attempt has ended."""
        lane = trial.lane
        while lane.finish_reason is None:
            node = node_of(state, lane)
            if node is None:
                return True
            going = self.advance(state, trial, node)
            if going is Going.WAITS:
                return True
            if going is Going.REFUSED:
                lane.finish_reason = "rejected"
        return False

    def _settle(self, state: AttemptsState) -> None:
        """Count attempts in the order in which they began, and fill lanes with accepted ones."""
        while state.attempts in state.ended and state.accepted < len(state.lanes):
            trial = state.ended.pop(state.attempts)
            state.attempts += 1
            state.log_starts.append(trial.log_start)
            accepted = _accepted(trial)
            weight = trial.log_start + trial.lane.log_weight if accepted else -math.inf
            state.log_weights_of_attempts.append(weight)
            if not accepted:
                if len(trial.lane.tokens) > len(state.longest):
                    state.longest = trial.lane.tokens
                continue
            lane = state.lanes[state.accepted]
            lane.tokens = trial.lane.tokens
            lane.log_probability = trial.lane.log_probability
            lane.finish_reason = trial.lane.finish_reason
            lane.log_weight = 0.0
            state.accepted += 1
            weigh_preference(state.problem, [lane])

    def _sum_up(self, state: AttemptsState) -> None:
        """Bring the estimate of the evidence up to date."""
        log_mean, state.log_evidence_error = self.evidence(state)
        # Lanes that stay empty have weight 0: the others make up for them.
        state.log_evidence = log_mean + math.log(len(state.lanes) / max(state.accepted, 1))

    def _give_up(self, state: AttemptsState) -> None:
        """Close the lanes that no attempt could fill."""
        empty = state.trie.log_bound == -math.inf
        for lane in state.lanes[state.accepted :]:
            lane.tokens = list(state.longest)
            lane.finish_reason = in_vain(state.trie) if empty else "rejected"

    def _record(self, state: AttemptsState, ended: list[Trial], masks: int) -> StepInfo:
        return StepInfo(
            step=state.steps - 1,
            tokens=(),
            local_log_weights=(),
            checks=(),
            masks=(masks,),
            effective_sample_size=size_of(state.log_weights[: state.accepted])
            if state.accepted
            else 0.0,
            attempts=tuple(
                attempt_of(trial.number, trial.lane, _accepted(trial), trial.log_start)
                for trial in ended
            ),
        )


def _accepted(trial: Trial) -> bool:
    return trial.lane.finish_reason in ("stop", "length") and trial.lane.log_weight > -math.inf
