"""Automata that read the same text together: their states, and what tells characters apart.

Where a pattern has backreferences, characters that it has captured are told apart from the others
of their class. The others are alike: exchanging two of them changes nothing that a pattern says.
That is not so where a backreference ignores case; there each character is followed on its own.

What is searched for, counted or drawn is in other files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from operator import getitem

from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.captures import Captures
from condit.constraint.regular.expression import Backreference, nodes
from condit.constraint.regular.moves import asked
from condit.constraint.regular.rest import Rest, Return
from condit.constraint.regular.terms import (
    FALSE,
    TRUE,
    And,
    Mark,
    Not,
    Or,
    Part,
    Place,
    Step,
    Term,
    Threads,
)
from condit.errors import ConstraintTooComplexError
from condit.regular.alphabet import Atom, common

State = tuple[Place, ...]
"""A place in each automaton."""

_MOST_STATES = 10_000
"""States that a search goes to, at most."""
_MOST_WITHOUT_END = 200
"""The same where there may be no end of states, which have ever more to remember."""
_MOST_CHARACTERS = 2_000
"""Characters, at most, that are followed one by one after a place."""


@dataclass(frozen=True, eq=False)
class Move:
    """Characters after which texts are in the same state, or in states that are alike.

    Attributes:
        first: one of them.
        to: the state after it.
        size: how many they are.
        atoms: the classes that they are in; empty where it is ``first`` alone.
        without: characters of those classes that have moves of their own.
    """

    first: str
    to: State
    size: int
    atoms: tuple[Atom, ...]
    without: frozenset[str]

    def members(self) -> Iterator[str]:
        """The characters, usual ones first."""
        if not self.atoms:
            return iter(self.first)
        return (c for atom in self.atoms for c in atom.members() if c not in self.without)

    def member(self, index: int) -> str:
        """The character with an index below ``size``."""
        if not self.atoms:
            return self.first
        skipped = sorted(map(ord, self.without))
        for low, high in sorted(chain(*(atom.ranges for atom in self.atoms))):
            here = [point for point in skipped if low <= point <= high]
            if index < high - low + 1 - len(here):
                point = low + index
                for each in here:
                    point += each <= point
                return chr(point)
            index -= high - low + 1 - len(here)
        raise IndexError(index)


class Product:
    """Automata that read a text together.

    Attributes:
        start: the state before the first character.
        follows_text: whether it matters what a group has captured.
        most: states that are looked at, at most.
    """

    def __init__(
        self,
        automata: Sequence[Automaton],
        wanted: Iterable[tuple[bool, ...]],
        *,
        apart: bool = False,
    ) -> None:
        """Make it.

        Args:
            automata: the automata.
            wanted: the answers, one for each automaton, of texts that are looked for.
            apart: whether each character that a group may capture is followed on its own.
        """
        self._automata = automata
        self._wanted = frozenset(wanted)
        self._atoms = common([each.classes for each in automata])
        self.follows_text = any(each.follows_text for each in automata)
        is_finite = all(each.is_finite for each in automata)
        self.most = _MOST_STATES if is_finite else _MOST_WITHOUT_END
        self._one_by_one = self.follows_text and (apart or any(map(_ignores_case, automata)))
        self._moves: dict[State, list[Move]] = {}
        self.start: State = tuple(each.start for each in automata)

    def accepts(self, state: State) -> bool:
        """Whether a text that leads here is looked for."""
        pairs = zip(self._automata, state, strict=True)
        return tuple(each.may_stop(place) for each, place in pairs) in self._wanted

    def is_hopeless(self, state: State) -> bool:
        """Whether it is plain that no text that is looked for leads through here."""
        # For each automaton, answers that are out of the question.
        never = [(p.term is TRUE, p.term is FALSE or p.term.shortest == inf) for p in state]
        return all(any(map(getitem, never, answers)) for answers in self._wanted)

    def next(self, state: State, character: str) -> State:
        """The state after one more character."""
        pairs = zip(self._automata, state, strict=True)
        return tuple(each.next(place, character) for each, place in pairs)

    def moves(self, state: State) -> list[Move]:
        """The moves from a state, but for those that are hopeless.

        Raises:
            ConstraintTooComplexError: too many characters have to be followed one by one.
        """
        found = self._moves.get(state)
        if found is None:
            found = self._moves[state] = list(self._find_moves(state))
        return found

    def _find_moves(self, state: State) -> Iterator[Move]:
        questions = [asked(place) for place in state]
        masks = [sets for sets, _ in questions]
        own: frozenset[str] = frozenset()
        if self.follows_text:
            own = frozenset(chain(*(listed for _, listed in questions), *map(_captured, state)))
            for character in sorted(own):
                to = self.next(state, character)
                if not self.is_hopeless(to):
                    yield Move(character, to, 1, (), frozenset())
        reached: dict[tuple[int, ...], State] = {}
        together: dict[State | Atom, list[tuple[str, Atom, int]]] = {}
        for atom in self._atoms:
            first, size, sets = atom.first, atom.size, atom.sets
            if self.follows_text:
                size -= sum(character in atom for character in own)
                if first in own and size:
                    first = next(c for c in atom.members() if c not in own)
            else:
                sets = tuple(each & mask for each, mask in zip(sets, masks, strict=True))
            if not size:
                continue
            to = reached.get(sets) or self.next(state, first)
            reached[sets] = to
            # What is captured may be asked about later: then only those of one class are alike.
            together.setdefault(atom if self.follows_text else to, []).append((first, atom, size))
        for held in together.values():
            first = min((each for each, _, _ in held), key=_rank)
            to = reached[held[0][1].sets] if self.follows_text else self.next(state, first)
            if self.is_hopeless(to):
                continue
            size = sum(each for _, _, each in held)
            move = Move(first, to, size, tuple(atom for _, atom, _ in held), own)
            if not self._one_by_one:
                yield move
            elif size > _MOST_CHARACTERS:
                raise ConstraintTooComplexError(
                    f"a backreference follows a group of {size} characters, which are too many to "
                    "tell all of them apart. Name fewer in the group"
                )
            else:
                for character in move.members():
                    yield Move(character, self.next(state, character), 1, (), frozenset())


_USUAL = {character: rank for rank, character in enumerate("a0bcA1 ")}


def _rank(character: str) -> tuple[int, str]:
    return _USUAL.get(character, len(_USUAL)), character


def _ignores_case(automaton: Automaton) -> bool:
    pattern = automaton.pattern
    return any(
        isinstance(each, Backreference) and each.folded
        for each in nodes([pattern.root, *pattern.groups.values()])
    )


def _captured(place: Place) -> set[str]:
    """All characters that groups have captured, or begun to capture, at a place."""
    found: set[str] = set(place.past or "")
    seen: set[Term] = set()
    waiting: list[Term] = [*_terms(place)]

    def note(captures: Captures) -> None:
        for _, text in (*captures.closed, *captures.open):
            found.update(text or "")

    def note_rest(rest: Rest | None) -> None:
        while rest is not None:
            if isinstance(rest.item, Return):
                note(rest.item.captures)
            spelled = getattr(rest.item, "characters", None)
            if isinstance(spelled, str):
                found.update(spelled)
            rest = rest.tail

    while waiting:
        term = waiting.pop()
        if term in seen:
            continue
        seen.add(term)
        if isinstance(term, Step | Part | Mark):
            note(term.captures)
        if isinstance(term, Step | Part | Threads):
            note_rest(term.rest)
        if isinstance(term, And | Or):
            waiting += term.terms
        elif isinstance(term, Not):
            waiting.append(term.term)
        elif isinstance(term, Threads):
            waiting += chain(*term.ways)
            if term.since:
                note(term.since.captures)
                found.update(character for character, _ in term.since.past)
        elif isinstance(term, Part):
            found.update(term.place.past or "")
            waiting += _terms(term.place)
    return found


def _terms(place: Place) -> Iterator[Term]:
    yield place.term
    for ways in place.behind:
        yield from chain(*ways)
