"""From a formula to an automaton, by progression: what must hold of the rest after each event.

What is left of a formula after an event is again a formula (Bacchus and Kabanza 1998). It is kept
as a Boolean function of things that must hold from the next position on: a name, ``X f`` and
``f U g``; all else is said by these. Formulas that are equal as Boolean functions are one state,
and ``F[0,3] f`` implies ``F[0,5] f``. On the empty rest of a trace each of these things is false.

A past operator is known by what it says at the current position, which may be a formula about the
future (as in ``O X a``): these go along in the state, and become constants where all is past.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from condit.errors import ConstraintTooComplexError
from condit.regular.table import Table
from condit.temporal.automaton import smallest
from condit.temporal.diagram import FALSE, TRUE, Diagrams
from condit.temporal.formula import Formula

_BITS = 20
_ENDLESS = (1 << _BITS) - 1


class _State(NamedTuple):
    """Where a trace has led.

    Attributes:
        begun: whether there was an event.
        rest: what must hold of the rest of the trace.
        past: for each past operator what it says at the next position.
    """

    begun: bool
    rest: int
    past: tuple[int, ...]


class _Until(NamedTuple):
    one: int
    other: int
    first: int
    last: int | None


class _Name(NamedTuple):
    name: str


class _Next(NamedTuple):
    inner: int


class _Past(NamedTuple):
    number: int


_Meaning: TypeAlias = _Until | _Name | _Next | _Past | None
"""What must hold; ``None``: that there is one more position."""


def compile_formula(formula: Formula, letters: Sequence[Set[str]], most: int) -> Table:
    """The smallest automaton of the traces that satisfy a formula.

    Args:
        formula: the formula.
        letters: what may happen at a position, each as the set of names that are true of it.
        most: how many states are looked at, at most.

    Returns:
        A table whose letters are the numbers of ``letters``.

    Raises:
        ConstraintTooComplexError: there are more states; the message names the formula.
    """
    too_many = (
        f"the clause {formula} has more than {most} states. Split it into clauses joined by &, "
        "make its bounds smaller, or give ltlf(most_states=...) a higher limit"
    )
    own = frozenset(formula.names())
    kinds: dict[frozenset[str], int] = {}
    kind_of = [kinds.setdefault(own.intersection(each), len(kinds)) for each in letters]
    states: set[_State] = set()

    def step(state: _State, kind: int) -> _State:
        after = progression.after(state, kind)
        states.add(after)
        if len(states) > most:
            raise ConstraintTooComplexError(too_many)
        return after

    try:
        progression = _Progression(formula, list(kinds))
        return smallest(progression.start, kind_of, step, progression.accepts)
    except RecursionError:
        raise ConstraintTooComplexError(too_many) from None


class _Progression:
    """The states of one formula, over letters that are sets of names."""

    def __init__(self, formula: Formula, letters: Sequence[Set[str]]) -> None:
        self._diagrams, self._letters = Diagrams(), letters
        self._meaning: dict[int, _Meaning] = {}
        self._chains: dict[tuple[object, ...], int] = {}
        self._past: list[int] = []
        self._memos: dict[tuple[int, tuple[int, ...]], dict[int, int]] = {}
        self._more = self._variable(("more",), None)
        rest = self._built(formula)
        self.start = _State(False, rest, (FALSE,) * len(self._past))

    def accepts(self, state: _State) -> bool:
        """Whether the trace may end here."""
        return state.begun and self._diagrams.at_zero(state.rest)

    def after(self, state: _State, letter: int) -> _State:
        """The state after one more event."""
        memo = self._memos.setdefault((letter, state.past), {FALSE: FALSE, TRUE: TRUE})
        names = self._letters[letter]
        rest = self._normal(self._progressed(state.rest, names, state.past, memo))
        if rest <= TRUE:
            return _State(True, rest, ())
        past = tuple(
            self._normal(self._progressed(each, names, state.past, memo)) for each in self._past
        )
        return _State(True, rest, past)

    def _variable(self, chain: tuple[object, ...], meaning: _Meaning, place: int = 0) -> int:
        """The variable of something that must hold; in one chain they are in order of places."""
        number = self._chains.setdefault(chain, len(self._chains))
        level = number << 2 * _BITS | place
        self._meaning.setdefault(level, meaning)
        return self._diagrams.variable(level)

    def _built(self, formula: Formula) -> int:
        make = self._diagrams
        inner = [self._built(each) for each in formula.arguments]
        first, last = formula.bounds or (0, None)
        match formula.operator:
            case "true" | "false":
                return int(formula.operator == "true")
            case "name":
                return self._variable(("name", formula.name), _Name(formula.name))
            case "last":
                return make.negation(self._next(TRUE))
            case "!":
                return make.negation(inner[0])
            case "&" | "|":
                total = int(formula.operator == "&")
                join = make.conjunction if total else make.disjunction
                for each in inner:
                    total = join(total, each)
                return total
            case "->":
                return make.choose(inner[0], inner[1], TRUE)
            case "<->":
                return make.choose(inner[0], inner[1], make.negation(inner[1]))
            case "xor":
                return make.choose(inner[0], make.negation(inner[1]), inner[1])
            case "X":
                return self._next(inner[0])
            case "WX":
                return make.negation(self._next(make.negation(inner[0])))
            case "F":
                return self._until(TRUE, inner[0], first, last)
            case "G":
                return make.negation(self._until(TRUE, make.negation(inner[0]), first, last))
            case "U":
                return self._until(inner[0], inner[1], first, last)
            case "R":
                return self._release(inner[0], inner[1], first, last)
            case "W":
                return self._release(inner[1], make.disjunction(*inner), 0, None)
            case "M":
                return self._until(inner[1], make.conjunction(*inner), 0, None)
            case "Y":
                return self._yesterday(inner[0])
            case "Z":
                return make.negation(self._yesterday(make.negation(inner[0])))
            case "S":
                return self._since(inner[0], inner[1])
            case "O":
                return self._since(TRUE, inner[0])
        return make.negation(self._since(TRUE, make.negation(inner[0])))  # H

    def _next(self, inner: int) -> int:
        return FALSE if inner == FALSE else self._variable(("X", inner), _Next(inner))

    def _until(self, one: int, other: int, first: int, last: int | None) -> int:
        place = first << _BITS | (_ENDLESS if last is None else last)
        return self._variable(("U", one, other), _Until(one, other, first, last), place)

    def _release(self, one: int, other: int, first: int, last: int | None) -> int:
        no = self._diagrams.negation
        return no(self._until(no(one), no(other), first, last))

    def _yesterday(self, inner: int) -> int:
        found = self._variable(("Y", inner), _Past(len(self._past)))
        self._remember(found, inner)
        return found

    def _since(self, one: int, other: int) -> int:
        """``other``, or ``one`` now and the same at the position before."""
        before = self._variable(("S", one, other), _Past(len(self._past)))
        make = self._diagrams
        whole = make.disjunction(other, make.conjunction(one, before))
        self._remember(before, whole)
        return whole

    def _remember(self, variable: int, formula: int) -> None:
        """Note what a past operator says at the next position: what is left of ``formula``."""
        meaning = self._meaning[self._diagrams.level[variable]]
        if isinstance(meaning, _Past) and meaning.number == len(self._past):
            self._past.append(formula)

    def _progressed(
        self, function: int, names: Set[str], past: tuple[int, ...], memo: dict[int, int]
    ) -> int:
        """What must hold of the rest, if ``function`` is to hold from this event on."""
        found = memo.get(function)
        if found is not None:
            return found
        make = self._diagrams

        def progressed(inner: int) -> int:
            return self._progressed(inner, names, past, memo)

        match self._meaning[make.level[function]]:
            case _Name(name):
                now = int(name in names)
            case _Next(inner):
                # On the empty rest ``inner`` may hold, but there is no next position.
                now = make.conjunction(inner, self._more) if make.at_zero(inner) else inner
            case _Past(number):
                now = progressed(past[number])
            case _Until(one, other, first, last):
                further = None if last is None else last - 1
                if first:
                    then = self._until(one, other, first - 1, further)
                    now = make.conjunction(progressed(one), then)
                else:
                    now = progressed(other)
                    if last != 0:
                        then = self._until(one, other, 0, further)
                        now = make.disjunction(now, make.conjunction(progressed(one), then))
            case None:
                now = TRUE  # there was one more position
        high, low = progressed(make.high[function]), progressed(make.low[function])
        found = memo[function] = make.choose(now, high, low)
        return found

    def _normal(self, function: int) -> int:
        """The same for functions that only differ where ``F[0,3] f`` and not ``F[0,5] f`` holds."""
        make = self._diagrams
        care, chained = self._implications(function)
        for level in chained:
            variable = make.variable(level)
            for literal in (make.negation(variable), variable):
                fewer = make.within(function, literal)
                same = make.choose(function, fewer, make.negation(fewer))
                if make.choose(care, same, TRUE) == TRUE:
                    function = fewer
        return make.within(function, self._implications(function)[0])

    def _implications(self, function: int) -> tuple[int, list[int]]:
        """What is known of the variables of a function, and which variables that speaks of."""
        care, chained, make = TRUE, [], self._diagrams
        for near, far in pairwise(sorted(make.support(function))):
            # They begin with the same step: what holds in time also holds in longer time.
            if near >> _BITS == far >> _BITS:
                sooner, later = make.variable(near), make.variable(far)
                care = make.conjunction(care, make.choose(sooner, later, TRUE))
                chained += [near, far]
        return care, list(dict.fromkeys(chained))
