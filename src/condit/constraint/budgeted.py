"""Finishing within the budget: only tokens after which the text can still finish.

Constraint and budget together are a matcher of their own: `Budgeted`. From the empty text on it
carries an *ending*, a text that would finish, and that fits into the tokens left. A token is
allowed where the constraint allows it and an ending that fits is known after it; how one is looked
for is said in ``condit.constraint.steering``.

So by induction every prefix that is reached has an ending that fits, its first token is always
allowed, and no lane meets the budget unfinished. Functions that only say yes or no (``Where``) are
left out of that: the ending is one of the constraint without them (``Matcher.unchecked``), so where
they refuse it, a lane may come to a dead end. The ending is a function of the tokens so far, so
what is allowed is one, too: it does not matter which tokens were asked about, in which order, or on
which copy. So weights are exact for the resulting distribution: ``p`` restricted to the texts that
could, after each of their tokens, still be finished in a way that is known.

A single token can open something long, however many tokens are left, so each token is asked about,
not only the last ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.anything import Anything
from condit.constraint.base import Matcher, Outline, Strength, pack
from condit.constraint.boundary import Boundary, checked_boundary
from condit.constraint.ending_tokens import Ending
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.prefixed import Prefixed, unwrapped
from condit.constraint.steering import Steering, find
from condit.errors import BudgetError, RefusedTokenError


class Budgeted(Matcher):
    """What a constraint allows in texts of so many tokens.

    Args:
        within: the matcher of the constraint, which is advanced along.
        left: tokens left, the end token not counted.
        steering: the ending that is known, and what follows from it; ``None``: tokens are refused
            only at the budget, where only the end token is left.
    """

    def __init__(self, within: Matcher, left: int, steering: Steering | None = None) -> None:
        self.vocabulary = within.vocabulary
        exact = within.strength is Strength.EXACT
        self.strength = Strength.SOUND if exact and steering is None else within.strength
        self.within = within
        self._left = left
        self._steering = steering

    @classmethod
    def of(
        cls,
        within: Matcher,
        max_tokens: int,
        *,
        more_is_given: bool = False,
        prefix: bytes = b"",
        prefix_tokens: int = 0,
    ) -> Budgeted:
        """At the empty text, with an ending where one is found.

        Args:
            within: the matcher of the constraint, which is advanced along.
            max_tokens: how many tokens may be drawn.
            more_is_given: whether tokens may be put in that nobody draws (see ``give``), so that
                a text which takes too many tokens may fit after all.
            prefix: what every text begins with, and the error message leaves out.
            prefix_tokens: how many of ``max_tokens`` are there for that.

        Raises:
            BudgetError: the shortest text that was found takes more than ``max_tokens``.
        """
        steered = within.unchecked()
        ending = find(steered, thorough=True)
        if ending is None or (more_is_given and ending.costs[0] > max_tokens):
            return cls(within, max_tokens)
        text = ending.text.removeprefix(prefix)
        if ending.costs[0] > max_tokens:
            needed = ending.costs[0] - prefix_tokens
            shown = text if len(text) <= 80 else text[:50] + b" ... " + text[-25:]
            surely = "" if steered.exact_costs else " that was found"
            raise BudgetError(
                f"max_tokens={max_tokens - prefix_tokens} is too small: the shortest text{surely} "
                f"takes {needed} tokens, {shown.decode(errors='replace')!r}. "
                f"Set max_tokens to {needed} or more, or loosen the constraint",
                needed=needed,
            )
        return cls(within, max_tokens, Steering(within.vocabulary, ending, 0, max_tokens))

    @property
    def may_be_cut(self) -> bool:
        """Whether a text counts that meets the budget unfinished: nothing more is asked of it."""
        return isinstance(self.within, Anything)

    @property
    def begun(self) -> bool:
        """Whether a given beginning of the text is written, if there is one."""
        return not isinstance(self.within, Prefixed) or self.within.written

    @property
    def has_masks(self) -> bool:
        """Whether a mask or an outline is known here, or after a beginning that is given."""
        asked = self.within.constraint if isinstance(self.within, Prefixed) else self
        return asked.outline().mask is not None

    @property
    def steers(self) -> bool:
        """Whether tokens may be refused because of the budget, before it is used up."""
        return self._steering is not None and self._left > 0

    def allows(self, token: int) -> bool:
        """Whether the constraint allows ``token``, and the text can be finished after it."""
        steering = self._steering
        if steering is None or token == self.vocabulary.end:
            within_budget = self._left > 0 or token == self.vocabulary.end
            return within_budget and self.within.allows(token)
        steered = self.within.unchecked()
        if self._left == 0 or steering.found(steered, token) is None:
            return False
        return steered is self.within or self.within.allows(token)

    def outline(self) -> Outline:
        """What the constraint allows, less the groups of equivalent tokens that are refused."""
        if self._left == 0:
            return super().outline()
        if self._steering is None:
            return self.within.outline()
        return self._steering.outline(self.within.unchecked())

    def mask(self) -> NDArray[np.uint32] | None:
        """``None`` where tokens must be asked about one by one; see ``outline``."""
        if self.steers:
            return None
        if self._left > 0:
            return self.within.mask()
        allowed = np.zeros(len(self.vocabulary), dtype=np.bool_)
        allowed[self.vocabulary.end] = self.within.allows(self.vocabulary.end)
        return pack(allowed)

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: it is not allowed; the state is unchanged.
        """
        if token == self.vocabulary.end:
            self.within.advance(token)
            return
        steering, left = self._steering, self._left - 1
        if self._left == 0:
            raise RefusedTokenError(self.explain(token))
        if steering is not None:
            found = steering.found(self.within.unchecked(), token)
            if found is None:
                raise RefusedTokenError(self.explain(token))
            steering = Steering(self.vocabulary, *found, left)
        self.within.advance(token)
        self.within = unwrapped(self.within)
        self._left, self._steering = left, steering
        if self.may_be_cut:
            self._steering = None  # whatever comes, the text can be finished

    def give(self, tokens: Sequence[int]) -> None:
        """Append tokens that nobody drew, which do not count as part of the budget.

        Raises:
            RefusedTokenError: the constraint does not allow them; the state is unchanged.
        """
        after = self.within.copy()
        for token in tokens:
            after.advance(token)
        found = (find(after.unchecked(), thorough=thorough) for thorough in (False, True))
        fitting = (each for each in found if each is not None and each.costs[0] <= self._left)
        ending = next(fitting, None)
        self.within, self._steering = after, None
        # Without an ending, tokens are refused at the budget only: the text may still finish.
        if ending is not None:
            self._steering = Steering(self.vocabulary, ending, 0, self._left)

    def copy(self) -> Self:
        """An independent matcher in the same state."""
        return type(self)(self.within.copy(), self._left, self._steering)

    def boundary(self) -> Boundary | None:
        """That of the constraint.

        Raises:
            ArgumentError: it is none that lanes could be compared by.
        """
        within = self.within
        # Whoever wrote a byte matcher looks for its name.
        who = within.machine if isinstance(within, LiftedMatcher) else within
        return checked_boundary(within.boundary(), who)

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here, as far as the budget goes."""
        return self.within.forced()[: self._left]

    def forced_text(self) -> bytes:
        """Bytes that must come next; none at the budget."""
        return self.within.forced_text() if self._left > 0 else b""

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The ending that it carries; where there is none, one of the constraint's."""
        if self._steering is None:
            return self.within.ending(thorough=thorough)
        return self._steering.ending.rest(self._steering.place)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        used_up = "the budget is used up: the text can only stop"
        known = f"after it the text could not be finished in {self._left - 1} tokens"
        return self.within.explain(token) or (known if self._left > 0 else used_up)
