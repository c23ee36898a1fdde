"""Byte matchers for tests: an automaton, counters, and machines with very many states."""

from __future__ import annotations

from dataclasses import dataclass

from condit.constraint.base import Strength
from condit.constraint.boundary import Boundary
from condit.constraint.byte_matcher import ByteMatcher


@dataclass(frozen=True)
class Quoted(ByteMatcher[int]):
    """A text in quotation marks, with backslashes: most bytes leave it where it is."""

    start = 0
    strength = Strength.EXACT

    def next(self, state: int, byte: int) -> int | None:
        if state == 1:
            return 2 if byte == 34 else 3 if byte == 92 else 1 if byte >= 32 else None
        return 1 if state == 3 or (state == 0 and byte == 34) else None

    def may_stop(self, state: int) -> bool:
        return state == 2

    def options(self, state: int) -> tuple[int, ...] | None:
        return {0: (34,), 2: ()}.get(state)


@dataclass(frozen=True)
class AtMost(ByteMatcher[int]):
    """So many bytes at most, and no control characters: each byte leads to another state."""

    most: int
    start = 0
    strength = Strength.EXACT

    def next(self, state: int, byte: int) -> int | None:
        return state + 1 if state < self.most and byte >= 32 else None

    def may_stop(self, state: int) -> bool:
        return True


@dataclass(frozen=True)
class Counter(AtMost):
    """The same, which tells numbers apart only near the limit."""

    def near(self, state: int, length: int) -> int:
        return max(state, self.most - length)


@dataclass(frozen=True)
class Without(ByteMatcher[int]):
    """Texts in which a word does not occur; the state is how much of it has just been written."""

    word: bytes
    start = 0
    strength = Strength.EXACT

    def next(self, state: int, byte: int) -> int | None:
        tail = self.word[:state] + bytes([byte])
        while not self.word.startswith(tail):
            tail = tail[1:]
        return len(tail) if len(tail) < len(self.word) else None

    def may_stop(self, state: int) -> bool:
        return True


@dataclass(frozen=True)
class Twice(ByteMatcher[tuple[bytes, bytes | None]]):
    """A word, a line break, and the same word again: every word is a state of its own."""

    start = (b"", None)

    def next(
        self, state: tuple[bytes, bytes | None], byte: int
    ) -> tuple[bytes, bytes | None] | None:
        word, rest = state
        if rest is None:
            return (word, word) if byte == 10 else (word + bytes([byte]), None)
        return (b"", rest[1:]) if rest[:1] == bytes([byte]) else None

    def may_stop(self, state: tuple[bytes, bytes | None]) -> bool:
        return state[1] == b""

    def ending(self, state: tuple[bytes, bytes | None]) -> bytes:
        word, rest = state
        return b"\n" + word if rest is None else rest

    def boundary(self, state: tuple[bytes, bytes | None]) -> Boundary:
        return Boundary((0,), "word") if state[1] is None else Boundary((1,), "repetition")

    def explain(self, state: tuple[bytes, bytes | None], byte: int | None) -> str:
        return "" if state[1] is None else "the word must be repeated"


MACHINES: list[ByteMatcher[object]] = [
    Quoted(),  # type: ignore[list-item]
    AtMost(5),  # type: ignore[list-item]
    AtMost(300),  # type: ignore[list-item]
    Counter(5),  # type: ignore[list-item]
    Counter(300),  # type: ignore[list-item]
    Without(b"aba"),  # type: ignore[list-item]
    Twice(),  # type: ignore[list-item]
]
