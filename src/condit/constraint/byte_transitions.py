"""A transition table of a byte matcher, filled as it is asked (a lazily built automaton).

It is bounded: where it is full, it is emptied before the next walk begins. It knows no tokens.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from condit.constraint.byte_matcher import ByteMatcher, State, not_hashable

REFUSED = 0
"""In place of the number of a state, where a byte may not come."""

_UNKNOWN = -1

_OFTEN = 4
"""After so many questions with unknown answers the whole row of a state is filled."""

Numbers = NDArray[np.int32]


class TooManyStatesError(Exception):
    """A walk met more states than it may."""


class ByteTransitions(Generic[State]):
    """The transitions of one byte matcher that were asked for so far.

    States have multiples of 256 as numbers, so that adding a byte gives an index of the table.

    Args:
        most: how many states one walk (from ``begin`` to ``end``) may meet.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Room for as many states from before, for those that a walk meets, and for a row beside.
        self._room = 256 * (2 * most + 260)
        self._forget()

    def _forget(self) -> None:
        self._states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._table = np.zeros(64 * 256, dtype=np.int32)
        self._begun: set[int] = set()
        self._asked: Counter[int] = Counter()

    def begin(self, state: State) -> int:
        """Begin a walk at ``state``; returns its number. Earlier numbers may no longer be valid."""
        if len(self._states) > self._most:
            self._forget()
        self._met: list[Numbers] = []
        self._granted = len(self._states) + 1 + self._most
        return self._number(state)

    def end(self) -> None:
        """End the walk: free what was noted of the states that it met."""
        self._met = []

    def after(
        self, machine: ByteMatcher[State], keys: Numbers, out: Numbers | None = None
    ) -> Numbers:
        """The numbers of the states after some bytes; ``REFUSED`` where the byte may not come.

        Args:
            machine: the byte matcher.
            keys: for each question the number of a state plus a byte.
            out: where the numbers are written, if given; not to be changed before ``end``.

        Raises:
            TooManyStatesError: the walk met too many, whether or not they were in the table.
        """
        # Keys are always in the table; this mode alone writes to ``out`` without a copy.
        found: Numbers = self._table.take(keys, out=out, mode="clip")
        if len(found) and found.min() < 0:
            unknown = np.unique(keys[found < 0])
            self._ask(machine, unknown.tolist())
            self._complete(machine, np.unique(unknown & ~255).tolist())
            found = self._table.take(keys, out=out, mode="clip")
        self.meet(found)
        return found

    def after_one(self, machine: ByteMatcher[State], key: int) -> int:
        """The same for a single key; the caller must ``meet`` what it finds."""
        found = self._table.item(key)
        if found == _UNKNOWN:
            self._ask(machine, [key])
            found = self._table.item(key)
        return found

    def meet(self, numbers: Numbers) -> None:
        """Count these states as met since ``begin``.

        Raises:
            TooManyStatesError: they are too many.
        """
        self._met.append(numbers)
        # As long as there are no more states at all they need not be told apart.
        if len(self._states) > self._most:
            met = np.unique(np.concatenate(self._met))
            self._met = [met]
            if np.count_nonzero(met) > self._most:
                raise TooManyStatesError

    def _ask(self, machine: ByteMatcher[State], keys: list[int]) -> None:
        for key in keys:
            state, byte = self._states[(key >> 8) - 1], key & 255
            if key - byte not in self._begun:
                self._begun.add(key - byte)
                options = machine.options(state)
                if options is not None:
                    row = self._table[key - byte : key - byte + 256]
                    row[:] = REFUSED
                    row[list(options)] = _UNKNOWN
            if self._table[key] == _UNKNOWN:
                # In two steps, for the table may be another one then.
                found = self._ask_one(machine, state, byte)
                self._table[key] = found
                # All new states count as met: there are too many already.
                if len(self._states) > self._granted:
                    raise TooManyStatesError

    def _ask_one(self, machine: ByteMatcher[State], state: State, byte: int) -> int:
        after = machine.next(state, byte)
        return REFUSED if after is None else self._number(after)

    def _complete(self, machine: ByteMatcher[State], numbers: list[int]) -> None:
        """Fill the rows of states that were asked about ``_OFTEN`` times."""
        for number in numbers:
            self._asked[number] += 1
            if self._asked[number] == _OFTEN and len(self._states) < self._most:
                state, row = self._states[(number >> 8) - 1], self._table[number : number + 256]
                before = len(self._states)
                for byte in np.flatnonzero(row == _UNKNOWN).tolist():
                    found = self._ask_one(machine, state, byte)
                    self._table[number + byte] = found
                self._granted += len(self._states) - before  # these are not met

    def _number(self, state: State) -> int:
        try:
            number = self._numbers.get(state)
        except TypeError as error:
            raise not_hashable(state) from error
        if number is None:
            self._states.append(state)
            number = self._numbers[state] = 256 * len(self._states)
            if number == len(self._table):
                more = np.zeros(min(2 * number, self._room), dtype=np.int32)
                more[:number] = self._table
                self._table = more
            self._table[number : number + 256] = _UNKNOWN
        return number
