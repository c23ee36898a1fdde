"""A deterministic automaton over bytes as a byte matcher, and how it is made of a pattern."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.types.expressions import NOTHING, Expressions
from condit.constraint.types.pattern import PatternReader
from condit.errors import ConstraintTooComplexError

Node = TypeVar("Node", bound=Hashable)

_MOST_STATES = 100_000
_MINIMISED = 400
"""Automata of more states are not minimised: it takes too long for what is left to gain."""

_LIKELY = bytes([*range(48, 58), *range(97, 123), *range(32, 48), *range(58, 97)])
_LIKELY += bytes(byte for byte in range(256) if byte not in _LIKELY)
"""The order in which bytes are chosen for an ending: digits and small letters first."""


@dataclass(frozen=True, eq=False)
class Automaton(ByteMatcher[int]):
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
        object.__setattr__(self, "_endings", self._shortest())

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
        most: dict[int, int] = {}
        waiting, open_states = [(0, False)], set()
        while waiting:
            state, done = waiting.pop()
            after = set(self.rows[state].values())
            if done:
                open_states.discard(state)
                most[state] = max((1 + most[each] for each in after), default=0)
            elif state not in most:
                if after & open_states or state in after:
                    return None
                open_states.add(state)
                waiting += [(state, True), *((each, False) for each in after)]
        return most[0]

    def accepts(self, text: bytes) -> bool:
        """Whether it is one of the texts."""
        state: int | None = 0
        for byte in text:
            state = None if state is None else self.rows[state].get(byte)
        return state is not None and self.accepting[state]

    def _shortest(self) -> tuple[bytes, ...]:
        before: list[list[int]] = [[] for _ in self.rows]
        for state, row in enumerate(self.rows):
            for after in set(row.values()):
                before[after].append(state)
        endings: list[bytes | None] = [b"" if stops else None for stops in self.accepting]
        waiting = deque(state for state, stops in enumerate(self.accepting) if stops)
        while waiting:
            after = waiting.popleft()
            for state in before[after]:
                if endings[state] is None:
                    ways = [byte for byte, to in self.rows[state].items() if to == after]
                    byte = min(ways, key=_LIKELY.index)
                    endings[state] = bytes([byte]) + (endings[after] or b"")
                    waiting.append(state)
        return tuple(ending or b"" for ending in endings)


@lru_cache(maxsize=256)
def automaton(pattern: str) -> Automaton:
    """The automaton of a pattern; ``is_empty`` says whether there is any text.

    Args:
        pattern: in the dialect of ``pattern.py``.

    Raises:
        CompileError: it is not written in that dialect.
        ConstraintTooComplexError: it has too many states.
    """
    table = Expressions()
    start = PatternReader(table).read(pattern)
    classes = table.classes()
    members = [[byte for byte in range(256) if each >> byte & 1] for each in classes]

    def ways(node: int) -> Iterable[tuple[int, int]]:
        for bytes_ in members:
            after = table.derivative(node, bytes_[0])
            if after != NOTHING:
                for byte in bytes_:
                    yield byte, after

    return explored(start, ways, table.nullable)


def explored(
    start: Node,
    ways: Callable[[Node], Iterable[tuple[int, Node]]],
    may_stop: Callable[[Node], bool],
) -> Automaton:
    """The automaton of all that can be reached, without what leads nowhere.

    Args:
        start: where a text begins.
        ways: of a node, each byte that may come and the node after it.
        may_stop: whether a text may stop at a node.

    Raises:
        ConstraintTooComplexError: it has too many states.
    """
    numbers = {start: 0}
    nodes, rows = [start], []
    for node in nodes:
        row = {}
        for byte, after in ways(node):
            number = numbers.setdefault(after, len(nodes))
            if number == len(nodes):
                nodes.append(after)
            row[byte] = number
        rows.append(row)
        if len(nodes) > _MOST_STATES:
            raise ConstraintTooComplexError(
                f"a small type takes more than {_MOST_STATES:,} states: make its limits smaller"
            )
    return _trimmed(rows, [may_stop(node) for node in nodes])


def _trimmed(rows: Sequence[dict[int, int]], accepting: Sequence[bool]) -> Automaton:
    """Without states that lead to no end, and with equal ones made one."""
    before: list[list[int]] = [[] for _ in rows]
    for state, row in enumerate(rows):
        for after in set(row.values()):
            before[after].append(state)
    waiting = [state for state, stops in enumerate(accepting) if stops]
    alive = set(waiting)
    while waiting:
        found = set(before[waiting.pop()]) - alive
        alive |= found
        waiting += found
    if 0 not in alive:
        return Automaton(({},), (False,))
    kept = [{byte: after for byte, after in row.items() if after in alive} for row in rows]
    groups = [int(stops) for stops in accepting]
    small = len(alive) <= _MINIMISED
    groups = _equal(kept, groups, alive) if small else list(range(len(kept)))
    first: dict[int, int] = {}
    for state in range(len(kept)):
        if state in alive:
            first.setdefault(groups[state], state)
    numbers = {group: number for number, group in enumerate(first)}
    return Automaton(
        tuple(
            {byte: numbers[groups[after]] for byte, after in kept[state].items()}
            for state in first.values()
        ),
        tuple(accepting[state] for state in first.values()),
    )


def _equal(rows: Sequence[dict[int, int]], groups: list[int], alive: set[int]) -> list[int]:
    """The group of each state, such that states of one group have the same futures."""
    count = 0
    while True:
        seen: dict[object, int] = {}
        refined = list(groups)
        for state in alive:
            row = rows[state]
            key = (groups[state], frozenset((byte, groups[to]) for byte, to in row.items()))
            refined[state] = seen.setdefault(key, len(seen))
        if len(seen) == count:
            return refined
        count, groups = len(seen), refined
