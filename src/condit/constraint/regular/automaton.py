"""A pattern as an automaton whose states are found as they are asked for.

Its states are places (``terms.py``), its moves their derivatives (``derivative.py``). Here is
what is worked out by search: whether a place can still become a match, and by which text.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

from condit.constraint.regular.classes import Class
from condit.constraint.regular.derivative import Derivatives
from condit.constraint.regular.liveness import SurelyLive
from condit.constraint.regular.moves import Move, asked, rank
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.terms import FALSE, Place

_MOST_SEARCHED = 3000
"""Places that a search goes to, at most."""
_MOST_LIVE_WITH_TEXT = 100
"""The same where each capture makes a place of its own, and it is asked about each of them."""
_MOST_SEARCHED_WITH_TEXT = 1000
"""The same for the text that finishes a place."""
_MOST_WORK = 50_000
"""Ways on that a search looks at, at most: about a second's."""
_MOST_EXPLORED = 15_000
"""The same to find all places."""
_MOST_ENDINGS = 8
"""Texts that finished other places, and are tried before a search, at most."""
_MOST_PLACES = 300
"""Places that are found beforehand, at most, to know that all is known of them."""
_MOST_PLACES_WITH_TEXT = 60
"""The same where each capture makes a place of its own."""


@dataclass(eq=False)
class _Known:
    """What was worked out for a place.

    Attributes:
        after: places after single characters, or after those that some sets hold.
        live: whether it can become a match; ``None``: not yet known.
        on: the next character of a shortest text that makes it one.
        bytes: the bytes that may come next, by those of the character that is begun.
        rows: kept for ``byte_machine.py``: the state after characters of a class.
    """

    after: dict[str | int, Place] = field(default_factory=dict)
    moves: list[Move] | None = None
    live: bool | None = None
    on: str | None = None
    bytes: dict[bytes, int] = field(default_factory=dict)
    rows: dict[int, Any] = field(default_factory=dict)


_Waiting = tuple[float, int, int, int, Place, Iterator[Move] | None]
"""In a search: a bound of the whole length, ties, the length so far, a place, its moves left."""


class Automaton:
    """The automaton of a pattern.

    Attributes:
        start: the place before the first character.
    """

    def __init__(self, pattern: Pattern) -> None:
        self._derivatives = Derivatives(pattern)
        self.classes = self._derivatives.classes
        self.start = self._derivatives.start
        self._gave_up = False
        # Texts that finished places where each capture makes a place of its own.
        self._endings: list[str] = []
        self._surely_live = SurelyLive()

    @property
    def pattern(self) -> Pattern:
        """The pattern, as it is followed."""
        return self._derivatives.pattern

    @property
    def is_finite(self) -> bool:
        """Whether there are surely finitely many places."""
        return self._derivatives.is_finite

    @cached_property
    def has_few_places(self) -> bool:
        """Whether texts lead to so few places that all were found."""
        if not self._derivatives.is_finite:
            return False
        most = _MOST_PLACES_WITH_TEXT if self._derivatives.follows_text else _MOST_PLACES
        return self.explore(most) is not None and not self._gave_up

    @property
    def comes_back(self) -> bool:
        """Whether texts lead to few places, which they come back to."""
        return not self._derivatives.follows_text and self.has_few_places

    @cached_property
    def is_exact(self) -> bool:
        """Whether it is known of every place that texts lead to whether a match can follow."""
        pattern = self._derivatives.pattern
        plain = all(map(self._surely_live.is_plain, [pattern.root, *pattern.groups.values()]))
        return plain or self.has_few_places

    # Places and moves.

    def _known(self, place: Place) -> _Known:
        if place.known is None:
            place.known = _Known()
        found: _Known = place.known
        return found

    def next(self, place: Place, character: str) -> Place:
        """The place after ``character``; it may be dead."""
        known = self._known(place)
        key = character if place.spells else self.classes.sets(character)
        found = known.after.get(key)
        if found is None:
            found = known.after[key] = self._derivatives.next(place, character)
        return found

    def rows(self, place: Place) -> dict[int, Any]:
        """What is kept of a place for each class of characters."""
        return self._known(place).rows

    @property
    def follows_text(self) -> bool:
        """Whether it matters what a group has captured."""
        return self._derivatives.follows_text

    def may_stop(self, place: Place) -> bool:
        """Whether the text may end here."""
        return self._derivatives.may_stop(place.term)

    def moves(self, place: Place) -> list[Move]:
        """Characters that are worth telling apart at a place, but for those that are refused."""
        known = self._known(place)
        if known.moves is None:
            known.moves = list(self._find_moves(place))
        return known.moves

    def _find_moves(self, place: Place) -> Iterator[Move]:
        sets, listed = asked(place)
        together: dict[Place, list[Class]] = {}
        listed_text = "".join(sorted(listed))
        if self._derivatives.follows_text:
            for character in listed_text:
                if self.next(place, character).term is not FALSE:
                    yield Move((), character, "", character)
        seen: dict[int, Place] = {}
        for each in self.classes.classes:
            # What is captured now may be asked about later.
            wanted = each.sets if place.spells else each.sets & sets
            if wanted not in seen:
                first = next((c for c in each.members() if c not in listed), None)
                if first is None:
                    continue
                seen[wanted] = self.next(place, first)
            if seen[wanted].term is not FALSE:
                together.setdefault(seen[wanted], []).append(each)
        for group in together.values():
            firsts = (next((c for c in e.members() if c not in listed), None) for e in group)
            best = min(((rank(c), c) for c in firsts if c), default=None)
            if best is not None:
                yield Move(tuple(group), "", listed_text, best[1])

    # What can become of a place.

    def live(self, place: Place) -> bool:
        """Whether some text may follow. True where that is not found out in time."""
        known = self._known(place)
        if known.live is None:
            known.live = (
                self._surely_live.holds(place.term)
                or self._ends_as_others(place)
                or self._search(place, _MOST_LIVE_WITH_TEXT) is not False
            )
        return known.live

    def _ends_as_others(self, place: Place) -> bool:
        """Whether a text that finished other places finishes this one, which saves a search."""
        for ending in reversed(self._endings):
            here = place
            for used, character in enumerate(ending):
                if here.term.shortest > len(ending) - used:
                    break
                if self.may_stop(here):
                    return True
                here = self.next(here, character)
            if self.may_stop(here):
                return True
        return False

    def _search(self, start: Place, most_with_text: int) -> bool | None:
        """Look for a text that may follow; ``None``: not found in time."""
        counter = 0
        limit = self._derivatives.work + _MOST_WORK
        # Places that differ in what was captured are many: the shortest texts are looked at first,
        # and of those that may be equally short the one that is nearly there.
        follows = self.follows_text
        most = most_with_text if follows else _MOST_SEARCHED
        first = start.term.shortest
        waiting: list[_Waiting] = [(first, 0, 0, 0, start, None)]
        came: dict[Place, tuple[Place, str] | None] = {start: None}
        while waiting:
            least, _, _, length, place, moves = heapq.heappop(waiting)
            if moves is None:
                known = self._known(place)
                if known.live is False:
                    continue
                if self.may_stop(place) or known.on is not None:
                    self._note_way(place, came)
                    return True
                if len(came) > most or self._derivatives.work > limit:
                    self._gave_up = True
                    return None
                moves = iter(
                    self.moves(place) if not follows or known.moves else self._find_moves(place)
                )
            for move in moves:
                after = self.next(place, move.first)
                if after in came or after.term.shortest == inf:
                    continue
                came[after] = (place, move.first)
                counter += 1
                estimate = length + 1 + after.term.shortest
                depth = -length if follows else 0
                heapq.heappush(waiting, (estimate, depth, counter, length + 1, after, None))
                if follows and estimate <= least:
                    # It is gone on from there; the other moves only if that leads nowhere.
                    heapq.heappush(waiting, (least, depth, counter + 1, length, place, moves))
                    counter += 1
                    break
        for place in came:
            self._known(place).live = False
        return False

    def _note_way(self, place: Place, came: dict[Place, tuple[Place, str] | None]) -> None:
        """Note that all places on the way to ``place`` are live."""
        self._known(place).live = True
        ending = self.shortest(place) or "" if self.follows_text else ""
        while (before := came[place]) is not None:
            place, character = before
            known = self._known(place)
            known.live, known.on = True, character
            ending = character + ending
        if self.follows_text and ending:
            self._endings = [*(each for each in self._endings if each != ending), ending]
            del self._endings[:-_MOST_ENDINGS]

    def shortest(self, place: Place) -> str | None:
        """A short text that may follow; ``None`` where none is found."""
        found: list[str] = []
        while not self.may_stop(place):
            known = self._known(place)
            if known.on is None and not self._search(place, _MOST_SEARCHED_WITH_TEXT):
                return None
            if known.on is None:
                break
            found.append(known.on)
            place = self.next(place, known.on)
        return "".join(found)

    def explore(self, most: int) -> list[Place] | None:
        """All places that some text leads to and that are live.

        ``None`` if there are more than ``most``, or it takes too much work to find them.
        """
        seen = {self.start: None}
        limit = self._derivatives.work + _MOST_EXPLORED
        for place in (waiting := [self.start]):
            if len(seen) > most or self._derivatives.work > limit:
                return None
            for move in self.moves(place):
                after = self.next(place, move.first)
                if after not in seen and self.live(after):
                    seen[after] = None
                    waiting.append(after)
        return list(seen)

    def next_bytes(self, place: Place, begun: bytes) -> int:
        """The bytes that may come next in a text that can become a match, as bits of a number."""
        known = self._known(place)
        found = known.bytes.get(begun)
        if found is None:
            found = 0
            for move in self.moves(place):
                if self.live(self.next(place, move.first)):
                    found |= move.next_bytes(begun)
            known.bytes[begun] = found
        return found
