"""Clauses walked side by side: states of their product are made as they are asked for.

Where the product of all clauses is too large to be written down, as with many deadlines at once,
this stands in for ``automaton.py``. A state is one state of each clause. Whether all clauses can
still be satisfied together is asked anew at each state that is reached, by ``search.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from condit.errors import ArgumentError
from condit.plugins import unknown
from condit.regular.table import Table
from condit.temporal.search import Search


class JointAutomaton:
    """What all of several automata accept. Safe to use from several threads.

    States are numbered as they are reached; 0 is that before the first event.

    Args:
        events: the names of all events.
        tables: for each clause its automaton over these events.
        labels: what each clause is called in messages.
        most: how many states one question may look at.
        without: numbers of events that do not happen at all.
    """

    def __init__(
        self,
        events: Sequence[str],
        tables: Sequence[Table],
        labels: Sequence[str],
        most: int,
        without: Collection[int] = (),
    ) -> None:
        self.events = tuple(events)
        self._tables, self._labels, self._most = tuple(tables), tuple(labels), most
        self._without = frozenset(without)
        self._search = Search(tables, labels, most, self._without)
        self._numbers = {self._search.start: 0}
        self._places = [self._search.start]
        self._steps: dict[int, dict[int, int]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.events, self._tables, self._labels, self._most, self._without)

    def without(self, letters: Collection[int]) -> JointAutomaton:
        """The same where some more events, by their numbers, do not happen."""
        gone = self._without.union(letters)
        return JointAutomaton(self.events, self._tables, self._labels, self._most, gone)

    def steps(self, state: int) -> dict[int, int]:
        """The state after each event, by its number, after which all can still be satisfied.

        Raises:
            ConstraintTooComplexError: that takes a search of too many states.
        """
        found = self._steps.get(state)
        if found is None:
            with self._lock:
                live = self._search.live_after(self._places[state])
                found = {letter: self._number(place) for letter, place in live.items()}
                self._steps[state] = found
        return found

    def _number(self, place: tuple[int, ...]) -> int:
        number = self._numbers.setdefault(place, len(self._places))
        if number == len(self._places):
            self._places.append(place)
        return number

    def __len__(self) -> int:
        """How many states were reached so far."""
        return len(self._places)

    def is_live(self) -> bool:
        """Whether any row of events satisfies all."""
        return self.completion() is not None

    def may_end(self, state: int) -> bool:
        """Whether a row of events may end at a state."""
        return self._search.accepts(self._places[state])

    def allowed(self, state: int) -> tuple[str, ...]:
        """The events after which a row of events can still be completed."""
        return tuple(self.events[letter] for letter in self.steps(state))

    def following(self, state: int, event: str) -> int | None:
        """The state after one more event; ``None`` where it may not come.

        Raises:
            ArgumentError: there is no such event.
        """
        if event not in self.events:
            raise ArgumentError(unknown("event", event, self.events))
        return self.steps(state).get(self.events.index(event))

    def completion(self, state: int = 0) -> tuple[str, ...] | None:
        """Few events that complete what has led to a state; ``None``: nothing does."""
        found = self.cheapest(state, (1,) * len(self.events))
        return None if found is None else tuple(self.events[letter] for letter in found)

    def cheapest(self, state: int, costs: Sequence[int | None]) -> tuple[int, ...] | None:
        """Numbers of events that complete what has led to a state, at a low cost.

        Args:
            state: the state.
            costs: what each event costs; ``None``: it is not to be used.

        Returns:
            the events; not always the cheapest, which may be hard to find. ``None``: none are.
        """
        with self._lock:
            return self._search.completion(self._places[state], tuple(costs))
