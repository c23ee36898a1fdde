"""Limits of length: in characters, words or lines, which the text has; and in tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from condit.constraint.algebra.labels import label_of, wanted
from condit.constraint.algebra.literal import as_constraint
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.together import AllOf
from condit.constraint.algebra.utf8 import COMPLETION, NEXT, REFUSED, is_lead
from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.constraint.budgeted import Budgeted
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.expression import ANY, Node, repetition
from condit.constraint.spelling import UTF8_BYTES
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary

_SPACE = frozenset(b" \t\n\r\f\v")


def within(
    part: Constraint | str,
    *,
    tokens: int | None = None,
    chars: int | None = None,
    words: int | None = None,
    lines: int | None = None,
) -> Constraint:
    """The texts of a constraint that are not too long.

    Characters, words and lines are a matter of the text, and its oracle counts them. Tokens are a
    matter of how it is drawn: a token is allowed only if an ending is known after it that fits.

    >>> from condit import regex
    >>> within(regex("[a-z ]*"), words=2).accepts("one two three")
    False

    Args:
        part: the constraint; a string stands for itself.
        tokens: the most tokens, the end token not counted.
        chars: the most characters.
        words: the most words: runs of characters without ASCII spaces between them.
        lines: the most lines; each newline begins one.

    Raises:
        ArgumentError: no limit is given, or one is no whole number of at least 1.
    """
    made = as_constraint(part, "within")
    limits = {"tokens": tokens, "chars": chars, "words": words, "lines": lines}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    for name, limit in given.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ArgumentError(f"within: {name}={limit!r}: give a whole number of at least 1")
    if not given:
        raise ArgumentError("within: give tokens=, chars=, words= or lines=")
    counted = tuple(AtMost(limit, name) for name, limit in given.items() if name != "tokens")
    limited = AllOf((made, *counted)) if counted else made
    return limited if tokens is None else FewTokens(limited, tokens)


class Count(NamedTuple):
    """How much is written, the state in a character, and whether a word is being written."""

    number: int = 0
    character: int = 0
    inside: bool = False


@dataclass(frozen=True)
class CountMachine(ByteMatcher[Count]):
    """Texts in UTF-8 with so many characters, words or lines at most."""

    most: int
    unit: str
    start = Count()
    strength = Strength.EXACT
    alphabet = UTF8_BYTES

    def next(self, state: Count, byte: int) -> Count | None:
        """One more where a unit begins."""
        character = NEXT[state.character][byte]
        if character == REFUSED:
            return None
        inside = False
        if self.unit == "chars":
            begins = is_lead(byte)
        elif self.unit == "lines":
            begins = byte == 10
        else:
            inside = byte not in _SPACE
            begins = inside and not state.inside
        number = state.number + begins
        room = self.most - 1 if self.unit == "lines" else self.most
        return Count(number, character, inside) if number <= room else None

    def may_stop(self, state: Count) -> bool:
        """Between characters."""
        return state.character == 0

    def near(self, state: Count, length: int) -> Count:
        """Far from the limit the number does not matter."""
        return state if self.most - state.number <= length + 1 else state._replace(number=0)

    def ending(self, state: Count) -> bytes:
        """What is left of a character."""
        return COMPLETION[state.character]

    def explain(self, state: Count, byte: int | None) -> str:
        """The limit."""
        return f"there may be at most {self.most} {self.unit}" if byte is not None else ""


@dataclass(frozen=True)
class AtMost(Constraint):
    """Texts with so many characters, words or lines at most.

    Attributes:
        most: how many.
        unit: ``"chars"``, ``"words"`` or ``"lines"``.
    """

    most: int
    unit: str
    _machine: CountMachine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_machine", CountMachine(self.most, self.unit))

    @property
    def name(self) -> str:
        """The limit in words."""
        return f"at most {self.most} {self.unit}"

    @property
    def tree(self) -> Node | None:
        """As a regular expression, where characters are counted."""
        return repetition(ANY, 0, self.most) if self.unit == "chars" else None

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text."""
        return LiftedMatcher.bind(self._machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """Where the unit begins that is too much."""
        if self.unit == "chars":
            places = list(range(len(text)))
        elif self.unit == "lines":
            places = [0, *(place for place, each in enumerate(text) if each == "\n")]
        else:
            places = [found.start() for found in re.finditer(r"[^ \t\n\r\f\v]+", text)]
        if len(places) <= self.most:
            return None
        what = f"there are {len(places)} {self.unit}, and may be at most {self.most}"
        return Violation(what, places[self.most])

    def longest(self) -> int | None:
        """Four bytes a character."""
        return 4 * self.most if self.unit == "chars" else None

    def describe(self) -> str:
        """The limit, as an instruction to a model."""
        return f"Respond only with {self.name}"


@dataclass(frozen=True)
class FewTokens(Constraint):
    """Texts of a constraint drawn in so many tokens at most.

    Attributes:
        part: the constraint.
        most: how many.
    """

    part: Constraint
    most: int

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where the part is enforced."""
        return plan_of(self, (self.part,), "matcher", "an ending that fits is carried along")

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        Raises:
            BudgetError: the shortest text that is found takes more tokens.
        """
        return CountedTokens.of(self.part.bind(vocabulary), self.most)

    def violation(self, text: str) -> Violation | None:
        """That of the part: a text has no tokens of its own."""
        return self.part.violation(text)

    def longest(self) -> int | None:
        """That of the part."""
        return self.part.longest()

    def last_bytes(self) -> frozenset[int] | None:
        """Those of the part."""
        return self.part.last_bytes()

    def value(self, text: str) -> object:
        """That of the part."""
        return self.part.value(text)

    def describe(self) -> str:
        """That of the part: what tokens are is not told to a model."""
        return f"Respond only with {wanted(self.part)}"

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{label_of(self.part)} in at most {self.most} tokens"


class CountedTokens(Budgeted):
    """As `Budgeted`, for a part of a text: another budget may be around it."""

    any_spelling = False
