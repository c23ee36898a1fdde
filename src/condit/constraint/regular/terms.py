"""What may follow a place in a text, as terms: conditions on all that follows it.

A term stands for a set of texts, those that may follow up to the end. It is made of *steps*, each
of which takes one more character, by ``and``, ``or`` and ``not``, so lookahead needs nothing of
its own. Equal terms are one object, and finite in number where a pattern is regular. How terms
come from a pattern is in ``ways.py``, and what follows a character in ``derivative.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from condit.constraint.regular.captures import Captures
from condit.constraint.regular.interned import Interned
from condit.constraint.regular.rest import Rest, left


class Term(Interned):
    """A set of texts that may follow.

    Attributes:
        shortest: a lower bound of their lengths; infinite where there is surely none.
        spells: whether it matters which character of a class comes next.
    """

    __slots__ = ("shortest", "spells")
    shortest: float
    spells: bool


class Constant(Term):
    """``TRUE``: any text; ``FALSE``: none; ``END``: only the empty one; ``CUT``: see there."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name, self.spells = name, False
        self.shortest = inf if name in ("false", "cut") else 0

    def __repr__(self) -> str:
        return self.name


class Mark(Term):
    """The place where a part of the pattern ends, with what it has captured."""

    __slots__ = ("captures",)

    def __init__(self, captures: Captures) -> None:
        self.captures, self.shortest, self.spells = captures, 0, False


class Step(Term):
    """One character, then the rest.

    Attributes:
        characters: a set by its number in the pattern, or the characters themselves.
    """

    __slots__ = ("captures", "characters", "rest")

    def __init__(self, characters: int | str, rest: Rest, captures: Captures) -> None:
        self.characters, self.rest, self.captures = characters, rest, captures
        self.shortest = 1 + left(captures, 1, rest)
        self.spells = bool(captures.open) or isinstance(characters, str)


@dataclass(frozen=True)
class Here:
    """What is known at a place of what stands before it.

    Attributes:
        holds: for each lookbehind of the pattern on what condition on what follows it holds.
        past: the text before, as far as it is asked for; else ``""``.
    """

    holds: tuple[Term, ...]
    past: str = ""


@dataclass(frozen=True)
class Since:
    """Where a lookahead began, for what stands there is matched once it has captured.

    Attributes:
        captures: what groups had captured there.
        here: what was known there.
        past: each character since, with what is known after it.
    """

    captures: Captures
    here: Here
    past: tuple[tuple[str, Here], ...] = ()

    def and_then(self, character: str, here: Here) -> Since:
        """The same after one more character."""
        return replace(self, past=(*self.past, (character, here)))


class Threads(Term):
    """A part of the pattern of which backtracking takes the first way that matches, then the rest.

    Attributes:
        ways: those that have not ended, the first first; each a condition and a term that takes a
            character and ends in ``Mark``.
        since: of a lookahead: where the rest begins, which is not where the part ends.
    """

    __slots__ = ("rest", "since", "ways")

    def __init__(self, ways: Ways, rest: Rest, since: Since | None) -> None:
        self.ways, self.rest, self.since = ways, rest, since
        if since:
            least = min(_left_of(way, Rest.MARK) for _, way in ways)
            self.shortest = max(least, rest.shortest - len(since.past))
            self.spells = True
            return
        self.shortest = min(_left_of(way, rest) for _, way in ways)
        self.spells = any(each.spells for way in ways for each in way)


class Part(Term):
    """A text of its own, whose lookaround sees nothing outside, then the rest."""

    __slots__ = ("captures", "place", "rest")

    def __init__(self, place: Place, rest: Rest, captures: Captures) -> None:
        self.place, self.rest, self.captures = place, rest, captures
        size = place.term.shortest
        self.shortest = size + left(captures, size, rest)
        self.spells = bool(captures.open) or place.spells


class And(Term):
    """What is in all terms."""

    __slots__ = ("terms",)

    def __init__(self, terms: frozenset[Term]) -> None:
        self.terms = terms
        self.shortest = max(term.shortest for term in terms)
        self.spells = any(term.spells for term in terms)


class Or(Term):
    """What is in some term."""

    __slots__ = ("terms",)

    def __init__(self, terms: frozenset[Term]) -> None:
        self.terms = terms
        self.shortest = min(term.shortest for term in terms)
        self.spells = any(term.spells for term in terms)


class Not(Term):
    """What is not in the term."""

    __slots__ = ("term",)

    def __init__(self, term: Term) -> None:
        self.term, self.shortest, self.spells = term, 0, term.spells


def _left_of(way: Term, rest: Rest) -> float:
    if isinstance(way, Step):
        return 1 + left(way.captures, 1, way.rest, rest)
    return way.shortest + rest.shortest


Ways = tuple[tuple[Term, Term], ...]
"""Ways to go on, each a condition on what follows and a term."""

TRUE: Term = Constant._of("true")
FALSE: Term = Constant._of("false")
END: Term = Constant._of("end")
CUT: Term = Constant._of("cut")
"""Among ways to go on: none itself, and if its condition holds those after it are none either."""


class Place(Interned):
    """A place in a text: what may follow, and what lookbehind has to know of what came before.

    Attributes:
        term: what may follow.
        behind: for each lookbehind of the pattern the ways in which it is under way.
        past: the text before, as far as lookbehind asks for it itself; ``None``: not at all.
        spells: whether it matters which character of a class comes next.
    """

    __slots__ = ("behind", "known", "past", "pattern", "spells", "term")

    def __init__(
        self, pattern: Hashable, term: Term, behind: tuple[Ways, ...], past: str | None
    ) -> None:
        self.pattern, self.term, self.behind, self.past = pattern, term, behind, past
        self.spells = (
            past is not None
            or term.spells
            or any(each.spells for ways in behind for way in ways for each in way)
        )
        # Kept for a place by ``automaton.py``.
        self.known: Any = None

    @classmethod
    def of(
        cls, pattern: Hashable, term: Term, behind: tuple[Ways, ...], past: str | None = None
    ) -> Place:
        """That place in a text of ``pattern``, by whose numbers sets of characters go."""
        return cls._of(pattern, term, behind, past)


def mark(captures: Captures) -> Term:
    """A ``Mark``."""
    return Mark._of(captures)


def step(characters: int | str, rest: Rest, captures: Captures) -> Term:
    """A ``Step``."""
    return Step._of(characters, rest, captures)


def threads(ways: Ways, rest: Rest, since: Since | None = None) -> Term:
    """``Threads``."""
    return Threads._of(ways, rest, since)


def part(place: Place, rest: Rest, captures: Captures) -> Term:
    """A ``Part``."""
    return Part._of(place, rest, captures)


def not_(term: Term) -> Term:
    """All texts but those of the term."""
    if isinstance(term, Not):
        return term.term
    if term is TRUE:
        return FALSE
    return TRUE if term is FALSE else Not._of(term)


def and_(*terms: Term) -> Term:
    """What is in all terms."""
    kept = _kept(And, TRUE, terms)
    if FALSE in kept or any(isinstance(each, Not) and each.term in kept for each in kept):
        return FALSE
    # What another condition implies is left out.
    kept = {each for each in kept if not (isinstance(each, Or) and not kept.isdisjoint(each.terms))}
    if len(kept) > 1 and END in kept:
        # Only the empty text: the others say yes or no to it. Those that take a character say no.
        if any(isinstance(each, Step | Threads) for each in kept):
            return FALSE
        kept = {e for e in kept if not (isinstance(e, Not) and isinstance(e.term, Step | Threads))}
    if len(kept) > 1:
        return And._of(frozenset(kept))
    return kept.pop() if kept else TRUE


def or_(*terms: Term) -> Term:
    """What is in some term."""
    kept = _kept(Or, FALSE, terms)
    if TRUE in kept or any(isinstance(each, Not) and each.term in kept for each in kept):
        return TRUE
    kept = {
        each for each in kept if not (isinstance(each, And) and not kept.isdisjoint(each.terms))
    }
    if len(kept) > 1:
        return Or._of(frozenset(kept))
    return kept.pop() if kept else FALSE


def _kept(kind: type[And] | type[Or], neutral: Term, terms: Iterable[Term]) -> set[Term]:
    kept: set[Term] = set()
    for term in terms:
        if isinstance(term, kind):
            kept |= term.terms
        elif term is not neutral:
            kept.add(term)
    return kept
