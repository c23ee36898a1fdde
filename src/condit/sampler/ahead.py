"""Lanes that grow one token a step, while the model is asked for many tokens at a time.

When a lane needs the model, all lanes look ahead: each goes on drawing as long as the logits it
needs are known, and where they are not, a tree of guesses goes into the next forward. What a lane
drew ahead is played back to it step by step, so that whoever looks at all lanes after each step
(to resample them, to stream them) sees them as if nobody had looked ahead.

A lane draws with its own noise, so drawing early changes nothing. A lane that is replaced by a copy
of another loses what it drew ahead, and its noise is where it would have been.
"""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from condit.errors import ConditError
from condit.model.base import Decoder, Draft, Logits, Model
from condit.sampler.base import Lane, Problem
from condit.sampler.kernels import Draw
from condit.speculate.settings import Drafts
from condit.speculate.tree import Frontier, Guesser

_MOST_AHEAD = 32
"""Tokens that a lane may draw ahead of the step."""

_ENOUGH_AHEAD = 6
"""A lane that is so many tokens ahead of the last one waits for it."""

_PATIENCE = 0.7
"""What a token is worth, for each token that its lane is ahead of the last one."""

Grow = Callable[[Lane, Logits], Draw]
"""Draws a lane's next token from logits, and takes it."""


@dataclass
class Drawn:
    """A token drawn ahead.

    Attributes:
        draw: the draw.
        lane: the lane after it.
        noise: the state of the lane's noise after it.
    """

    draw: Draw
    lane: Lane
    noise: Any


@dataclass
class Ahead:
    """What lanes have drawn ahead, and the guesses that let them.

    Attributes:
        guesser: makes the guesses.
        drawn: for each lane the tokens it has drawn ahead.
        drafted: positions that were forwarded for guesses.
        accepted: tokens drawn whose logits a guess had already paid for.
    """

    problem: Problem
    guesser: Guesser
    drawn: list[deque[Drawn]]
    drafted: int = 0
    accepted: int = 0

    @classmethod
    def of(cls, problem: Problem, model: Model, drafts: Drafts) -> Ahead:
        """Nothing drawn yet."""
        temperature = problem.law.temperature
        guesser = Guesser(model, problem.prompt, temperature, drafts, alone=problem.lanes == 1)
        return cls(problem, guesser, [deque() for _ in range(problem.lanes)])

    def replay(self, index: int, lane: Lane) -> Draw:
        """Let ``lane`` take the next token that it drew ahead."""
        drawn = self.drawn[index].popleft()
        lane.tokens = drawn.lane.tokens
        lane.matcher = drawn.lane.matcher
        lane.log_probability = drawn.lane.log_probability
        lane.finish_reason = drawn.lane.finish_reason
        # Its weight may have been changed meanwhile: by resampling, or by a preference.
        lane.log_weight += drawn.draw.log_weight
        if drawn.lane.log_weight == -math.inf:  # its text was refused in the end
            lane.log_weight = -math.inf
        lane.rng.bit_generator.state = drawn.noise
        return drawn.draw

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``, with noise of its own."""
        self.drawn = [
            self.drawn[index] if ancestor == index else deque()
            for index, ancestor in enumerate(ancestors)
        ]

    def feed(self, lanes: Sequence[Lane], decoder: Decoder, grow: Grow) -> None:
        """Let the decoder see the newest token of each lane that has not ended.

        Where that takes a forward, every lane first draws ahead as far as it can.
        """
        newest = [(lane.tokens[-1],) if lane.finish_reason is None else () for lane in lanes]
        known = [
            bool(path) and decoder.peek(index, path) is not None
            for index, path in enumerate(newest)
        ]
        self.accepted += sum(known)
        if all(known[index] for index, path in enumerate(newest) if path):
            # Only now has a guess saved anything: among many lanes the unluckiest one counts.
            self.guesser.trust.accept(sum(known))
            decoder.advance(newest)
            return
        paths: list[tuple[int, ...]] = []
        frontiers: list[Frontier | None] = []
        for index, lane in enumerate(lanes):
            if lane.finish_reason is None:
                path, frontier = self._run(index, lane, decoder, grow)
            else:
                path, frontier = (), None
            paths.append(path)
            frontiers.append(frontier)
        _hold_back(paths, frontiers)
        self.guesser.grow([frontier for frontier in frontiers if frontier is not None])
        drafts = [
            _draft(path[1:], frontier) for path, frontier in zip(paths, frontiers, strict=True)
        ]
        before = decoder.positions_forwarded
        # Lanes that have the same text share its positions.
        needed = len(
            {
                (*lane.tokens[:-1], *path)
                for lane, path, frontier in zip(lanes, paths, frontiers, strict=True)
                if frontier is not None
            }
        )
        began = time.perf_counter()
        decoder.advance(newest, drafts)
        seconds = time.perf_counter() - began
        positions = decoder.positions_forwarded - before
        self.guesser.cost.record(positions, seconds)
        self.drafted += max(0, positions - needed)
        self._learn(decoder, paths, frontiers)

    def _run(
        self, index: int, lane: Lane, decoder: Decoder, grow: Grow
    ) -> tuple[tuple[int, ...], Frontier | None]:
        """Draw ahead as far as logits are known.

        Returns:
            the tokens from the newest on, and where the model is needed next (``None``: nowhere;
            then their logits are known).
        """
        drawn = self.drawn[index]
        here = drawn[-1].lane if drawn else lane
        start = len(lane.tokens) - 1
        going: Lane | None = None
        while here.finish_reason is None and len(drawn) < _MOST_AHEAD:
            logits = decoder.peek(index, here.tokens[start:])
            if logits is None:
                break
            if going is None:
                noise = copy.deepcopy(lane.rng)
                if drawn:
                    noise.bit_generator.state = drawn[-1].noise
                going = here.copy_to(noise)
            try:
                draw = grow(going, logits)
            except ConditError:
                # It is raised again when the lane gets here; until then others go on.
                return tuple(here.tokens[start:]), None
            here = going.copy_to(going.rng)
            drawn.append(Drawn(draw, here, going.rng.bit_generator.state))
        path = tuple(here.tokens[start:])
        if here.finish_reason is not None or len(drawn) >= _MOST_AHEAD:
            # At the budget the last token is not followed by anything.
            return path if decoder.peek(index, path) is not None else path[:-1], None
        context = (*self.problem.prompt[-4:], *here.tokens[-4:])
        room = self.problem.max_tokens - len(here.tokens)
        # Guesses need not finish within the budget.
        matcher = here.matcher.within if here.matcher is not None else None
        return path, Frontier(context, matcher, room)

    def _learn(
        self,
        decoder: Decoder,
        paths: Sequence[tuple[int, ...]],
        frontiers: Sequence[Frontier | None],
    ) -> None:
        """Let the table of recycled tokens see the new rows of logits."""
        table = self.guesser.table
        if table is None:
            return
        contexts: list[tuple[int, ...]] = []
        rows: list[Logits] = []
        for index, (path, frontier) in enumerate(zip(paths, frontiers, strict=True)):
            if frontier is None:
                continue
            ways: list[tuple[int, ...]] = []
            for guess in frontier.guesses:
                before = ways[guess.parent] if guess.parent >= 0 else path[1:]
                ways.append((*before, guess.token))
            contexts += [frontier.context, *(guess.context for guess in frontier.guesses)]
            # The newest token itself has just been appended.
            rows += [decoder.peek(index, way) for way in (path[1:], *ways)]
        table.learn(contexts, rows)


def _hold_back(paths: list[tuple[int, ...]], frontiers: list[Frontier | None]) -> None:
    """Let the lanes that are behind go first: a step ends when the last of them has ended it.

    What a lane drew ahead is lost where it is resampled away, too.
    """
    lengths = [len(path) for path, frontier in zip(paths, frontiers, strict=True) if frontier]
    for index, frontier in enumerate(frontiers):
        if frontier is None:
            continue
        lead = len(paths[index]) - min(lengths)
        frontier.urgency = _PATIENCE**lead
        if lead >= _ENOUGH_AHEAD:
            frontiers[index], paths[index] = None, paths[index][:-1]


def _draft(chain: tuple[int, ...], frontier: Frontier | None) -> Draft:
    """What was drawn ahead, as a chain, and the guesses behind it."""
    tree = frontier.draft if frontier is not None else Draft()
    last = len(chain) - 1
    return Draft(
        chain + tree.tokens,
        (
            *range(-1, last),
            *(last if parent < 0 else parent + len(chain) for parent in tree.parents),
        ),
    )
