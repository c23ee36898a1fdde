"""Beam search with look-ahead: finds probable valid texts; nothing is drawn at random.

A beam of unfinished texts. Each step every one of them is continued by its most probable *allowed*
tokens, and the best of all continuations make the next beam, by ``log p(u)``, plus ``log φ(u)``
where a preference scores unfinished texts. With a look-ahead (DeAL; Huang et al. 2024) ``φ`` is
that of a rollout: ``u`` continued by some more tokens, the most probable allowed one each time.

Finished texts are kept apart and ranked by ``log p + log φ``. As ``log p`` only falls, search
without a preference ends when no unfinished text can still become one of the ``n`` best. Else it
ends when ``width`` texts have finished, counting those whose end was among the ``width`` most
probable continuations of its step. The summed mass of the texts found is a lower bound on the
evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import numpy as np

from condit.constraint.base import outlined
from condit.errors import ArgumentError
from condit.model.base import Logits
from condit.model.reader import Reader
from condit.report import Guarantee
from condit.sampler.base import Lane, Problem, Sampler, State, ended_as
from condit.sampler.local import finish, meet_budget, weigh_preference
from condit.trace import Drawn, StepInfo
from condit.weights import effective_sample_size


@dataclass
class Hypothesis(Lane):
    """An unfinished text in the beam, or a finished one.

    Attributes:
        score: what it is ranked by: log-probability, or see the module's docstring.
        log_last: natural logarithm of the probability of its last token.
        log_allowed: natural logarithm of the mass that was allowed at that token.
        rank: the rank in the last beam of the text that it continues.
    """

    score: float = 0.0
    log_last: float = 0.0
    log_allowed: float = 0.0
    rank: int = 0


@dataclass
class BeamState(State):
    """A search between two steps.

    Attributes:
        reader: the model.
        beam: unfinished texts, the best first.
        found: finished texts by their bytes, the best first.
        finishes: how many texts have finished, as counted for the end of search.
        cut: whether a text met the budget unfinished.
        checks: how many single tokens the matcher was asked about in this step.
        masks: how many whole masks it was asked for in this step.
    """

    reader: Reader
    beam: list[Hypothesis]
    found: dict[bytes, Hypothesis] = field(default_factory=dict)
    finishes: int = 0
    cut: bool = False
    checks: int = 0
    masks: int = 0


@dataclass(frozen=True)
class Beam(Sampler[BeamState]):
    """The best finished texts of a beam search, each once, the best first.

    A text that several token sequences spell is found by the best of them. The weight of each text
    is ``n`` times the mass ``p φ`` of that sequence, so the mean over lanes is the mass of all that
    were found; lanes for which no text is left have weight 0. Temperature 0 is taken as 1.

    Attributes:
        width: how many unfinished texts are kept; at least as many as are asked for.
        expand: how many tokens each of them is continued by.
        look_ahead: how many tokens each continuation is rolled out by, for a preference to judge.
        length_penalty: the power of its length (in tokens, the end counted) that the ``log p`` of
            a finished text is divided by: 0 compares probabilities, 1 means over tokens.

    Raises:
        ArgumentError: one of them is out of range.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.SEARCH

    width: int = 8
    expand: int = 8
    look_ahead: int = 0
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("expand", 1), ("look_ahead", 0), ("length_penalty", 0)):
            value = getattr(self, name)
            if not (value >= least and math.isfinite(value)):
                raise ArgumentError(f"{name} must be {least} or more, not {value}")

    def init(self, problem: Problem, rng: np.random.Generator) -> BeamState:
        """A beam of the empty text, at the end of the prompt, which is forwarded here.

        Raises:
            ArgumentError: more texts are asked for than the beam is wide.
        """
        if self.width < problem.lanes:
            raise ArgumentError(
                f"a beam of width={self.width} cannot find n={problem.lanes} texts: "
                f"use width={problem.lanes} or more, or a smaller n"
            )
        root = Hypothesis(problem.bind(), rng)
        reader = problem.model.reader(problem.prompt)
        lanes = [Lane(None, rng, origin=index) for index in range(problem.lanes)]
        return BeamState(problem, lanes, [reader], reader, [root])

    def step(self, rng: np.random.Generator, state: BeamState) -> tuple[BeamState, StepInfo]:
        """Continue every text of the beam by one token; keep the best. ``state`` is consumed."""
        for rank, text in enumerate(state.beam):
            text.rank = rank
        state.checks = state.masks = 0
        # Without a preference or length penalty a continuation never scores above its text.
        falling = state.problem.preference is None and self.length_penalty == 0
        children = self._children(state, falling)
        finished = [child for child in children if child.finish_reason is not None]
        self._set_aside(state, finished)
        beam = self._scored(state, [child for child in children if child.finish_reason is None])
        beam.sort(key=lambda text: text.score, reverse=True)
        if falling:
            least = list(state.found.values())[len(state.lanes) - 1 : len(state.lanes)]
            beam = [child for child in beam if not least or child.score > least[0].score]
        elif state.finishes >= self.width and len(state.found) >= len(state.lanes):
            beam = []
        state.beam = beam[: self.width]
        info = _record(state, [*state.beam, *finished])
        for lane, text in zip(state.lanes, state.beam, strict=False):
            # Shown in partial results until lanes are filled.
            lane.tokens, lane.log_probability = list(text.tokens), text.log_probability
        if not beam:
            _end(state)
        return state, info

    def _children(self, state: BeamState, only_best: bool) -> list[Hypothesis]:
        """Texts one token further, the most probable first.

        Args:
            only_best: of the unfinished ones, only the ``width`` most probable are needed.
        """
        branches = [b for found in _look(state, state.beam, self.expand) for b in found]
        branches.sort(key=lambda branch: branch.log_probability, reverse=True)
        children: list[Hypothesis] = []
        room = self.width if only_best else len(branches)
        for branch in branches:
            if room == 0 and branch.token != state.problem.model.vocabulary.end:
                continue
            child = branch.text.copy_to(branch.text.rng)
            _extend(child, branch, state.problem)
            state.cut |= child.finish_reason == "length"
            if child.log_weight > -math.inf:
                ended = child.finish_reason is not None
                room -= not ended
                state.finishes += ended and len(children) < self.width
                children.append(child)
        return children

    def _set_aside(self, state: BeamState, finished: Sequence[Hypothesis]) -> None:
        """Score finished texts, and keep the ``width`` best of all so far."""
        weigh_preference(state.problem, finished)
        found = state.found
        for child in finished:
            divisor = (len(child.tokens) + 1) ** self.length_penalty
            child.score = child.log_probability / divisor + child.log_preference
            text = state.problem.model.vocabulary.spell(child.tokens)
            if child.score > (found[text].score if text in found else -math.inf):
                found[text] = child
        best = sorted(found.items(), key=lambda item: item[1].score, reverse=True)
        state.found = dict(best[: self.width])

    def _scored(self, state: BeamState, children: list[Hypothesis]) -> list[Hypothesis]:
        """Unfinished texts with their scores; those with preference 0 are dropped."""
        ahead = self.look_ahead if state.problem.preference is not None else 0
        judged = _roll_out(state, children, ahead) if ahead else children
        weigh_preference(state.problem, judged)
        for child, text in zip(children, judged, strict=True):
            never = text.log_weight == -math.inf  # no valid rollout, or preference 0
            child.score = -math.inf if never else child.log_probability + text.log_preference
        # After a failed rollout other continuations may still be valid.
        return children if ahead else [child for child in children if child.score > -math.inf]


class Branch(NamedTuple):
    """A text, and an allowed token to continue it by.

    Attributes:
        text: where the token is appended.
        token: the token.
        log_probability: natural logarithm of the probability of text and token.
        log_allowed: see `Hypothesis`; where there is no mask, of the mass that was not refused.
    """

    text: Hypothesis
    token: int
    log_probability: float
    log_allowed: float


def _look(state: BeamState, texts: Sequence[Hypothesis], most: int) -> list[list[Branch]]:
    """The ``most`` most probable allowed tokens after each text, from one forward for all."""
    rows = state.reader.read([tuple(text.tokens) for text in texts])
    return [_branches(state, *pair, most) for pair in zip(texts, rows, strict=True)]


def _branches(state: BeamState, text: Hypothesis, logits: Logits, most: int) -> list[Branch]:
    problem, vocabulary = state.problem, state.problem.model.vocabulary
    law = problem.law.at(logits, vocabulary)
    matcher = text.matcher
    mask, exact = outlined(matcher)
    state.masks += mask is not None
    candidates = np.ones(len(vocabulary), dtype=np.bool_) if mask is None else mask
    found: list[tuple[int, float]] = []
    allowed = refused = 0.0
    batch = most
    while len(found) < most and (mass := law.restrict(candidates)) > 0:
        allowed = allowed or mass * math.exp(law.log_scale)
        tokens = law.heaviest(batch, math.inf)[0]
        for token in tokens.tolist():
            log_mass = law.log_probability(token)
            state.checks += not exact
            if exact or (matcher is not None and matcher.allows(token)):
                found.append((token, log_mass))
                if len(found) == most:
                    break
            else:
                refused += math.exp(log_mass)
        candidates[tokens] = False
        batch *= 8  # another pass over the law costs more than a few tokens too many
    left = max(allowed - refused, math.fsum(math.exp(log_mass) for _, log_mass in found))
    log_allowed = math.log(left) if left > 0 else -math.inf
    return [Branch(text, token, text.log_probability + own, log_allowed) for token, own in found]


def _roll_out(state: BeamState, texts: Sequence[Hypothesis], tokens: int) -> list[Hypothesis]:
    """Copies of the texts, continued by up to ``tokens`` most probable allowed tokens."""
    runs = [text.copy_to(text.rng) for text in texts]
    for _ in range(tokens):
        going_on = [run for run in runs if run.finish_reason is None]
        for run, branches in zip(going_on, _look(state, going_on, 1), strict=True):
            if branches:
                _extend(run, branches[0], state.problem)
            else:
                run.finish_reason, run.log_weight = "dead_end", -math.inf
    return runs


def _extend(text: Hypothesis, branch: Branch, problem: Problem) -> None:
    """Append an allowed token; it may end the text."""
    end = problem.model.vocabulary.end
    text.log_last = branch.log_probability - text.log_probability
    text.log_probability, text.log_allowed = branch.log_probability, branch.log_allowed
    if text.matcher is not None:
        text.matcher.advance(branch.token)
    if branch.token == end:
        finish(text, problem)
        return
    text.tokens.append(branch.token)
    if len(text.tokens) == problem.max_tokens:
        meet_budget(text, end)


def _bytes_of_prompt(problem: Problem, text: Hypothesis) -> int:
    """How many bytes of its last token belong to the seam; of an end token none."""
    if text.finish_reason == "stop":
        return 0
    return problem.bytes_of_prompt(text.tokens[-1], text.tokens, len(text.tokens) - 1)


def _record(state: BeamState, kept: Sequence[Hypothesis]) -> StepInfo:
    """The trace record: each text kept with its rank, the open ones before the finished ones."""
    problem, end = state.problem, state.problem.model.vocabulary.end
    masses = [text.log_probability + text.log_preference for text in state.found.values()]
    state.steps += 1
    return StepInfo(
        step=state.steps - 1,
        draws=tuple(
            Drawn(
                None,
                rank,
                end if text.finish_reason == "stop" else text.tokens[-1],
                text.log_last,
                text.log_allowed,
                text.log_probability + text.log_preference,
                prompt_bytes=_bytes_of_prompt(problem, text),
            )
            for rank, text in enumerate(kept)
        ),
        ends=tuple(
            ended_as(text, attempt=rank)
            for rank, text in enumerate(kept)
            if text.finish_reason is not None
        ),
        effective_sample_size=effective_sample_size(masses) if masses else 0.0,
        ancestors=tuple(text.rank for text in kept),
        checks=state.checks,
        masks=state.masks,
        note=f"{len(state.beam)} texts are open, {len(masses)} found",
    )


def _end(state: BeamState) -> None:
    """Put the best texts into the lanes."""
    best = list(state.found.values())[: len(state.lanes)]
    for index, text in enumerate(best):
        log_weight = text.log_probability + text.log_preference + math.log(len(state.lanes))
        state.lanes[index] = replace(text, log_weight=log_weight, origin=index)
    for lane in state.lanes[len(best) :]:
        lane.log_weight = -math.inf
        lane.finish_reason = "rejected" if best else "length" if state.cut else "dead_end"
