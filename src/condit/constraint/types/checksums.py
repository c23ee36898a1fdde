"""Byte matchers for numbers with check digits: a state is how many characters stand, and a sum.

What the check digits must be is computed along the way, so that no prefix is a dead end. Which
numbers there are is in ``checked_number.py`` and ``iban.py``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher

DIGITS = b"0123456789"
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Checksum(Protocol):
    """A sum over the characters, as a whole number from 0 on. Immutable and hashable.

    Attributes:
        opening: how many of the first characters a sum tells more of than a number.
        closing: how many of the last characters make up for any sum, whatever stands before.
    """

    opening: int
    closing: int

    @abstractmethod
    def after(self, place: int, total: int, byte: int) -> int | None:
        """The sum with the character at ``place``; ``None`` where it may not stand there."""

    @abstractmethod
    def is_good(self, total: int) -> bool:
        """Whether the sum of all characters is that of a number."""


@dataclass(frozen=True)
class Checked(ByteMatcher[tuple[int, int]]):
    """Numbers of a fixed length whose checksum is good. A state: the place, and the sum so far.

    Attributes:
        places: the characters that may stand at each place.
        checksum: the sum.
    """

    places: tuple[bytes, ...]
    checksum: Checksum
    _finishes: dict[tuple[int, int], bool] = field(init=False, repr=False, compare=False)
    start = (0, 0)
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        object.__setattr__(self, "_finishes", {})
        object.__setattr__(self, "alphabet", frozenset().union(*self.places))

    def next(self, state: tuple[int, int], byte: int) -> tuple[int, int] | None:
        """The state after ``byte``; refused where no check digits could make up for it."""
        after = self._after(state, byte)
        return after if after is not None and self._can_finish(after) else None

    def _after(self, state: tuple[int, int], byte: int) -> tuple[int, int] | None:
        place, total = state
        if place == len(self.places) or byte not in self.places[place]:
            return None
        after = self.checksum.after(place, total, byte)
        return None if after is None else (place + 1, after)

    def _can_finish(self, state: tuple[int, int]) -> bool:
        known = self._finishes.get(state)
        if known is None:
            known = self.may_stop(state)
            if state[0] < len(self.places):
                ways = (self._after(state, byte) for byte in self.places[state[0]])
                known = any(after is not None and self._can_finish(after) for after in ways)
            self._finishes[state] = known
        return known

    def may_stop(self, state: tuple[int, int]) -> bool:
        """At the last place, where the checksum is good."""
        return state[0] == len(self.places) and self.checksum.is_good(state[1])

    def options(self, state: tuple[int, int]) -> list[int]:
        """The characters that may come next."""
        if state[0] == len(self.places):
            return []
        return [byte for byte in self.places[state[0]] if self.next(state, byte) is not None]

    def near(self, state: tuple[int, int], length: int) -> tuple[int, int]:
        """Far from the check digits, the sum makes no difference."""
        place, checksum = state[0], self.checksum
        digits = self.places[-checksum.closing :]
        far = checksum.opening <= place <= len(self.places) - checksum.closing - length
        return (place, 0) if far and all(set(DIGITS) <= set(each) for each in digits) else state

    def ending(self, state: tuple[int, int]) -> bytes:
        """The first that there is."""
        found = bytearray()
        while not self.may_stop(state):
            found.append(self.options(state)[0])
            state = self.next(state, found[-1]) or state
        return bytes(found)

    def explain(self, state: tuple[int, int], byte: int | None) -> str:
        """Why a byte is refused that only the checksum forbids."""
        if byte is None or self._after(state, byte) is None:
            return ""
        return "the check digits would not be those of the other characters"


@dataclass(frozen=True)
class Weighted(Checksum):
    """A sum of what each character stands for, modulo a number.

    Attributes:
        addends: for each place, what each character adds.
        modulus: the number; the sum is good if it divides it.
    """

    addends: tuple[tuple[int, ...], ...]
    modulus: int
    opening, closing = 0, 1

    @classmethod
    def of_digits(cls, weights: Collection[int], modulus: int) -> Weighted:
        """Weights of digits, ``X`` being 10, and hyphens nothing."""
        values = {byte: int(chr(byte)) for byte in DIGITS} | {ord("X"): 10}
        table = tuple(
            tuple(weight * values.get(byte, 0) % modulus for byte in range(128))
            for weight in weights
        )
        return cls(table, modulus)

    def after(self, place: int, total: int, byte: int) -> int:
        """The sum, modulo the number."""
        return (total + self.addends[place][byte]) % self.modulus

    def is_good(self, total: int) -> bool:
        """Whether it is 0."""
        return total == 0


_VALUES: Mapping[int, int] = {byte: number for number, byte in enumerate(DIGITS + LETTERS)}
_TENS = {ord("0"): 1, ord("9"): 2}
"""First check digits of which not every second one may follow."""


def _is_check(tens: int, byte: int) -> bool:
    """Whether check digits are from 02 to 98, by what ``_TENS`` says of the first."""
    return not (tens == 1 and byte in b"01") and not (tens == 2 and byte == ord("9"))


def _appended(total: int, byte: int) -> int:
    """A number modulo 97 with one more character, a letter being two digits."""
    value = _VALUES[byte]
    return (total * (10 if value < 10 else 100) + value) % 97


@dataclass(frozen=True)
class Mod97(Checksum):
    """ISO 7064 mod 97-10, with the two check digits at the end.

    Attributes:
        size: the number of characters.
    """

    size: int
    opening, closing = 0, 2

    def after(self, place: int, total: int, byte: int) -> int | None:
        """The number modulo 97; before the last digit with what the first check digit was."""
        tens, total = divmod(total, 97)
        if not _is_check(tens, byte):
            return None
        tens = _TENS.get(byte, 0) if place == self.size - 2 else 0
        return 97 * tens + _appended(total, byte)

    def is_good(self, total: int) -> bool:
        """Whether it is 1."""
        return total == 1


@dataclass(frozen=True)
class IbanSum(Checksum):
    """The same for numbers whose first four characters, two of them check digits, count as last.

    A sum is the number behind the fourth character, modulo 97, times 97, and that of these four.
    """

    opening, closing = 4, 2

    def after(self, place: int, total: int, byte: int) -> int | None:
        """Both numbers modulo 97; at the fourth character with what the third was."""
        if place >= 4:
            rest, head = divmod(total, 97)
            return 97 * _appended(rest, byte) + head
        tens, head = divmod(total, 97)
        if not _is_check(tens, byte):
            return None
        return 97 * (_TENS.get(byte, 0) if place == 2 else 0) + _appended(head, byte)

    def is_good(self, total: int) -> bool:
        """Whether both one after the other are 1."""
        rest, head = divmod(total, 97)
        return (rest * 10**6 + head) % 97 == 1


@dataclass(frozen=True)
class Luhn(ByteMatcher[tuple[int, int, int]]):
    """Digits whose Luhn sum is 0. A state: how many, the sum, and the sum if one more followed.

    Attributes:
        least: the least count of digits.
        most: the greatest.
    """

    least: int
    most: int
    start = (0, 0, 0)
    strength = Strength.EXACT
    alphabet = DIGITS

    def next(self, state: tuple[int, int, int], byte: int) -> tuple[int, int, int] | None:
        """The state after a digit; the last one must make the sum 0."""
        count, plain, doubled = state
        if byte not in DIGITS or count == self.most:
            return None
        digit = byte - ord("0")
        after = (doubled + digit) % 10, (plain + sum(divmod(2 * digit, 10))) % 10
        return None if count + 1 == self.most and after[0] else (count + 1, *after)

    def may_stop(self, state: tuple[int, int, int]) -> bool:
        """Where there are enough digits, and the sum is 0."""
        return state[0] >= self.least and state[1] == 0

    def near(self, state: tuple[int, int, int], length: int) -> tuple[int, int, int]:
        """Far from the greatest count all digits may come."""
        return (0, 0, 0) if state[0] + length < self.most else state

    def ending(self, state: tuple[int, int, int]) -> bytes:
        """Zeros up to the least count, and a check digit."""
        count, _, doubled = state
        if self.may_stop(state):
            return b""
        if count + 1 < self.least:
            after = self.next(state, ord("0"))
            return b"0" + self.ending(after) if after else b""
        return bytes([ord("0") + -doubled % 10])

    def explain(self, state: tuple[int, int, int], byte: int | None) -> str:
        """Why a digit is refused as the last one."""
        refused = byte is not None and byte in DIGITS and state[0] + 1 == self.most
        return "it is not the check digit of the others" if refused else ""
