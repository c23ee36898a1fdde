"""Any text up to the first of some words, as a byte matcher. Tokens are counted in ``free.py``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from condit.constraint.algebra.utf8 import COMPLETION, NEXT, REFUSED, is_lead
from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.spelling import UTF8_BYTES


class Written(NamedTuple):
    """What matters of a free text.

    Attributes:
        tail: the longest end of the text with which one of the words begins.
        character: the state of ``utf8.py``.
        counted: how many characters there are before the tail; 0 where they are not counted.
    """

    tail: bytes = b""
    character: int = 0
    counted: int = 0


@dataclass(frozen=True)
class FreeMachine(ByteMatcher[Written]):
    """Texts in UTF-8 that end with a word of ``until``, and hold no word before.

    Attributes:
        until: the words that end a text, none of which holds another; where there are none, it may
            end after any character.
        never: words that it may not hold at all.
        most: how many characters may come before the word that ends it; ``None``: any number.
    """

    until: tuple[bytes, ...]
    never: tuple[bytes, ...] = ()
    most: int | None = None
    start = Written()
    strength = Strength.EXACT
    alphabet: Collection[int] = UTF8_BYTES
    _beginnings: frozenset[bytes] = field(init=False, repr=False, compare=False)
    _steps: dict[tuple[bytes, int, int], Written | None] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        words = (*self.until, *self.never)
        beginnings = {word[:size] for word in words for size in range(1, len(word) + 1)}
        object.__setattr__(self, "_beginnings", frozenset(beginnings))
        object.__setattr__(self, "_steps", {})

    def next(self, state: Written, byte: int) -> Written | None:
        """The tail grows, or loses its beginning, whose characters then count."""
        if self.most is not None:
            return self._next(state, byte)
        # Without a count there are few states: what follows each is kept.
        key = (state.tail, state.character, byte)
        try:
            return self._steps[key]
        except KeyError:
            return self._steps.setdefault(key, self._next(state, byte))

    def _next(self, state: Written, byte: int) -> Written | None:
        if state.tail and self._ends_with(state.tail, self.until):
            return None
        character = NEXT[state.character][byte]
        if character == REFUSED:
            return None
        text = tail = state.tail + bytes([byte])
        while tail and tail not in self._beginnings:
            tail = tail[1:]
        if tail and self.never and self._ends_with(tail, self.never):
            return None
        if self.most is None:
            return Written(tail, character)
        counted = state.counted + _characters(text[: len(text) - len(tail)])
        return Written(tail, character, counted) if counted <= self.most else None

    @staticmethod
    def _ends_with(tail: bytes, words: tuple[bytes, ...]) -> bool:
        return any(map(tail.endswith, words))

    def may_stop(self, state: Written) -> bool:
        """Behind a word that ends a text; where there is none, between characters."""
        if not self.until:
            left = self.most is None or state.counted + _characters(state.tail) <= self.most
            return state.character == 0 and left
        return bool(state.tail) and self._ends_with(state.tail, self.until)

    def options(self, state: Written) -> tuple[int, ...] | None:
        """None behind a word that ends a text; else they have to be asked about."""
        return () if state.tail and self._ends_with(state.tail, self.until) else None

    def near(self, state: Written, length: int) -> Written:
        """Far from the limit the count does not matter."""
        if self.most is None or self.most - state.counted <= length + len(state.tail):
            return state
        return state._replace(counted=0)

    def ending(self, state: Written) -> bytes | None:
        """What is left of a word that ends a text, and of a character."""
        rest = COMPLETION[state.character]
        tried = [rest] if not self.until else []
        for word in self.until:
            lengths = range(min(len(word), len(state.tail)), -1, -1)
            tried += [word[size:] for size in lengths if state.tail.endswith(word[:size])]
            tried.append(rest + word)
        return next((each for each in sorted(tried, key=len) if self._finishes(state, each)), None)

    def _finishes(self, state: Written, text: bytes) -> bool:
        here: Written | None = state
        for byte in text:
            here = self.next(here, byte)  # type: ignore[arg-type]
            if here is None:
                return False
        return self.may_stop(here)  # type: ignore[arg-type]

    def explain(self, state: Written, byte: int | None) -> str:
        """Which word is missing, or which limit is reached."""
        words = " or ".join(repr(word.decode()) for word in self.until)
        if byte is None:
            return f"a free text goes on until {words}" if self.until else "a character is cut"
        full = self.most is not None and state.counted >= self.most
        return f"{self.most} characters are written" if full else ""


def _characters(text: bytes) -> int:
    return sum(map(is_lead, text))
