"""Finishing within the budget: only tokens after which the text can still finish.

Constraint and budget together are a matcher of their own: ``Budgeted``. From the empty text on it
carries an *ending*, a text that would finish, and that fits into the tokens left. A token is
allowed where the constraint allows it and an ending that fits is known after it. In this order:

1. the token begins the ending: what is left of the ending;
2. the ending, or it without some of its beginning, can also be written after the token;
3. the ending that is found from there (``Matcher.ending``).

So by induction every prefix that is reached has an ending that fits, its first token is always
allowed (by 1), and no lane meets the budget unfinished. The ending is a function of the tokens so
far, so what is allowed is one, too: it does not matter which tokens were asked about, in which
order, or on which copy. That makes it a law, and weights are exact for it: ``p`` restricted to the
texts that could, after each of their tokens, still be finished in a way that is known.

A single token can open something long, however many tokens are left, so each token is asked about,
not only the last ones. Steps 1 and 2 mostly answer, in microseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength, pack, unpack
from condit.constraint.shortest_spelling import NEVER, Spelled, spell
from condit.errors import BudgetError, ConstraintTooComplexError, RefusedTokenError

_LATER_BEGINNINGS = 16
"""How many places of an ending are tried to go on from, from its beginning on."""

_LAST_BEGINNINGS = 8
"""The same, from its end."""


class Budgeted(Matcher):
    """What a constraint allows in texts of so many tokens.

    Args:
        within: where the constraint stands; it is moved along.
        left: tokens left, the end token not counted.
        ending: a text that finishes, and fits; ``None``: tokens are refused only at the budget,
            where nothing but the end is left.
        place: from which of its bytes on it is still to be written.
    """

    def __init__(
        self, within: Matcher, left: int, ending: Spelled | None = None, place: int = 0
    ) -> None:
        self.vocabulary = within.vocabulary
        exact = within.strength is Strength.EXACT
        self.strength = Strength.SOUND if exact and ending is None else within.strength
        self.within = within
        self._left = left
        self._ending = ending
        self._place = place
        # What was found out about tokens here; copies share it until they move on.
        self._after: dict[int, tuple[Spelled, int] | None] = {}

    @classmethod
    def of(cls, within: Matcher, max_tokens: int) -> Budgeted:
        """At the empty text, with an ending where one is found.

        Raises:
            BudgetError: the shortest text that was found takes more than ``max_tokens``.
        """
        ending = _ending(within, thorough=True)
        if ending is None:
            return cls(within, max_tokens)
        text = ending.text
        if ending.costs[0] > max_tokens:
            shown = text if len(text) <= 80 else text[:50] + b" ... " + text[-25:]
            surely = "" if within.exact_costs else " that was found"
            raise BudgetError(
                f"max_tokens={max_tokens} is too small: the shortest text{surely} takes "
                f"{ending.costs[0]} tokens, {shown.decode(errors='replace')!r}. "
                f"Set max_tokens to {ending.costs[0]} or more, or loosen the constraint",
                needed=ending.costs[0],
            )
        return cls(within, max_tokens, ending)

    @property
    def steers(self) -> bool:
        """Whether tokens may be refused because of the budget, before it is used up."""
        return self._ending is not None and self._left > 0

    def allows(self, token: int) -> bool:
        """Whether the constraint allows ``token``, and the text can be finished after it."""
        if token == self.vocabulary.end or self._ending is None:
            within_budget = self._left > 0 or token == self.vocabulary.end
            return within_budget and self.within.allows(token)
        return self._left > 0 and self._found(token) is not None

    def _found(self, token: int) -> tuple[Spelled, int] | None:
        """An ending after ``token`` that fits, and where it begins."""
        if token not in self._after:
            self._after[token] = self._find(token)
        return self._after[token]

    def _find(self, token: int) -> tuple[Spelled, int] | None:
        ending, place, room = self._ending, self._place, self._left - 1
        assert ending is not None
        spelled = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
        if not spelled:
            return None
        further = place + len(spelled)
        if ending.text.startswith(spelled, place) and ending.costs[further] <= room:
            return ending, further
        count, whole = self._count(token, place)
        if count == 0:
            return None
        if whole and ending.costs[place] <= room:
            return ending, place
        size = len(ending.text)
        nearby = range(place + 1, min(place + 1 + _LATER_BEGINNINGS, size + 1))
        last = range(max(nearby.stop, size + 1 - _LAST_BEGINNINGS), size + 1)
        for later in (*nearby, *last):
            if ending.costs[later] <= room and self._count(token, later)[1]:
                return ending, later
        if whole and not self.within.exact_costs:
            # What finished before still does, so the token was of no use for finishing.
            return None
        return self._search(token, room)

    def _count(self, token: int, place: int) -> tuple[int, bool]:
        """How many tokens go on by ``token`` and the ending from ``place``; whether all do."""
        assert self._ending is not None
        tokens = (token, *self._ending.tokens(place), self.vocabulary.end)
        count = self.within.count_allowed(tokens)
        return count, count == len(tokens)

    def _search(self, token: int, room: int) -> tuple[Spelled, int] | None:
        after = self.within.copy()
        after.advance(token)
        for thorough in (False, True):
            ending = _ending(after, thorough=thorough)
            if ending is None or ending.costs[0] <= room:
                break
        return None if ending is None or ending.costs[0] > room else (ending, 0)

    def mask(self) -> NDArray[np.uint32] | None:
        """``None`` where every token needs a look of its own; see ``outline``."""
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
        found = None
        if self._left == 0 or (self._ending is not None and self._found(token) is None):
            raise RefusedTokenError(self.explain(token))
        if self._ending is not None:
            found = self._found(token)
        self.within.advance(token)
        self._left -= 1
        self._after = {}
        if found is not None:
            self._ending, self._place = found

    def copy(self) -> Budgeted:
        """An independent matcher in the same state."""
        twin = Budgeted(self.within.copy(), self._left, self._ending, self._place)
        twin._after = self._after
        return twin

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here, as far as the budget goes."""
        return self.within.forced()[: self._left]

    def forced_text(self) -> bytes:
        """Bytes that must come next; none at the budget."""
        return self.within.forced_text() if self._left > 0 else b""

    def ending(self, *, thorough: bool = False) -> bytes | None:
        """The ending that it carries; where there is none, one of the constraint's."""
        if self._ending is None:
            return self.within.ending(thorough=thorough)
        return self._ending.text[self._place :]

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        used_up = "the budget is used up: the text can only stop"
        known = f"after it the text could not be finished in {self._left - 1} tokens"
        return self.within.explain(token) or (known if self._left > 0 else used_up)


def _ending(matcher: Matcher, *, thorough: bool) -> Spelled | None:
    """The ending that a matcher finds, if it can be spelled."""
    try:
        text = matcher.ending(thorough=thorough)
    except ConstraintTooComplexError:
        # Drawing may well go where the search for an ending could not.
        return None
    ending = None if text is None else spell(text, matcher.vocabulary)
    return None if ending is None or ending.costs[0] == NEVER else ending


def outline(matcher: Matcher) -> tuple[NDArray[np.uint32] | None, bool]:
    """A mask outside of which nothing is allowed, and whether all in it is.

    ``None`` where there is no cheap way to tell.
    """
    if isinstance(matcher, Budgeted) and matcher.steers:
        return matcher.within.mask(), False
    mask = matcher.mask()
    return mask, mask is not None


def outlined(matcher: Matcher) -> tuple[NDArray[np.bool_] | None, bool]:
    """The same with one boolean a token."""
    mask, whole = outline(matcher)
    return None if mask is None else unpack(mask, len(matcher.vocabulary)), whole


def without_budget(matcher: Matcher | None) -> Matcher | None:
    """What the constraint alone allows: for guesses, which need not finish."""
    return matcher.within if isinstance(matcher, Budgeted) else matcher
