"""All texts but those of a constraint."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from condit.constraint.algebra.labels import BY_EXAMPLE, MATCHES, label_of, wanted
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.regular import bind_tree, tree_of
from condit.constraint.algebra.utf8 import BETWEEN, COMPLETION, NEXT, REFUSED, state_after
from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.expression import Node, complement
from condit.vocabulary import Vocabulary

_FILLERS = (b"", b"a", b" ", b"\n", b"x", b"0", b"~~")


@dataclass(frozen=True, eq=False)
class Others(ByteMatcher[bytes]):
    """Any text, if an oracle refuses it; the state is the text so far."""

    refused: Constraint
    start = b""
    strength = Strength.SOUND

    def next(self, state: bytes, byte: int) -> bytes | None:
        """The text with one byte more, if it is UTF-8."""
        if NEXT[state_after(_cut(state))][byte] == REFUSED:
            return None
        return state + bytes([byte])

    def may_stop(self, state: bytes) -> bool:
        """Whether the oracle refuses the text."""
        if state_after(_cut(state)) != BETWEEN:
            return False
        return not self.refused.accepts(state.decode())

    def near(self, state: bytes, length: int) -> bytes:
        """The character that is being written: all that matters for which bytes may come."""
        return b"" if state_after(_cut(state)) == BETWEEN else _cut(state)

    def ending(self, state: bytes) -> bytes | None:
        """The first of some short texts after which the oracle refuses."""
        rest = COMPLETION[state_after(_cut(state))]
        return next((rest + each for each in _FILLERS if self.may_stop(state + rest + each)), None)

    def explain(self, state: bytes, byte: int | None) -> str:
        """What the text must not satisfy."""
        whole = byte is None and state_after(_cut(state)) == BETWEEN
        return f"it must not satisfy {label_of(self.refused)}" if whole else ""


def _cut(text: bytes) -> bytes:
    """The last character of a text, as far as it is written."""
    place = len(text) - 1
    while place > 0 and text[place] & 0xC0 == 0x80:
        place -= 1
    return text[max(place, 0) :]


class OthersMatcher(LiftedMatcher[bytes]):
    """The matcher of `Others`, whose states never come again."""

    def state_key(self) -> None:
        """``None``: a state is the whole text."""
        return


@dataclass(frozen=True)
class Not(Constraint):
    """All texts that a constraint does not accept; made by ``~a``.

    Attributes:
        part: the constraint.
    """

    part: Constraint
    _machine: Others = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_machine", Others(self.part))

    @property
    def name(self) -> str:
        """What it is the complement of, for messages."""
        return label_of(self.part)

    @cached_property
    def tree(self) -> Node | None:
        """As a regular expression; ``None`` where the part is not regular."""
        tree = tree_of(self.part)
        return None if tree is None else complement(tree)

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where it is enforced."""
        note = "the part is not regular: its oracle is asked whether it refuses the finished text"
        return plan_of(self, (), "end", note)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text: EXACT where the part is regular.

        Else SOUND: any text may be written, and at its end the oracle of the part is asked.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        found = bind_tree(self.tree, vocabulary)
        return OthersMatcher.bind(self._machine, vocabulary) if found is None else found

    def violation(self, text: str) -> Violation | None:
        """That the part accepts ``text``, if it does."""
        if not self.part.accepts(text):
            return None
        return Violation(f"the text must not satisfy {label_of(self.part)}", None)

    def describe(self) -> str:
        """What is not wanted, as an instruction to a model."""
        said = wanted(self.part, examples=False)
        if said.startswith(MATCHES):
            return f"Respond only with a text that does not match{said.removeprefix(MATCHES)}"
        joined = "not this:" if said.startswith(BY_EXAMPLE) else "not"
        return f"Respond only with a text that is {joined} {said}"
