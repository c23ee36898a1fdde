"""Characters that are worth telling apart at a place."""

from __future__ import annotations

from dataclasses import dataclass

from condit.constraint.regular.classes import Class, is_whole
from condit.constraint.regular.terms import And, Not, Or, Part, Place, Step, Term, Threads

_USUAL = "a0bcA1 "


def rank(character: str) -> tuple[int, int]:
    """Usual characters first: they stand for others in what is shown."""
    place = _USUAL.find(character)
    return (place if place >= 0 else len(_USUAL), ord(character))


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


def asked(place: Place) -> tuple[int, set[str]]:
    """What a place asks of the next character: sets of the pattern, as bits, and characters."""
    sets, listed = 0, set(place.past or "")
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
            if term.since:
                listed |= {character for character, _ in term.since.past}
        elif isinstance(term, Part):
            waiting.append(term.place.term)
            waiting += [each for ways in term.place.behind for way in ways for each in way]
    return sets, listed
