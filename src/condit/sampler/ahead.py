"""Speculative decoding for lanes that must stay in step: tokens are drawn ahead and replayed.

Before a forward every lane draws as many tokens as it has logits for, and adds a tree of guessed
tokens to the forward, so that logits for more tokens come back. The tokens drawn ahead are applied
to the lane one a step, so SMC resamples, and callers stream, lanes of equal length.

Each lane has its own random generator, so drawing early gives the same tokens. When resampling
replaces a lane, the tokens it drew ahead are dropped; its generator is then in the state that it
would have without drafts.

A lane that waits for others at a boundary keeps what it has drawn ahead. It draws on past the
boundary in forwards that others need, where a further position costs little beside a forward: the
lane is then let go with a lead. Where it will probably be resampled away, the copy that will
probably take its place draws on, with the generator that it will have: resampling then finds the
tokens of that copy drawn.

Where guesses come from is not decided here: see ``speculate/tree.py``.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from condit.errors import ConditError
from condit.model.base import Decoder, Logits, Model
from condit.sampler.base import Lane, Problem
from condit.sampler.kernels import Draw
from condit.sampler.lead import (
    DrawnAhead,
    ExpectedCopy,
    Lead,
    Tip,
    admit_waiting,
    drafts_of,
    put_first_those_behind,
)
from condit.speculate.settings import Drafts
from condit.speculate.tree import Frontier, Guesser

_MOST_AHEAD = 64
"""The most tokens that a lane may be ahead of the current step."""

Grow = Callable[[Lane, Logits], Draw]
"""Draws the next token of a lane from logits, and appends it."""


@dataclass
class Ahead:
    """The tokens that lanes have drawn ahead of the current step.

    Attributes:
        guesser: makes the trees of guesses.
        generator: draws ahead, from the state that a lane's own will be in.
        leads: for each lane what it has drawn ahead.
        waited: for each lane whether it waited at the last step.
        expected: for each lane the one that it will probably be a copy of when it is let go.
        became: for each lane the one that it was made a copy of since the last step.
        copies: the copies that are expected, by the index of the lane that they will replace.
        released: how often a lane that had waited was let go, resampled away or not.
        foreseen: how often that went as expected.
        drafted: positions that were forwarded for guesses.
        accepted: tokens drawn from logits that the forward of a guess had given.
        guessed: the lanes whose next token is drawn from such logits.
    """

    problem: Problem
    guesser: Guesser
    generator: np.random.Generator
    leads: list[Lead]
    waited: list[bool]
    expected: list[int]
    became: list[int]
    copies: dict[int, ExpectedCopy] = field(default_factory=dict)
    released: int = 0
    foreseen: int = 0
    drafted: int = 0
    accepted: int = 0
    guessed: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, problem: Problem, model: Model, drafts: Drafts, rng: np.random.Generator) -> Ahead:
        """No tokens drawn ahead; ``rng`` is of the kind that lanes have, and is not changed."""
        temperature = problem.law.temperature
        guesser = Guesser(model, problem.prompt, temperature, drafts, alone=problem.lanes == 1)
        lanes = range(problem.lanes)
        leads = [Lead() for _ in lanes]
        return cls(
            problem,
            guesser,
            copy.deepcopy(rng),
            leads,
            [False] * len(lanes),
            expected=list(lanes),
            became=list(lanes),
        )

    def replay(self, index: int, lane: Lane) -> Draw:
        """Apply the next token drawn ahead to ``lane``."""
        drawn = self.leads[index].drawn.popleft()
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

    def expect(self, lanes: Sequence[Lane], ancestors: Sequence[int]) -> None:
        """Say which lanes will probably become copies of which when those that wait are let go."""
        known, self.copies = self.copies, {}
        self.expected = list(ancestors)
        for index, ancestor in enumerate(ancestors):
            if ancestor != index and lanes[index].waits and lanes[ancestor].waits:
                found = known.get(index)
                if found is None or found.ancestor != ancestor:
                    rng = copy.deepcopy(lanes[index].rng)
                    found = ExpectedCopy(ancestor, lanes[ancestor].copy_to(rng))
                self.copies[index] = found

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` has become a copy of lane ``ancestors[i]``, with its own random generator."""
        leads = []
        for index, ancestor in enumerate(ancestors):
            lead = self.leads[ancestor]
            if ancestor != index:
                found = self.copies.get(index)
                foreseen = found is not None and found.ancestor == ancestor
                mine = found.lead if found is not None and foreseen else Lead()
                lead = Lead(mine.drawn, mine.own | lead.own)
            leads.append(lead)
        self.leads, self.became = leads, list(ancestors)
        self.copies.clear()

    def feed(self, lanes: Sequence[Lane], decoder: Decoder, grow: Grow) -> None:
        """Advance the decoder by the newest token of each lane that has not ended.

        If that takes a forward, every lane first draws ahead as far as logits are known. Lanes that
        wait keep their drafts, and may add to the forward, as do copies that are expected.
        """
        newest = [(lane.tokens[-1],) if lane.grows else () for lane in lanes]
        known = [
            bool(path) and decoder.peek(index, path) is not None
            for index, path in enumerate(newest)
        ]
        self.guessed = {
            index
            for index, found in enumerate(known)
            if found and len(lanes[index].tokens) not in self.leads[index].own
        }
        guessed = len(self.guessed)
        self.accepted += guessed
        self._note_released(lanes)
        if all(known[index] for index, path in enumerate(newest) if path):
            # Guesses save a forward only if they were right for every lane.
            self.guesser.trust.accept(guessed)
            decoder.advance(newest)
            return
        tips = self._tips(lanes)
        for tip in tips:
            self._draw_ahead(tip, decoder, grow)
        put_first_those_behind(tips)
        admit_waiting(tips, self.guesser.cost)
        self.guesser.grow([tip.frontier for tip in tips if tip.frontier is not None])
        before = decoder.positions_forwarded
        # Lanes that have the same text share its positions.
        needed = len({(*tip.lane.tokens[:-1], *tip.path) for tip in tips if tip.frontier})
        for tip in tips:
            tip.note_own()
        drafts = drafts_of(tips, len(lanes))
        began = time.perf_counter()
        decoder.advance(newest, drafts)
        seconds = time.perf_counter() - began
        positions = decoder.positions_forwarded - before
        self.guesser.cost.record(positions, seconds)
        self.drafted += max(0, positions - needed)
        self._learn(decoder, tips)

    def _note_released(self, lanes: Sequence[Lane]) -> None:
        """Count the lanes that waited and are let go now, and how many of them as expected."""
        for index, lane in enumerate(lanes):
            if self.waited[index] and lane.grows:
                self.released += 1
                self.foreseen += self.expected[index] == self.became[index]
        self.waited = [lane.waits for lane in lanes]
        self.became = list(range(len(lanes)))
        self.copies = {
            index: found
            for index, found in self.copies.items()
            if lanes[index].waits and lanes[found.ancestor].waits
        }

    def _tips(self, lanes: Sequence[Lane]) -> list[Tip]:
        """The tips of lanes that have not ended, and of expected copies."""
        right = (self.foreseen + 1) / (self.released + 2)
        tips: list[Tip] = []
        for index, lane in enumerate(lanes):
            if lane.finish_reason is None:
                stays = right if self.expected[index] == index else 1 - right
                tips.append(Tip(index, lane, self.leads[index], 1.0 if lane.grows else stays))
        for found in self.copies.values():
            tips.append(Tip(found.ancestor, found.lane, found.lead, right))
        return tips

    def _draw_ahead(self, tip: Tip, decoder: Decoder, grow: Grow) -> None:
        """Draw ahead as far as logits are known; sets the tip's path and frontier.

        There is no frontier where logits are known along the whole path, or are not needed.
        """
        lane, drawn = tip.lane, tip.lead.drawn
        here = drawn[-1].lane if drawn else lane
        start = len(lane.tokens) - 1
        runner: Lane | None = None
        while here.finish_reason is None and len(drawn) < _MOST_AHEAD:
            logits = decoder.peek(tip.base, here.tokens[start:])
            if logits is None:
                break
            if runner is None:
                state = drawn[-1].rng_state if drawn else lane.rng.bit_generator.state
                self.generator.bit_generator.state = state
                runner = here.copy_to(self.generator)
            try:
                draw = grow(runner, logits)
            except ConditError:
                # The error is raised when the lane's own step comes here.
                tip.path = tuple(here.tokens[start:])
                return
            here = runner.copy_to(runner.rng)
            drawn.append(DrawnAhead(draw, here, runner.rng.bit_generator.state))
        tip.path = tuple(here.tokens[start:])
        if here.finish_reason is not None or len(drawn) >= _MOST_AHEAD:
            # Nothing follows the last token of a finished text: its logits are not needed.
            if decoder.peek(tip.base, tip.path) is None:
                tip.path = tip.path[:-1]
            return
        context = (*self.problem.prompt[-4:], *here.tokens[-4:])
        room = self.problem.max_tokens - len(here.tokens)
        # Guesses may ignore the budget: the constraint without it is cheaper to ask.
        matcher = here.matcher.within if here.matcher is not None else None
        tip.frontier = Frontier(context, matcher, room)

    def _learn(self, decoder: Decoder, tips: Sequence[Tip]) -> None:
        """Add the new rows of logits to the table of recycled tokens."""
        table = self.guesser.table
        if table is None:
            return
        contexts: list[tuple[int, ...]] = []
        rows: list[Logits] = []
        for tip in tips:
            if tip.frontier is None:
                continue
            ways: list[tuple[int, ...]] = []
            for guess in tip.frontier.guesses:
                before = ways[guess.parent] if guess.parent >= 0 else tip.chain
                ways.append((*before, guess.token))
            contexts += [tip.frontier.context, *(guess.context for guess in tip.frontier.guesses)]
            # The newest token itself has just been appended.
            rows += [decoder.peek(tip.base, way) for way in (tip.chain, *ways)]
        table.learn(contexts, rows)
