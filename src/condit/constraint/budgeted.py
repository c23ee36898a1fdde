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
not only the last ones. Steps 1 and 2 mostly answer, in microseconds. Where the ending takes all
tokens that are left, they answer for hardly any: there, one answer serves all tokens that are alike
(see ``condit.constraint.alike``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from condit.constraint.alike import Alike, alike_at
from condit.constraint.alike_tokens import MANY, refused_alike, unsettled_texts
from condit.constraint.base import Matcher, Outline, Strength, pack, unpack
from condit.constraint.characters import Characters
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.errors import BudgetError, ConstraintTooComplexError, RefusedTokenError

_LATER_BEGINNINGS = 16
"""How many places of an ending are tried to go on from, from its beginning on."""

_LAST_BEGINNINGS = 8
"""The same, from its end."""

_Found = tuple[Ending, int]
"""An ending, and from which of its bytes on it is still to be written."""


@dataclass(frozen=True)
class _Reading:
    """What is known after a text that many tokens are read as; ``None``: no ending that fits."""

    found: _Found | None
    allowed: bool


@dataclass
class _Place:
    """What was found out where the text stands, the same in whichever order it is asked for.

    Attributes:
        after: an ending after each token that was asked about.
        readings: the same after texts that stand for many tokens.
        alike: which characters are alike here; ``None`` where that is not worth the while.
        outline: tokens outside of which nothing is allowed.
    """

    after: dict[int, _Found | None] = field(default_factory=dict)
    readings: dict[bytes, _Reading] = field(default_factory=dict)
    alike: Alike | None = None
    is_sorted: bool = False
    outline: NDArray[np.uint32] | None = None


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
        self, within: Matcher, left: int, ending: Ending | None = None, place: int = 0
    ) -> None:
        self.vocabulary = within.vocabulary
        exact = within.strength is Strength.EXACT
        self.strength = Strength.SOUND if exact and ending is None else within.strength
        self.within = within
        self._left = left
        self._ending = ending
        self._place = place
        # Copies share it until they move on.
        self._here = _Place()

    @classmethod
    def of(cls, within: Matcher, max_tokens: int, *, more_is_given: bool = False) -> Budgeted:
        """At the empty text, with an ending where one is found.

        Args:
            within: where the constraint stands; it is moved along.
            max_tokens: how many tokens may be drawn.
            more_is_given: whether tokens may be put in that nobody draws (see ``give``), so that
                a text which takes too many tokens may fit after all.

        Raises:
            BudgetError: the shortest text that was found takes more than ``max_tokens``.
        """
        ending = _ending(within, thorough=True)
        if ending is None or (more_is_given and ending.costs[0] > max_tokens):
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

    def _found(self, token: int) -> _Found | None:
        """An ending after ``token`` that fits."""
        after = self._here.after
        if token not in after:
            after[token] = self._find(token)
        return after[token]

    def _find(self, token: int) -> _Found | None:
        ending, place, room = self._ending, self._place, self._left - 1
        assert ending is not None
        spelled = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
        if not spelled:
            return None
        if self._begins(token):
            return ending, place + len(spelled)
        if (alike := self._alike()) is not None and (text := alike.read(spelled)) != spelled:
            reading = self._read(text, alike)
            if reading.allowed:
                found = reading.found
                if found is None or self._goes_on((token,), *found):
                    return found
            # They are not so alike: this one is asked about itself.
        return self._find_after((token,), room).found

    def _begins(self, token: int) -> bool:
        """Whether ``token`` begins the ending, and what is left of it fits."""
        ending = self._ending
        assert ending is not None
        further = ending.after(token, self._place)
        return further is not None and ending.costs[further] < self._left

    def _find_after(self, tokens: tuple[int, ...], room: int) -> _Reading:
        """An ending of at most ``room`` tokens after ``tokens``."""
        ending, place = self._ending, self._place
        assert ending is not None
        count = self._count(tokens, place)
        if count < len(tokens):
            return _Reading(None, allowed=False)
        whole = count == self._size(tokens, place)
        if whole and ending.costs[place] <= room:
            return _Reading((ending, place), allowed=True)
        for later in self._later(room):
            if self._goes_on(tokens, ending, later):
                return _Reading((ending, later), allowed=True)
        if whole and not self.within.exact_costs:
            # What finished before still does, so the token was of no use for finishing.
            return _Reading(None, allowed=True)
        if room == 0:
            # The text cannot stop: the last of the beginnings was the end itself.
            return _Reading(None, allowed=True)
        return _Reading(self._search(tokens, room), allowed=True)

    def _later(self, room: int) -> list[int]:
        """From which of its later places the ending takes at most ``room`` tokens; some of them."""
        ending, place = self._ending, self._place
        assert ending is not None
        size = len(ending.text)
        nearby = range(place + 1, min(place + 1 + _LATER_BEGINNINGS, size + 1))
        last = range(max(nearby.stop, size + 1 - _LAST_BEGINNINGS), size + 1)
        return [later for later in (*nearby, *last) if ending.costs[later] <= room]

    def _count(self, tokens: tuple[int, ...], place: int) -> int:
        """How many tokens of ``tokens``, of the ending from ``place`` and of the end may come."""
        assert self._ending is not None
        return self.within.count_allowed(
            (*tokens, *self._ending.tokens(place), self.vocabulary.end)
        )

    def _size(self, tokens: tuple[int, ...], place: int) -> int:
        assert self._ending is not None
        return len(tokens) + len(self._ending.tokens(place)) + 1

    def _goes_on(self, tokens: tuple[int, ...], ending: Ending, place: int) -> bool:
        """Whether the text may go on by ``tokens`` and ``ending`` from ``place``, and end."""
        asked = (*tokens, *ending.tokens(place), self.vocabulary.end)
        return self.within.count_allowed(asked) == len(asked)

    def _search(self, tokens: tuple[int, ...], room: int) -> _Found | None:
        after = self.within.copy()
        for token in tokens:
            after.advance(token)
        for thorough in (False, True):
            ending = _ending(after, thorough=thorough)
            if ending is None or ending.costs[0] <= room:
                break
        return None if ending is None or ending.costs[0] > room else (ending, 0)

    def _alike(self) -> Alike | None:
        """Which characters are alike here; ``None`` where tokens are better asked about one by one.

        Where the ending fits also after a token more, it answers for nearly all tokens. Where it
        does not, hardly any token is allowed, and a model may offer thousands before one that is.
        """
        here, ending = self._here, self._ending
        assert ending is not None
        if not here.is_sorted:
            here.is_sorted = True
            within = self.within
            mask = within.mask() if ending.costs[self._place] >= self._left else None
            if mask is not None and within.any_spelling and not within.exact_costs:
                here.alike = self._alike_in(mask)
        return here.alike

    def _alike_in(self, mask: NDArray[np.uint32]) -> Alike | None:
        ending, vocabulary = self._ending, self.vocabulary
        assert ending is not None
        if np.count_nonzero(unpack(mask, len(vocabulary))) < MANY:
            return None
        # Also those from which it takes too long: they tell one character from none.
        places = (self._place, *self._later(self._left))
        probes = [(*ending.tokens(place), vocabulary.end) for place in places]
        try:
            unsettled = partial(unsettled_texts, vocabulary, mask)
            return alike_at(self.within.copy(), probes, unsettled)
        except ConstraintTooComplexError:
            # Drawing may well go where this could not.
            return None

    def _read(self, text: bytes, alike: Alike) -> _Reading:
        """What is known after ``text``, as if it were one token."""
        readings = self._here.readings
        if text not in readings:
            readings[text] = self._find_after_text(text, alike)
        return readings[text]

    def _find_after_text(self, text: bytes, alike: Alike) -> _Reading:
        ending, place, room = self._ending, self._place, self._left - 1
        assert ending is not None
        if rest := alike.rest_of(text):
            # The character must be completed; then it is as if it had not been written.
            completed = spell(rest + ending.text[place:], self.vocabulary)
            return _Reading((completed, 0) if completed.costs[0] <= room else None, allowed=True)
        spelled = spell(text, self.vocabulary)
        if spelled.costs[0] == NEVER:
            return _Reading(None, allowed=False)
        return self._find_after(spelled.tokens(), room)

    def outline(self) -> Outline:
        """What the constraint allows, without the many tokens that are alike in being refused."""
        if not self.steers:
            return super().outline()
        here = self._here
        if here.outline is None:
            mask = self.within.mask()
            alike = self._alike()
            if mask is None or alike is None:
                return Outline(mask, exact=False)
            refused = refused_alike(
                self.vocabulary, mask, alike, lambda text: self._refuses(text, alike)
            )
            self._allow_beginnings(refused)
            here.outline = mask & ~pack(refused)
        return Outline(here.outline.copy(), exact=False)

    def _allow_beginnings(self, refused: NDArray[np.bool_]) -> None:
        """Take the tokens out that begin the ending."""
        vocabulary, same = self.vocabulary, Characters.of(self.vocabulary).same
        assert self._ending is not None
        rest = self._ending.text[self._place : self._place + vocabulary.longest]
        for length in range(1, len(rest) + 1):
            first = vocabulary.first_token.get(rest[:length])
            if first is not None and self._begins(first):
                refused[list(same.get(rest[:length], (first,)))] = False

    def _refuses(self, text: bytes, alike: Alike) -> bool:
        """Whether tokens that are read as ``text`` are refused."""
        reading = self._read(text, alike)
        return reading.allowed and reading.found is None

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
        self._here = _Place()
        if found is not None:
            self._ending, self._place = found

    def give(self, tokens: Sequence[int]) -> None:
        """Append tokens that nobody drew, which take nothing of the budget.

        Raises:
            RefusedTokenError: the constraint does not allow them; the state is unchanged.
        """
        after = self.within.copy()
        for token in tokens:
            after.advance(token)
        self.within, self._here = after, _Place()
        found = (_ending(after, thorough=thorough) for thorough in (False, True))
        fitting = (each for each in found if each is not None and each.costs[0] <= self._left)
        # Without one, tokens are refused at the budget only: the text may still finish.
        self._ending, self._place = next(fitting, None), 0

    def copy(self) -> Budgeted:
        """An independent matcher in the same state."""
        twin = Budgeted(self.within.copy(), self._left, self._ending, self._place)
        twin._here = self._here
        return twin

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here, as far as the budget goes."""
        return self.within.forced()[: self._left]

    def forced_text(self) -> bytes:
        """Bytes that must come next; none at the budget."""
        return self.within.forced_text() if self._left > 0 else b""

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The ending that it carries; where there is none, one of the constraint's."""
        if self._ending is None:
            return self.within.ending(thorough=thorough)
        return self._ending.rest(self._place)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        used_up = "the budget is used up: the text can only stop"
        known = f"after it the text could not be finished in {self._left - 1} tokens"
        return self.within.explain(token) or (known if self._left > 0 else used_up)


def _ending(matcher: Matcher, *, thorough: bool) -> Ending | None:
    """The ending that a matcher finds, if it can be spelled."""
    try:
        ending = matcher.ending(thorough=thorough)
    except ConstraintTooComplexError:
        # Drawing may well go where the search for an ending could not.
        return None
    return None if ending is None or ending.costs[0] == NEVER else ending
