"""What may follow a place in a text, as terms: conditions on all that follows it.

A term stands for a set of texts, those that may follow up to the end. It is made of *steps*, each
of which takes one more character, by ``and``, ``or`` and ``not``, so lookahead needs nothing of
its own. Equal terms are one object, which makes them cheap to compare, and finite in number where
a pattern is regular. How terms come from a pattern, and what follows a character, is in
``derivative.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from math import inf
from threading import RLock
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from condit.constraint.regular.expression import Look, Node
from condit.constraint.regular.fuzzy import Fuzzy

_making = RLock()
_known: WeakValueDictionary[tuple[Any, ...], _One] = WeakValueDictionary()

Kind = TypeVar("Kind", bound="_One")


class _One:
    """Objects of which there is one for equal values; made by ``of``."""

    __slots__ = ("__weakref__",)

    @classmethod
    def _of(cls: type[Kind], *values: Hashable) -> Kind:
        key = (cls, *values)
        found = _known.get(key)
        if not isinstance(found, cls):
            # Two threads must not make two of them.
            with _making:
                found = _known.get(key)
                if not isinstance(found, cls):
                    found = cls(*values)
                    _known[key] = found
        return found


Errors = tuple[Fuzzy, int, int, int]


@dataclass(frozen=True)
class Captures:
    """What groups have captured.

    Attributes:
        closed: of each group the text; ``None`` where only asked is whether there is one.
        open: groups that capture now, with their text so far.
        errors: the fuzzy groups that are under way, the inner ones last, each with the
            substitutions, insertions and deletions so far.
    """

    closed: tuple[tuple[int, str | None], ...] = ()
    open: tuple[tuple[int, str], ...] = ()
    errors: tuple[Errors, ...] = ()

    def opened(self, group: int) -> Captures:
        """With a group that begins to capture."""
        return replace(self, open=(*self.open, (group, "")))

    def close(self, group: int) -> Captures:
        """With the group, opened last, captured."""
        text = self.open[-1][1]
        return replace(self, closed=_with(self.closed, group, text), open=self.open[:-1])

    def captured(self, group: int, text: str | None) -> Captures:
        """With the group captured; ``None``: whatever its text."""
        return replace(self, closed=_with(self.closed, group, text))

    def extended(self, character: str) -> Captures:
        """With one more character in all that is open."""
        if not self.open:
            return self
        return replace(self, open=tuple((group, text + character) for group, text in self.open))

    def begun(self, fuzzy: Fuzzy) -> Captures:
        """With a fuzzy group that begins."""
        return replace(self, errors=(*self.errors, (fuzzy, 0, 0, 0)))

    def wrong(self, kind: int) -> Captures | None:
        """With one more error (0: a substitution, 1: insertion, 2: deletion), if it may be."""
        fuzzy, *counts = self.errors[-1]
        counts[kind] += 1
        if not fuzzy.allows(*counts):
            return None
        return replace(self, errors=(*self.errors[:-1], (fuzzy, *fuzzy.counted(*counts))))

    def ended(self) -> Captures | None:
        """With the inner fuzzy group ended; ``None`` where it has too few or too many errors."""
        fuzzy, *counts = self.errors[-1]
        if not fuzzy.suffices(*counts):
            return None
        outer = self.errors[:-1]
        if outer:
            around, *before = outer[-1]
            total = [one + other for one, other in zip(before, counts, strict=True)]
            outer = (*outer[:-1], (around, *around.counted(*total)))
        return replace(self, errors=outer)

    def exact(self) -> Captures:
        """Without errors: as conditions on places see it."""
        return replace(self, errors=()) if self.errors else self

    def has(self, group: int) -> bool:
        """Whether the group has captured."""
        return any(each == group for each, _ in self.closed)

    def text(self, group: int) -> str | None:
        """What the group has captured; ``None`` for nothing."""
        return next((text for each, text in self.closed if each == group), None)


def _with(
    closed: tuple[tuple[int, str | None], ...], group: int, text: str | None
) -> tuple[tuple[int, str | None], ...]:
    others = [each for each in closed if each[0] != group]
    return tuple(sorted([*others, (group, text)], key=lambda each: each[0]))


NO_CAPTURES = Captures()


@dataclass(frozen=True)
class Close:
    """In a ``Rest``: a group ends here."""

    group: int
    marks: bool
    """Whether only that it has captured matters."""


@dataclass(frozen=True)
class Again:
    """In a ``Rest``: a repeated item that may be empty ends here.

    ``fresh`` until a character has been taken: then the item was empty, and is not repeated unless
    it has captured something.
    """

    node: Node
    """The repetition that is left."""
    least: int
    """How often at least."""
    fresh: bool
    closed: tuple[tuple[int, str | None], ...] = ()
    """What had been captured before, as long as it is fresh."""


@dataclass(frozen=True)
class Return:
    """In a ``Rest``: a called group ends here, and what it captured is forgotten.

    ``fresh`` until a character has been taken: a group that calls itself before is no text.
    """

    group: int
    captures: Captures
    fresh: bool


@dataclass(frozen=True)
class Ended:
    """In a ``Rest``: a fuzzy group ends here."""


Item = Node | Close | Again | Return | Ended


class Rest(_One):
    """What is left to match: items in a row, then the end.

    Attributes:
        item: the first; ``None`` where nothing is left.
        tail: those after it.
        final: what comes when nothing is left: ``"end"`` of the text, ``"any"`` text, a
            ``"mark"``: the place where a part of the pattern ends, or a ``"cut"``.
        shortest: a lower bound of the characters left.
        reach: the same, lookahead into what stands beyond it included.
        fresh: whether some item is fresh.
    """

    __slots__ = ("_after_return", "final", "fresh", "item", "reach", "shortest", "tail")
    END: ClassVar[Rest]
    ANY: ClassVar[Rest]
    CUT: ClassVar[Rest]
    MARK: ClassVar[Rest]

    def __init__(self, item: Item | None, tail: Rest | None, final: str) -> None:
        self.item, self.tail, self.final = item, tail, final
        self._after_return: tuple[float, float] | None = None
        self.shortest: float = tail.shortest if tail else 0
        self.reach: float = tail.reach if tail else 0
        self.fresh: bool = tail.fresh if tail else False
        more: float = 0
        if isinstance(item, Node):
            more = item.shortest
            self.reach = max(self.reach, _seen_ahead(item, {}))
        elif isinstance(item, Again | Return):
            self.fresh |= item.fresh
            if isinstance(item, Again) and not item.fresh:
                more = item.node.shortest
        self.shortest += more
        self.reach += more

    def before(self, *items: Item) -> Rest:
        """The items, then this."""
        found = self
        for item in reversed(items):
            found = Rest._of(item, found, self.final)
        return found

    def settled(self) -> Rest:
        """The same after a character: nothing is fresh."""
        if not self.fresh or self.tail is None:
            return self
        item = self.item
        if isinstance(item, Again) and item.fresh:
            item = Again(item.node, item.least, False)
        elif isinstance(item, Return) and item.fresh:
            item = Return(item.group, item.captures, False)
        return Rest._of(item, self.tail.settled(), self.final)

    def ended(self, final: Rest) -> Rest:
        """The same with another end."""
        if self.item is None or self.tail is None:
            return final
        return Rest._of(self.item, self.tail.ended(final), final.final)

    def after_return(self, item: Return) -> tuple[float, float]:
        """``_bounds`` of what follows the item, which is the first: known to it alone, and kept."""
        if self._after_return is None and self.tail is not None:
            self._after_return = _bounds(_sizes(item.captures), [], (self.tail,))
        return self._after_return or (0, 0)

    def calls(self, group: int) -> bool:
        """Whether it is in a call of the group that has taken no character."""
        rest: Rest | None = self
        while rest is not None and rest.fresh:
            item = rest.item
            if isinstance(item, Return) and item.fresh and item.group == group:
                return True
            rest = rest.tail
        return False


Rest.END = Rest._of(None, None, "end")
Rest.ANY = Rest._of(None, None, "any")
Rest.CUT = Rest._of(None, None, "cut")
Rest.MARK = Rest._of(None, None, "mark")


def _seen_ahead(node: Node, sizes: dict[int, float]) -> float:
    """A lower bound of what must follow a place, if the node is a lookahead that stands there."""
    if isinstance(node, Look) and node.ahead and not node.negative:
        return node.item.lower_bound(dict(sizes))
    return 0


def _left(captures: Captures, taken: float, *rests: Rest) -> float:
    """A lower bound of the characters left in some rests in a row, by what was captured.

    Args:
        captures: before ``taken``.
        taken: characters that are taken before the rests, at least.
        rests: each ends where the next one begins.
    """
    if captures.errors or not (captures.closed or captures.open):
        found, reach = 0.0, 0.0
        for rest in rests:
            reach = max(reach, found + rest.reach)
            found += rest.shortest
        return reach
    opened = [len(text) + taken for _, text in captures.open]
    return _bounds(_sizes(captures), opened, rests)[1]


def _bounds(
    sizes: dict[int, float], opened: list[float], rests: tuple[Rest, ...]
) -> tuple[float, float]:
    """Lower bounds of the characters left in rests in a row, without and with lookahead.

    Args:
        sizes: of what groups have captured.
        opened: of what the groups that are open have captured so far, the last one last.
        rests: each ends where the next one begins.
    """
    found, reach = 0.0, 0.0
    for rest in rests:
        here: Rest | None = rest
        while here is not None and (item := here.item) is not None:
            more: float = 0
            if isinstance(item, Node):
                reach = max(reach, found + _seen_ahead(item, sizes))
                more = item.lower_bound(sizes)
            elif isinstance(item, Close):
                if item.marks or not opened:
                    sizes.pop(item.group, None)
                else:
                    sizes[item.group] = opened.pop()
            elif isinstance(item, Return):
                if not opened and len(rests) == 1:
                    shortest, further = here.after_return(item)
                    return found + shortest, max(reach, found + further)
                sizes = _sizes(item.captures)
            elif isinstance(item, Again):
                more = 0 if item.fresh else item.node.shortest
                for group in item.node.captured:
                    sizes.pop(group, None)
            found += more
            opened = [size + more for size in opened]
            here = here.tail
    return found, max(reach, found)


def _sizes(captures: Captures) -> dict[int, float]:
    return {group: len(text) for group, text in captures.closed if text is not None}


class Term(_One):
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
        self.shortest = 1 + _left(captures, 1, rest)
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
            left = min(_left_of(way, Rest.MARK) for _, way in ways)
            self.shortest = max(left, rest.shortest - len(since.past))
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
        self.shortest = size + _left(captures, size, rest)
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
        return 1 + _left(way.captures, 1, way.rest, rest)
    return way.shortest + rest.shortest


Ways = tuple[tuple[Term, Term], ...]
"""Ways to go on, each a condition on what follows and a term."""

TRUE: Term = Constant._of("true")
FALSE: Term = Constant._of("false")
END: Term = Constant._of("end")
CUT: Term = Constant._of("cut")
"""Among ways to go on: none itself, and if its condition holds those after it are none either."""


class Place(_One):
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
        self.spells = past is not None or term.spells or any(
            each.spells for ways in behind for way in ways for each in way
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
