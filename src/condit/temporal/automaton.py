"""Automata over events: where a row of events has led, what may come next, and how they look.

How they are made of formulas is in ``progression.py``.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from condit.errors import ArgumentError, ConstraintTooComplexError, MissingDependencyError
from condit.plugins import unknown
from condit.regular.table import State, Table, table


@dataclass(frozen=True)
class Edge:
    """All events that lead from one state to another.

    Attributes:
        source: the state before.
        target: the state after.
        events: the names of the events.
        label: the same in few words, as in ``!search`` for all events but one.
    """

    source: int
    target: int
    events: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Automaton:
    """A smallest deterministic automaton over events; ``str`` writes it as a table.

    Attributes:
        events: the names of all events.
        table: for each state whether a row of events may end there, and the state after each
            event. State 0 is that before the first event.
    """

    events: tuple[str, ...]
    table: Table

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.events)}

    @cached_property
    def live(self) -> frozenset[int]:
        """The states from which a row of events can be completed."""
        return frozenset(s for s, distance in enumerate(self._distances) if distance is not None)

    @property
    def states(self) -> tuple[int, ...]:
        """The live states, in order."""
        return tuple(sorted(self.live))

    @property
    def accepting(self) -> frozenset[int]:
        """The states at which a row of events may end."""
        return frozenset(state for state, (accepts, _) in enumerate(self.table) if accepts)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The edges between live states."""
        found = []
        for state in self.states:
            together: dict[int, list[str]] = {}
            for event, to in zip(self.events, self.table[state][1], strict=True):
                together.setdefault(to, []).append(event)
            found += [
                Edge(state, to, tuple(events), self._label(events))
                for to, events in sorted(together.items())
                if to in self.live
            ]
        return tuple(found)

    def _label(self, events: Sequence[str]) -> str:
        others = [event for event in self.events if event not in events]
        if not others:
            return "any"
        if len(others) < len(events) - 1:
            return " & ".join(f"!{event}" for event in others)
        return " | ".join(events)

    def after(self, state: int, event: str) -> int:
        """The state after one more event, maybe one from which nothing can be completed.

        Raises:
            ArgumentError: there is no such event.
        """
        number = self._numbers.get(event)
        if number is None:
            raise ArgumentError(unknown("event", event, self.events))
        return self.table[state][1][number]

    def run(self, events: Iterable[str]) -> int:
        """The state after a row of events."""
        state = 0
        for event in events:
            state = self.after(state, event)
        return state

    def accepts(self, events: Iterable[str]) -> bool:
        """Whether a row of events is one that the formula asks for."""
        return self.table[self.run(events)][0]

    def is_live(self) -> bool:
        """Whether any row of events is accepted."""
        return 0 in self.live

    def may_end(self, state: int) -> bool:
        """Whether a row of events may end at a state."""
        return self.table[state][0]

    def following(self, state: int, event: str) -> int | None:
        """The state after one more event; ``None`` where nothing can be completed after it.

        Raises:
            ArgumentError: there is no such event.
        """
        after = self.after(state, event)
        return after if after in self.live else None

    def is_last(self, event: str) -> bool:
        """Whether nothing may follow an event, wherever it happens."""
        after = {self.after(state, event) for state in self.live} & self.live
        return not any(self.live.intersection(self.table[state][1]) for state in after)

    def allowed(self, state: int) -> tuple[str, ...]:
        """The events after which a row of events can still be completed."""
        row = self.table[state][1]
        return tuple(each for each, to in zip(self.events, row, strict=True) if to in self.live)

    def completion(self, state: int = 0) -> tuple[str, ...] | None:
        """The fewest events that complete what has led to a state; ``None``: nothing does."""
        if self._distances[state] is None:
            return None
        found: list[str] = []
        while self._distances[state]:
            row = self.table[state][1]
            left = [self._distances[to] for to in row]
            nearest = min(n for n, each in enumerate(left) if each == self._left_after(state))
            found.append(self.events[nearest])
            state = row[nearest]
        return tuple(found)

    def _left_after(self, state: int) -> int:
        return (self._distances[state] or 0) - 1

    @cached_property
    def _distances(self) -> list[int | None]:
        """For each state how many events it takes to complete; ``None``: it cannot be."""
        before: list[set[int]] = [set() for _ in self.table]
        for state, (_, row) in enumerate(self.table):
            for to in row:
                before[to].add(state)
        found: list[int | None] = [0 if accepts else None for accepts, _ in self.table]
        waiting = deque(state for state, distance in enumerate(found) if distance is not None)
        while waiting:
            state = waiting.popleft()
            for earlier in before[state]:
                if found[earlier] is None:
                    found[earlier] = (found[state] or 0) + 1
                    waiting.append(earlier)
        return found

    def to_dot(self) -> str:
        """The automaton in the language of Graphviz; double circles are where it may end."""
        lines = ["digraph {", "  rankdir=LR", '  start [shape=point, label=""]', "  start -> 0"]
        for state in self.states:
            shape = "doublecircle" if self.table[state][0] else "circle"
            lines.append(f"  {state} [shape={shape}]")
        for edge in self.edges:
            label = edge.label.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'  {edge.source} -> {edge.target} [label="{label}"]')
        return "\n".join([*lines, "}"])

    def to_svg(self) -> str:
        """A picture of the automaton, drawn by Graphviz.

        Raises:
            MissingDependencyError: its program ``dot`` is not installed.
        """
        program = shutil.which("dot")
        if program is None:
            raise MissingDependencyError(
                "a picture needs the program dot of Graphviz: install it (apt-get install "
                "graphviz, brew install graphviz), or print the automaton as a table"
            )
        done = subprocess.run(
            [program, "-Tsvg"], input=self.to_dot(), capture_output=True, text=True, check=True
        )
        return done.stdout

    def __str__(self) -> str:
        rows = [("state", "may end", "event", "to")]
        rows += [
            (
                str(edge.source),
                "yes" if self.table[edge.source][0] else "",
                edge.label,
                str(edge.target),
            )
            for edge in self.edges
        ]
        left = self.live.difference(edge.source for edge in self.edges)
        rows += [(str(state), "yes", "", "") for state in sorted(left)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = (zip(row, widths, strict=True) for row in rows)
        return "\n".join("  ".join(f"{a:{width}}" for a, width in row).rstrip() for row in lines)


def intersection(tables: Sequence[Table], most: int, labels: Sequence[str]) -> Table:
    """The smallest automaton of what all accept.

    Args:
        tables: automata over the same letters, one or more.
        most: how many states are looked at for two of them, at most.
        labels: what each is called in a message.

    Raises:
        ConstraintTooComplexError: there are more states; the message names those that are joined.
    """
    waiting = sorted(zip(tables, labels, strict=True), key=lambda each: len(each[0]))
    (whole, said), *others = waiting
    for other, label in others:
        whole, said = _both(whole, other, most, (said, label)), f"{said} & {label}"
    return whole


def smallest(
    start: State,
    kinds: Sequence[int],
    step: Callable[[State, int], State],
    accepts: Callable[[State], bool],
) -> Table:
    """The smallest automaton, as ``condit.regular.table.table`` makes it, of letters of few kinds.

    Args:
        start: the state at the beginning.
        kinds: for each letter its kind; kinds are numbered in the order of their first letters.
        step: the state after a letter of a kind.
        accepts: whether a text may end at a state.
    """
    found = table(start, max(kinds) + 1, step, accepts)
    return tuple((accepts_, tuple([row[kind] for kind in kinds])) for accepts_, row in found)


def _both(one: Table, other: Table, most: int, labels: tuple[str, str]) -> Table:
    rows = [row for _, row in (*one, *other)]
    columns: dict[tuple[int, ...], int] = {}  # letters that do the same everywhere are of one kind
    kinds = [columns.setdefault(column, len(columns)) for column in zip(*rows, strict=True)]
    letter_of = [kinds.index(kind) for kind in range(len(columns))]
    dead, none = (_dead_of(one), _dead_of(other)), (-1, -1)
    if len(one) * len(other) > most and _pairs(one, other, dead, letter_of, most) > most:
        raise ConstraintTooComplexError(
            f"the clause {labels[1]}, joined with {labels[0]}, gives more than {most} states. "
            "Leave a clause out, make bounds smaller, or give ltlf(most_states=...) a higher limit"
        )

    def step(state: tuple[int, int], kind: int) -> tuple[int, int]:
        if state == none:
            return none
        letter = letter_of[kind]
        after = one[state[0]][1][letter], other[state[1]][1][letter]
        if after[0] == dead[0] or after[1] == dead[1]:
            return none
        return after

    def accepts(state: tuple[int, int]) -> bool:
        return state != none and one[state[0]][0] and other[state[1]][0]

    return smallest((0, 0), kinds, step, accepts)


def _pairs(
    one: Table, other: Table, dead: tuple[int, int], letters: Sequence[int], most: int
) -> int:
    """How many pairs of states are reached; counted no further than a little above ``most``."""
    rows = [np.array([row for _, row in each])[:, letters] for each in (one, other)]
    seen = np.zeros(len(one) * len(other), dtype=np.bool_)
    new, found = np.zeros(1, dtype=np.intp), 0
    while len(new) and found <= most:
        first, second = rows[0][new // len(other)], rows[1][new % len(other)]
        live = (first != dead[0]) & (second != dead[1])
        after = np.unique((first * len(other) + second)[live])
        new = after[~seen[after]]
        seen[new] = True
        found += len(new)
    return found


def _dead_of(item: Table) -> int:
    """The state from which nothing is accepted; -1 where there is none."""
    dead = (s for s, (accepts, row) in enumerate(item) if not accepts and set(row) == {s})
    return next(dead, -1)


def difference(one: Table, other: Table, differ: Callable[[bool, bool], bool]) -> list[int] | None:
    """A shortest row of letters of which two automata say what is looked for; ``None``: none is.

    Args:
        one: an automaton.
        other: another, over the same letters.
        differ: whether two answers are looked for.
    """
    came: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {(0, 0): None}
    for state in (waiting := [(0, 0)]):
        if differ(one[state[0]][0], other[state[1]][0]):
            found: list[int] = []
            while (before := came[state]) is not None:
                state, letter = before
                found.append(letter)
            return found[::-1]
        for letter, after in enumerate(zip(one[state[0]][1], other[state[1]][1], strict=True)):
            if after not in came:
                came[after] = state, letter
                waiting.append(after)
    return None
