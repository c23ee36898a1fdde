"""Samplers that decide one token at a time, each lane on its own, and keep the weights.

A kernel (see ``condit.sampler.kernels``) draws one properly weighted token. The product of a lane's
local weights then makes the whole text properly weighted (sequential importance sampling), and the
mean over lanes is an unbiased estimate of the evidence ``Z``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condit.constraint.base import Matcher
from condit.errors import ArgumentError
from condit.model.base import Decoder, Logits, Model, PrefixModel
from condit.plugins import find
from condit.prefer.base import checked_log_weights
from condit.sampler.ahead import Ahead
from condit.sampler.base import (
    DraftCounts,
    Findings,
    Lane,
    LaneT,
    Problem,
    Sampler,
    State,
    StateT,
    decoding,
    ended_as,
)
from condit.sampler.insertion import insert
from condit.sampler.kernels import Draw
from condit.sampler.law import TokenLaw
from condit.trace import Drawn, StepInfo
from condit.weights import effective_sample_size


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

    def findings(self) -> Findings:
        """What drafts did."""
        if self.ahead is None:
            return Findings(drafts=DraftCounts(forced=self.forced))
        counts = DraftCounts(self.ahead.drafted, self.ahead.accepted, self.forced)
        return Findings(drafts=counts)

    def drew_ahead(self, index: int) -> bool:
        """Whether that lane has drawn its next token already."""
        return self.ahead is not None and bool(self.ahead.drawn[index])


class Kernel(Sampler[StateT]):
    """Independent lanes that grow by one token a step; also what `SMC` resamples."""

    def step(self, rng: np.random.Generator, state: StateT) -> tuple[StateT, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed."""
        info = self.grow(state)
        self.feed(state)
        return state, info

    @abstractmethod
    def grow(self, state: StateT) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""

    @abstractmethod
    def feed(self, state: StateT) -> None:
        """Let the model see the newest tokens of each lane that is still growing."""

    @abstractmethod
    def fork(self, state: StateT, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: let the decoder follow."""


class LocalSampler(Kernel[LocalState]):
    """A kernel that draws from the law of the next token and the matcher alone."""

    @property
    def needs(self) -> type[PrefixModel]:
        """A model whose lanes fork."""
        return Model

    @property
    def takes_insertions(self) -> bool:
        """Yes: lanes grow token by token."""
        return True

    @abstractmethod
    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its local weight. ``law`` is used up."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LocalState:
        """Lanes at the end of the prompt, which is forwarded here."""
        root = Lane(problem.bind(), rng)
        insert(problem, root)
        model = decoding(problem.model, self)
        decoder = model.start(problem.prompt, problem.lanes)
        if root.tokens:
            decoder.advance([root.tokens] * problem.lanes)
        # What is put in between may follow any token, so that no guess goes beyond one.
        drafts = problem.drafts if decoder.looks_ahead and problem.insert is None else None
        ahead = Ahead.of(problem, model, drafts) if drafts is not None else None
        return LocalState(problem, lanes_from(root, problem, rng), [decoder], decoder, ahead)

    def grow(self, state: LocalState) -> StepInfo:
        """Let every lane that has not ended draw one token, and update its weight."""
        problem = state.problem
        growing = [i for i, lane in enumerate(state.lanes) if lane.finish_reason is None]
        rows = [state.decoder.logits[index] for index in growing if not state.drew_ahead(index)]
        laws = problem.law.at_many(rows, problem.model.vocabulary)
        draws = {index: self._grow(state, index, laws) for index in growing}
        weigh_preference(problem, [state.lanes[index] for index in growing])
        info = record(state, draws)
        return info if problem.insert is None else _with_insertions(state, info)

    def _grow(self, state: LocalState, index: int, laws: Iterator[TokenLaw]) -> Draw:
        lane = state.lanes[index]
        forced = lane.matcher.forced_text() if lane.matcher is not None else b""
        if state.ahead is not None and state.drew_ahead(index):
            draw = state.ahead.replay(index, lane)
        else:
            draw = grow_lane(lane, next(laws), state.problem, self)
        if forced and draw.token is not None:
            spelled = state.problem.model.vocabulary.bytes[draw.token]
            state.forced += bool(spelled) and forced.startswith(spelled)
        return draw

    def feed(self, state: LocalState) -> None:
        """Forward the newest tokens of each growing lane, and let go of the others."""
        if state.done:
            return
        decoder, problem = state.decoder, state.problem
        growing = [lane.finish_reason is None for lane in state.lanes]
        # The cells of others are of no more use: only the prompt, which lanes share, is kept.
        seen = [length * grows for length, grows in zip(decoder.lengths, growing, strict=True)]
        decoder.rewind(seen)
        if state.ahead is not None:

            def grow(lane: Lane, logits: Logits) -> Draw:
                law = problem.law.at(logits, problem.model.vocabulary)
                return grow_lane(lane, law, problem, self)

            state.ahead.feed(state.lanes, decoder, grow)
            return
        decoder.advance(
            [
                lane.tokens[length:] if grows else []
                for lane, length, grows in zip(state.lanes, seen, growing, strict=True)
            ]
        )

    def fork(self, state: LocalState, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: let the decoder follow."""
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


def lanes_from(root: LaneT, problem: Problem, rng: np.random.Generator) -> list[LaneT]:
    """As many copies of ``root`` as were asked for, each with noise of its own."""
    lanes = [root.copy_to(noise) for noise in rng.spawn(problem.lanes)]
    for index, lane in enumerate(lanes):
        lane.origin = index
    return lanes


def record(state: State[Any], draws: Mapping[int, Draw], *, masks: int = 0) -> StepInfo:
    """The trace record of a step in which some lanes drew once, and count the step.

    Args:
        state: after the step.
        draws: the draws, by lane.
        masks: how many masks were computed beside those of the draws.
    """
    lanes = state.lanes
    info = StepInfo(
        step=state.steps,
        draws=tuple(
            Drawn(index, None, draw.token, draw.log_probability, draw.log_weight, lane.log_weight)
            for index, draw in draws.items()
            for lane in (lanes[index],)
        ),
        ends=tuple(
            ended_as(lanes[index], index=index)
            for index in draws
            if lanes[index].finish_reason is not None
        ),
        effective_sample_size=effective_sample_size(state.log_weights),
        checks=sum(draw.checks for draw in draws.values()),
        masks=masks + sum(draw.masks for draw in draws.values()),
    )
    state.steps += 1
    return info


def _with_insertions(state: LocalState, info: StepInfo) -> StepInfo:
    """Put in what comes behind the tokens that were drawn, and record that."""
    draws = list(info.draws)
    for drawn in info.draws:
        index = drawn.lane
        if index is None or state.lanes[index].finish_reason is not None:
            continue
        weight = state.lanes[index].log_weight
        put_in = insert(state.problem, state.lanes[index])
        draws += [Drawn(index, None, token, 0.0, 0.0, weight, given=True) for token in put_in]
    return info._replace(draws=tuple(draws))


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


def grow_lane(lane: Lane, law: TokenLaw, problem: Problem, kernel: LocalSampler) -> Draw:
    """Draw the next token of ``lane`` from its law, which is used up, and take it."""
    end = problem.model.vocabulary.end
    left = problem.max_tokens - lane.drawn
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
    log_probability = law.log_probability(draw.token)
    lane.log_probability += log_probability
    if lane.matcher is not None:
        lane.matcher.advance(draw.token)
    take(lane, draw.token, problem)
    return draw._replace(log_probability=log_probability)


def take(lane: Lane, token: int, problem: Problem) -> None:
    """Append a token that the matcher has taken already: the end finishes the text."""
    end = problem.model.vocabulary.end
    if token == end:
        finish(lane, problem)
        return
    lane.tokens.append(token)
    if lane.drawn == problem.max_tokens:
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
