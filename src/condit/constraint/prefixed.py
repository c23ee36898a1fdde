"""A matcher of texts that begin with given bytes and then satisfy a constraint.

For a prompt whose last tokens were taken back, so that they are written again together with the
text (see ``condit.sampler.seam``). The bytes may be written in any tokens, and a token may
*straddle* their end: what it has beyond the end, its *tail*, is the beginning of the constraint's
text. Tails are asked about as the tokens that spell them, so that any matcher can be within. Where
the vocabulary has no tokens for a tail, the constraint is bound to one that has all single bytes
too, and these are hidden again here. A matcher that counts tokens (``any_spelling`` False) cannot
be given a part of one: there, tokens end where the bytes do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.anything import Anything
from condit.constraint.base import Matcher, Outline, Strength, pack, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.prefix_tokens import PrefixTokens, Tail
from condit.errors import RefusedTokenError
from condit.kept import Kept
from condit.vocabulary import Vocabulary


class Prefixed(Matcher):
    """What begins with a prefix and goes on as another matcher allows.

    Attributes:
        vocabulary: the tokens.
        strength: that of the constraint; SOUND for EXACT where it had to be given bytes that are
            no tokens.
    """

    # Whether it is so depends on the constraint; where it is, ``ending`` goes by that.
    any_spelling = False

    @classmethod
    def bind(
        cls, bind: Callable[[Vocabulary], Matcher] | None, vocabulary: Vocabulary, prefix: bytes
    ) -> Prefixed:
        """A matcher at the empty text.

        Args:
            bind: makes the constraint's matcher at the empty text; ``None``: anything may follow.
            vocabulary: the tokens.
            prefix: the bytes to begin with; tokens of the vocabulary spell them.

        Raises:
            VocabularyError: no token can begin a text that satisfies the constraint.
        """
        within = Anything(vocabulary) if bind is None else bind(vocabulary)
        beginning = PrefixTokens(vocabulary, prefix, within)
        if bind is not None and beginning.lacks_bytes():
            within = bind(_WITH_BYTES.of(vocabulary))
            beginning = PrefixTokens(vocabulary, prefix, within)
        return cls(beginning, within, 0)

    def __init__(self, beginning: PrefixTokens, within: Matcher, place: int) -> None:
        self.vocabulary = beginning.vocabulary
        self._beginning, self._within, self._place = beginning, within, place
        self.keeps_ending = within.keeps_ending
        exact = within.strength is Strength.EXACT
        self.strength = Strength.SOUND if exact and self._hides else within.strength

    @property
    def constraint(self) -> Matcher:
        """The constraint's own matcher."""
        return self._within

    @property
    def unwrapped(self) -> Matcher:
        """The constraint's own matcher once the prefix is written, if it has the same tokens."""
        return self._within if self.written and not self._hides else self

    @property
    def _hides(self) -> bool:
        """Whether the constraint has tokens that the vocabulary does not have."""
        return len(self._within.vocabulary) != len(self.vocabulary)

    @property
    def written(self) -> bool:
        """Whether the whole prefix is written."""
        return self._place == len(self._beginning.prefix)

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next: a piece of the prefix, or its end with more."""
        if not 0 <= token < len(self.vocabulary):
            return False
        if self.written:
            return self._within.allows(token)
        return self._beginning.after(token, self._place) is not None

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens; ``None`` where the constraint gives no mask that is needed."""
        if self.written:
            return self._shown(self._within.mask())
        return self._beginning.mask(self._place)

    def outline(self) -> Outline:
        """As ``mask``; without one, the tokens that the prefix allows."""
        if self.written:
            mask, exact = self._within.outline()
            return Outline(self._shown(mask), exact)
        mask = self._beginning.mask(self._place)
        if mask is None:
            return Outline(pack(self._beginning.fitting(self._place)), exact=False)
        return Outline(mask, exact=True)

    def _shown(self, mask: NDArray[np.uint32] | None) -> NDArray[np.uint32] | None:
        if mask is None or not self._hides:
            return mask
        return pack(unpack(mask, len(self._within.vocabulary))[: len(self.vocabulary)])

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
        """
        if self.written:
            if not 0 <= token < len(self.vocabulary):
                raise RefusedTokenError(self.explain(token))
            self._within.advance(token)
            return
        after = self._beginning.after(token, self._place)
        if after is None:
            raise RefusedTokenError(self.explain(token))
        self._place, tail = after
        for each in tail:
            self._within.advance(each)

    def unchecked(self) -> Matcher:
        """The same with the constraint's matcher unchecked."""
        within = self._within.unchecked()
        if within is self._within:
            return self
        return type(self)(self._beginning, within, self._place)

    def copy(self) -> Self:
        """An independent matcher in the same state."""
        return type(self)(self._beginning, self._within.copy(), self._place)

    def boundary(self) -> Boundary | None:
        """That of the constraint."""
        return self._within.boundary()

    def forced(self) -> tuple[int, ...]:
        """Those of the constraint, once the prefix is written."""
        if not self.written:
            return ()
        forced = self._within.forced()
        hidden = (place for place, each in enumerate(forced) if each >= len(self.vocabulary))
        return forced[: next(hidden, len(forced))]

    def forced_text(self) -> bytes:
        """The rest of the prefix, and what the constraint forces."""
        return self._beginning.prefix[self._place :] + self._within.forced_text()

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        place, size = self._place, len(self._beginning.prefix)
        for index, token in enumerate(tokens):
            if place == size:
                return index + self._count_within((), tokens[index:])
            after = self._beginning.after(token, place)
            if after is None:
                return index
            place, tail = after
            if tail:
                return index + 1 + self._count_within(tail, tokens[index + 1 :])
        return len(tokens)

    def _count_within(self, tail: Tail, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` the constraint allows after ``tail``, which it allows."""
        size = len(self.vocabulary)
        known = next((i for i, token in enumerate(tokens) if not 0 <= token < size), len(tokens))
        return self._within.count_allowed([*tail, *tokens[:known]]) - len(tail)

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The rest of the prefix, and an ending of the constraint."""
        found = self._within.ending(thorough=thorough)
        rest = self._beginning.prefix[self._place :]
        if found is None:
            return None
        if self._within.any_spelling:
            return spell(rest + found.text, self.vocabulary)
        return Ending.of_tokens(
            [*spell(rest, self.vocabulary).tokens(), *found.tokens()], self.vocabulary
        )

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        if not 0 <= token < len(self.vocabulary):
            return f"token {token} is outside the vocabulary of {len(self.vocabulary)} tokens"
        if self.written:
            return self._within.explain(token)
        return self._beginning.explain(token, self._place)


def unwrapped(matcher: Matcher) -> Matcher:
    """The matcher itself, or what is left of a `Prefixed` whose prefix is written."""
    return matcher.unwrapped if isinstance(matcher, Prefixed) else matcher


def _with_bytes(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with a further token for each single byte that is none."""
    singles = (bytes([byte]) for byte in range(256))
    missing = [single for single in singles if single not in vocabulary.first_token]
    return Vocabulary([*vocabulary.bytes, *missing], vocabulary.end, vocabulary.ends)


_WITH_BYTES = Kept(_with_bytes)
