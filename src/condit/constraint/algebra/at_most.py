"""Texts with so many characters, words or lines at most: what the text has, not how it is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from condit.constraint.algebra.utf8 import COMPLETION, NEXT, REFUSED, is_lead
from condit.constraint.base import Constraint, Matcher, Strength, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import ANY, Node, One, concatenation, repetition
from condit.constraint.spelling import UTF8_BYTES
from condit.vocabulary import Vocabulary

_SPACE = frozenset(b" \t\n\r\f\v")
_NEWLINE = 10
_BLANK = Characters.of((byte, byte) for byte in _SPACE)
_LINE_BREAK = Characters.single("\n")

_CALLED = {
    "chars": ("characters", "character"),
    "words": ("words", "word"),
    "lines": ("lines", "line"),
}
"""What units are called, of several and of one."""

_NEWLINES_BEHIND = 2
"""So many may follow the last word that there may be: free text may go on until them."""

_BEHIND = f"behind the last word there may only be {_NEWLINES_BEHIND} newlines at most"


class Count(NamedTuple):
    """How much is written, the state in a character, and what is behind the last word.

    Attributes:
        number: units.
        character: the state of ``utf8.py``.
        inside: whether a word is being written.
        newlines: how many there are behind the last word that there may be.
    """

    number: int = 0
    character: int = 0
    inside: bool = False
    newlines: int = 0


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
        if self.unit == "words":
            return self._next_of_words(state, byte, character)
        begins = is_lead(byte) if self.unit == "chars" else byte == _NEWLINE
        number = state.number + begins
        room = self.most - 1 if self.unit == "lines" else self.most
        return Count(number, character) if number <= room else None

    def _next_of_words(self, state: Count, byte: int, character: int) -> Count | None:
        if byte not in _SPACE:
            number = state.number + (not state.inside)
            return Count(number, character, inside=True) if number <= self.most else None
        if state.number < self.most:
            return Count(state.number, character)
        newlines = state.newlines + 1
        fits = byte == _NEWLINE and newlines <= _NEWLINES_BEHIND
        return Count(state.number, character, newlines=newlines) if fits else None

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
        if byte is None:
            return ""
        full = self.unit == "words" and byte in _SPACE
        called = _CALLED[self.unit][self.most == 1]
        return _BEHIND if full else f"there may be at most {self.most} {called}"


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
        return f"at most {self.most} {_CALLED[self.unit][self.most == 1]}"

    @property
    def tree(self) -> Node | None:
        """As a regular expression."""
        if self.unit == "chars":
            return repetition(ANY, 0, self.most)
        if self.unit == "lines":
            within = repetition(One(_LINE_BREAK.complement()), 0, None)
            further = concatenation(One(_LINE_BREAK), within)
            return concatenation(within, repetition(further, 0, self.most - 1))
        some_word = repetition(One(_BLANK.complement()), 1, None)
        before = concatenation(some_word, repetition(One(_BLANK), 1, None))
        last = concatenation(some_word, repetition(One(_LINE_BREAK), 0, _NEWLINES_BEHIND))
        return concatenation(
            repetition(One(_BLANK), 0, None),
            repetition(before, 0, self.most - 1),
            repetition(last, 0, 1),
        )

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
            words = list(re.finditer(r"[^ \t\n\r\f\v]+", text))
            places = [word.start() for word in words]
            if len(words) == self.most and (stop := words[-1].end()) < len(text):
                blank = re.match(rf"\n{{0,{_NEWLINES_BEHIND}}}", text[stop:])
                behind = stop + (0 if blank is None else blank.end())
                return None if behind == len(text) else Violation(_BEHIND, behind)
        if len(places) <= self.most:
            return None
        what = f"there are {len(places)} {_CALLED[self.unit][0]}, and may be at most {self.most}"
        return Violation(what, places[self.most])

    def longest(self) -> int | None:
        """Four bytes a character."""
        return 4 * self.most if self.unit == "chars" else None

    def describe(self) -> str:
        """The limit, as an instruction to a model."""
        return f"Respond only with {self.name}"
