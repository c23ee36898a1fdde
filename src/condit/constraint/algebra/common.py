"""A shortest text that rules and an automaton have in common, or that there surely is none.

The rules are followed from the left, from each place of the automaton that they can begin at, and
what is found shorter is found first (Knuth 1977; Nederhof 2003). Work is counted, never time, so
that the answer is always the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import count
from typing import NamedTuple, TypeAlias

from condit.constraint.algebra.engine_rules import Row, Symbol
from condit.constraint.algebra.rules import Rules
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.expression import Node
from condit.constraint.regular.moves import Move
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.terms import Place

_WORK = 100_000
"""Steps of a search: some hundred milliseconds."""

_State: TypeAlias = tuple[int, Place]
"""How much of a given beginning is read, and the place of the automaton."""

_Origin: TypeAlias = tuple[Symbol, _State]


class UndecidedError(Exception):
    """The search has taken as many steps as it may."""


class _Item(NamedTuple):
    """A text that is being derived, from where it began up to a place.

    Attributes:
        origin: the symbol that it is to derive from, and where that began.
        row: the symbols still to come; ``None`` within an expression.
        place: of the expression's own automaton.
        state: the place that it has led to.
        text: the text.
    """

    origin: _Origin
    row: Row | None
    place: Place | None
    state: _State
    text: str


@dataclass(frozen=True, eq=False)
class Common:
    """What the texts of some rules and of an expression have in common.

    Attributes:
        rules: the rules.
        tree: the expression, whose automaton goes by classes of characters.
    """

    rules: Rules
    tree: Node

    @cached_property
    def automaton(self) -> Automaton:
        """That of the expression."""
        return automaton_of(self.tree)

    def shortest(self, beginning: str = "", work: int = _WORK) -> str | None:
        """A shortest text that begins so, without its beginning; ``None``: there surely is none.

        Args:
            beginning: what the text begins with.
            work: how many steps may be taken.

        Raises:
            UndecidedError: they do not suffice, or an expression cannot be followed.
        """
        try:
            found = _Search(self, beginning, work).run()
        except (NotFollowedError, RecursionError) as error:
            raise UndecidedError from error
        return None if found is None else found[len(beginning) :]


@dataclass(eq=False)
class _Search:
    common: Common
    beginning: str
    left: int
    _heap: list[tuple[int, int, _Item]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)
    _found: dict[_Origin, dict[_State, tuple[int, str]]] = field(default_factory=dict)
    _waiting: dict[_Origin, list[tuple[int, _Item]]] = field(default_factory=dict)
    _seen: set[object] = field(default_factory=set)
    _known: dict[Place, list[Move]] = field(default_factory=dict)

    def run(self) -> str | None:
        automaton = self.common.automaton
        if not automaton.live(automaton.start):
            return None
        whole: _Origin = (self.common.rules.start, (0, automaton.start))
        self._begin(whole)
        while self._heap:
            self._spend(1)
            cost, _, item = heapq.heappop(self._heap)
            mark = (item.origin, item.row, item.place, item.state)
            if mark in self._seen:
                continue
            self._seen.add(mark)
            if item.row is None:
                self._go_on(cost, item)
            elif item.row:
                self._ask(cost, item)
            elif self._note(cost, item, whole):
                return item.text
        return None

    def _spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise UndecidedError

    def _push(self, cost: int, item: _Item) -> None:
        heapq.heappush(self._heap, (cost, next(self._number), item))

    def _begin(self, origin: _Origin) -> None:
        """Derive a symbol from a place on."""
        if origin in self._found:
            return
        self._found[origin], self._waiting[origin] = {}, []
        symbol, state = origin
        if isinstance(symbol, Node):
            self._spend(symbol.size)
            self._push(0, _Item(origin, None, automaton_of(symbol).start, state, ""))
            return
        for row in self.common.rules.alternatives[symbol]:
            self._push(0, _Item(origin, row, None, state, ""))

    def _ask(self, cost: int, item: _Item) -> None:
        """Wait for all texts of the next symbol."""
        origin: _Origin = ((item.row or ("",))[0], item.state)
        self._begin(origin)
        self._waiting[origin].append((cost, item))
        for state, (own, text) in list(self._found[origin].items()):
            self._continue(cost + own, item, state, text)

    def _continue(self, cost: int, item: _Item, state: _State, text: str) -> None:
        row = (item.row or ())[1:]
        self._push(cost, _Item(item.origin, row, None, state, item.text + text))

    def _note(self, cost: int, item: _Item, whole: _Origin) -> bool:
        """Note a derived text; whether it is one that is looked for."""
        known = self._found[item.origin]
        if item.state in known:
            return False
        known[item.state] = cost, item.text
        for before, waiting in list(self._waiting[item.origin]):
            self._continue(before + cost, waiting, item.state, item.text)
        read, place = item.state
        complete = read == len(self.beginning) and self.common.automaton.may_stop(place)
        return item.origin == whole and complete

    def _go_on(self, cost: int, item: _Item) -> None:
        """Within an expression: it may be complete, or go on by a character."""
        symbol, place, (read, outer) = item.origin[0], item.place, item.state
        if not isinstance(symbol, Node) or place is None:
            return
        inner, automaton = automaton_of(symbol), self.common.automaton
        if inner.may_stop(place):
            self._push(cost, item._replace(row=(), place=None))
        given = self.beginning[read : read + 1]
        for first, characters in self._ways(inner, place, given):
            further = inner.next(place, first)
            self._spend(len(characters))
            for character in characters:
                after = automaton.next(outer, character)
                if automaton.live(after):
                    state = (read + bool(given), after)
                    text = item.text + character
                    self._push(cost + 1, item._replace(place=further, state=state, text=text))

    def _ways(self, inner: Automaton, place: Place, given: str) -> Iterator[tuple[str, str]]:
        """Characters that lead to the same place of an expression: one, and all to be tried."""
        if given:
            if inner.live(inner.next(place, given)):
                yield given, given
            return
        if place not in self._known:
            self._spend(_NEW_PLACE + inner.pattern.root.size // 4)
            self._known[place] = [
                m for m in inner.moves(place) if inner.live(inner.next(place, m.first))
            ]
        told_apart = _told_apart(inner, self.common.automaton)
        for move in self._known[place]:
            found: dict[int, str] = {}
            for each in move.held:
                found |= told_apart[each.number]
            yield move.first, "".join(found.values())


_NEW_PLACE = 100
"""Steps, at least, that it counts to look at a place of an expression for the first time."""


@lru_cache(maxsize=1024)
def automaton_of(tree: Node) -> Automaton:
    """The automaton of an expression."""
    return Automaton(Pattern(tree))


@lru_cache(maxsize=1024)
def _told_apart(one: Automaton, other: Automaton) -> list[dict[int, str]]:
    """For each class of the one a character in it for each class of the other that it meets."""
    classes = [*one.classes.classes, *other.classes.classes]
    starts = [chr(low) for each in classes for low, _ in each.ranges]
    found: list[dict[int, str]] = [{} for _ in one.classes.classes]
    for character in (*_USUAL, *starts):
        own = found[one.classes.of(character).number]
        own.setdefault(other.classes.of(character).number, character)
    return found


_USUAL = "a0bA1 -_.,:/"
