"""Speculative decoding for lanes that must stay in step: tokens are drawn ahead and replayed.

Before a forward every lane draws as many tokens as it has logits for, and adds a tree of guessed
tokens to the forward, so that logits for more tokens come back. The tokens drawn ahead are applied
to the lane one a step, so SMC resamples, and callers stream, lanes of equal length.

Each lane has its own random generator, so drawing early gives the same tokens. When resampling
replaces a lane, the tokens it drew ahead are dropped; its generator is then in the state that it
would have without drafts.

A lane that waits for others at a boundary keeps what it has drawn ahead. It draws on past the
boundary in forwards that others need, where a further position costs little beside a forward: the
lane is then let go with a lead.

Where guesses come from is not decided here: see ``speculate/tree.py``.
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
"""The most tokens that a lane may be ahead of the current step."""

_MOST_LEAD = 6
"""A lane that leads the shortest one by so many tokens adds nothing to the next forward."""

_LEAD_DISCOUNT = 0.7
"""Factor on the worth of guesses, for each token by which a lane leads the shortest one."""

_WAIT_DISCOUNT = 0.97
"""Factor on the worth of a waiting lane's position, for each token drawn past its boundary."""

Grow = Callable[[Lane, Logits], Draw]
"""Draws the next token of a lane from logits, and appends it."""


@dataclass
class DrawnAhead:
    """A token drawn ahead.

    Attributes:
        draw: the draw.
        lane: the lane after it.
        rng_state: the state of the lane's random generator after it.
    """

    draw: Draw
    lane: Lane
    rng_state: Any


@dataclass
class Ahead:
    """The tokens that lanes have drawn ahead of the current step.

    Attributes:
        guesser: makes the trees of guesses.
        drawn: for each lane the tokens it has drawn ahead, oldest first.
        own: for each lane the lengths of its text at which the last token was forwarded early, as
            the lane waited: it had been drawn, so no guess was right.
        waited: for each lane whether it waited at the last step.
        released: how often a lane that had waited was let go, resampled away or not.
        lost: how often such a lane was resampled away.
        drafted: positions that were forwarded for guesses.
        accepted: tokens drawn from logits that the forward of a guess had given.
    """

    problem: Problem
    guesser: Guesser
    drawn: list[deque[DrawnAhead]]
    own: list[set[int]]
    waited: list[bool]
    released: int = 0
    lost: int = 0
    drafted: int = 0
    accepted: int = 0

    @classmethod
    def of(cls, problem: Problem, model: Model, drafts: Drafts) -> Ahead:
        """No tokens drawn ahead."""
        temperature = problem.law.temperature
        guesser = Guesser(model, problem.prompt, temperature, drafts, alone=problem.lanes == 1)
        lanes = range(problem.lanes)
        return cls(
            problem, guesser, [deque() for _ in lanes], [set() for _ in lanes], [False] * len(lanes)
        )

    def replay(self, index: int, lane: Lane) -> Draw:
        """Apply the next token drawn ahead to ``lane``."""
        drawn = self.drawn[index].popleft()
        lane.tokens = drawn.lane.tokens
        lane.matcher = drawn.lane.matcher
        lane.log_probability = drawn.lane.log_probability
        lane.finish_reason = drawn.lane.finish_reason
        # Resampling or a preference may have changed its weight since, so factors are applied.
        lane.log_weight += drawn.draw.log_weight
        if drawn.lane.log_weight == -math.inf:  # its finished text is not valid
            lane.log_weight = -math.inf
        lane.rng.bit_generator.state = drawn.rng_state
        return drawn.draw

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``, with its own random generator."""
        self.lost += sum(
            waited and ancestor != index
            for index, (waited, ancestor) in enumerate(zip(self.waited, ancestors, strict=True))
        )
        self.own = [set(self.own[ancestor]) for ancestor in ancestors]
        self.drawn = [
            self.drawn[index] if ancestor == index else deque()
            for index, ancestor in enumerate(ancestors)
        ]

    def feed(self, lanes: Sequence[Lane], decoder: Decoder, grow: Grow) -> None:
        """Advance the decoder by the newest token of each lane that has not ended.

        If that takes a forward, every lane first draws ahead as far as logits are known. Lanes that
        wait keep their drafts, and may add to the forward.
        """
        newest = [(lane.tokens[-1],) if lane.grows else () for lane in lanes]
        known = [
            bool(path) and decoder.peek(index, path) is not None
            for index, path in enumerate(newest)
        ]
        guessed = sum(
            found and len(lane.tokens) not in own
            for found, lane, own in zip(known, lanes, self.own, strict=True)
        )
        self.accepted += guessed
        self.released += sum(
            waited and lane.grows for waited, lane in zip(self.waited, lanes, strict=True)
        )
        self.waited = [lane.waits for lane in lanes]
        if all(known[index] for index, path in enumerate(newest) if path):
            # Guesses save a forward only if they were right for every lane.
            self.guesser.trust.accept(guessed)
            decoder.advance(newest)
            return
        paths: list[tuple[int, ...]] = []
        frontiers: list[Frontier | None] = []
        for index, lane in enumerate(lanes):
            if lane.finish_reason is None:
                path, frontier = self._draw_ahead(index, lane, decoder, grow)
            else:
                path, frontier = (), None
            paths.append(path)
            frontiers.append(frontier)
        _hold_back(paths, frontiers, self.waited)
        self._admit_waiting(paths, frontiers)
        self.guesser.grow([frontier for frontier in frontiers if frontier is not None])
        chains = [path[len(given) :] for path, given in zip(paths, newest, strict=True)]
        drafts = [
            _draft(chain, frontier) for chain, frontier in zip(chains, frontiers, strict=True)
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
        self._note_own(lanes, paths, frontiers)
        began = time.perf_counter()
        decoder.advance(newest, drafts)
        seconds = time.perf_counter() - began
        positions = decoder.positions_forwarded - before
        self.guesser.cost.record(positions, seconds)
        self.drafted += max(0, positions - needed)
        self._learn(decoder, chains, frontiers)

    def _admit_waiting(
        self, paths: list[tuple[int, ...]], frontiers: list[Frontier | None]
    ) -> None:
        """Let waiting lanes add to the forward, as many as raise the expected tokens per cost.

        Where a forward costs in proportion to its positions, that is none, for a token of theirs
        may be resampled away. Changes both lists in place.
        """
        kept = (self.released - self.lost + 1) / (self.released + 2)
        worths: list[tuple[float, int]] = []
        growing = [
            f.urgency for f, waits in zip(frontiers, self.waited, strict=True) if f and not waits
        ]
        for index, frontier in enumerate(frontiers):
            if frontier is not None and self.waited[index]:
                frontier.urgency = kept * _WAIT_DISCOUNT ** (len(paths[index]) - 1)
                worths.append((-frontier.urgency, index))
        worths.sort()
        expected, positions = sum(growing), len(growing)
        best, most = expected / self.guesser.cost.of(positions), 0
        for admitted, (worth, _) in enumerate(worths, 1):
            expected -= worth
            rate = expected / self.guesser.cost.of(positions + admitted)
            if rate > best:
                best, most = rate, admitted
        for _, index in worths[most:]:
            frontiers[index], paths[index] = None, paths[index][:-1]

    def _draw_ahead(
        self, index: int, lane: Lane, decoder: Decoder, grow: Grow
    ) -> tuple[tuple[int, ...], Frontier | None]:
        """Draw ahead as far as logits are known.

        Returns:
            the tokens of the path from the lane's newest on; and the frontier behind it, whose
            logits are unknown. ``None`` for no frontier: logits are known along the whole path.
        """
        drawn = self.drawn[index]
        here = drawn[-1].lane if drawn else lane
        start = len(lane.tokens) - 1
        runner: Lane | None = None
        while here.finish_reason is None and len(drawn) < _MOST_AHEAD:
            logits = decoder.peek(index, here.tokens[start:])
            if logits is None:
                break
            if runner is None:
                generator = copy.deepcopy(lane.rng)
                if drawn:
                    generator.bit_generator.state = drawn[-1].rng_state
                runner = here.copy_to(generator)
            try:
                draw = grow(runner, logits)
            except ConditError:
                # The error is raised when the lane's own step comes here.
                return tuple(here.tokens[start:]), None
            here = runner.copy_to(runner.rng)
            drawn.append(DrawnAhead(draw, here, runner.rng.bit_generator.state))
        path = tuple(here.tokens[start:])
        if here.finish_reason is not None or len(drawn) >= _MOST_AHEAD:
            # Nothing follows the last token of a finished text: its logits are not needed.
            return path if decoder.peek(index, path) is not None else path[:-1], None
        context = (*self.problem.prompt[-4:], *here.tokens[-4:])
        room = self.problem.max_tokens - len(here.tokens)
        # Guesses may ignore the budget: the constraint without it is cheaper to ask.
        matcher = here.matcher.within if here.matcher is not None else None
        return path, Frontier(context, matcher, room)

    def _note_own(
        self,
        lanes: Sequence[Lane],
        paths: Sequence[tuple[int, ...]],
        frontiers: Sequence[Frontier | None],
    ) -> None:
        """Note which lanes forward a drawn token early because they wait, or had waited."""
        for index, (lane, path, own) in enumerate(zip(lanes, paths, self.own, strict=True)):
            length = len(lane.tokens) + len(path) - 1
            if frontiers[index] is not None and (self.waited[index] or length - 1 in own):
                own.add(length)

    def _learn(
        self,
        decoder: Decoder,
        chains: Sequence[tuple[int, ...]],
        frontiers: Sequence[Frontier | None],
    ) -> None:
        """Add the new rows of logits to the table of recycled tokens."""
        table = self.guesser.table
        if table is None:
            return
        contexts: list[tuple[int, ...]] = []
        rows: list[Logits] = []
        for index, (chain, frontier) in enumerate(zip(chains, frontiers, strict=True)):
            if frontier is None:
                continue
            ways: list[tuple[int, ...]] = []
            for guess in frontier.guesses:
                before = ways[guess.parent] if guess.parent >= 0 else chain
                ways.append((*before, guess.token))
            contexts += [frontier.context, *(guess.context for guess in frontier.guesses)]
            # The newest token itself has just been appended.
            rows += [decoder.peek(index, way) for way in (chain, *ways)]
        table.learn(contexts, rows)


def _hold_back(
    paths: list[tuple[int, ...]], frontiers: list[Frontier | None], waits: Sequence[bool]
) -> None:
    """Spend the forward on the lanes that are behind, for a step waits for the last of them.

    Also, tokens drawn ahead are lost if the lane is resampled away. Lanes that wait are left alone.
    Changes both lists in place.
    """
    lengths = [
        len(path)
        for path, frontier, waiting in zip(paths, frontiers, waits, strict=True)
        if frontier and not waiting
    ]
    for index, frontier in enumerate(frontiers):
        if frontier is None or waits[index]:
            continue
        lead = len(paths[index]) - min(lengths)
        frontier.urgency = _LEAD_DISCOUNT**lead
        if lead >= _MOST_LEAD:
            frontiers[index], paths[index] = None, paths[index][:-1]


def _draft(chain: tuple[int, ...], frontier: Frontier | None) -> Draft:
    """One draft of the tokens drawn ahead (a chain) and the tree of guesses at its end."""
    tree = frontier.draft if frontier is not None else Draft()
    last = len(chain) - 1
    return Draft(
        chain + tree.tokens,
        (
            *range(-1, last),
            *(last if parent < 0 else parent + len(chain) for parent in tree.parents),
        ),
    )
