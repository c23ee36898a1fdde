"""The base classes of small types: a byte matcher for the texts, another library as the oracle."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.base import Constraint, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.byte_table import ByteTable, byte_table
from condit.constraint.regular.expression import Node
from condit.constraint.types.limited import Limited
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


@dataclass(frozen=True)
class RegularType(SmallType):
    """A small type that one regular expression says, so that it composes exactly.

    Attributes:
        tree: the expression.
        machine: its automaton.
    """

    tree: Node = field(init=False, repr=False, compare=False)
    machine: ByteTable | Limited = field(init=False, repr=False, compare=False)

    def _follow(self, tree: Node, machine: Limited | None = None) -> None:
        """Take an expression as that of the texts.

        Args:
            tree: the expression, as for ``byte_table``.
            machine: of the same texts, where they are counted apart.

        Raises:
            ConstraintTooComplexError: it has too many states.
        """
        object.__setattr__(self, "tree", tree)
        object.__setattr__(self, "machine", byte_table(tree) if machine is None else machine)

    def longest(self) -> int | None:
        """Bytes of the longest text; ``None``: there may be any number of them."""
        return self.machine.longest()
