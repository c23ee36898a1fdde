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

from condit.constraint.regular.classes import Class, is_whole
from condit.constraint.regular.derivative import Derivatives
from condit.constraint.regular.expression import (
    Alternation,
    Atomic,
    Backreference,
    Capture,
    Complement,
    Concatenation,
    Conditional,
    Intersection,
    Look,
    Node,
    Repetition,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.terms import (
    FALSE,
    TRUE,
    Again,
    And,
    Captures,
    Close,
    Not,
    Or,
    Part,
    Place,
    Rest,
    Return,
    Step,
    Term,
    Threads,
)

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
_MOST_PLACES = 300
"""Places that are found beforehand, at most, to know that all is known of them."""
_MOST_PLACES_WITH_TEXT = 60
"""The same where each capture makes a place of its own."""


@dataclass(frozen=True, eq=False)
class Move:
    """Characters after which a text is at the same place.

    Where a pattern has backreferences the places may differ in what was captured.

    Attributes:
        held: the classes of the characters.
        listed: single characters, if it is these instead.
        others: characters that are listed in other moves.
        first: one of them.
    """

    held: tuple[Class, ...]
    listed: str
    others: str
    first: str

    def next_bytes(self, begun: bytes) -> int:
        """Bytes that may follow the bytes ``begun`` of one of the characters, as bits."""
        if not self.listed:
            found = 0
            for each in self.held:
                found |= each.next_bytes(begun)
            return found
        found = 0
        for character in self.listed:
            encoded = character.encode()
            if encoded.startswith(begun) and len(encoded) > len(begun):
                found |= 1 << encoded[len(begun)]
        return found

    def character(self, begun: bytes) -> str | None:
        """One of the characters whose bytes begin with ``begun``."""
        if self.listed:
            return next((c for c in self.listed if c.encode().startswith(begun)), None)
        spelled = begun
        while not spelled or not is_whole(spelled):
            options = self.next_bytes(spelled)
            if not options:
                return None
            spelled += bytes((options.bit_length() - 1,))
        return spelled.decode()


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
        self._plain: dict[Node, bool] = {}
        self._plain_rests: dict[Rest, bool] = {}

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
        plain = all(map(self._is_plain_node, [pattern.root, *pattern.groups.values()]))
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
        key = character if self._derivatives.follows_text else self.classes.sets(character)
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
            wanted = each.sets if self._derivatives.follows_text else each.sets & sets
            if wanted not in seen:
                first = next((c for c in each.members() if c not in listed), None)
                if first is None:
                    continue
                seen[wanted] = self.next(place, first)
            if seen[wanted].term is not FALSE:
                together.setdefault(seen[wanted], []).append(each)
        for group in together.values():
            firsts = (next((c for c in e.members() if c not in listed), None) for e in group)
            best = min(((_rank(c), c) for c in firsts if c), default=None)
            if best is not None:
                yield Move(tuple(group), "", listed_text, best[1])

    # What can become of a place.

    def live(self, place: Place) -> bool:
        """Whether some text may follow. True where that is not found out in time."""
        known = self._known(place)
        if known.live is None:
            known.live = self._surely_live(place.term) or (
                self._search(place, _MOST_LIVE_WITH_TEXT) is not False
            )
        return known.live

    def _search(self, start: Place, most_with_text: int) -> bool | None:
        """Look for a text that may follow; ``None``: not found in time."""
        counter = 0
        limit = self._derivatives.work + _MOST_WORK
        # Places that differ in what was captured are many: the shortest texts are looked at first,
        # and of those that may be equally short the one that is nearly there.
        follows = self._derivatives.follows_text
        most = most_with_text if follows else _MOST_SEARCHED
        waiting: list[tuple[float, int, int, int, Place]] = [(start.term.shortest, 0, 0, 0, start)]
        came: dict[Place, tuple[Place, str] | None] = {start: None}
        while waiting:
            _, _, _, length, place = heapq.heappop(waiting)
            known = self._known(place)
            if known.live is False:
                continue
            if self.may_stop(place) or known.on is not None:
                self._note_way(place, came)
                return True
            if len(came) > most or self._derivatives.work > limit:
                self._gave_up = True
                return None
            for move in self.moves(place):
                after = self.next(place, move.first)
                if after not in came and after.term.shortest < inf:
                    came[after] = (place, move.first)
                    counter += 1
                    estimate = length + 1 + after.term.shortest
                    depth = -length if follows else 0
                    heapq.heappush(waiting, (estimate, depth, counter, length + 1, after))
        for place in came:
            self._known(place).live = False
        return False

    def _note_way(self, place: Place, came: dict[Place, tuple[Place, str] | None]) -> None:
        """Note that all places on the way to ``place`` are live."""
        self._known(place).live = True
        while (before := came[place]) is not None:
            place, character = before
            known = self._known(place)
            known.live, known.on = True, character

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

    # What is live without a search: terms that ask for nothing but characters in a row.

    def _surely_live(self, term: Term) -> bool:
        if isinstance(term, Or):
            return any(map(self._surely_live, term.terms))
        if isinstance(term, Step):
            return self._is_plain(term.rest) or self._spells_itself(term.rest, term.captures)
        if isinstance(term, Part):
            own = self._surely_live(term.place.term)
            return own and self._spells_itself(term.rest, term.captures)
        return term is TRUE

    def _spells_itself(self, rest: Rest, captures: Captures) -> bool:
        """Whether it surely can be finished, what groups have captured being there."""
        if captures.errors:
            return False
        known = {group for group, text in captures.closed if text is not None}
        here: Rest | None = rest
        while here is not None and (item := here.item) is not None:
            if isinstance(item, Close):
                known.add(item.group)
            elif isinstance(item, Return):
                known = {group for group, text in item.captures.closed if text is not None}
            elif isinstance(item, Again):
                if item.least and not self._has_text(item.node, known):
                    return False
            elif not isinstance(item, Node) or not self._has_text(item, known):
                return False
            here = here.tail
        return True

    def _has_text(self, node: Node, known: set[int]) -> bool:
        """Whether it surely has a text where the groups ``known`` are captured; more may become."""
        match node:
            case Backreference(group):
                return group in known
            case Capture(group, item):
                found = self._has_text(item, known)
                known.add(group)
                return found
            case Repetition(item, least):
                return not least or self._has_text(item, known)
            case Concatenation(items):
                return all(self._has_text(item, known) for item in items)
            case Alternation(choices):
                for choice in choices:
                    after = set(known)
                    if self._has_text(choice, after):
                        known |= after
                        return True
                return False
            case _:
                return self._is_plain_node(node)

    def _is_plain(self, rest: Rest) -> bool:
        found = self._plain_rests.get(rest)
        if found is None:
            item, tail = rest.item, rest.tail
            found = tail is None or (
                self._is_plain(tail) and (not isinstance(item, Node) or self._is_plain_node(item))
            )
            self._plain_rests[rest] = found
        return found

    def _is_plain_node(self, node: Node) -> bool:
        found = self._plain.get(node)
        if found is None:
            asks = isinstance(node, _ASKING) or node.shortest == inf
            found = not asks and all(map(self._is_plain_node, node.parts))
            self._plain[node] = found
        return found


_ASKING = (Look, Backreference, Intersection, Complement, Atomic, Conditional, Fuzzy)
_USUAL = "a0bcA1 "


def _rank(character: str) -> tuple[int, int]:
    """Usual characters first: they stand for others in what is shown."""
    place = _USUAL.find(character)
    return (place if place >= 0 else len(_USUAL), ord(character))


def asked(place: Place) -> tuple[int, set[str]]:
    """What a place asks of the next character: sets of the pattern, as bits, and characters."""
    sets, listed = 0, set[str]()
    seen: set[Term] = set()
    waiting: list[Term] = [place.term]
    waiting += [each for ways in place.behind for way in ways for each in way]
    while waiting:
        term = waiting.pop()
        if term in seen:
            continue
        seen.add(term)
        if isinstance(term, Step):
            if isinstance(term.characters, int):
                sets |= 1 << term.characters
            else:
                listed |= set(term.characters)
        elif isinstance(term, And | Or):
            waiting += term.terms
        elif isinstance(term, Not):
            waiting.append(term.term)
        elif isinstance(term, Threads):
            waiting += [each for way in term.ways for each in way]
        elif isinstance(term, Part):
            waiting.append(term.place.term)
            waiting += [each for ways in term.place.behind for way in ways for each in way]
    return sets, listed
