"""Best of N: draw several candidates for each text that is asked for, and keep the best.

With a preference, candidates are drawn under the constraint, and the one with the highest ``log φ``
wins. With a constraint alone the reward is yes or no: candidates are drawn from the model without
any steering, the oracle judges, and the first valid one wins. Then winners are exact draws from the
target; with a preference they are not, however many candidates there are.

How far that moves the law, for ``N`` candidates from a law ``q``, the candidates that are no good
counted as its worst outcomes:

    KL(best of N ‖ q) <= log N - (N - 1)/N                                 (Beirami et al. 2024)
    KL(best of N ‖ q)  = s log(s/Z) + (1-s) log((1-s)/(1-Z)),  s = 1 - (1-Z)^N    for yes or no

where ``Z`` is the share of yes. All candidates count for the evidence: it is unbiased at any ``N``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.errors import ArgumentError
from condit.model.base import PrefixModel
from condit.report import Guarantee
from condit.sampler.base import Findings, Lane, Problem, Sampler, State, ended_as
from condit.sampler.local import Kernel, finish, kernel_of
from condit.sampler.walk import require_temperature
from condit.trace import StepInfo
from condit.weights import log_mean_exp


@dataclass
class BestOfState(State):
    """Candidates as they grow, the ones for one lane side by side.

    Attributes:
        candidates: the run that draws them, ``of`` lanes for each lane asked for.
        matchers: where the constraint stands on each candidate, if they are drawn without it; else
            none.
        notes: divergences, in nats.
        attempts: how many candidates the constraint has judged.
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
        """How candidates went, and how far choosing has moved the law."""
        return Findings(self.attempts, self.accepted, self.log_evidence_error, notes=self.notes)


@dataclass(frozen=True)
class BestOf(Sampler[BestOfState]):
    """The best of several candidates, for each text that is asked for.

    Draws have equal weights: they are from the law of the best of ``of``, not from the target. The
    report says how far that is from the law of one candidate, in nats: ``kl_bound`` always holds;
    ``kl``, at the estimated share of valid texts, is exact where a constraint judges alone.

    A candidate that ended in vain (unfinished at the budget, at a dead end, refused, or with a
    preference of ``-inf``) never wins. Where all of a lane's candidates did, the lane has weight 0.

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
            if root is None:
                raise ArgumentError(
                    "there is nothing to be best by: best_of needs a preference or a constraint"
                )
            matchers = [root.copy() for _ in range(inner.lanes)]
            # One token more, for the end of a text that takes the whole budget. What a trie knows
            # of the constraint says nothing about free draws.
            most = problem.max_tokens + 1
            inner = replace(inner, constraint=None, finish=False, max_tokens=most, trie=None)
        candidates = kernel_of(self.kernel, "best_of").init(inner, rng)
        lanes = [
            Lane(matcher=None, rng=noise, origin=index)
            for index, noise in enumerate(rng.spawn(problem.lanes))
        ]
        state = BestOfState(problem, lanes, candidates.models, candidates, matchers)
        state.notes["kl_bound"] = kl_bound(self.of)
        return state

    def step(self, rng: np.random.Generator, state: BestOfState) -> tuple[BestOfState, StepInfo]:
        """Grow every candidate by one token; when all have ended, choose. ``state`` is consumed."""
        kernel, candidates = kernel_of(self.kernel, "best_of"), state.candidates
        before = [lane.log_probability for lane in candidates.lanes]
        info = kernel.grow(candidates)
        if state.matchers:
            info = _judge(state, info, before)
        kernel.feed(candidates)
        state.steps = candidates.steps
        info = _of_lanes(info, self.of)
        if candidates.done:
            return state, info._replace(note=self._choose(state))
        for lane, group in zip(state.lanes, self._groups(state), strict=True):
            # What is shown of a lane as long as nothing is chosen for it.
            longest = candidates.lanes[_longest(state, group)]
            lane.tokens, lane.log_probability = list(longest.tokens), longest.log_probability
        return state, info

    def _groups(self, state: BestOfState) -> list[range]:
        """Which candidates belong to each lane."""
        return [
            range(first, first + self.of) for first in range(0, self.of * len(state.lanes), self.of)
        ]

    def _choose(self, state: BestOfState) -> str:
        """Put the best candidates into the lanes, and estimate the evidence from all of them."""
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
        self._sum_up(state, log_estimates)
        if state.problem.preference is not None:
            return f"{good} of {len(scores)} candidates could be chosen from"
        state.attempts, state.accepted = len(scores), good
        state.notes["kl"] = kl_of_yes_or_no(self.of, good / len(scores))
        return f"{good} of {len(scores)} candidates are valid"

    def _sum_up(self, state: BestOfState, log_estimates: NDArray[np.float64]) -> None:
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
    """A bound on the divergence of the best of ``of`` from one candidate's law, in nats."""
    return math.log(of) - (of - 1) / of


def kl_of_yes_or_no(of: int, share: float) -> float:
    """The divergence of the best of ``of`` from one candidate's law, in nats, for yes or no.

    Args:
        of: how many candidates.
        share: the probability that one is a yes; at 0 and 1 choosing changes nothing.
    """
    if not 0 < share < 1:
        return 0.0
    log_no = math.log1p(-share)
    won = -math.expm1(of * log_no)
    return won * math.log(won / share) + (1 - won) * (of - 1) * log_no


def _judge(state: BestOfState, info: StepInfo, before: list[float]) -> StepInfo:
    """Ask the oracle about free candidates that are finished, and drop what cannot become valid.

    A refused token is taken back: the text that stays is the longest good beginning. That a token
    was allowed (1) or not (0) is an unbiased estimate of the mass that the constraint allowed.
    """
    problem, end = state.problem, state.problem.model.vocabulary.end
    draws, checks = list(info.draws), info.checks
    for place, drawn in enumerate(draws):
        index, token = drawn.lane or 0, drawn.token
        lane = state.candidates.lanes[index]
        if token is None:
            continue
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
            draws[place] = drawn._replace(log_allowed=-math.inf, log_weight=-math.inf)
    ends = tuple(
        ended_as(lane, index=drawn.lane)
        for drawn in draws
        for lane in (state.candidates.lanes[drawn.lane or 0],)
        if lane.finish_reason is not None
    )
    return info._replace(draws=tuple(draws), ends=ends, checks=checks)


def _of_lanes(info: StepInfo, of: int) -> StepInfo:
    """The record of candidates with the lanes that they are candidates for."""
    return info._replace(
        draws=tuple(
            each._replace(lane=each.lane // of, attempt=each.lane)
            for each in info.draws
            if each.lane is not None
        ),
        ends=tuple(
            each._replace(lane=each.lane // of, attempt=each.lane)
            for each in info.ends
            if each.lane is not None
        ),
    )


def _scores(state: BestOfState) -> list[float]:
    """What candidates compete by, as natural logarithms: ``φ``, or 1; 0 for those in vain."""
    preference, lanes = state.problem.preference, state.candidates.lanes
    scores = [-math.inf] * len(lanes)
    good = [index for index, lane in enumerate(lanes) if lane.log_weight > -math.inf]
    if preference is None:
        log_weights = [0.0] * len(good)
    else:
        spell = state.problem.model.vocabulary.spell
        # A text that was cut at the budget may stop in the middle of a character.
        texts = [spell(lanes[index].tokens).decode(errors="ignore") for index in good]
        log_weights = preference.log_weights(texts) if texts else []
    for index, log_weight in zip(good, log_weights, strict=True):
        scores[index] = log_weight
    return scores


def _longest(state: BestOfState, group: Iterable[int]) -> int:
    return max(group, key=lambda index: len(state.candidates.lanes[index].tokens))


def _loser(lane: Lane) -> Lane:
    """A candidate that stands for a lane in which none could win."""
    if lane.log_weight > -math.inf:  # its text is fine, but the preference says "never"
        return replace(lane, log_weight=-math.inf, finish_reason="rejected")
    return replace(lane)
