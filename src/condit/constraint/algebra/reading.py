"""One way to read a text as parts: which part is being written, and its matcher.

A text may have several readings at once. The readings of all texts so far are in ``readings.py``.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from condit.constraint.algebra.layout import Step
from condit.constraint.base import Matcher, Outline
from condit.constraint.ending_tokens import spell


@dataclass(eq=False)
class Reading:
    """The parts before are complete, and of ``step.part`` some text is written.

    Attributes:
        place: the place of the layout where the part began.
        step: the step whose part is being written.
        matcher: of that part, over the wide vocabulary. It is never advanced: readings are shared.
        text: what is written of the part.
    """

    place: int
    step: Step
    matcher: Matcher
    text: bytes = b""
    _counts: dict[tuple[int, ...], int] = field(default_factory=dict, repr=False)

    @cached_property
    def comes_again(self) -> bool:
        """Whether other texts lead to the same state, so that what is kept for it is of use."""
        return self.matcher.state_key() is not None

    @cached_property
    def key(self) -> tuple[int, Step, Hashable]:
        """Equal keys have equal futures."""
        state = self.matcher.state_key()
        if state is not None:
            return self.place, self.step, (state,)
        # Where spellings matter, equal texts need not have equal futures.
        return self.place, self.step, self.text if self.matcher.any_spelling else id(self.matcher)

    @cached_property
    def may_stop(self) -> bool:
        """Whether the part is complete."""
        return self.matcher.allows(self.matcher.vocabulary.end)

    @cached_property
    def outline(self) -> Outline:
        """What may follow within the part; not to be changed."""
        return self.matcher.outline()

    @cached_property
    def goes_on(self) -> bool:
        """Whether anything may follow within the part, as far as that is cheap to tell."""
        if not self.may_stop:
            return True
        mask, end = self.outline.mask, self.matcher.vocabulary.end
        if mask is None:
            return True
        others = np.count_nonzero(mask) - bool(mask[end // 32])
        return bool(others or mask[end // 32] & ~np.uint32(1 << end % 32))

    def after(self, text: bytes, token: int | None = None) -> Reading | None:
        """The reading after ``text`` within the same part; ``None`` where it is refused.

        Args:
            text: the bytes.
            token: the token that is just them, if it was a whole token.
        """
        tokens = self._spelled(text) if token is None else (token,)
        matcher = self.matcher
        allowed = (
            matcher.allows(tokens[0])
            if len(tokens) == 1
            else matcher.count_allowed(tokens) == len(tokens)
        )
        if not allowed:
            return None
        further = matcher.copy()
        for each in tokens:
            further.advance(each)
        # Kept even where the state has a key: the next one may have none.
        return Reading(self.place, self.step, further, self.text + text)

    def allows(self, text: bytes, token: int | None = None) -> bool:
        """Whether ``text``, or the token that is just that, may come within the part."""
        if token is None:
            tokens = self._spelled(text)
            if len(tokens) > 1:
                return self.count_allowed(tokens) == len(tokens)
            token = tokens[0]
        return self.matcher.allows(token)

    def _spelled(self, text: bytes) -> tuple[int, ...]:
        """Tokens for a piece of a token: where spellings matter, as few as there can be."""
        first_token = self.matcher.vocabulary.first_token
        token = first_token.get(text)
        if token is not None:
            return (token,)
        if self.matcher.any_spelling:
            return tuple(first_token[bytes((byte,))] for byte in text)
        return spell(text, self.matcher.vocabulary).tokens()

    def stops_after(self, tokens: tuple[int, ...], text: bytes = b"") -> bool:
        """Whether the part is complete after ``tokens``, and ``text`` behind them."""
        pieces = self._spelled(text) if text else ()
        asked = (*tokens, *pieces, self.matcher.vocabulary.end)
        return self.count_allowed(asked) == len(asked)

    def count_allowed(self, tokens: tuple[int, ...]) -> int:
        """As that of the matcher; kept, as endings are asked about again and again."""
        found = self._counts.get(tokens)
        if found is None:
            if len(self._counts) > 256:
                self._counts.clear()
            found = self._counts[tokens] = self.matcher.count_allowed(tokens)
        return found
