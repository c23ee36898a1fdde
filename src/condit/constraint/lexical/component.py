"""One rule as a small automaton over classes of characters, with one counter.

Each step may add to the counter; a text is right where the automaton may stop and the count is
within its bounds. Of a count only what makes a difference is kept: it stops growing at its lower
bound where it has no upper one. ``viable`` says exactly from which states and counts the text can
still become right, as far as this rule alone is asked. Tokens are in ``tables.py``, several rules
together in ``matcher.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from condit.constraint.lexical.alphabet import Alphabet, Members
from condit.errors import ConstraintTooComplexError

State = TypeVar("State", bound=Hashable)

_MOST_STATES = 20_000


@dataclass(frozen=True, eq=False)
class Component:
    """A rule about texts.

    Attributes:
        alphabet: its classes of characters.
        steps: the state after a character of each class, shape ``(states, classes)``; -1 where it
            may not come. A text begins at state 0.
        gains: what each step adds to the counter; the same shape.
        stops: what ending at each state adds to it; -1 where the text may not stop.
        least: the lower bound of the counter.
        most: the upper bound; ``None``: none.
    """

    alphabet: Alphabet
    steps: NDArray[np.int32]
    gains: NDArray[np.uint8]
    stops: tuple[int, ...]
    least: int = 0
    most: int | None = None
    _partial: dict[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def explored(
        cls,
        sets: Sequence[Members],
        start: State,
        step: Callable[[State, int], tuple[State, int] | None],
        stop: Callable[[State], int | None],
        *,
        least: int = 0,
        most: int | None = None,
    ) -> Component:
        """The component of a state machine given as functions.

        Args:
            sets: the classes of characters; that of all others has the number ``len(sets)``.
            start: where a text begins.
            step: of a state and a class, the state after it and what it adds to the counter;
                ``None`` where it may not come.
            stop: what ending at a state adds to the counter; ``None`` where it may not.
            least: the lower bound of the counter.
            most: the upper bound.

        Raises:
            ConstraintTooComplexError: there are too many states.
        """
        alphabet = Alphabet.of(sets)
        numbers: dict[State, int] = {start: 0}
        states, steps, gains = [start], [], []
        for state in states:
            row, gained = [], []
            for number in range(alphabet.size):
                after = step(state, number)
                if after is None:
                    row.append(-1)
                    gained.append(0)
                    continue
                if after[0] not in numbers:
                    numbers[after[0]] = len(states)
                    states.append(after[0])
                row.append(numbers[after[0]])
                gained.append(after[1])
            steps.append(row)
            gains.append(gained)
            if len(states) > _MOST_STATES:
                raise ConstraintTooComplexError(
                    f"a rule about text takes more than {_MOST_STATES:,} states: make it smaller"
                )
        ends = (stop(state) for state in states)
        return cls(
            alphabet,
            np.array(steps, dtype=np.int32),
            np.array(gains, dtype=np.uint8),
            tuple(-1 if end is None else end for end in ends),
            least,
            most,
        )

    @property
    def cap(self) -> int:
        """The largest count that is told apart from larger ones; one above ``most`` is refused."""
        return self.least if self.most is None else self.most

    @property
    def nodes(self) -> int:
        """How many places within characters there are, that between them included."""
        return len(self.alphabet.steps)

    def counted(self, count: int, gain: int) -> int:
        """The count after a gain; above ``cap`` only where that is refused."""
        count += gain
        return min(count, self.least) if self.most is None else count

    @cached_property
    def viable(self) -> tuple[int, ...]:
        """For each state between characters the counts, as bits, from which a text can be right."""
        found = [0] * len(self.stops)
        for state, gain in enumerate(self.stops):
            if gain >= 0:
                found[state] = self._before(self._right, gain)
        into: list[set[tuple[int, int]]] = [set() for _ in self.stops]
        for state, number in zip(*np.nonzero(self.steps >= 0), strict=True):
            edge = (int(state), int(self.gains[state, number]))
            into[int(self.steps[state, number])].add(edge)
        waiting = [state for state, bits in enumerate(found) if bits]
        while waiting:
            after = waiting.pop()
            for state, gain in into[after]:
                bits = found[state] | self._before(found[after], gain)
                if bits != found[state]:
                    found[state] = bits
                    waiting.append(state)
        return tuple(found)

    @cached_property
    def _right(self) -> int:
        """The counts within the bounds, as bits."""
        return (1 << self.cap + 1) - (1 << self.least)

    def _before(self, counts: int, gain: int) -> int:
        """The counts from which a gain leads to one of ``counts``."""
        found = counts >> gain
        if self.most is None and counts >> self.cap & 1:
            found |= (1 << self.cap + 1) - (1 << max(0, self.cap - gain))
        return found

    def viable_at(self, row: int) -> int:
        """As ``viable``, also within a character; rows are ``state * nodes + node``."""
        state, node = divmod(row, self.nodes)
        if not node:
            return self.viable[state]
        if row not in self._partial:
            found = 0
            for number in self.alphabet.ahead[node]:
                after = int(self.steps[state, number])
                if after >= 0:
                    found |= self._before(self.viable[after], int(self.gains[state, number]))
            self._partial[row] = found
        return self._partial[row]

    def after_bytes(self, row: int, text: bytes) -> tuple[int, int] | None:
        """The row after some bytes and what they add to the counter; ``None``: refused."""
        state, node = divmod(row, self.nodes)
        steps, gained = self.alphabet.steps, 0
        for byte in text:
            node = int(steps[node, byte])
            if node < 0:
                if node == -1:
                    return None
                number = -2 - node
                gained += int(self.gains[state, number])
                state = int(self.steps[state, number])
                if state < 0:
                    return None
                node = 0
        return state * self.nodes + node, gained

    def stops_at(self, row: int, count: int) -> bool:
        """Whether a text may stop here with this count."""
        state, node = divmod(row, self.nodes)
        if node or self.stops[state] < 0:
            return False
        count = self.counted(count, self.stops[state])
        return self.least <= count <= self.cap

    @cached_property
    def distances(self) -> dict[tuple[int, int], int]:
        """For each state and count the fewest characters after which the text is right."""
        into: list[set[tuple[int, int]]] = [set() for _ in self.stops]
        for state, number in zip(*np.nonzero(self.steps >= 0), strict=True):
            edge = (int(state), int(self.gains[state, number]))
            into[int(self.steps[state, number])].add(edge)
        found: dict[tuple[int, int], int] = {}
        waiting: list[tuple[int, int, int]] = []
        for state, gain in enumerate(self.stops):
            if gain >= 0:
                counts = self._before(self._right, gain)
                for count in range(self.cap + 1):
                    if counts >> count & 1:
                        heappush(waiting, (0, state, count))
        while waiting:
            far, state, count = heappop(waiting)
            if (state, count) in found:
                continue
            found[state, count] = far
            for before, gain in into[state]:
                for lower in self._counts_before(count, gain):
                    if (before, lower) not in found:
                        heappush(waiting, (far + 1, before, lower))
        return found

    def _counts_before(self, count: int, gain: int) -> Sequence[int]:
        if self.most is None and count == self.cap:
            return range(max(0, count - gain), count + 1)
        return (count - gain,) if count >= gain else ()

    def follow(self, text: str) -> tuple[int, int, int]:
        """How far a text can be followed: characters, and the state and count there."""
        state, count = 0, 0
        for place, number in enumerate(self.alphabet.classes(text)):
            after = int(self.steps[state, number])
            if after < 0:
                return place, state, count
            gained = self.counted(count, int(self.gains[state, number]))
            if gained > self.cap or not self.viable[after] >> gained & 1:
                return place, state, count
            state, count = after, gained
        return len(text), state, count
