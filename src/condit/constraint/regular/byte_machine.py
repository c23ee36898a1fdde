"""The automaton of a pattern over the bytes of UTF-8, as the byte-level protocol wants it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.classes import is_whole
from condit.constraint.regular.terms import Place

State = tuple[Place, bytes]
"""A place, and the bytes of a character that is not yet whole."""


@dataclass(frozen=True, eq=False)
class PatternMachine(ByteMatcher[State]):
    """Which bytes may come next in a text of a pattern.

    EXACT where it could be found out of every place that texts lead to whether a match can still
    follow; else SOUND.
    """

    automaton: Automaton
    start: State = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", (self.automaton.start, b""))
        if self.automaton.is_exact:
            object.__setattr__(self, "strength", Strength.EXACT)

    def next(self, state: State, byte: int) -> State | None:
        """The state after ``byte``; ``None`` where no match can follow."""
        place, begun = state
        if not self.automaton.next_bytes(place, begun) >> byte & 1:
            return None
        begun += bytes((byte,))
        if not is_whole(begun):
            return place, begun
        after = self.automaton.next(place, begun.decode())
        # Characters of which only some can be followed are told apart here.
        return (after, b"") if self.automaton.live(after) else None

    def may_stop(self, state: State) -> bool:
        """Whether the text is a match."""
        return not state[1] and self.automaton.may_stop(state[0])

    def options(self, state: State) -> Collection[int]:
        """The bytes that may come next."""
        found = self.automaton.next_bytes(*state)
        return [byte for byte in range(256) if found >> byte & 1 and self.next(state, byte)]

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
