"""A byte matcher for the texts of an automaton that have at most so many bytes.

The automaton of both conditions would have as many states as their product.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.types.automaton import Automaton


@dataclass(frozen=True)
class Limited(ByteMatcher[tuple[int, int]]):
    """Texts of ``inner`` of at most ``most`` bytes. A state: how many, and that of ``inner``.

    Attributes:
        inner: the automaton, which has a text that is short enough.
        most: the limit.
    """

    inner: Automaton
    most: int
    _longest_ending: int = field(init=False, repr=False)
    start = (0, 0)
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        endings = (len(self.inner.ending(state)) for state in range(len(self.inner.rows)))
        object.__setattr__(self, "_longest_ending", max(endings))
        object.__setattr__(self, "alphabet", self.inner.alphabet)

    @property
    def is_empty(self) -> bool:
        """Whether there is no text at all."""
        return self.inner.is_empty or len(self.inner.ending(0)) > self.most

    def next(self, state: tuple[int, int], byte: int) -> tuple[int, int] | None:
        """The state after ``byte``; refused where what must follow would be too long."""
        size, inner = state
        after = self.inner.next(inner, byte)
        if after is None or size + 1 + len(self.inner.ending(after)) > self.most:
            return None
        return size + 1, after

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
        return (0, inner) if size + length + self._longest_ending <= self.most else state

    def ending(self, state: tuple[int, int]) -> bytes:
        """A shortest ending."""
        return self.inner.ending(state[1])

    def explain(self, state: tuple[int, int], byte: int | None) -> str:
        """Why a byte is refused that only the limit forbids."""
        if byte is None or self.inner.next(state[1], byte) is None:
            return ""
        return f"the text may have {self.most} bytes at most, and some must follow"
