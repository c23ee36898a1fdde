"""Follows events as they come, for programs that make them one by one: agents and their tools."""

from __future__ import annotations

from condit.errors import ArgumentError
from condit.temporal.automaton import Automaton
from condit.temporal.joint import JointAutomaton


class Monitor:
    """Where a row of events stands.

    Args:
        automaton: the automaton of a specification.
    """

    def __init__(self, automaton: Automaton | JointAutomaton) -> None:
        self._automaton = automaton
        self._state = 0

    @property
    def state(self) -> int:
        """The state of the automaton."""
        return self._state

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that may come next: after each the row can be completed."""
        return self._automaton.allowed(self._state)

    @property
    def may_end(self) -> bool:
        """Whether the row satisfies the specification as it is."""
        return self._automaton.may_end(self._state)

    @property
    def completion(self) -> tuple[str, ...]:
        """The fewest events that would complete the row.

        Where the automaton of all clauses is too large to be written down: few events.
        """
        return self._automaton.completion(self._state) or ()

    def advance(self, event: str) -> None:
        """Append an event.

        Raises:
            ArgumentError: it may not come here, or there is no such event; nothing has changed.
        """
        after = self._automaton.following(self._state, event)
        if after is None:
            allowed = ", ".join(self.allowed) or "nothing"
            raise ArgumentError(f"the event {event!r} may not come here; what may: {allowed}")
        self._state = after

    def copy(self) -> Monitor:
        """Another one in the same state."""
        twin = Monitor(self._automaton)
        twin._state = self._state
        return twin
