"""A byte matcher for the texts of an automaton that have at most so many bytes, or characters.

The automaton of both conditions would have as many states as their product.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import ByteTable


@dataclass(frozen=True)
class Limited(ByteMatcher[tuple[int, int]]):
    """Texts of ``inner`` of at most ``most`` bytes. A state: how many, and that of ``inner``.

    Attributes:
        inner: the automaton, which has a text that is short enough.
        most: the limit.
        characters: whether characters are counted, not bytes.
    """

    inner: ByteTable
    most: int
    characters: bool = False
    _longest_ending: int = field(init=False, repr=False)
    start = (0, 0)
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        endings = (self._size(self.inner.ending(state)) for state in range(len(self.inner.rows)))
        object.__setattr__(self, "_longest_ending", max(endings))
        object.__setattr__(self, "alphabet", self.inner.alphabet)

    def _size(self, text: bytes) -> int:
        return sum(byte & 0xC0 != 0x80 for byte in text) if self.characters else len(text)

    @property
    def is_empty(self) -> bool:
        """Whether there is no text at all."""
        return self.inner.is_empty or self._size(self.inner.ending(0)) > self.most

    def next(self, state: tuple[int, int], byte: int) -> tuple[int, int] | None:
        """The state after ``byte``; refused where what must follow would be too long."""
        size, inner = state
        after = self.inner.next(inner, byte)
        size += byte & 0xC0 != 0x80 or not self.characters
        if after is None or size + self._size(self.inner.ending(after)) > self.most:
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
        return (0, inner) if size + length + self._longest_ending <= self.most else state

    def ending(self, state: tuple[int, int]) -> bytes:
        """A shortest ending."""
        return self.inner.ending(state[1])

    def explain(self, state: tuple[int, int], byte: int | None) -> str:
        """Why a byte is refused that only the limit forbids."""
        if byte is None or self.inner.next(state[1], byte) is None:
            return ""
        unit = "characters" if self.characters else "bytes"
        return f"the text may have {self.most} {unit} at most"
