"""Finishing within the budget: near its end, only tokens after which the text can still finish.

A lane that meets ``max_tokens`` unfinished is lost. So once few tokens are left, a token is allowed
only if the matcher knows an ending that fits into what is left after it. The target is then ``p``
restricted to the texts that could, at each of these points, still have been finished in a way that
is known; weights are exact for that. As ``cost_to_finish`` is an upper
bound, a text that needs a cleverer ending than the known one may be lost, which is why it is asked
only near the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength, pack, unpack
from condit.errors import RefusedTokenError

_LEAST_ZONE = 64


def zone(matcher: Matcher, max_tokens: int) -> int:
    """With how many tokens left to begin: enough for twice the shortest text, and then some.

    0 where the matcher knows no ending of the empty text that fits into the budget.
    """
    cost = matcher.cost_to_finish()
    if cost is None or cost > max_tokens:
        return 0
    return max(2 * cost + 16, _LEAST_ZONE)


def can_finish(matcher: Matcher, left: int) -> bool:
    """Whether an ending is known that takes at most ``left`` tokens."""
    cost = matcher.cost_to_finish()
    return cost is not None and cost <= left


def steered(matcher: Matcher, left: int, last: int) -> Matcher:
    """What the constraint and the budget allow together.

    Args:
        matcher: where the constraint stands; not changed.
        left: tokens left, the end token not counted.
        last: with how many tokens left to begin to finish, from ``zone``.
    """
    if left == 0:
        return AtBudget(matcher)
    if left <= last and can_finish(matcher, left):
        return WithinBudget(matcher, left)
    return matcher


def outline(matcher: Matcher) -> tuple[NDArray[np.bool_] | None, bool]:
    """Tokens outside of which nothing is allowed, and whether all of them are.

    ``None`` where there is no cheap way to tell.
    """
    within = matcher.within if isinstance(matcher, WithinBudget) else matcher
    mask = within.mask()
    if mask is None:
        return None, False
    return unpack(mask, len(matcher.vocabulary)), within is matcher


class AtBudget(Matcher):
    """Where no token is left: the end, if ``matcher`` allows it."""

    strength = Strength.SOUND

    def __init__(self, matcher: Matcher) -> None:
        self.vocabulary = matcher.vocabulary
        self.within = matcher

    def allows(self, token: int) -> bool:
        """Whether ``token`` is the end, and the text may stop here."""
        return token == self.vocabulary.end and self.within.allows(token)

    def mask(self) -> NDArray[np.uint32]:
        """The end alone, or nothing."""
        allowed = np.zeros(len(self.vocabulary), dtype=np.bool_)
        allowed[self.vocabulary.end] = self.within.allows(self.vocabulary.end)
        return pack(allowed)

    def advance(self, token: int) -> None:
        """Append the end."""
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        self.within.advance(token)

    def copy(self) -> AtBudget:
        """An independent matcher in the same state."""
        return AtBudget(self.within.copy())

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        return self.within.explain(token) or "the budget is used up: the text can only stop"


class WithinBudget(Matcher):
    """What ``matcher`` allows, if an ending is known that fits into the tokens left after it.

    Ask it only where ``matcher`` itself can finish in ``left`` tokens: then something is allowed.

    Args:
        matcher: where the constraint stands; not changed.
        left: tokens left, the end token not counted.
    """

    strength = Strength.SOUND

    def __init__(self, matcher: Matcher, left: int) -> None:
        self.vocabulary = matcher.vocabulary
        self.within = matcher
        self._left = left

    def allows(self, token: int) -> bool:
        """Whether the matcher allows ``token``, and the text can be finished after it."""
        if not self.within.allows(token):
            return False
        return token == self.vocabulary.end or self.within.finishes_within(token, self._left - 1)

    def mask(self) -> NDArray[np.uint32] | None:
        """``None``: every token needs a search of its own."""
        return None

    def advance(self, token: int) -> None:
        """Append ``token``."""
        self.within.advance(token)
        self._left -= 1

    def copy(self) -> WithinBudget:
        """An independent matcher in the same state."""
        return WithinBudget(self.within.copy(), self._left)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        known = f"after it the text could not be finished in {self._left - 1} tokens"
        return self.within.explain(token) or known
