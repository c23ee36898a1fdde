"""Sequential importance sampling: lanes grow by one weighted token a step, independently.

A kernel (see ``condit.sampler.kernels``) draws one properly weighted token. The product of a lane's
local weights makes the whole text properly weighted, and the mean over lanes is an unbiased
estimate of the evidence ``Z``. Resampling is in ``smc.py``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from condit.sampler.meeting import Meeting
from condit.trace import Drawn, Ended, StepInfo
from condit.weights import effective_sample_size


@dataclass
class KernelState(State[LaneT]):
    """Lanes of a kernel, which `SMC` may compare.

    Attributes:
        meeting: where `SMC` lets them meet; ``None`` before its first step, and without `SMC`.
    """

    meeting: Meeting | None = field(default=None, kw_only=True)


@dataclass
class LocalState(KernelState):
    """Lanes that grow side by side, one token a step.

    Attributes:
        decoder: the model, with one lane for each of ours.
        ahead: tokens that lanes have drawn ahead of the step; ``None`` without drafts.
        forced: drawn tokens of which the constraint forced every byte.
        notes: further numbers for the report, by name.
    """

    decoder: Decoder
    ahead: Ahead | None = None
    forced: int = 0
    notes: dict[str, float] = field(default_factory=dict)

    def findings(self) -> Findings:
        """What drafts did."""
        if self.ahead is None:
            return Findings(drafts=DraftCounts(forced=self.forced), notes=self.notes)
        counts = DraftCounts(self.ahead.drafted, self.ahead.accepted, self.forced)
        return Findings(drafts=counts, notes=self.notes)

    def drew_ahead(self, index: int) -> bool:
        """Whether that lane has drawn its next token already."""
        return self.ahead is not None and bool(self.ahead.leads[index].drawn)


class Kernel(Sampler[StateT]):
    """Independent lanes that grow by one token a step; `SMC` resamples them.

    Its states are of a class made of `KernelState`.
    """

    def step(self, rng: np.random.Generator, state: StateT) -> tuple[StateT, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed.

        The token of the step before is forwarded here, and not there, so that whoever follows a
        run knows a token a forward earlier. What the last tokens teach is learned at once.
        """
        if state.steps:
            self.feed(state)
        info = self.grow(state)
        if state.done:
            self.feed(state)
        return state, info

    @abstractmethod
    def grow(self, state: StateT) -> StepInfo:
        """Draw one token for every lane that has not ended, and update its weight."""

    @abstractmethod
    def feed(self, state: StateT) -> None:
        """Forward the newest tokens of each lane that has not ended."""

    @abstractmethod
    def fork(self, state: StateT, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: copy what belongs to it."""


class LocalSampler(Kernel[LocalState]):
    """A kernel that needs the base law of the next token and the matcher, nothing else."""

    @property
    def needs(self) -> type[PrefixModel]:
        """A model with a decoder, whose lanes can be forked."""
        return Model

    @property
    def takes_insertions(self) -> bool:
        """Yes: lanes grow token by token."""
        return True

    @abstractmethod
    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its local weight; modifies ``law``."""

    def init(self, problem: Problem, rng: np.random.Generator) -> LocalState:
        """Lanes at the end of the prompt, which is forwarded here."""
        model = decoding(problem.model, self)
        root = Lane(problem.bind(), rng)
        insert(problem, root)
        decoder = model.start(problem.prompt, problem.lanes)
        if root.tokens:
            decoder.advance([root.tokens] * problem.lanes)
        # Inserted text may follow any token, so guessing ahead would be of no use.
        drafts = problem.drafts if decoder.looks_ahead and problem.insert is None else None
        ahead = Ahead.of(problem, model, drafts, rng) if drafts is not None else None
        return LocalState(problem, lanes_from(root, problem, rng), [decoder], decoder, ahead)

    def grow(self, state: LocalState) -> StepInfo:
        """Draw one token for every lane that has not ended, and update its weight."""
        problem = state.problem
        growing = [i for i, lane in enumerate(state.lanes) if lane.grows]
        before = [] if state.steps else _inserted_before(state)
        rows = [state.decoder.logits[index] for index in growing if not state.drew_ahead(index)]
        laws = problem.law.at_many(rows, problem.model.vocabulary)
        forced: set[int] = set()
        draws = {index: self._grow(state, index, laws, forced) for index in growing}
        weigh_preference(problem, [state.lanes[index] for index in growing])
        guessed = state.ahead.guessed if state.ahead is not None else ()
        info = record(state, draws, forced=forced, guessed=guessed)
        return info if problem.insert is None else _with_insertions(state, info, before)

    def _grow(
        self, state: LocalState, index: int, laws: Iterator[TokenLaw], all_forced: set[int]
    ) -> Draw:
        lane = state.lanes[index]
        forced = lane.matcher.forced_text() if lane.matcher is not None else b""
        if state.ahead is not None and state.drew_ahead(index):
            draw = state.ahead.replay(index, lane)
        else:
            draw = grow_lane(lane, next(laws), state.problem, self)
        if forced and draw.token is not None:
            spelled = state.problem.model.vocabulary.bytes[draw.token]
            if spelled and forced.startswith(spelled):
                state.forced += 1
                all_forced.add(index)
        return draw

    def feed(self, state: LocalState) -> None:
        """Forward the newest tokens of each growing lane; free the memory of the others."""
        if state.done:
            return
        decoder, problem = state.decoder, state.problem
        growing = [lane.grows for lane in state.lanes]
        # Lanes that have ended need no cache beyond the prompt, which all share.
        seen = [
            0 if lane.finish_reason else length
            for lane, length in zip(state.lanes, decoder.lengths, strict=True)
        ]
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
        """Lane ``i`` has become a copy of lane ``ancestors[i]``: fork the decoder likewise."""
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
        ArgumentError: it is registered, but is no kernel.
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
    """``problem.lanes`` copies of ``root``, each with its own generator, spawned from ``rng``."""
    lanes = [root.copy_to(lane_rng) for lane_rng in rng.spawn(problem.lanes)]
    for index, lane in enumerate(lanes):
        lane.origin = index
    return lanes


def record(
    state: State[Any],
    draws: Mapping[int, Draw],
    *,
    masks: int = 0,
    forced: Collection[int] = (),
    guessed: Collection[int] = (),
) -> StepInfo:
    """The trace record of a step; also counts the step in ``state``.

    Args:
        state: after the step.
        draws: what each lane that grew has drawn, by lane index.
        masks: how many masks were computed beside those of the draws.
        forced: the lanes of whose token the constraint forced every byte.
        guessed: the lanes whose logits the forward of a right guess has given.
    """
    drawn: list[Drawn] = []
    ends: list[Ended] = []
    checks = 0
    for index, draw in draws.items():
        lane = state.lanes[index]
        token, log_allowed, checks_made, masks_made, log_probability = draw
        of_prompt = state.problem.bytes_of_prompt(token, lane.tokens, len(lane.tokens) - 1)
        checks, masks = checks + checks_made, masks + masks_made
        drawn.append(
            Drawn(
                index,
                None,
                token,
                log_probability,
                log_allowed,
                lane.log_weight,
                prompt_bytes=of_prompt,
                forced=index in forced,
                guessed=index in guessed,
            )
        )
        if lane.finish_reason is not None:
            ends.append(ended_as(lane, index=index))
    ess = effective_sample_size(state.log_weights)
    info = StepInfo(state.steps, tuple(drawn), tuple(ends), ess, checks=checks, masks=masks)
    state.steps += 1
    return info


def _inserted_before(state: LocalState) -> list[Drawn]:
    """The trace records of what was inserted before the first draw."""
    return [
        Drawn(index, None, token, 0.0, 0.0, lane.log_weight, given=True)
        for index, lane in enumerate(state.lanes)
        for token in lane.tokens
    ]


def _with_insertions(state: LocalState, info: StepInfo, before: list[Drawn]) -> StepInfo:
    """Insert the caller's text behind the tokens drawn; the trace record with all insertions.

    Args:
        state: after the draws.
        info: their record.
        before: what was inserted before them.
    """
    draws = [*before, *info.draws]
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

    If the preference scores unfinished texts, each step multiplies by the ratio of the new ``φ`` to
    the old one; the product telescopes to the ``φ`` of the finished text. Else the weight is
    multiplied by ``φ`` when the text has ended.
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
    # An unfinished text may stop in the middle of a character, which is not yet part of it.
    texts = [problem.text(lane.tokens).decode(errors="ignore") for lane in scored]
    log_weights = checked_log_weights(preference, texts)
    for lane, log_weight in zip(scored, log_weights, strict=True):
        lane.log_weight += log_weight - lane.log_preference
        lane.log_preference = log_weight


def grow_lane(lane: Lane, law: TokenLaw, problem: Problem, kernel: LocalSampler) -> Draw:
    """Draw the next token of ``lane`` from the base law there, and append it; modifies ``law``."""
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
        if not isinstance(draw, Draw) or math.isnan(draw.log_weight):
            raise ArgumentError(
                f"{kernel}: draw must return a Draw whose log_weight is a number, not {draw!r}"
            )
    lane.log_weight += draw.log_weight
    if draw.token is None:
        lane.finish_reason = "dead_end"
        return draw
    log_probability = law.log_probability(draw.token)
    lane.log_probability += log_probability
    if lane.matcher is not None:
        lane.matcher.advance(draw.token)
    take(lane, draw.token, problem)
    return Draw(draw.token, draw.log_weight, draw.checks, draw.masks, log_probability)


def take(lane: Lane, token: int, problem: Problem) -> None:
    """Append a token that the matcher has been advanced by; it may end the text."""
    end = problem.model.vocabulary.end
    if token == end:
        finish(lane, problem)
        return
    lane.tokens.append(token)
    if problem.stopped(lane.tokens):
        lane.finish_reason = "stop"
    elif lane.drawn == problem.max_tokens:
        meet_budget(lane, end)


def meet_budget(lane: Lane, end: int) -> None:
    """End a lane whose text has ``max_tokens`` tokens, unless the end token may still be drawn.

    Without a constraint the text is cut, and keeps its weight; else it is unfinished: weight 0.
    """
    if lane.matcher is None or lane.matcher.may_be_cut:
        lane.finish_reason = "length"
    elif not lane.matcher.allows(end):
        lane.finish_reason = "length"
        lane.log_weight = -math.inf


def finish(lane: Lane, problem: Problem) -> None:
    """End a text by the end token; if the oracle refuses it, its weight is 0."""
    lane.finish_reason = "stop"
    if not problem.accepts(lane.tokens):
        lane.finish_reason = "dead_end"
        lane.log_weight = -math.inf
