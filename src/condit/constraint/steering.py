"""Which tokens may come next, so that a text can still be finished within the tokens left.

`Steering` is what `condit.constraint.budgeted` asks of one token: whether an *ending* that fits is
known after it. It is tried in this order:

1. the token begins the current ending: what is left of that;
2. the current ending, or it without some of its beginning, can also be written after the token;
3. the ending that a search finds from there (``Matcher.ending``). Where that is cheap
   (``Matcher.searches_first``), only the whole ending is tried before.

Steps 1 and 2 mostly answer, in microseconds. Where the ending takes all tokens that are left, they
answer for hardly any token: there, one answer serves all tokens whose characters are equivalent
(see ``condit.constraint.alike``), or only the ending may come (``Matcher.keeps_ending``). Nothing
here counts the budget or moves the constraint on.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from condit.constraint.alike import Alike, alike_at
from condit.constraint.alike_tokens import MANY, refused_alike, unsettled_texts
from condit.constraint.base import Matcher, Outline, pack, unpack
from condit.constraint.characters import Characters
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.errors import ConstraintTooComplexError
from condit.vocabulary import Vocabulary

_LATER_BEGINNINGS = 16
"""So many offsets of an ending, from its beginning on, are tried to go on from (step 2)."""

_LAST_BEGINNINGS = 8
"""The same, from its end."""

Found: TypeAlias = tuple[Ending, int]
"""An ending, and from which of its bytes on it is still to be written."""


class _Reading(NamedTuple):
    """What is known after some text.

    Attributes:
        found: an ending that fits; ``None`` where none is known.
        allowed: whether the constraint allows the text at all.
    """

    found: Found | None
    allowed: bool


class Steering:
    """Which tokens may come after one text; a function of its tokens, so that copies share it.

    The methods are given the matcher of the constraint at that text, which they do not change.

    Args:
        vocabulary: the tokens.
        ending: what would finish the text.
        place: from which of its bytes on it is still to be written.
        left: tokens left, the end token not counted.
    """

    def __init__(self, vocabulary: Vocabulary, ending: Ending, place: int, left: int) -> None:
        self.ending, self.place = ending, place
        self._vocabulary = vocabulary
        self._left = left
        # What was found: by token, by a text that stands for several tokens, and for all tokens.
        self._after: dict[int, Found | None] = {}
        self._readings: dict[bytes, _Reading] = {}
        self._outline: NDArray[np.uint32] | None = None
        self._alike: Alike | None = None
        self._alike_is_known = False

    def found(self, within: Matcher, token: int) -> Found | None:
        """An ending that fits after ``token``; ``None`` where none is known, or it is refused."""
        after = self._after
        if token not in after:
            after[token] = self._find(within, token)
        return after[token]

    def _find(self, within: Matcher, token: int) -> Found | None:
        vocabulary = self._vocabulary
        spelled = vocabulary.bytes[token] if 0 <= token < len(vocabulary) else b""
        if not spelled:
            return None
        if self._begins(token):
            return self.ending, self.place + len(spelled)
        if self._keeps_ending(within):
            return None
        alike = self._alike_here(within)
        if alike is not None and (text := alike.read(spelled)) != spelled:
            found, allowed = self._read(within, text, alike)
            if allowed and (found is None or self._fits(within, (token,), *found)):
                return found
            # They are not equivalent after all: this token is asked about itself.
        return self._find_after(within, (token,)).found

    def _keeps_ending(self, within: Matcher) -> bool:
        """Whether only what begins the ending may come."""
        return within.keeps_ending and self.ending.costs[self.place] >= self._left

    def _begins(self, token: int) -> bool:
        """Whether ``token`` begins the ending, and what is left of it fits."""
        further = self.ending.after(token, self.place)
        return further is not None and self.ending.costs[further] < self._left

    def _find_after(self, within: Matcher, tokens: tuple[int, ...]) -> _Reading:
        """An ending after ``tokens``, which count as one token of the budget."""
        ending, place, room = self.ending, self.place, self._left - 1
        asked = (*tokens, *ending.tokens(place), self._vocabulary.end)
        count = within.count_allowed(asked)
        if count < len(tokens):
            return _Reading(None, allowed=False)
        whole = count == len(asked)
        if whole and ending.costs[place] <= room:
            return _Reading((ending, place), allowed=True)
        searched = self._search(within, tokens, room) if room and within.searches_first else None
        if searched is not None:
            fits = searched.costs[0] <= room
            return _Reading((searched, 0) if fits else None, allowed=True)
        for later in self._later(room):
            if self._fits(within, tokens, ending, later):
                return _Reading((ending, later), allowed=True)
        # If the whole ending is still needed, the token did not help to finish. And where there is
        # no room, the last offset tried was the end itself: the text cannot stop.
        if (whole and not within.exact_costs) or room == 0 or within.searches_first:
            return _Reading(None, allowed=True)
        searched = self._search(within, tokens, room)
        if searched is None or searched.costs[0] > room:
            return _Reading(None, allowed=True)
        return _Reading((searched, 0), allowed=True)

    def _later(self, room: int) -> list[int]:
        """Some offsets from which on the ending takes at most ``room`` tokens."""
        place, size = self.place, len(self.ending.text)
        nearby = range(place + 1, min(place + 1 + _LATER_BEGINNINGS, size + 1))
        last = range(max(nearby.stop, size + 1 - _LAST_BEGINNINGS), size + 1)
        return [later for later in (*nearby, *last) if self.ending.costs[later] <= room]

    def _fits(self, within: Matcher, tokens: tuple[int, ...], ending: Ending, place: int) -> bool:
        """Whether the text may go on by ``tokens`` and ``ending`` from ``place``, and end."""
        asked = (*tokens, *ending.tokens(place), self._vocabulary.end)
        return within.count_allowed(asked) == len(asked)

    def _search(self, within: Matcher, tokens: tuple[int, ...], room: int) -> Ending | None:
        """What is found by a search, and whether or not it fits."""
        after = within.copy()
        for token in tokens:
            after.advance(token)
        for thorough in (False, True):
            ending = find(after, thorough=thorough)
            if ending is None or ending.costs[0] <= room:
                break
        return ending

    def _alike_here(self, within: Matcher) -> Alike | None:
        """Which characters are equivalent; ``None`` where tokens are better asked one by one.

        If the ending also fits after one token more, it answers for nearly all tokens. If it does
        not, hardly any token is allowed, and a model may offer thousands before one that is.
        """
        if not self._alike_is_known:
            self._alike_is_known = True
            mask = within.mask() if self.ending.costs[self.place] >= self._left else None
            if mask is not None and within.any_spelling and not within.exact_costs:
                self._alike = self._find_alike(within, mask)
        return self._alike

    def _find_alike(self, within: Matcher, mask: NDArray[np.uint32]) -> Alike | None:
        vocabulary = self._vocabulary
        if np.count_nonzero(unpack(mask, len(vocabulary))) < MANY:
            return None
        # Also offsets from which it takes one token too many: they tell one character from none.
        places = (self.place, *self._later(self._left))
        probes = [(*self.ending.tokens(place), vocabulary.end) for place in places]
        try:
            unsettled = partial(unsettled_texts, vocabulary, mask)
            return alike_at(within.copy(), probes, unsettled)
        except ConstraintTooComplexError:
            # What is drawn need not reach the state at which the engine gave up.
            return None

    def _read(self, within: Matcher, text: bytes, alike: Alike) -> _Reading:
        """What is known after ``text``, as if it were one token."""
        readings = self._readings
        if text not in readings:
            readings[text] = self._find_after_text(within, text, alike)
        return readings[text]

    def _find_after_text(self, within: Matcher, text: bytes, alike: Alike) -> _Reading:
        if rest := alike.rest_of(text):
            # The character must be completed; then it is as if it had not been written.
            completed = spell(rest + self.ending.text[self.place :], self._vocabulary)
            fits = completed.costs[0] < self._left
            return _Reading((completed, 0) if fits else None, allowed=True)
        spelled = spell(text, self._vocabulary)
        if spelled.costs[0] == NEVER:
            return _Reading(None, allowed=False)
        return self._find_after(within, spelled.tokens())

    def outline(self, within: Matcher) -> Outline:
        """What the constraint allows, less the groups of equivalent tokens that are refused."""
        if self._outline is None:
            mask = within.mask()
            if self._keeps_ending(within):
                refused = np.ones(len(self._vocabulary), dtype=np.bool_)
                self._allow_beginnings(refused)
                allowed = pack(~refused)
                self._outline = allowed if mask is None else mask & allowed
                return Outline(self._outline.copy(), exact=False)
            alike = self._alike_here(within)
            if mask is None:
                return Outline(within.outline().mask, exact=False)
            if alike is None:
                return Outline(mask, exact=False)

            def refuses(text: bytes) -> bool:
                found, allowed = self._read(within, text, alike)
                return allowed and found is None

            refused = refused_alike(self._vocabulary, mask, alike, refuses)
            self._allow_beginnings(refused)
            self._outline = mask & ~pack(refused)
        return Outline(self._outline.copy(), exact=False)

    def _allow_beginnings(self, refused: NDArray[np.bool_]) -> None:
        """Take the tokens that begin the ending out of ``refused``."""
        vocabulary, same = self._vocabulary, Characters.of(self._vocabulary).same
        rest = self.ending.text[self.place : self.place + vocabulary.longest]
        for length in range(1, len(rest) + 1):
            first = vocabulary.first_token.get(rest[:length])
            if first is not None and self._begins(first):
                refused[list(same.get(rest[:length], (first,)))] = False


def find(matcher: Matcher, *, thorough: bool) -> Ending | None:
    """The ending that a matcher finds, if tokens spell it and the engine's limits suffice."""
    try:
        ending = matcher.ending(thorough=thorough)
    except ConstraintTooComplexError:
        # What is drawn need not reach the state at which the search gave up.
        return None
    return None if ending is None or ending.costs[0] == NEVER else ending
