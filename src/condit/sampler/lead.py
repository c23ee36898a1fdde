"""Tokens that a lane has drawn ahead of its step, and where they go into the next forward.

Drawing them, and playing them back, is in ``ahead.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from condit.model.base import Draft
from condit.sampler.base import Lane
from condit.sampler.kernels import Draw
from condit.speculate.cost import ForwardCost
from condit.speculate.tree import Frontier

_LEAD_DISCOUNT = 0.7
"""Factor on the worth of guesses, for each token by which a lane leads the shortest one."""

_WAIT_DISCOUNT = 0.97
"""Factor on the worth of a waiting lane's position, for each token drawn past its boundary."""


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
class Lead:
    """What a lane has drawn ahead.

    Attributes:
        drawn: the tokens, oldest first.
        own: the lengths of its text at which the last token was forwarded early, as the lane
            waited: it had been drawn, so no guess was right.
    """

    drawn: deque[DrawnAhead] = field(default_factory=deque)
    own: set[int] = field(default_factory=set)


@dataclass
class ExpectedCopy:
    """A copy of a waiting lane that resampling has not made yet, but probably will.

    Attributes:
        ancestor: index of the lane.
        lane: the copy, with the generator of the lane whose place it will take.
        lead: what it has drawn ahead.
    """

    ancestor: int
    lane: Lane
    lead: Lead = field(default_factory=Lead)


@dataclass
class Tip:
    """The end of what a lane, or an expected copy, has drawn, as the next forward sees it.

    Attributes:
        base: index of the decoder's lane that it goes on from.
        lane: the lane or the copy, without what it has drawn ahead.
        lead: what it has drawn ahead.
        chance: the probability that its tokens are of use; less than 1 where it waits.
        path: the tokens from the lane's newest on.
        frontier: what is behind them, if logits are wanted there; else ``None``.
    """

    base: int
    lane: Lane
    lead: Lead
    chance: float = 1.0
    path: tuple[int, ...] = ()
    frontier: Frontier | None = None

    @property
    def given(self) -> tuple[int, ...]:
        """The tokens that the decoder's lane is advanced by."""
        return (self.lane.tokens[-1],) if self.lane.grows else ()

    @property
    def chain(self) -> tuple[int, ...]:
        """The tokens of the path that are looked ahead at."""
        return self.path[len(self.given) :]

    def leave_out(self) -> None:
        """Want no logits behind the path."""
        self.frontier, self.path = None, self.path[:-1]

    def note_own(self) -> None:
        """Note whether a drawn token is forwarded early because the lane waits, or had waited."""
        length, own = len(self.lane.tokens) + len(self.path) - 1, self.lead.own
        if self.frontier is not None and (not self.lane.grows or length - 1 in own):
            own.add(length)


def put_first_those_behind(tips: Sequence[Tip]) -> None:
    """Spend guesses on the growing lanes that are behind: a step waits for the last of them."""
    growing = [tip for tip in tips if tip.frontier and tip.lane.grows]
    least = min((len(tip.path) for tip in growing), default=0)
    for tip in growing:
        if tip.frontier is not None:
            tip.frontier.urgency = _LEAD_DISCOUNT ** (len(tip.path) - least)


def admit_waiting(tips: Sequence[Tip], cost: ForwardCost) -> None:
    """Let those that wait add to the forward, as many as raise the expected tokens per cost.

    Where a forward costs in proportion to its positions, that is none, for a token of theirs may
    be of no use. The others' tips are changed to want no logits.
    """
    growing = [tip for tip in tips if tip.frontier and tip.lane.grows]
    waiting = [tip for tip in tips if tip.frontier and not tip.lane.grows]
    for tip in waiting:
        if tip.frontier is not None:
            tip.frontier.urgency = tip.chance * _WAIT_DISCOUNT ** (len(tip.path) - 1)
    waiting.sort(key=lambda tip: -tip.frontier.urgency if tip.frontier is not None else 0.0)
    expected = sum(tip.frontier.urgency for tip in growing if tip.frontier is not None)
    positions = len(growing)
    best, most = expected / cost.of(positions), 0
    for admitted, tip in enumerate(waiting, 1):
        expected += tip.frontier.urgency if tip.frontier is not None else 0.0
        rate = expected / cost.of(positions + admitted)
        if rate > best:
            best, most = rate, admitted
    for tip in waiting[most:]:
        tip.leave_out()


def drafts_of(tips: Sequence[Tip], lanes: int) -> list[Draft]:
    """For each lane of the decoder one draft of all that goes on from it: chains and guesses."""
    # Of each draft the indices of its tokens, by the parent's index and the token.
    trees: list[dict[tuple[int, int], int]] = [{} for _ in range(lanes)]
    for tip in tips:
        tree, end = trees[tip.base], -1
        for token in tip.chain:
            end = tree.setdefault((end, token), len(tree))
        places: list[int] = []
        for guess in tip.frontier.guesses if tip.frontier is not None else ():
            parent = places[guess.parent] if guess.parent >= 0 else end
            places.append(tree.setdefault((parent, guess.token), len(tree)))
    return [
        Draft(tuple(token for _, token in tree), tuple(parent for parent, _ in tree))
        for tree in trees
    ]
