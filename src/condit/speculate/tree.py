"""Builds the trees of guessed tokens for one forward: best first, as many as are worth their cost.

Guesses of all sources are compared by their estimated probability. Tokens that the constraint
refuses are left out, and their probability goes to the others. Tokens are not drawn here.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from condit.constraint.base import Matcher
from condit.errors import ConditError
from condit.model.base import Model
from condit.speculate.cost import ForwardCost, cost_of
from condit.speculate.forced import ForcedText
from condit.speculate.lookup import PromptLookup
from condit.speculate.recycling import LONGEST, Recycling, table_of
from condit.speculate.settings import Drafts
from condit.speculate.trust import Trust, trust_of

_CONTEXT = max(LONGEST, 4)
"""Tokens before a guess that any source looks at."""

_KNOWN = {1: 0.6, 2: 0.8, 3: 0.9}
"""Factor on probabilities from the table of recycled tokens, by the length of the context."""

_SHARPEST = 0.35
"""Lower temperatures count as this: recycled logits are not those of the present text."""

_FURTHER = 6
"""How many guesses past the best number are tried, as costs are not convex."""

_LEAST = 0.02
"""Guesses worth less than this are not considered."""


@dataclass(eq=False)
class Guess:
    """A node of the tree.

    Attributes:
        token: the guessed token; at the root, the last token of the frontier.
        parent: the index of the guess before it, -1 for the frontier.
        worth: the probability of the whole path to it times the urgency of its lane, linear.
        context: the last few tokens, itself included.
        matcher: the constraint's state after it; ``None`` without a constraint.
        depth: how many guesses the path has.
    """

    token: int
    parent: int
    worth: float
    context: tuple[int, ...]
    matcher: Matcher | None
    depth: int = 0


@dataclass
class Frontier:
    """The end of a lane's drawn tokens, where the next logits are needed: a root for guesses.

    Attributes:
        context: its last tokens, the one that is forwarded now included.
        matcher: the constraint's state there; ``None`` without a constraint. Not changed.
        room: how many more tokens ``max_tokens`` allows.
        urgency: factor on the worth of guesses for this lane, from 0 to 1.
        guesses: the tree, parents first.
    """

    context: tuple[int, ...]
    matcher: Matcher | None
    room: int
    urgency: float = 1.0
    guesses: list[Guess] = field(default_factory=list)


class Guesser:
    """Makes trees of guesses for the lanes of one problem.

    Args:
        model: the model.
        prompt: its prompt.
        temperature: of the base law.
        drafts: which sources to use, and how many guesses to make at most.
        alone: whether there is one lane; several wait for each other, so guesses save less.
    """

    def __init__(
        self,
        model: Model,
        prompt: Sequence[int],
        temperature: float,
        drafts: Drafts,
        *,
        alone: bool = True,
    ) -> None:
        self.table: Recycling | None = table_of(model) if drafts.recycling else None
        self.cost: ForwardCost = cost_of(model)
        self.trust: Trust = trust_of(model, temperature, alone)
        self._ends = model.vocabulary.ends
        self._forced = ForcedText(model) if drafts.forced else None
        self._lookup = PromptLookup(prompt) if drafts.lookup else None
        self._sharpness = 1 / max(temperature, _SHARPEST)
        self._most = drafts.positions

    def grow(self, frontiers: Sequence[Frontier]) -> None:
        """Fill in ``guesses`` of each frontier: those that maximise expected tokens per cost."""
        order = count()
        waiting: list[tuple[float, int, Frontier, Guess]] = []

        def offer(frontier: Frontier, parent: Guess, index: int) -> None:
            if parent.depth >= frontier.room:
                return
            for token, share in self._successors(parent):
                worth = parent.worth * share
                if worth >= _LEAST:
                    context = (*parent.context[1 - _CONTEXT :], token)
                    guess = Guess(token, index, worth, context, None, parent.depth + 1)
                    heapq.heappush(waiting, (-worth, next(order), frontier, guess))

        for frontier in frontiers:
            context = frontier.context[-_CONTEXT:]
            root = Guess(context[-1], -1, frontier.urgency, context, frontier.matcher)
            offer(frontier, root, -1)
        base, expected = len(frontiers), sum(frontier.urgency for frontier in frontiers)
        trust = self.trust.factor
        made: list[tuple[Frontier, Guess]] = []
        best, most = expected / self.cost.of(base), 0
        while waiting and len(made) < min(self._most, most + _FURTHER):
            _, _, frontier, guess = heapq.heappop(waiting)
            parent = frontier.guesses[guess.parent] if guess.parent >= 0 else None
            before = parent.matcher if parent is not None else frontier.matcher
            if before is not None:
                guess.matcher = _advanced(before, guess.token)
                if guess.matcher is None:
                    continue
            frontier.guesses.append(guess)
            made.append((frontier, guess))
            offer(frontier, guess, len(frontier.guesses) - 1)
            expected += guess.worth * trust
            rate = expected / self.cost.of(base + len(made))
            if rate > best:
                best, most = rate, len(made)
        for frontier, _ in made[most:]:
            frontier.guesses.pop()  # guesses made last are last in their own lists, too
        self.trust.expect(sum(guess.worth / frontier.urgency for frontier, guess in made[:most]))

    def _successors(self, guess: Guess) -> list[tuple[int, float]]:
        """Allowed tokens that may follow, with their probabilities."""
        shares: dict[int, float] = {}
        try:
            self._weigh(guess, shares)
        except ConditError:
            # The engine met a limit; a lane that meets it raises the error.
            shares.clear()
        return list(shares.items())

    def _weigh(self, guess: Guess, shares: dict[int, float]) -> None:
        matcher = guess.matcher
        if self.table is not None:
            self._recycle(self.table, guess, shares)
        if self._lookup is not None:
            found = self._lookup.propose(guess.context)
            if found is not None and self._allowed(matcher, found[0]):
                _mix(shares, *found)
        if self._forced is not None and matcher is not None:
            found = self._forced.propose(matcher)
            if found is not None and self._allowed(matcher, found[0]):
                _mix(shares, *found)

    def _recycle(self, table: Recycling, guess: Guess, shares: dict[int, float]) -> None:
        known = table.look_up(guess.context)
        if known is None:
            return
        length, tokens, logits = known
        highest = logits[0]
        total = 0.0
        for token, logit in zip(tokens, logits, strict=True):
            weight = math.exp((logit - highest) * self._sharpness)
            # Sorted from the most probable down: no later token has any mass.
            if token < 0 or not weight > 0:
                break
            if token in self._ends:
                # An end is never guessed, as it needs no forward, but has a probability.
                if _allows(guess.matcher, token):
                    total += weight
                continue
            if self._allowed(guess.matcher, token):
                shares[token] = weight
                total += weight
        for token in shares:
            shares[token] *= _KNOWN[length] / total

    def _allowed(self, matcher: Matcher | None, token: int) -> bool:
        return token not in self._ends and _allows(matcher, token)


def _advanced(matcher: Matcher, token: int) -> Matcher | None:
    """The matcher after an allowed token; ``None`` where the engine met a limit."""
    after = matcher.copy()
    try:
        after.advance(token)
    except ConditError:
        return None
    return after


def _allows(matcher: Matcher | None, token: int) -> bool:
    """Whether the constraint allows ``token``; everything is allowed without one."""
    return matcher is None or matcher.allows(token)


def _mix(shares: dict[int, float], token: int, probability: float) -> None:
    """Raise ``token`` to that probability, if it has less, and scale the others down."""
    before = shares.get(token, 0.0)
    if probability <= before:
        return
    left = (1 - probability) / (1 - before) if before < 1 else 0.0
    for other in shares:
        shares[other] *= left
    shares[token] = probability
