"""Finishing within the budget: near its end, only tokens after which the text can still finish.

A lane that meets ``max_tokens`` unfinished is lost. So once few tokens are left, a token is allowed
only if the matcher knows an ending that fits into what is left after it. The target is then ``p``
restricted to the texts that could, at each of these points, still have been finished in a way that
is known; weights are exact for that. As ``cost_to_finish`` is an upper bound, a text that needs a
cleverer ending than the known one may be lost, which is why it is asked only near the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength

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
        self._matcher = matcher
        self._left = left

    def allows(self, token: int) -> bool:
        """Whether the matcher allows ``token``, and the text can be finished after it."""
        if not self._matcher.allows(token):
            return False
        if token == self.vocabulary.end:
            return True
        further = self._matcher.copy()
        further.advance(token)
        return can_finish(further, self._left - 1)

    def mask(self) -> NDArray[np.uint32] | None:
        """``None``: every token needs a search of its own."""
        return None

    def advance(self, token: int) -> None:
        """Append ``token``."""
        self._matcher.advance(token)
        self._left -= 1

    def copy(self) -> WithinBudget:
        """An independent matcher in the same state."""
        return WithinBudget(self._matcher.copy(), self._left)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        known = f"after it the text could not be finished in {self._left - 1} tokens"
        return self._matcher.explain(token) or known
