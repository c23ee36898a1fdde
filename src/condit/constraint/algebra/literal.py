"""A fixed text as a constraint, which strings among constraints stand for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.example_texts import for_readers
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.expression import Node, word
from condit.errors import ArgumentError, ConstraintTooComplexError
from condit.vocabulary import Vocabulary, lone_surrogate


@dataclass(frozen=True)
class Letters(ByteMatcher[int]):
    """The bytes of one text, in order; the state is how many have been written."""

    text: bytes
    alphabet: Collection[int] = field(init=False, compare=False, repr=False)
    start = 0
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphabet", frozenset(self.text))

    def next(self, state: int, byte: int) -> int | None:
        """The next offset."""
        return state + 1 if self.text[state : state + 1] == bytes([byte]) else None

    def may_stop(self, state: int) -> bool:
        """At the end of the text."""
        return state == len(self.text)

    def options(self, state: int) -> tuple[int, ...]:
        """The one byte that comes next."""
        return tuple(self.text[state : state + 1])

    def ending(self, state: int) -> bytes:
        """What is left of the text."""
        return self.text[state:]


@dataclass(frozen=True)
class Literal(Constraint):
    """One text.

    Attributes:
        text: the text.
    """

    text: str
    _machine: Letters = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if fault := lone_surrogate(self.text):
            raise ArgumentError(f"the text {self.text!r} cannot be written in UTF-8: {fault}")
        object.__setattr__(self, "_machine", Letters(self.text.encode()))

    @property
    def tree(self) -> Node:
        """As a regular expression."""
        return word(self.text)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; EXACT where every byte of the text is a token.

        Raises:
            VocabularyError: no token can begin the text.
        """
        return LiftedMatcher.bind(self._machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """Where ``text`` departs from the one that is wanted."""
        if text == self.text:
            return None
        pairs = enumerate(zip(text, self.text, strict=False))
        shared = next((place for place, (a, b) in pairs if a != b), min(len(text), len(self.text)))
        return Violation(f"the text must be {self.text!r}", shared)

    def longest(self) -> int:
        """Its length in bytes."""
        return len(self.text.encode())

    def last_bytes(self) -> frozenset[int]:
        """Its last byte."""
        return frozenset(self.text.encode()[-1:])

    def possible_ends(self, text: str, start: int) -> tuple[int, ...]:
        """One place, if the text stands there."""
        return (start + len(self.text),) if text.startswith(self.text, start) else ()

    def describe(self) -> str:
        """The text, as an instruction to a model."""
        return f"Respond only with this text:\n{for_readers([self.text])}"


_DEEPEST = 60
"""What is made of parts asks them one inside the other, in a few calls of functions each."""


def _nesting(made: Constraint) -> int:
    """How deeply a constraint is made of parts."""
    held = vars(made) if hasattr(made, "__dict__") else {}
    found = held.get("_nesting")
    if not isinstance(found, int):
        inner: list[object] = []
        for each in held.values():
            inner += each if isinstance(each, tuple) else [each]
        depths = (1 + _nesting(each) for each in inner if isinstance(each, Constraint))
        found = max(depths, default=0)
        # Kept: the parts of the next one are those of this one.
        held["_nesting"] = found
    return found


def note_nesting(made: Constraint, operands: Sequence[object]) -> Constraint:
    """Note of what an operator made how deeply it nests, by its two operands.

    Else each operator of a long row would look at all parts again.
    """
    depths = [1]
    for each in operands:
        if isinstance(each, Constraint):
            dissolved = isinstance(each, type(made)) and getattr(each, "joined", True)
            depths.append(_nesting(each) + (not dissolved))
    vars(made)["_nesting"] = max(depths)
    return made


def as_constraint(given: object, who: str) -> Constraint:
    """A constraint as it is, a string as a `Literal`.

    Raises:
        ArgumentError: it is neither.
        ConstraintTooComplexError: it is made of parts of parts of parts, too deeply.
    """
    if isinstance(given, Constraint):
        if _nesting(given) > _DEEPEST:
            raise ConstraintTooComplexError(
                f"{who}: the part nests constraints more than {_DEEPEST} deep. Put parts side by "
                "side, as in then(a, b, c), or write what repeats itself as a grammar"
            )
        return given
    if isinstance(given, str):
        return Literal(given)
    raise ArgumentError(
        f"{who} is made of constraints and texts, not of {given!r}, of type "
        f"{type(given).__name__}: make one with condit.integer, condit.json_schema or the like"
    )
