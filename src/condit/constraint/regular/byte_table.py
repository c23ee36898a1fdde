"""The automaton of an expression over the bytes of UTF-8 as a table of all its states.

For expressions with few states: each step is a look-up, and it is known of every state how it ends.
Those with many, or with captures, are followed state by state in ``byte_machine.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from operator import ne, or_
from typing import TypeVar

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.expression import Complement, Intersection, Node
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.terms import Place
from condit.constraint.regular.utf8 import Range, sequences
from condit.errors import ConstraintTooComplexError

State = TypeVar("State", bound=Hashable)

_MOST_STATES = 100_000

_LIKELY = bytes([*range(48, 58), *range(97, 123), *range(32, 48), *range(58, 97)])
_LIKELY += bytes(byte for byte in range(256) if byte not in _LIKELY)
"""The order in which bytes are chosen for an ending: digits and small letters first."""


@dataclass(frozen=True, eq=False)
class ByteTable(ByteMatcher[int]):
    """Texts that lead from state 0 to an accepting state; every state leads to one.

    Attributes:
        rows: for each state the state after each byte that may come.
        accepting: whether the text may stop at each state.
        is_empty: whether there is no text at all.
    """

    rows: tuple[Mapping[int, int], ...]
    accepting: tuple[bool, ...]
    is_empty: bool = field(init=False)
    _endings: tuple[bytes, ...] = field(init=False, repr=False)
    start = 0
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_empty", not self.accepting[0] and not self.rows[0])
        object.__setattr__(self, "alphabet", frozenset().union(*self.rows))
        object.__setattr__(self, "_endings", self._find_endings())

    def next(self, state: int, byte: int) -> int | None:
        """The state after ``byte``."""
        return self.rows[state].get(byte)

    def may_stop(self, state: int) -> bool:
        """Whether the state is accepting."""
        return self.accepting[state]

    def options(self, state: int) -> Collection[int]:
        """The bytes that may come next."""
        return self.rows[state].keys()

    def ending(self, state: int) -> bytes:
        """A shortest ending."""
        return self._endings[state]

    def longest(self) -> int | None:
        """The most bytes that a text may have; ``None``: as many as one likes."""
        return _longest(self.rows, _before(self.rows))[0]

    def accepts(self, text: bytes) -> bool:
        """Whether it is one of the texts."""
        state: int | None = 0
        for byte in text:
            state = None if state is None else self.rows[state].get(byte)
        return state is not None and self.accepting[state]

    def _find_endings(self) -> tuple[bytes, ...]:
        sizes = _shortest(_before(self.rows), self.accepting)
        endings = [b""] * len(sizes)
        for state in sorted(range(len(sizes)), key=sizes.__getitem__):
            if size := sizes[state]:
                ways = [b for b, to in self.rows[state].items() if sizes[to] == size - 1]
                byte = min(ways, key=_LIKELY.index, default=None)
                if byte is not None:
                    endings[state] = bytes([byte]) + endings[self.rows[state][byte]]
        return tuple(endings)


@lru_cache(maxsize=256)
def byte_table(node: Node) -> ByteTable:
    """The table of an expression; ``is_empty`` says whether there is any text.

    Args:
        node: a set of texts, without lookaround and what captures, and with finitely many states.

    Raises:
        ConstraintTooComplexError: it has too many states.
    """
    return _all_of(node.members) if isinstance(node, Intersection) else _derived(node)


def _derived(node: Node) -> ByteTable:
    automaton = Automaton(Pattern(node))

    def ways(state: _Place) -> Iterable[tuple[int, _Place]]:
        if isinstance(state, Place):
            begun = [
                (spelled, automaton.next(state, move.first))
                for move in automaton.moves(state)
                for held in move.held
                for spelled in _spelled(held.ranges)
            ]
        else:
            begun = list(state)
        found: dict[int, _Place | set[_Begun]] = {}
        for ((low, high), *rest), after in begun:
            for byte in range(low, high + 1):
                if not rest:
                    found[byte] = after
                    continue
                inside = found.setdefault(byte, set())
                if isinstance(inside, set):
                    inside.add((tuple(rest), after))
        for byte, to in found.items():
            yield byte, frozenset(to) if isinstance(to, set) else to

    def may_stop(state: _Place) -> bool:
        return isinstance(state, Place) and automaton.may_stop(state)

    start: _Place = automaton.start
    return explored(start, ways, may_stop)


def _all_of(members: Sequence[Node]) -> ByteTable:
    """The table of what all members have in common, by those of each: faster than derivatives."""
    denied = [isinstance(each, Complement) for each in members]
    tables = [byte_table(each.item if isinstance(each, Complement) else each) for each in members]
    if all(denied):
        return _derived(Intersection(tuple(members)))

    def ways(state: tuple[int, ...]) -> Iterable[tuple[int, tuple[int, ...]]]:
        rows = [table.rows[at] if at >= 0 else {} for table, at in zip(tables, state, strict=True)]
        asked = [row.keys() for row, is_denied in zip(rows, denied, strict=True) if not is_denied]
        for byte in min(asked, key=len):
            after = tuple([row.get(byte, -1) for row in rows])
            if all(map(or_, [to >= 0 for to in after], denied)):
                yield byte, after

    def may_stop(state: tuple[int, ...]) -> bool:
        accepts = (at >= 0 and t.accepting[at] for t, at in zip(tables, state, strict=True))
        return all(map(ne, accepts, denied))

    return explored((0,) * len(tables), ways, may_stop)


_Begun = tuple[tuple[Range, ...], Place]
"""Ranges of the bytes that a character still wants, and the place after it."""
_Place = Place | frozenset[_Begun]
"""A place between characters, or within one."""


@lru_cache(maxsize=4096)
def _spelled(ranges: tuple[Range, ...]) -> list[tuple[Range, ...]]:
    return [spelled for low, high in ranges for spelled in sequences(low, high)]


def table_of_texts(texts: Iterable[str]) -> ByteTable:
    """The table of some texts."""

    def ways(left: frozenset[bytes]) -> Iterable[tuple[int, frozenset[bytes]]]:
        after: dict[int, set[bytes]] = {}
        for each in sorted(left):
            if each:
                after.setdefault(each[0], set()).add(each[1:])
        return [(byte, frozenset(rest)) for byte, rest in after.items()]

    return explored(frozenset(each.encode() for each in texts), ways, lambda left: b"" in left)


def explored(
    start: State,
    ways: Callable[[State], Iterable[tuple[int, State]]],
    may_stop: Callable[[State], bool],
) -> ByteTable:
    """The table of all that can be reached, without what leads nowhere.

    Args:
        start: where a text begins.
        ways: of a state, each byte that may come and the state after it.
        may_stop: whether a text may stop at a state.

    Raises:
        ConstraintTooComplexError: it has too many states.
    """
    numbers = {start: 0}
    states, rows = [start], []
    for state in states:
        row = {}
        for byte, after in ways(state):
            number = numbers.setdefault(after, len(states))
            if number == len(states):
                states.append(after)
            row[byte] = number
        rows.append(row)
        if len(states) > _MOST_STATES:
            raise ConstraintTooComplexError(
                f"a constraint takes more than {_MOST_STATES:,} states: make its limits smaller"
            )
    return _smallest(rows, [may_stop(state) for state in states])


def _smallest(rows: Sequence[Mapping[int, int]], accepting: Sequence[bool]) -> ByteTable:
    """Without states that lead to no end, and with those of equal futures made one."""
    before = _before(rows)
    shortest = _shortest(before, accepting)
    if shortest[0] == inf:
        return ByteTable(({},), (False,))
    alive = [state for state, size in enumerate(shortest) if size < inf]
    kept = [{byte: to for byte, to in row.items() if shortest[to] < inf} for row in rows]
    longest = _longest(kept, before)
    # Of bytes that are told apart nowhere one is looked at.
    columns: dict[tuple[int, ...], list[int]] = {}
    for byte in sorted(set[int]().union(*kept)):
        columns.setdefault(tuple([kept[state].get(byte, -1) for state in alive]), []).append(byte)
    told_apart = [bytes_[0] for bytes_ in columns.values()]
    after = {state: [kept[state].get(byte, -1) for byte in told_apart] for state in alive}
    # Moore 1956: split what differs in what comes next. To begin with, states whose lengths differ
    # are told apart: else those of counted repeats would be split off one by one.
    keys: dict[Hashable, int] = {}
    groups = [-1] * (len(rows) + 1)  # the last for what is refused
    for state in alive:
        groups[state] = keys.setdefault((shortest[state], longest[state]), len(keys))
    count = 0
    while len(keys) > count:
        count, keys, refined = len(keys), {}, list(groups)
        for state in alive:
            key = (groups[state], *[groups[to] for to in after[state]])
            refined[state] = keys.setdefault(key, len(keys))
        groups = refined
    firsts = {groups[state]: state for state in reversed(alive)}
    return ByteTable(
        tuple(
            {
                byte: groups[to]
                for to, bytes_ in zip(after[firsts[group]], columns.values(), strict=True)
                if to >= 0
                for byte in bytes_
            }
            for group in range(count)
        ),
        tuple(accepting[firsts[group]] for group in range(count)),
    )


def _before(rows: Sequence[Mapping[int, int]]) -> list[list[int]]:
    """For each state those from which a byte leads to it."""
    before: list[list[int]] = [[] for _ in rows]
    for state, row in enumerate(rows):
        for after in set(row.values()):
            before[after].append(state)
    return before


def _shortest(before: Sequence[Sequence[int]], accepting: Sequence[bool]) -> list[float]:
    """For each state how few bytes may follow; infinite where no text does."""
    found = [0 if stops else inf for stops in accepting]
    waiting = [state for state, stops in enumerate(accepting) if stops]
    for after in waiting:
        for state in before[after]:
            if found[state] == inf:
                found[state] = found[after] + 1
                waiting.append(state)
    return found


def _longest(
    rows: Sequence[Mapping[int, int]], before: Sequence[Sequence[int]]
) -> list[int | None]:
    """For each state how many bytes may follow; ``None``: as many as one likes."""
    found: list[int | None] = [None] * len(rows)
    open_ways = [len(set(row.values())) for row in rows]
    waiting = [state for state, ways in enumerate(open_ways) if not ways]
    for after in waiting:  # those that are in a circle, or lead to one, never come
        found[after] = max((1 + (found[to] or 0) for to in rows[after].values()), default=0)
        for state in before[after]:
            open_ways[state] -= 1
            if not open_ways[state]:
                waiting.append(state)
    return found
