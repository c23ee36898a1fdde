"""Samplers that decide one token at a time, each lane on its own, and keep the weights.

A kernel (see ``condit.sampler.kernels``) draws one properly weighted token. The product of a lane's
local weights then makes the whole text properly weighted (sequential importance sampling), and the
mean over lanes is an unbiased estimate of the evidence ``Z``.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np

from condit.constraint.base import Matcher
from condit.sampler.base import Lane, Problem, Sampler, State, StepInfo, effective_sample_size
from condit.sampler.budget import WithinBudget, can_finish, zone
from condit.sampler.kernels import Draw, draw_by_rejection
from condit.sampler.law import TokenLaw


class LocalSampler(Sampler):
    """Independent lanes over a kernel; also the kernel itself, for `SMC`."""

    @abstractmethod
    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its local weight. ``law`` is used up."""

    def init(self, problem: Problem, rng: np.random.Generator) -> State:
        """Lanes at the end of the prompt, which is forwarded here."""
        return start(problem, rng)

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed."""
        info = grow(state, self)
        feed(state)
        return state, info


def start(problem: Problem, rng: np.random.Generator) -> State:
    """Fresh lanes at the end of the prompt."""
    constraint, vocabulary = problem.constraint, problem.model.vocabulary
    matcher = constraint.bind(vocabulary) if constraint is not None else None
    root = Lane(matcher=matcher, rng=rng)
    lanes = [root.copy_to(noise) for noise in rng.spawn(problem.lanes)]
    last = zone(matcher, problem.max_tokens) if matcher is not None and problem.finish else 0
    return State(problem, problem.model.start(problem.prompt, problem.lanes), lanes, zone=last)


def grow(state: State, kernel: LocalSampler) -> StepInfo:
    """Let every lane that has not ended draw one token, and update its weight."""
    draws = [
        _grow_lane(state, index, kernel) if lane.finish_reason is None else Draw(None, 0.0)
        for index, lane in enumerate(state.lanes)
    ]
    info = StepInfo(
        step=state.steps,
        tokens=tuple(draw.token for draw in draws),
        local_log_weights=tuple(draw.log_weight for draw in draws),
        checks=tuple(draw.checks for draw in draws),
        masks=tuple(draw.masks for draw in draws),
        effective_sample_size=effective_sample_size(state.log_weights),
    )
    state.steps += 1
    return info


def feed(state: State) -> None:
    """Forward the newest token of each lane that is still growing, and let go of the others."""
    if state.done:
        return
    lengths = list(state.decoder.lengths)
    appended: list[list[int]] = []
    for index, lane in enumerate(state.lanes):
        if lane.finish_reason is None:
            appended.append(lane.tokens[-1:])
        else:
            # Its cells are of no more use: only the prompt, which others share, is kept.
            lengths[index] = len(state.problem.prompt)
            appended.append([])
    state.decoder.rewind(lengths)
    state.decoder.advance(appended)


def _grow_lane(state: State, index: int, kernel: LocalSampler) -> Draw:
    lane, problem = state.lanes[index], state.problem
    end = problem.model.vocabulary.end
    law = problem.law.at(state.decoder.logits[index], problem.model.vocabulary)
    left = problem.max_tokens - len(lane.tokens)
    if lane.matcher is None:
        draw = Draw(law.draw(lane.rng), 0.0)
    elif left == 0:
        # Only the end fits, and it is allowed here. Its probability is its exact local weight, so
        # the target is the law conditioned on finishing within the budget.
        log_weight = law.log_probability(end)
        if log_weight == -math.inf:
            draw = Draw(None, log_weight)
        else:
            draw = Draw(end, 0.0 if law.greedy else log_weight)
    elif left <= state.zone and can_finish(lane.matcher, left):
        draw = draw_by_rejection(law, WithinBudget(lane.matcher, left), lane.rng)
    else:
        draw = kernel.draw(law, lane.matcher, lane.rng)
    lane.log_weight += draw.log_weight
    if draw.token is None:
        lane.finish_reason = "dead_end"
        return draw
    lane.log_probability += law.log_probability(draw.token)
    if lane.matcher is not None:
        lane.matcher.advance(draw.token)
    if draw.token == end:
        _finish(lane, problem)
    else:
        lane.tokens.append(draw.token)
        if len(lane.tokens) == problem.max_tokens:
            _meet_budget(lane, end)
    return draw


def _meet_budget(lane: Lane, end: int) -> None:
    """Stop a lane that has no token left, unless its text may end here: that is still to be drawn.

    A free text is cut, which is what was asked for; one that a constraint leaves unfinished has
    weight 0.
    """
    if lane.matcher is None:
        lane.finish_reason = "length"
    elif not lane.matcher.allows(end):
        lane.finish_reason = "length"
        lane.log_weight = -math.inf


def _finish(lane: Lane, problem: Problem) -> None:
    """Ask the oracle: what it refuses has weight 0, whatever the matcher thought."""
    lane.finish_reason = "stop"
    if problem.constraint is None:
        return
    try:
        text = problem.model.vocabulary.spell(lane.tokens).decode()
        valid = problem.constraint.accepts(text)
    except UnicodeDecodeError:
        valid = False
    if not valid:
        lane.finish_reason = "dead_end"
        lane.log_weight = -math.inf
