"""The base class of small types: a byte matcher for the texts, another library as the oracle."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from condit.constraint.base import Constraint, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.vocabulary import Vocabulary


class SmallType(Constraint):
    """Texts that a byte matcher matches and an oracle accepts.

    Attributes:
        machine: the byte matcher.
    """

    machine: ByteMatcher[Any]

    @abstractmethod
    def objection(self, text: str) -> str | None:
        """Why ``text`` is refused, as a sentence without its place; ``None``: it is accepted.

        Decided by a library that has nothing to do with ``machine``.
        """

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[Any]:
        """A matcher at the empty text; as strong as ``machine``, where each byte is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """What the oracle objects to, and the character from which on no text goes so."""
        reason = self.objection(text)
        return None if reason is None else Violation(reason, self._place(text))

    def _place(self, text: str) -> int | None:
        """How many characters the byte matcher follows; ``None`` where it follows all of them."""
        state: Any = self.machine.start
        for place, character in enumerate(text):
            for byte in character.encode("utf-8", "surrogatepass"):
                state = self.machine.next(state, byte)
                if state is None:
                    return place
        return None if self.machine.may_stop(state) else len(text)
