"""A formula over events as a constraint of text: the transcripts in which it is true.

The text of each event is a constraint of its own; the automaton of the formula says which may
follow, as a layout of ``constraint/algebra``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.labels import listed, wanted
from condit.constraint.algebra.layout import Layout, Step
from condit.constraint.algebra.splits import Piece, Splits
from condit.constraint.base import Constraint, Matcher, Violation
from condit.errors import (
    ArgumentError,
    ConstraintTooComplexError,
    SwallowedEventWarning,
    UnknownNameError,
    UnsatisfiableError,
)
from condit.plugins import unknown
from condit.temporal.automaton import Automaton, difference, intersection
from condit.temporal.formula import Formula, joined, named, negation
from condit.temporal.joint import JointAutomaton
from condit.temporal.joint_layout import JointLayout
from condit.temporal.monitor import Monitor
from condit.temporal.parser import checked_depth, parse
from condit.temporal.progression import compile_formula
from condit.temporal.semantics import holds
from condit.temporal.swallowing import swallowed_by
from condit.temporal.validation import Happened, Validation, failures
from condit.vocabulary import Vocabulary

MOST_STATES = 4096
"""So many states are looked at for one clause, and for two that are joined."""

_MOST_READINGS = 64


def checked_formula(formula: str | Formula, known: Collection[str]) -> Formula:
    """A formula that is a text, or was made in Python, whose names are all known.

    Raises:
        ArgumentError: it is neither, or nested too deeply.
        CompileError: the text does not parse.
        UnknownNameError: a name in it is not among the known ones.
    """
    if isinstance(formula, Formula):
        found = checked_depth(formula)
    elif isinstance(formula, str):
        found = parse(formula)
    else:
        raise ArgumentError(f"ltlf: {formula!r} is no formula: give a text, or one made in Python")
    for name in found.names():
        if name not in known:
            raise UnknownNameError(f"ltlf: {unknown('event or label', name, known)}")
    return found


@dataclass(frozen=True)
class Comparison:
    """Whether something is so of two specifications; true or false as it is.

    Attributes:
        holds: whether it is so.
        counterexample: a shortest row of events that shows that it is not, or a short one where the
            automata are too large to be written down; ``None`` where it is.
    """

    holds: bool
    counterexample: tuple[str, ...] | None = None

    def __bool__(self) -> bool:
        return self.holds


@dataclass(frozen=True)
class Ltlf(Chained):
    """Transcripts of events that satisfy a formula; made by ``ltlf``.

    ``~spec`` are the transcripts of the same events that do not satisfy it, and ``&`` and ``|`` of
    two with the same events are again of this kind. The value of a text is a tuple of its events,
    each as a `Valued`.

    Attributes:
        formula: the formula.
        parts: for each event what its text must satisfy.
        events: the names of the events.
        true_names: for each event the names that are true of it.
        given: the names of those whose text comes from outside.
        most_states: how many states are looked at, at most.
    """

    formula: Formula
    parts: tuple[Constraint, ...]
    events: tuple[str, ...]
    true_names: tuple[frozenset[str], ...]
    given: frozenset[str] = frozenset()
    most_states: int = field(default=MOST_STATES, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The formula, for messages."""
        return str(self.formula)

    @property
    def clauses(self) -> tuple[Formula, ...]:
        """The formulas that all must hold."""
        return self.formula.clauses

    @cached_property
    def clause_automata(self) -> tuple[Automaton, ...]:
        """For each clause its own automaton.

        Raises:
            ConstraintTooComplexError: one has more than ``most_states`` states.
        """
        return tuple(
            Automaton(self.events, compile_formula(each, self.true_names, self.most_states))
            for each in self.clauses
        )

    @cached_property
    def automaton(self) -> Automaton:
        """The smallest automaton of the whole formula.

        Raises:
            ConstraintTooComplexError: there are more than ``most_states`` states on the way to it.
        """
        return self._joined(range(len(self.clauses)))

    def _joined(self, clauses: Sequence[int]) -> Automaton:
        tables = [self.clause_automata[number].table for number in clauses]
        labels = [str(self.clauses[number]) for number in clauses]
        whole = intersection(tables, self.most_states, labels)
        return Automaton(self.events, whole)

    @cached_property
    def stepwise(self) -> Automaton | JointAutomaton:
        """What follows events: the automaton, or its clauses side by side where it is too large.

        Raises:
            ConstraintTooComplexError: one clause has more than ``most_states`` states.
        """
        return self._followed(range(len(self.clauses)))

    def _followed(self, clauses: Sequence[int]) -> Automaton | JointAutomaton:
        tables = [self.clause_automata[number].table for number in clauses]
        try:
            return self._joined(clauses)
        except ConstraintTooComplexError:
            labels = [str(self.clauses[number]) for number in clauses]
            return JointAutomaton(self.events, tables, labels, self.most_states)

    @cached_property
    def layout(self) -> Layout:
        """The automaton without what cannot be completed; circles have their places together."""
        if isinstance(self.stepwise, JointAutomaton):
            return JointLayout(self.stepwise)
        table, live = self.automaton.table, self.automaton.states
        reached = {state: 1 << state for state in live}
        before: dict[int, int] = {}
        while before != reached:
            before = dict(reached)
            for state in reversed(live):
                for to in set(table[state][1]) & reached.keys():
                    reached[state] |= reached[to]
        # What reaches more comes first; of what reach the same, all are in one circle or in none.
        order = sorted(live, key=lambda each: (-reached[each].bit_count(), reached[each], each))
        places = {state: place for place, state in enumerate(order)}
        steps = tuple(
            tuple(Step(part, places[to]) for part, to in enumerate(table[state][1]) if to in places)
            for state in order
        )
        return Layout(steps, frozenset(places[each] for each in live if table[each][0]))

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """See ``Chained.bind``.

        Raises:
            UnsatisfiableError: no row of events satisfies the formula; the message names clauses
                that contradict each other.

        Warns:
            SwallowedEventWarning: the text of an event may go on over that of another.
        """
        if not self.stepwise.is_live():
            raise UnsatisfiableError(self._contradiction())
        self._warn_of_swallowed()
        return super().bind(vocabulary)

    def _warn_of_swallowed(self) -> None:
        for number, other in swallowed_by(self.parts).items():
            if any(each.is_last(self.events[number]) for each in self.clause_automata):
                continue
            name, swallowed = self.events[number], self.events[other]
            warnings.warn(
                f"the text of the event {name!r} has no end of its own, so that it may go on over "
                f"what looks like the event {swallowed!r}: the formula then knows of one event "
                f"where a reader sees two. End {name!r} with a delimiter, as in "
                'free(until="</end>"), or leave out what others begin with, as in regex("[^<]+")',
                SwallowedEventWarning,
                stacklevel=3,
            )

    def _contradiction(self) -> str:
        kept = list(range(len(self.clauses)))
        for number in tuple(kept):
            fewer = [each for each in kept if each != number]
            if fewer and not self._followed(fewer).is_live():
                kept = fewer
        said = [f"clause {number + 1}, {self.clauses[number]}" for number in kept]
        if len(said) == 1:
            return f"no row of events satisfies {said[0]}"
        return f"no row of events satisfies all of these: {'; '.join(said)}"

    def monitor(self) -> Monitor:
        """What follows events one by one, and tells which may come next."""
        return Monitor(self.stepwise)

    def validate(self, transcript: str | Sequence[str]) -> Validation:
        """Which clauses a transcript does not satisfy, at which events, and why.

        Args:
            transcript: a text, or the names of events in their order.

        Raises:
            ArgumentError: a name is that of no event, or ``transcript`` is neither.

        Warns:
            SwallowedEventWarning: the text of an event may go on over that of another.
        """
        if not isinstance(transcript, str | Iterable):
            raise ArgumentError(
                f"validate: {transcript!r} is no transcript: give its text, or names of events"
            )
        if not isinstance(transcript, str):
            return self._judged([Happened(each) for each in transcript], None)
        self._warn_of_swallowed()
        loop = Layout((tuple(Step(part, 0) for part in range(len(self.parts))),), frozenset((0,)))
        splits = Splits(loop, self.parts, transcript)
        if not splits.accepted:
            return Validation((), (), self._unread(transcript, splits.reached))
        readings = [self._happened(each) for each in splits.all_pieces(_MOST_READINGS)]
        for events in readings:
            if holds(self.formula, self._trace(events)):
                return Validation(tuple(events))
        if len(readings) == _MOST_READINGS:
            splits = Splits(self.layout, self.parts, transcript)
            if splits.accepted:
                return Validation(tuple(self._happened(splits.pieces())))
        return self._judged(readings[0], len(transcript))

    def _unread(self, text: str, start: int) -> Violation:
        """Why no event is written from an offset on: what the one says that fits furthest."""
        found = [
            (own.position or 0, -part, own.reason)
            for part, each in enumerate(self.parts)
            if (own := each.violation(text[start:])) is not None
        ]
        position, part, reason = max(found)
        if position == 0:
            return Violation(f"no event begins here, of {', '.join(self.events)}", start)
        return Violation(f"in {self.label(-part)}: {reason}", start + position)

    def _judged(self, events: Sequence[Happened], end: int | None) -> Validation:
        clauses = tuple(zip(self.clauses, self.clause_automata, strict=True))
        found = failures(clauses, events, self._trace(events), end)
        return Validation(tuple(events), found)

    def _happened(self, pieces: Iterable[Piece]) -> list[Happened]:
        found, position = [], 0
        for piece in pieces:
            found.append(Happened(self.events[piece.part], piece.text, position))
            position += len(piece.text)
        return found

    def _trace(self, events: Sequence[Happened]) -> list[frozenset[str]]:
        known = dict(zip(self.events, self.true_names, strict=True))
        for each in events:
            if each.event not in known:
                raise ArgumentError(unknown("event", each.event, self.events))
        return [known[each.event] for each in events]

    def accepts(self, text: str) -> bool:
        """Whether ``text`` is a row of events that satisfies the formula, by its definition."""
        return bool(self.validate(text))

    def violation(self, text: str) -> Violation | None:
        """The clause that fails first, and at which event; or where the text is no event."""
        return self.validate(text).violation

    def equivalent(self, other: Ltlf | Formula | str) -> Comparison:
        """Whether the same rows of events satisfy both.

        Args:
            other: a specification over the same events, or a formula.

        Raises:
            ArgumentError: it has other events.
        """
        other = self._comparable(other)
        try:
            return self._compared(other, lambda one, two: one != two)
        except ConstraintTooComplexError:
            found = self._stronger(other)
            return other._stronger(self) if found else found

    def implies(self, other: Ltlf | Formula | str) -> Comparison:
        """Whether every row of events that satisfies this one satisfies the other.

        Args:
            other: a specification over the same events, or a formula.

        Raises:
            ArgumentError: it has other events.
        """
        other = self._comparable(other)
        try:
            return self._compared(other, lambda one, two: one and not two)
        except ConstraintTooComplexError:
            return self._stronger(other)

    def _stronger(self, other: Ltlf) -> Comparison:
        """Whether no clause of the other can fail, where its automaton is too large."""
        for clause in other.clauses:
            found = replace(self, formula=joined("&", (self.formula, negation(clause))))
            events = found.stepwise.completion()
            if events is not None:
                return Comparison(False, events)
        return Comparison(True)

    def _comparable(self, other: Ltlf | Formula | str) -> Ltlf:
        if isinstance(other, str | Formula):
            known = frozenset().union(*self.true_names)
            other = replace(self, formula=checked_formula(other, known))
        if not isinstance(other, Ltlf) or not self._has_names_of(other):
            raise ArgumentError("only specifications with the same events and labels are compared")
        return other

    def _compared(self, other: Ltlf, differ: Callable[[bool, bool], bool]) -> Comparison:
        found = difference(self.automaton.table, other.automaton.table, differ)
        if found is None:
            return Comparison(True)
        return Comparison(False, tuple(self.events[letter] for letter in found))

    def _has_names_of(self, other: Ltlf) -> bool:
        return (self.events, self.true_names) == (other.events, other.true_names)

    def _is_alike(self, other: object) -> bool:
        return isinstance(other, Ltlf) and replace(other, formula=self.formula) == self

    def __and__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy both: with the same events again of this kind."""
        if isinstance(other, Ltlf) and self._is_alike(other):
            return replace(self, formula=joined("&", (self.formula, other.formula)))
        return super().__and__(other)

    def __or__(self, other: Constraint | str) -> Constraint:
        """The texts that satisfy one: with the same events again of this kind."""
        if isinstance(other, Ltlf) and self._is_alike(other):
            return replace(self, formula=joined("|", (self.formula, other.formula)))
        return super().__or__(other)

    def __invert__(self) -> Ltlf:
        """The rows of events that do not satisfy the formula; other texts are not among them."""
        return replace(self, formula=negation(self.formula))

    def label(self, part: int) -> str:
        """What an event is called in messages."""
        return f"the event {self.events[part]!r}"

    def is_silent(self, part: int) -> bool:
        """No event is: what happened is told even of a fixed text."""
        return False

    def value(self, text: str) -> tuple[Valued, ...]:
        """The events of an accepted ``text``."""
        return tuple(
            Valued(self.events[piece.part], self.part_value(piece)) for piece in self.pieces(text)
        )

    def describe(self) -> str:
        """The events and the formula, as an instruction to a model."""
        events = [
            f"{named(name)}: {wanted(part)}"
            for name, part in zip(self.events, self.parts, strict=True)
        ]
        rules = "\n".join(f"- {each}" for each in self.clauses)
        return (
            f"{listed('a row of these events, one right after the other:', events)}\n"
            "Their order must satisfy, in linear temporal logic on finite traces (G: always, F: "
            f"at some time, X: next, U: until):\n{rules}"
        )


@dataclass(frozen=True)
class Valued:
    """An event of a transcript, and what was said in it.

    Attributes:
        event: its name.
        value: the value of its text; the text itself where that has no type.
    """

    event: str
    value: object
