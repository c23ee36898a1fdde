"""A pattern as an expression without lookaround: its automaton, whose states are taken out.

For patterns of few states, of which the passes over expressions (``lookaround.py``) find none.
"""

from __future__ import annotations

from collections.abc import Iterator

from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import (
    EMPTY,
    NOTHING,
    Node,
    One,
    alternation,
    concatenation,
    one,
    repetition,
)
from condit.constraint.regular.moves import Move
from condit.constraint.regular.terms import Place

_MOST_STATES = 60
_MOST_NODES = 2000

_Edges = dict[int, dict[int, Node]]
"""What leads from one state to another."""


def plain_expression(automaton: Automaton) -> Node | None:
    """An expression of the same texts, made of characters, choices, sequences and repeats alone.

    ``None`` where it would be large.
    """
    numbers = {automaton.start: 1}
    # The start has a number of its own, so that nothing leads back to it; so has the end.
    edges: _Edges = {0: {1: EMPTY}, -1: {}}
    for place in (waiting := [automaton.start]):
        ways: dict[int, Node] = {-1: EMPTY} if automaton.may_stop(place) else {}
        edges[numbers[place]] = ways
        for characters, after in _ways(automaton, place):
            if after not in numbers:
                numbers[after] = len(numbers) + 1
                waiting.append(after)
            if len(numbers) > _MOST_STATES:
                return None
            _add(ways, numbers[after], one(characters))
    while len(edges) > 2:
        state = min((each for each in edges if each > 0), key=lambda each: _cost(edges, each))
        if not _take_out(edges, state):
            return None
    return edges[0].get(-1, NOTHING)


def _ways(automaton: Automaton, place: Place) -> Iterator[tuple[Characters, Place]]:
    """Characters that may come next, and the places after them."""
    for move in automaton.moves(place):
        if automaton.live(after := automaton.next(place, move.first)):
            members = _characters(move)
            other = next((c for c in _singles(members) if c != move.first), move.first)
            if after == automaton.next(place, other):
                yield members, after
            else:  # it is captured which one comes
                yield from (
                    (Characters.single(c), automaton.next(place, c)) for c in _singles(members)
                )


def _characters(move: Move) -> Characters:
    if move.listed:
        return Characters.of((ord(c), ord(c)) for c in move.listed)
    held = Characters.of(part for each in move.held for part in each.ranges)
    listed = Characters.of((ord(c), ord(c)) for c in move.others)
    return held.intersection(listed.complement()) if move.others else held


def _singles(characters: Characters) -> Iterator[str]:
    return (chr(point) for low, high in characters.ranges for point in range(low, high + 1))


def _add(ways: dict[int, Node], to: int, way: Node) -> None:
    before = ways.get(to, NOTHING)
    if isinstance(before, One) and isinstance(way, One):
        ways[to] = One(before.characters.union(way.characters))
    else:
        ways[to] = alternation(before, way)


def _cost(edges: _Edges, state: int) -> int:
    """How many nodes there are more, about, when a state is taken out."""
    into = [ways[state].size for each, ways in edges.items() if each != state and state in ways]
    out = [way.size for to, way in edges[state].items() if to != state]
    loop = edges[state][state].size if state in edges[state] else 0
    return sum(into) * len(out) + sum(out) * len(into) + loop * len(into) * len(out)


def _take_out(edges: _Edges, state: int) -> bool:
    """Lead past a state; whether what is left is small."""
    out = edges.pop(state)
    loop = out.pop(state, NOTHING)
    turns = EMPTY if loop == NOTHING else repetition(loop, 0, None)
    for ways in edges.values():
        before = ways.pop(state, None)
        if before is None:
            continue
        for to, way in out.items():
            _add(ways, to, concatenation(before, turns, way))
            if ways[to].size > _MOST_NODES:
                return False
    return True
