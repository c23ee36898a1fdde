"""The automaton of a pattern over the bytes of UTF-8, as the byte-level protocol wants it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.classes import is_whole
from condit.constraint.regular.terms import FALSE, Place

State = tuple[Place, bytes]
"""A place, and the bytes of a character that is not yet whole."""

_FEW, _FEW_WITH_TEXT = 384, 128
"""The most states that a mask may take where they hardly come again."""

_PROBES = "eko"
"""Where each of these characters leads to a place of its own, all are taken to do."""


@dataclass(frozen=True, eq=False)
class PatternMachine(ByteMatcher[State]):
    """Which bytes may come next in a text of a pattern.

    EXACT where it could be found out of every place that texts lead to whether a match can still
    follow; else SOUND.
    """

    automaton: Automaton
    start: State = field(init=False)
    _ascii: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", (self.automaton.start, b""))
        if self.automaton.is_exact:
            object.__setattr__(self, "strength", Strength.EXACT)
        if not self.automaton.comes_back:
            few = _FEW_WITH_TEXT if self.automaton.follows_text else _FEW
            object.__setattr__(self, "most_states", few)
        object.__setattr__(self, "searches_first", self.automaton.follows_text)
        ascii_classes = [self.automaton.classes.of(chr(point)).number for point in range(0x80)]
        object.__setattr__(self, "_ascii", ascii_classes)

    def next(self, state: State, byte: int) -> State | None:
        """The state after ``byte``; ``None`` where no match can follow."""
        place, begun = state
        if byte < 0x80 and not begun:
            if self.automaton.follows_text:
                after = self.automaton.next(place, chr(byte))
                return (after, b"") if self.automaton.live(after) else None
            return self._after_class(place, self._ascii[byte], byte)
        if not self.automaton.next_bytes(place, begun) >> byte & 1:
            return None
        begun += bytes((byte,))
        if not is_whole(begun):
            return place, begun
        after = self.automaton.next(place, begun.decode())
        return (after, b"") if self.automaton.live(after) else None

    def _after_class(self, place: Place, number: int, byte: int) -> State | None:
        rows = self.automaton.rows(place)
        if number not in rows:
            after = self.automaton.next(place, chr(byte))
            rows[number] = (after, b"") if self.automaton.live(after) else None
        found: State | None = rows[number]
        return found

    def may_stop(self, state: State) -> bool:
        """Whether the text is a match."""
        return not state[1] and self.automaton.may_stop(state[0])

    def has_many(self, state: State) -> bool:
        """Whether each character leads to a place of its own, as where it is captured."""
        place, begun = state
        if begun or not self.automaton.follows_text or not place.spells:
            return False
        after = {self.automaton.next(place, character) for character in _PROBES}
        return len(after) == len(_PROBES) and all(each.term is not FALSE for each in after)

    def options(self, state: State) -> Collection[int] | None:
        """The bytes that may come next; ``None`` where each leads to a place of its own."""
        return None if self.automaton.follows_text else self.first_bytes(state)

    def first_bytes(self, state: State) -> Collection[int]:
        """The bytes that may come next, and perhaps some after which no match follows."""
        found = self.automaton.next_bytes(*state)
        return [byte for byte in range(256) if found >> byte & 1]

    def ending(self, state: State) -> bytes | None:
        """The bytes of a shortest match."""
        return _ending(self.automaton, *state)


def ending_after(automaton: Automaton, text: bytes) -> bytes | None:
    """The bytes of a shortest match that begins with ``text``, after it; ``None``: not found."""
    whole = text.decode(errors="ignore")
    place = automaton.start
    for character in whole:
        place = automaton.next(place, character)
    return _ending(automaton, place, text[len(whole.encode()) :])


def _ending(automaton: Automaton, place: Place, begun: bytes) -> bytes | None:
    if not begun:
        found = automaton.shortest(place)
        return None if found is None else found.encode()
    for move in automaton.moves(place):
        after = automaton.next(place, move.first)
        character = move.character(begun)
        if character is None or not automaton.live(after):
            continue
        rest = automaton.shortest(automaton.next(place, character))
        if rest is not None:
            return (character + rest).encode()[len(begun) :]
    return None
