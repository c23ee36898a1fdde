"""A byte matcher for the texts of an automaton that have at most so many characters.

The table of both conditions would have as many states as their product.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import ByteTable


@dataclass(frozen=True)
class Limited(ByteMatcher[tuple[int, int]]):
    """Texts of ``inner`` of at most ``most`` characters. A state: how many, and that of ``inner``.

    Attributes:
        inner: the automaton.
        most: the limit.
    """

    inner: ByteTable
    most: int
    _left: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """For each state of ``inner`` the characters of its ending."""
    _most_left: int = field(init=False, repr=False, compare=False)
    start = (0, 0)
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        endings = map(self.inner.ending, range(len(self.inner.rows)))
        left = tuple(sum(map(_begins, ending)) for ending in endings)
        object.__setattr__(self, "_left", left)
        object.__setattr__(self, "_most_left", max(left))
        object.__setattr__(self, "alphabet", self.inner.alphabet)

    @property
    def is_empty(self) -> bool:
        """Whether there is no text at all."""
        return self.inner.is_empty or self._left[0] > self.most

    def next(self, state: tuple[int, int], byte: int) -> tuple[int, int] | None:
        """The state after ``byte``; refused where what must follow would be too long."""
        size, inner = state
        after = self.inner.next(inner, byte)
        size += _begins(byte)
        if after is None or size + self._left[after] > self.most:
            return None
        return size, after

    def may_stop(self, state: tuple[int, int]) -> bool:
        """Whether the automaton may."""
        return self.inner.may_stop(state[1])

    def options(self, state: tuple[int, int]) -> list[int]:
        """The bytes that may come next."""
        inner = self.inner.options(state[1])
        return [byte for byte in inner if self.next(state, byte) is not None]

    def near(self, state: tuple[int, int], length: int) -> tuple[int, int]:
        """Far from the limit, the bytes so far make no difference."""
        size, inner = state
        return (0, inner) if size + length + self._most_left <= self.most else state

    def ending(self, state: tuple[int, int]) -> bytes:
        """A shortest ending."""
        return self.inner.ending(state[1])

    def explain(self, state: tuple[int, int], byte: int | None) -> str:
        """Why a byte is refused that only the limit forbids."""
        if byte is None or self.inner.next(state[1], byte) is None:
            return ""
        return f"the text may have {self.most} characters at most"

    def longest(self) -> int:
        """The most bytes that a text may have, or more."""
        limit = self.most if max(self.alphabet, default=0) < 0x80 else 4 * self.most
        longest = self.inner.longest()
        return limit if longest is None else min(limit, longest)


def _begins(byte: int) -> bool:
    """Whether a character begins with a byte."""
    return byte & 0xC0 != 0x80
