"""A matcher that allows every text, for texts of which only the beginning is prescribed.

See ``condit.constraint.prefixed``. Generation without a constraint has no matcher at all.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Outline, Strength, pack
from condit.constraint.ending_tokens import Ending, spell
from condit.errors import RefusedTokenError
from condit.vocabulary import Vocabulary


class Anything(Matcher):
    """Allows every token at any time, those without bytes too, as a model without constraint."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary, self.strength = vocabulary, Strength.EXACT
        self._ended = False

    def allows(self, token: int) -> bool:
        """Whether the text has not ended, and there is such a token."""
        return not self._ended and 0 <= token < len(self.vocabulary)

    def mask(self) -> NDArray[np.uint32]:
        """All tokens; none after the end."""
        return pack(np.full(len(self.vocabulary), not self._ended))

    def outline(self) -> Outline:
        """No array before the end: everything is allowed."""
        return super().outline() if self._ended else Outline(None, exact=True)

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the text has ended, or there is no such token.
        """
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        self._ended = token == self.vocabulary.end

    def copy(self) -> Self:
        """An independent matcher in the same state."""
        twin = type(self)(self.vocabulary)
        twin._ended = self._ended
        return twin

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """No tokens: the text may stop anywhere."""
        return None if self._ended else spell(b"", self.vocabulary)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        if self._ended:
            return "the text has ended: nothing may follow"
        return f"token {token} is outside the vocabulary of {len(self.vocabulary)} tokens"
