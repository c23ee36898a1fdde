"""Which clause of a specification fails at which event, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from condit.constraint.base import Violation
from condit.temporal.automaton import Automaton
from condit.temporal.formula import Formula
from condit.temporal.semantics import Trace, holds

_SHOWN = 4


@dataclass(frozen=True)
class Happened:
    """An event of a transcript.

    Attributes:
        event: its name.
        text: what was written of it; empty where only names were given.
        position: the character at which it begins; ``None`` where only names were given.
    """

    event: str
    text: str = ""
    position: int | None = None


@dataclass(frozen=True)
class Failure:
    """A clause that a transcript does not satisfy.

    Attributes:
        clause: its number, counted from 1.
        formula: what it says.
        index: the number of the event at which it fails, counted from 1; one more than there are
            where it fails because the transcript ends.
        event: the name of that event; ``None`` at the end.
        reason: why, in one sentence.
        position: the character at which it fails; ``None`` where only names were given.
    """

    clause: int
    formula: str
    index: int
    event: str | None
    reason: str
    position: int | None = None

    def __str__(self) -> str:
        where = "the end" if self.event is None else f"event {self.index}, {self.event}"
        return f"clause {self.clause}, {self.formula}, fails at {where}: {self.reason}"


@dataclass(frozen=True)
class Validation:
    """What a specification says of a transcript; true where it is satisfied.

    Attributes:
        events: how the transcript was read.
        failures: the clauses that it does not satisfy, the one that fails first at first.
        unread: why it is no row of events at all; then there are no failures.
    """

    events: tuple[Happened, ...]
    failures: tuple[Failure, ...] = ()
    unread: Violation | None = None

    def __bool__(self) -> bool:
        return not self.failures and self.unread is None

    def __str__(self) -> str:
        if self.unread is not None:
            return str(self.unread)
        return "\n".join(map(str, self.failures)) or "satisfied"

    @property
    def violation(self) -> Violation | None:
        """The first thing that is wrong."""
        if self.unread is not None or not self.failures:
            return self.unread
        first = self.failures[0]
        return Violation(str(first), first.position)


def failures(
    clauses: Sequence[tuple[Formula, Automaton]],
    events: Sequence[Happened],
    trace: Trace,
    end: int | None,
) -> tuple[Failure, ...]:
    """The clauses that events do not satisfy.

    Whether one is satisfied is decided by the definition; its automaton only tells where it fails.

    Args:
        clauses: each with its automaton.
        events: what happened.
        trace: the names that are true of each event.
        end: the length of the text; ``None`` where there is none.
    """
    found = [
        _failure(number, formula, automaton, events, end)
        for number, (formula, automaton) in enumerate(clauses, 1)
        if not holds(formula, trace)
    ]
    return tuple(sorted(found, key=lambda each: each.index))


def _failure(
    number: int,
    formula: Formula,
    automaton: Automaton,
    events: Sequence[Happened],
    end: int | None,
) -> Failure:
    state = 0
    for index, happened in enumerate(events, 1):
        after = automaton.after(state, happened.event)
        if after not in automaton.live:
            reason = _refused(automaton, state, [each.event for each in events[:index]])
            event, position = happened.event, happened.position
            return Failure(number, str(formula), index, event, reason, position)
        state = after
    missing = automaton.completion(state) or ()
    reason = "a transcript has one event at least" if not events else "the transcript ends here"
    if missing:
        reason += f", and what is still missing may be as short as: {' '.join(missing)}"
    return Failure(number, str(formula), len(events) + 1, None, reason, end)


def _refused(automaton: Automaton, state: int, events: Sequence[str]) -> str:
    *before, event = events
    where = f"right after {before[-1]!r}" if before else "at the beginning"
    allowed = automaton.allowed(state)
    if not allowed:
        return "nothing satisfies this clause"
    some = " or ".join(map(repr, allowed[:_SHOWN])) + (", ..." if len(allowed) > _SHOWN else "")
    return f"{event!r} may not come {where}; what may: {some}"
