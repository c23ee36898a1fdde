"""Samplers that decide one token at a time, each lane on its own, and keep the weights.

A kernel (see ``condit.sampler.kernels``) draws one properly weighted token. The product of a lane's
local weights then makes the whole text properly weighted (sequential importance sampling), and the
mean over lanes is an unbiased estimate of the evidence ``Z``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from condit.constraint.base import Matcher, Strength
from condit.errors import ArgumentError
from condit.model.base import Decoder, Logits
from condit.plugins import find
from condit.prefer.base import checked_log_weights
from condit.sampler.ahead import Ahead
from condit.sampler.base import (
    DraftCounts,
    Lane,
    Problem,
    Sampler,
    State,
    StepInfo,
    effective_sample_size,
)
from condit.sampler.budget import Budgeted
from condit.sampler.kernels import Draw
from condit.sampler.law import TokenLaw


@dataclass
class LocalState(State):
    """Lanes that grow side by side, one token a step.

    Attributes:
        decoder: where the model stands, one lane each.
        ahead: what lanes have drawn ahead of the others; ``None`` without drafts.
        forced: tokens drawn all of whose bytes the constraint left no choice about.
    """

    decoder: Decoder
    ahead: Ahead | None = None
    forced: int = 0

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far, the prompt included."""
        return self.decoder.positions_forwarded

    @property
    def forwards(self) -> int:
        """How many times the model has been called for them."""
        return self.decoder.forwards

    @property
    def draft_counts(self) -> DraftCounts:
        """What drafts did so far."""
        if self.ahead is None:
            return DraftCounts(forced=self.forced)
        return DraftCounts(self.ahead.drafted, self.ahead.accepted, self.forced)

    def drew_ahead(self, index: int) -> bool:
        """Whether that lane has drawn its next token already."""
        return self.ahead is not None and bool(self.ahead.drawn[index])


class Kernel(Sampler):
    """Independent lanes that grow by one token a step; also what `SMC` resamples."""

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed."""
        info = self.grow(state)
        self.feed(state)
        return state, info

    @abstractmethod
    def grow(self, state: State) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""

    @abstractmethod
    def feed(self, state: State) -> None:
        """Let the model see the newest token of each lane that is still growing."""

    @abstractmethod
    def fork(self, state: State, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: let the decoder follow."""


class LocalSampler(Kernel):
    """A kernel that draws from the law of the next token and the matcher alone."""

    @abstractmethod
    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its local weight. ``law`` is used up."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LocalState:
        """Lanes at the end of the prompt, which is forwarded here."""
        matcher = bind(problem)
        root = Lane(matcher=matcher, rng=rng)
        decoder = problem.model.start(problem.prompt, problem.lanes)
        drafts = problem.drafts if decoder.looks_ahead else None
        return LocalState(
            problem,
            lanes_from(root, problem, rng),
            decoder,
            Ahead.of(problem, drafts) if drafts is not None else None,
        )

    def grow(self, state: State) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""
        assert isinstance(state, LocalState)
        growing = [lane for lane in state.lanes if lane.finish_reason is None]
        rows = [
            state.decoder.logits[index]
            for index, lane in enumerate(state.lanes)
            if lane.finish_reason is None and not state.drew_ahead(index)
        ]
        laws = state.problem.law.at_many(rows, state.problem.model.vocabulary)
        draws = [
            self._grow(state, index, lane, laws) if lane.finish_reason is None else Draw(None, 0.0)
            for index, lane in enumerate(state.lanes)
        ]
        weigh_preference(state.problem, growing)
        return record(state, draws)

    def _grow(self, state: LocalState, index: int, lane: Lane, laws: Iterator[TokenLaw]) -> Draw:
        forced = lane.matcher.forced_text() if lane.matcher is not None else b""
        if state.ahead is not None and state.drew_ahead(index):
            draw = state.ahead.replay(index, lane)
        else:
            draw = grow_lane(lane, next(laws), state, self)
        if forced and draw.token is not None:
            spelled = state.problem.model.vocabulary.bytes[draw.token]
            state.forced += bool(spelled) and forced.startswith(spelled)
        return draw

    def feed(self, state: State) -> None:
        """Forward the newest token of each growing lane, and let go of the others."""
        assert isinstance(state, LocalState)
        if state.done:
            return
        lengths = list(state.decoder.lengths)
        for index, lane in enumerate(state.lanes):
            if lane.finish_reason is not None:
                # Its cells are of no more use: only the prompt, which others share, is kept.
                lengths[index] = 0
        state.decoder.rewind(lengths)
        if state.ahead is not None:

            def grow(lane: Lane, logits: Logits) -> Draw:
                law = state.problem.law.at(logits, state.problem.model.vocabulary)
                return grow_lane(lane, law, state, self)

            state.ahead.feed(state.lanes, state.decoder, grow)
            return
        state.decoder.advance(
            [lane.tokens[-1:] if lane.finish_reason is None else [] for lane in state.lanes]
        )

    def fork(self, state: State, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: let the decoder follow."""
        assert isinstance(state, LocalState)
        state.decoder.fork(ancestors)
        if state.ahead is not None:
            state.ahead.fork(ancestors)


def kernel_of(kernel: str | Kernel, who: str) -> Kernel:
    """The kernel of that name with its usual settings, or the kernel itself.

    Args:
        kernel: a registered name, or a kernel.
        who: the sampler that needs one, for the message.

    Raises:
        UnknownNameError: nothing is registered by that name.
        ArgumentError: what is does not draw single tokens.
    """
    if isinstance(kernel, Kernel):
        return kernel
    found = find("samplers", kernel)
    if isinstance(found, type) and issubclass(found, Kernel):
        return found()
    raise ArgumentError(
        f"{kernel!r} does not draw single tokens, so {who} cannot build on it: "
        "use awrs, masked or learned"
    )


def bind(problem: Problem) -> Budgeted | None:
    """What constraint and budget allow, at the empty text; ``None`` without a constraint.

    Raises:
        VocabularyError: no token can begin a valid text.
        BudgetError: lanes are to finish, and the shortest text found has too many tokens.
    """
    constraint = problem.constraint
    if constraint is None:
        return None
    matcher = constraint.bind(problem.model.vocabulary)
    longest = constraint.longest()
    exact = matcher.strength is Strength.EXACT
    # Where no text can be too long there is nothing to see to.
    fits = exact and longest is not None and longest <= problem.max_tokens
    if not problem.finish or fits:
        return Budgeted(matcher, problem.max_tokens)
    return Budgeted.of(matcher, problem.max_tokens)


def lanes_from(root: Lane, problem: Problem, rng: np.random.Generator) -> list[Lane]:
    """As many copies of ``root`` as were asked for, each with noise of its own."""
    lanes = [root.copy_to(noise) for noise in rng.spawn(problem.lanes)]
    for index, lane in enumerate(lanes):
        lane.origin = index
    return lanes


def record(state: State, draws: Sequence[Draw]) -> StepInfo:
    """The trace record of a step in which each lane drew once, and count the step."""
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


def weigh_preference(problem: Problem, lanes: Sequence[Lane]) -> None:
    """Bring the weights of lanes that have just grown up to date with the preference.

    Where unfinished texts can be scored, each step multiplies by the ratio of the new ``φ`` to the
    old one; the product telescopes to the ``φ`` of the finished text. Else that comes at the end.
    """
    preference = problem.preference
    if preference is None:
        return
    scored = [
        lane
        for lane in lanes
        if lane.log_weight > -math.inf and (preference.partial or lane.finish_reason is not None)
    ]
    if not scored:
        return
    vocabulary = problem.model.vocabulary
    # An unfinished text may stop in the middle of a character, which is not yet part of it.
    texts = [vocabulary.spell(lane.tokens).decode(errors="ignore") for lane in scored]
    log_weights = checked_log_weights(preference, texts)
    for lane, log_weight in zip(scored, log_weights, strict=True):
        lane.log_weight += log_weight - lane.log_preference
        lane.log_preference = log_weight


def grow_lane(lane: Lane, law: TokenLaw, state: State, kernel: LocalSampler) -> Draw:
    """Draw the next token of ``lane`` from its law, which is used up, and take it."""
    problem = state.problem
    end = problem.model.vocabulary.end
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
    else:
        draw = kernel.draw(law, lane.matcher, lane.rng)
    lane.log_weight += draw.log_weight
    if draw.token is None:
        lane.finish_reason = "dead_end"
        return draw
    lane.log_probability += law.log_probability(draw.token)
    if lane.matcher is not None:
        lane.matcher.advance(draw.token)
    take(lane, draw.token, problem)
    return draw


def take(lane: Lane, token: int, problem: Problem) -> None:
    """Append a token that the matcher has taken already: the end finishes the text."""
    end = problem.model.vocabulary.end
    if token == end:
        finish(lane, problem)
        return
    lane.tokens.append(token)
    if len(lane.tokens) == problem.max_tokens:
        meet_budget(lane, end)


def meet_budget(lane: Lane, end: int) -> None:
    """Stop a lane that has no token left, unless its text may end here: that is still to be drawn.

    A free text is cut, which is what was asked for; one that a constraint leaves unfinished has
    weight 0.
    """
    if lane.matcher is None:
        lane.finish_reason = "length"
    elif not lane.matcher.allows(end):
        lane.finish_reason = "length"
        lane.log_weight = -math.inf


def finish(lane: Lane, problem: Problem) -> None:
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
