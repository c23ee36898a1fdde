"""What is known of a byte matcher's transitions, with its states numbered, as one table.

The table is bounded: where it is full, it is emptied before the next walk begins. It does not know
tokens.
"""

from __future__ import annotations

from typing import Generic

import numpy as np
from numpy.typing import NDArray

from condit.constraint.byte_matcher import ByteMatcher, State

REFUSED = 0
"""The number that no state has."""

_UNKNOWN = -1

Numbers = NDArray[np.int32]


class TooManyStatesError(Exception):
    """More states were met than were granted."""


class ByteTransitions(Generic[State]):
    """The transitions of one byte matcher that were asked for so far.

    Args:
        most: how many states may be met after ``begin``.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Room for the states of a walk beside as many from before. A walk that meets too many is
        # broken off with at most twice as many as are granted.
        self._room = 3 * most + 2
        self._forget()

    def _forget(self) -> None:
        self._states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._rows = np.zeros((64, 256), dtype=np.int32)
        self._begun: set[int] = set()

    def begin(self, state: State) -> int:
        """The number of ``state``; numbers given before no longer hold."""
        if len(self._states) > self._most:
            self._forget()
        self._met = np.zeros(self._room, dtype=np.bool_)
        return self._number(state)

    def after(self, machine: ByteMatcher[State], keys: Numbers) -> Numbers:
        """The numbers of the states after some bytes; ``REFUSED`` where the byte may not come.

        Args:
            machine: the byte matcher.
            keys: 256 times the number of a state, plus the byte.

        Raises:
            TooManyStatesError: too many were met since ``begin``, whatever was known before.
        """
        found = self._rows.reshape(-1).take(keys)
        if len(found) and found.min() < 0:
            self._ask(machine, np.unique(keys[found < 0]).tolist())
            found = self._rows.reshape(-1).take(keys)
        self._met[found] = True
        self.check()
        return found

    def after_one(self, machine: ByteMatcher[State], number: int, byte: int) -> int:
        """The same for a single byte; ``check`` is left to the caller."""
        found = self._rows.item(number, byte)
        if found == _UNKNOWN:
            self._ask(machine, [256 * number + byte])
            found = self._rows.item(number, byte)
        self._met[found] = True
        return found

    def check(self) -> None:
        """Raise `TooManyStatesError` where too many states were met since ``begin``."""
        if np.count_nonzero(self._met[1:]) > self._most:
            raise TooManyStatesError

    def _ask(self, machine: ByteMatcher[State], keys: list[int]) -> None:
        before = len(self._states)
        for key in keys:
            number, byte = divmod(key, 256)
            state = self._states[number - 1]
            if number not in self._begun:
                self._begun.add(number)
                options = machine.options(state)
                if options is not None:
                    self._rows[number] = REFUSED
                    self._rows[number, list(options)] = _UNKNOWN
            if self._rows[number, byte] == _UNKNOWN:
                after = machine.next(state, byte)
                self._rows[number, byte] = REFUSED if after is None else self._number(after)
                if len(self._states) - before > self._most:
                    raise TooManyStatesError

    def _number(self, state: State) -> int:
        number = self._numbers.get(state)
        if number is None:
            self._states.append(state)
            number = self._numbers[state] = len(self._states)
            if number == len(self._rows):
                more = np.zeros((min(2 * number, self._room), 256), dtype=np.int32)
                more[:number] = self._rows
                self._rows = more
            self._rows[number] = _UNKNOWN
        return number
