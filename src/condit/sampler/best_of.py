"""Best of N: draw several candidates for each text that is asked for, and keep the best.

With a preference, candidates are drawn under the constraint and the one with the highest ``log φ``
is kept. These are not draws from the target, however many candidates there are. With a constraint
alone, candidates are drawn from the model without it, and the first valid one is kept: those are
exact draws from the target.

The divergence of the result from the law ``q`` of one candidate, where all invalid candidates count
as one worst outcome:

    KL(best of N ‖ q) <= log N - (N - 1)/N                                 (Beirami et al. 2024)
    KL(best of N ‖ q)  = s log(s/Z) + (1-s) log((1-s)/(1-Z)),  s = 1 - (1-Z)^N    for yes or no

where yes is a valid candidate and ``Z`` its probability. All candidates count for the evidence,
which is unbiased at any ``N``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.errors import ArgumentError
from condit.model.base import PrefixModel
from condit.report import Guarantee
from condit.sampler.base import Findings, Lane, Problem, Sampler, State, ended_as
from condit.sampler.local import Kernel, finish, kernel_of
from condit.sampler.walk import require_temperature
from condit.trace import Drawn, Ended, StepInfo
from condit.weights import log_mean_exp

Row = TypeVar("Row", Drawn, Ended)


@dataclass
class BestOfState(State):
    """Candidates as they grow, the ones for one lane side by side.

    Attributes:
        candidates: the run that draws them, ``of`` lanes for each lane asked for.
        matchers: the constraint's state on each candidate, if they are drawn without it; else
            empty.
        notes: divergences, in nats.
        attempts: how many candidates were drawn without the constraint and then checked.
        accepted: how many of them are valid.
        log_evidence_error: standard error of the evidence, relative to it, where it is known.
    """

    candidates: State
    matchers: list[Matcher] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    attempts: int = 0
    accepted: int = 0
    log_evidence_error: float | None = None

    def findings(self) -> Findings:
        """Numbers of candidates, the error of the evidence, and divergences."""
        return Findings(self.attempts, self.accepted, self.log_evidence_error, notes=self.notes)


@dataclass(frozen=True)
class BestOf(Sampler[BestOfState]):
    """The best of several candidates, for each text that is asked for.

    Draws have equal weights. Their law is that of the best of ``of`` candidates, not the target.
    The report has its divergence from the law of one candidate, in nats: the upper bound
    ``kl_bound``, and with a constraint alone ``kl``, exact at the estimated share of valid texts.

    A candidate that is not valid, or has a log preference of ``-inf``, is never kept. If a lane has
    no other, its weight is 0.

    Attributes:
        of: how many candidates there are for each text.
        kernel: how candidates are drawn: ``"awrs"``, ``"masked"``, ``"learned"``, or a kernel such
            as ``AWRS(looks=3)``.

    Raises:
        UnknownNameError: no such kernel.
        ArgumentError: ``of`` is less than 1, or the kernel is a sampler that does not draw single
            tokens.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.PROPOSAL

    of: int = 8
    kernel: str | Kernel = "awrs"

    @property
    def needs(self) -> type[PrefixModel]:
        """What its kernel asks of a model."""
        return kernel_of(self.kernel, "best_of").needs

    def __post_init__(self) -> None:
        if self.of < 1:
            raise ArgumentError(f"of must be 1 or more, not {self.of}")
        kernel_of(self.kernel, "best_of")

    def init(self, problem: Problem, rng: np.random.Generator) -> BestOfState:
        """Candidates at the end of the prompt, which is forwarded here.

        Raises:
            ArgumentError: the problem has neither preference nor constraint, or temperature 0.
        """
        require_temperature(problem, "best_of")
        inner = replace(problem, lanes=problem.lanes * self.of, preference=None)
        matchers: list[Matcher] = []
        if problem.preference is None:
            root = problem.bind()
            if root is None or problem.constraint is None:
                raise ArgumentError(
                    "there is nothing to be best by: best_of needs a preference or a constraint"
                )
            matchers = [root.copy() for _ in range(inner.lanes)]
            # One token more, for the end of a text that takes the whole budget. The trie is about
            # constrained draws. Matchers judge the seam, too: were it steered to, candidates would
            # need weights.
            most = problem.max_tokens + 1
            inner = replace(
                inner, constraint=None, finish=False, max_tokens=most, trie=None, seam=None
            )
        candidates = kernel_of(self.kernel, "best_of").init(inner, rng)
        lanes = [
            Lane(matcher=None, rng=lane_rng, origin=index)
            for index, lane_rng in enumerate(rng.spawn(problem.lanes))
        ]
        state = BestOfState(problem, lanes, candidates.models, candidates, matchers)
        state.notes["kl_bound"] = kl_bound(self.of)
        return state

    def step(self, rng: np.random.Generator, state: BestOfState) -> tuple[BestOfState, StepInfo]:
        """Grow every candidate by one token; when all have ended, choose. ``state`` is modified."""
        kernel, candidates = kernel_of(self.kernel, "best_of"), state.candidates
        before = [lane.log_probability for lane in candidates.lanes]
        info = kernel.grow(candidates)
        if state.matchers:
            info = _judge(state, info, before)
        kernel.feed(candidates)
        state.steps = candidates.steps
        info = _with_lanes(info, self.of)
        if candidates.done:
            return state, info._replace(note=self._choose(state))
        for lane, group in zip(state.lanes, self._groups(state), strict=True):
            # Shown in partial results until a candidate is chosen.
            longest = candidates.lanes[_longest(state, group)]
            lane.tokens, lane.log_probability = list(longest.tokens), longest.log_probability
        return state, info

    def _groups(self, state: BestOfState) -> list[range]:
        """Which candidates belong to each lane."""
        return [
            range(first, first + self.of) for first in range(0, self.of * len(state.lanes), self.of)
        ]

    def _choose(self, state: BestOfState) -> str:
        """Fill lanes with the best candidates; estimate the evidence from all. Returns a note."""
        scores = _scores(state)
        for index, group in enumerate(self._groups(state)):
            best = max(group, key=scores.__getitem__)  # the first of equals
            if scores[best] > -math.inf:
                winner = replace(
                    state.candidates.lanes[best], log_weight=0.0, log_preference=scores[best]
                )
            else:
                winner = _loser(state.candidates.lanes[_longest(state, group)])
            winner.origin = index
            state.lanes[index] = winner
        log_estimates = np.array(
            [
                lane.log_weight + score + state.candidates.log_evidence
                for lane, score in zip(state.candidates.lanes, scores, strict=True)
            ]
        )
        good = sum(score > -math.inf for score in scores)
        self._update_evidence(state, log_estimates)
        if state.problem.preference is not None:
            return f"{good} of {len(scores)} candidates could be chosen from"
        state.attempts, state.accepted = len(scores), good
        state.notes["kl"] = kl_of_yes_or_no(self.of, good / len(scores))
        return f"{good} of {len(scores)} candidates are valid"

    def _update_evidence(self, state: BestOfState, log_estimates: NDArray[np.float64]) -> None:
        filled = sum(lane.log_weight > -math.inf for lane in state.lanes)
        state.log_evidence = log_mean_exp(log_estimates.tolist())
        if not filled:
            return
        # Lanes without a winner have weight 0: the others make up for them.
        state.log_evidence += math.log(len(state.lanes) / filled)
        if len(log_estimates) > 1:
            linear = np.exp(log_estimates - log_estimates.max())
            error = linear.std(ddof=1) / linear.mean() / math.sqrt(len(linear))
            state.log_evidence_error = float(error)


def kl_bound(of: int) -> float:
    """Upper bound on the KL divergence of the best of ``of`` from one candidate, in nats."""
    return math.log(of) - (of - 1) / of


def kl_of_yes_or_no(of: int, share: float) -> float:
    """KL divergence of the best of ``of`` from one candidate, in nats, for valid or not valid.

    Args:
        of: how many candidates.
        share: the probability that one is valid; at 0 and 1 the divergence is 0.
    """
    if not 0 < share < 1:
        return 0.0
    log_no = math.log1p(-share)
    won = -math.expm1(of * log_no)
    return won * math.log(won / share) + (1 - won) * (of - 1) * log_no


def _judge(state: BestOfState, info: StepInfo, before: list[float]) -> StepInfo:
    """Check the tokens of candidates drawn without the constraint; end those that are refused.

    A refused token is taken back, so the text that stays is a prefix of valid texts. Allowed (1) or
    not (0) is an unbiased estimate of the allowed mass, and recorded as that.
    """
    problem, end = state.problem, state.problem.model.vocabulary.end
    draws, checks = list(info.draws), info.checks
    for place, drawn in enumerate(draws):
        index, token = drawn.lane or 0, drawn.token
        lane = state.candidates.lanes[index]
        if token is None:
            continue
        of_prompt = problem.bytes_of_prompt(token, lane.tokens, len(lane.tokens) - 1)
        draws[place] = drawn._replace(prompt_bytes=of_prompt)
        if token == end:
            finish(lane, problem)
            refused = lane.log_weight == -math.inf
        else:
            matcher = state.matchers[index]
            checks += 1
            refused = len(lane.tokens) > problem.max_tokens or not matcher.allows(token)
            if refused:
                lane.tokens.pop()
                lane.log_probability = before[index]
            else:
                matcher.advance(token)
        if refused:
            lane.finish_reason, lane.log_weight = "rejected", -math.inf
            draws[place] = draws[place]._replace(log_allowed=-math.inf, log_weight=-math.inf)
    ends = tuple(
        ended_as(lane, index=drawn.lane)
        for drawn in draws
        for lane in (state.candidates.lanes[drawn.lane or 0],)
        if lane.finish_reason is not None
    )
    return info._replace(draws=tuple(draws), ends=ends, checks=checks)


def _with_lanes(info: StepInfo, of: int) -> StepInfo:
    """The trace record with the lane of each candidate, and the candidate's index as attempt."""

    def with_lane(row: Row) -> Row:
        return row._replace(lane=None if row.lane is None else row.lane // of, attempt=row.lane)

    draws, ends = map(with_lane, info.draws), map(with_lane, info.ends)
    return info._replace(draws=tuple(draws), ends=tuple(ends))


def _scores(state: BestOfState) -> list[float]:
    """Log score of each candidate: ``log φ``, or 0 without a preference; ``-inf`` if not valid."""
    preference, lanes = state.problem.preference, state.candidates.lanes
    scores = [-math.inf] * len(lanes)
    good = [index for index, lane in enumerate(lanes) if lane.log_weight > -math.inf]
    if preference is None:
        log_weights = [0.0] * len(good)
    else:
        written = state.problem.written
        # A text that was cut at the budget may stop in the middle of a character.
        texts = [written(lanes[index].tokens).decode(errors="ignore") for index in good]
        log_weights = preference.log_weights(texts) if texts else []
    for index, log_weight in zip(good, log_weights, strict=True):
        scores[index] = log_weight
    return scores


def _longest(state: BestOfState, group: Iterable[int]) -> int:
    return max(group, key=lambda index: len(state.candidates.lanes[index].tokens))


def _loser(lane: Lane) -> Lane:
    """The content of a lane without a valid candidate: this one, with weight 0."""
    if lane.log_weight > -math.inf:  # valid, but with preference 0
        return replace(lane, log_weight=-math.inf, finish_reason="rejected")
    return replace(lane)
