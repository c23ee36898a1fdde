"""Free text: anything, until a word comes that ends it.

>>> free(until="</think>").value("Let me see.</think>")
'Let me see.'
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from condit.constraint.algebra.free_counted import CountedMatcher
from condit.constraint.algebra.free_machine import FreeMachine
from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.expression import (
    ANY,
    ANYTHING,
    Node,
    alternation,
    complement,
    concatenation,
    intersection,
    repetition,
    word,
)
from condit.errors import ArgumentError, UnlimitedTextWarning
from condit.vocabulary import Vocabulary, lone_surrogate


def free(
    until: str | Sequence[str] = (),
    *,
    max_tokens: int | None = None,
    max_chars: int | None = None,
) -> Free:
    """Any text, until a word comes that ends it, which is part of the text but not of its value.

    The first occurrence of the word ends it, so what follows can begin nowhere else. Without a word
    it may end anywhere.

    >>> from condit import json_schema
    >>> (free(until="</think>") + json_schema({"type": "integer"})).value("2+2?</think>4")
    ('2+2?', 4)

    Args:
        until: the word, or several of which any will do; one that holds another is left out.
        max_tokens: how many tokens may be drawn, the word's among them. Near the limit only tokens
            are allowed after which the word still fits.
        max_chars: how many characters may come before the word.

    Raises:
        ArgumentError: a word is empty or no text, or a limit is no positive whole number, or does
            not leave room for the word.
    """
    words = (until,) if isinstance(until, str) else tuple(until)
    for each in words:
        if not isinstance(each, str) or not each or lone_surrogate(each):
            raise ArgumentError(f"free: until={until!r}: give a text that is not empty, or several")
    for name, limit in (("max_tokens", max_tokens), ("max_chars", max_chars)):
        whole = isinstance(limit, int) and not isinstance(limit, bool)
        if limit is not None and not (whole and limit >= 1):
            raise ArgumentError(f"free: {name}={limit!r}: give a whole number of at least 1")
    # Where a word holds another, that one always ends the text, or ends where it does.
    shortest = [each for each in words if not any(o in each and o != each for o in words)]
    return Free(tuple(dict.fromkeys(shortest)), max_tokens, max_chars)


@dataclass(frozen=True)
class Free(Constraint):
    """Any text until a word; made by ``free``.

    Attributes:
        until: the words.
        max_tokens: the most tokens; ``None``: no limit.
        max_chars: the most characters before the word; ``None``: no limit.
        never: words that the text may not hold at all.
    """

    until: tuple[str, ...]
    max_tokens: int | None = None
    max_chars: int | None = None
    never: tuple[str, ...] = ()
    _machine: FreeMachine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        until, never = (tuple(w.encode() for w in words) for words in (self.until, self.never))
        object.__setattr__(self, "_machine", FreeMachine(until, never, self.max_chars))

    @property
    def tree(self) -> Node | None:
        """As a regular expression; ``None`` where tokens are counted."""
        if self.max_tokens is not None:
            return None
        most = repetition(ANY, 0, self.max_chars)
        words = alternation(*map(word, self.until)) if self.until else None
        held = [*map(word, self.never), *([] if words is None else [concatenation(words, ANY)])]
        without = [complement(concatenation(ANYTHING, each, ANYTHING)) for each in held]
        if words is None:
            return intersection(most, *without)
        return intersection(concatenation(most, words), *without)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; EXACT where every byte of UTF-8 is a token.

        Raises:
            VocabularyError: no token can begin a text.
            ArgumentError: ``max_tokens`` is too small for the word that ends the text.
        """
        if self.max_tokens is None:
            return LiftedMatcher.bind(self._machine, vocabulary)
        return CountedMatcher.within(self._machine, vocabulary, self.max_tokens)

    def violation(self, text: str) -> Violation | None:
        """That the word is missing, or comes too early, or too late."""
        for each in self.never:
            if each in text:
                return Violation(f"{each!r} may not occur here", text.index(each))
        size, stop = self._first_end(text)
        words = " or ".join(map(repr, self.until))
        if self.max_chars is not None and (len(text) if size is None else size) > self.max_chars:
            return Violation(f"more than {self.max_chars} characters of free text", self.max_chars)
        if not self.until:
            return None
        if stop is None:
            return Violation(f"the free text goes on until {words}", len(text))
        if stop < len(text):
            return Violation(f"the free text has ended with {words}", stop)
        return None

    def _first_end(self, text: str, start: int = 0) -> tuple[int | None, int | None]:
        """How many characters come before the word that ends first, and where it ends."""
        found = [(at + len(each), at) for each in self.until if (at := text.find(each, start)) >= 0]
        if not found:
            return None, None
        stop, at = min(found)
        return at, stop

    def value(self, text: str) -> str:
        """The text before the word."""
        size, _ = self._first_end(text)
        return text[:size]

    def longest(self) -> int | None:
        """Four bytes for each character, and the word."""
        if self.max_chars is None:
            return None
        return 4 * self.max_chars + max((len(each.encode()) for each in self.until), default=0)

    def last_bytes(self) -> frozenset[int] | None:
        """The last bytes of the words."""
        return frozenset(each.encode()[-1] for each in self.until) if self.until else None

    def possible_ends(self, text: str, start: int) -> tuple[int, ...] | None:
        """Where a word ends first."""
        if not self.until:
            return None
        _, stop = self._first_end(text, start)
        return () if stop is None else (stop,)

    def describe(self) -> str:
        """As an instruction to a model."""
        limit = "" if self.max_chars is None else f" of at most {self.max_chars} characters"
        words = " or ".join(map(repr, self.until))
        end = f", and then {words}" if self.until else ""
        return f"Respond only with any text{limit}{end}"


def warn_of_unlimited(parts: Sequence[Constraint]) -> None:
    """Warn where free text without a limit stands before a part that is more than fixed text.

    Warns:
        UnlimitedTextWarning: there is such a text.
    """
    before = list(takewhile(lambda part: not _is_unlimited(part), parts))
    behind = parts[len(before) + 1 :]
    if not behind or all(isinstance(part, Literal) for part in behind):
        return
    until = " or ".join(map(repr, getattr(parts[len(before)], "until", ())))
    warnings.warn(
        f"free text without a limit goes on until {until}, and something else follows: a model "
        "that likes to talk uses up max_tokens, and only the shortest text of what follows is "
        "left. Give free(max_tokens=...) what it may use, or max_chars=",
        UnlimitedTextWarning,
        stacklevel=4,
    )


def _is_unlimited(part: Constraint) -> bool:
    return isinstance(part, Free) and part.max_tokens is None and part.max_chars is None
