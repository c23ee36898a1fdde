"""Whether several automata can all still be satisfied by one row of letters, and by which.

The states of their product are too many to be listed. So a row is first looked for greedily: the
next letter is that after which random letters would most likely satisfy the clauses, were they
independent. Of deadlines that is the most urgent one. Where that fails, all states are searched,
except those that a better one stands for (antichains, De Wulf et al. 2006): where each clause
accepts no more after one letter than after another, the one need not be looked at.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from condit.errors import ConstraintTooComplexError
from condit.regular.table import Table

Place = tuple[int, ...]
"""For each automaton its state, counted through over all of them."""

_LONGEST_GREEDY = 128
_MOST_COMPARED = 2048
"""States of all automata of which it is asked which accepts no more than which."""
_MOST_HOPELESS = 512
_MOST_KEPT = 1 << 17
_MOST_STEPS = 512
_PATIENCE, _PATIENT_STEPS = 0.9, 40
"""How likely a random row goes on."""
_SHOWN = 6


class Search:
    """Answers about the product of some automata.

    Args:
        tables: the automata, over the same letters.
        labels: what each is called in messages.
        most: how many states one question may look at.
        without: letters that do not occur.

    Attributes:
        start: the state before the first letter.
    """

    def __init__(
        self, tables: Sequence[Table], labels: Sequence[str], most: int, without: frozenset[int]
    ) -> None:
        self._labels, self._most = labels, most
        starts = np.cumsum([0, *(len(table) for table in tables)])
        self.start: Place = tuple(starts[:-1].tolist())
        self._after = np.concatenate(
            [
                np.array([row for _, row in table]) + at
                for table, at in zip(tables, starts[:-1], strict=True)
            ]
        )
        self._accepts = np.array([accepts for table in tables for accepts, _ in table])
        self._barred = np.zeros(self._after.shape[1])
        self._barred[list(without)] = -np.inf
        with np.errstate(divide="ignore"):
            hopes = np.log(_likelihoods(self._after, self._accepts, without))
        self._hopes = hopes
        self._hopes_after = hopes[self._after] + self._barred
        self._covered = _inclusions(self._after, self._accepts, tables)
        prices = _prices(self._after.shape[1], without)
        self._least = _shares(self._after, self._accepts, prices, tables)
        self._longest = _longest(self._after, np.isfinite(hopes), max(map(len, tables)))
        self._ways: dict[Place, tuple[int, ...] | None] = {}
        self._hopeless: list[Place] = []
        self._distances: dict[tuple[int | None, ...], NDArray[np.float64]] = {}

    def accepts(self, place: Place) -> bool:
        """Whether all accept what led to a state."""
        return bool(self._accepts[list(place)].all())

    def live_after(self, place: Place) -> dict[int, Place]:
        """The states after each letter after which all can still be satisfied.

        Raises:
            ConstraintTooComplexError: that takes a search of too many states.
        """
        own = list(place)
        possible = np.isfinite(self._hopes_after[own].sum(0))
        letters = np.flatnonzero(possible)
        places = self._after[own][:, letters].T
        in_time = self._in_time(places)
        letters, places = letters[in_time], places[in_time]
        after = dict(zip(letters.tolist(), map(tuple, places.tolist()), strict=True))
        if len(self._ways) > _MOST_KEPT:
            self._ways = {place: self._ways[place]} if place in self._ways else {}
        self._repeat(after, self._ways.get(place))
        self._try_greedily([each for each in after.values() if each not in self._ways])
        for each in after.values():
            if each not in self._ways:
                self._ways[each] = self._find_way(each)
        return {letter: each for letter, each in after.items() if self._ways[each] is not None}

    def _repeat(self, after: dict[int, Place], way: tuple[int, ...] | None) -> None:
        """After one letter of a way the others may do, and after other letters the same way."""
        asked = {each: letter for letter, each in after.items() if each not in self._ways}
        if not way or not asked:
            return
        rows = []
        for letter in asked.values():
            at = way.index(letter) if letter in way else len(way)
            rows.append((*way[:at], *way[at + 1 :], way[-1])[: len(way)])
        self._follow(list(asked), np.array(rows).T)

    def _follow(self, asked: Sequence[Place], rows: NDArray[np.int64]) -> None:
        """Note of several states that the letters of their rows satisfy all, where they do."""
        places = np.array(asked)
        for count in range(len(rows) + 1):
            for number in np.flatnonzero(self._accepts[places].all(1)).tolist():
                self._ways.setdefault(asked[number], tuple(rows[:count, number].tolist()))
            if count < len(rows):
                places = self._after[places, rows[count][:, None]]

    def _try_greedily(self, places: Sequence[Place]) -> None:
        """Follow from several states the letters that promise most."""
        asked = list(dict.fromkeys(places))
        at = np.array(asked)
        rows: list[NDArray[np.intp]] = []
        going = np.full(len(asked), True)
        while going.any() and len(rows) < _LONGEST_GREEDY:
            best = self._hopes_after[at].sum(1).argmax(1)
            rows.append(best)
            before, at = at, self._after[at, best[:, None]]
            # What stays where it is would stay there for ever.
            going = np.isfinite(self._hopes[at].sum(1)) & (at != before).any(1)
            going &= ~self._accepts[at].all(1)
        if asked:
            self._follow(asked, np.array(rows).reshape(len(rows), len(asked)))

    def _in_time(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """False for states from which no row of letters is short enough."""
        found: NDArray[np.bool_] = self._least[places].sum(1) <= self._longest[places].min(1)
        return found

    def _find_way(self, place: Place) -> tuple[int, ...] | None:
        if self._is_covered(place):
            return None
        found, seen = self._searched(place, lambda _, places: -self._hopes[places].sum(1))
        if found is None:
            self._ways.update(dict.fromkeys(seen))
            self._hopeless = [*self._hopeless, place][-_MOST_HOPELESS:]
        return found

    def _is_covered(self, place: Place) -> bool:
        """Whether a state that cannot be completed stands for this one."""
        if self._covered is None or not self._hopeless:
            return False
        return bool(self._covered[np.array(place), np.array(self._hopeless)].all(1).any())

    def completion(self, place: Place, costs: tuple[int | None, ...]) -> tuple[int, ...] | None:
        """Letters that satisfy all, at a low cost; ``None`` where there are none.

        Args:
            place: the state before them.
            costs: what each letter costs; ``None``: it is not to be used.

        Raises:
            ConstraintTooComplexError: that takes a search of too many states.
        """
        if costs not in self._distances:
            own = np.array([np.inf if each is None else float(each) for each in costs])
            own[np.isinf(self._barred)] = np.inf
            self._distances[costs] = _distances(self._after, self._accepts, own)
        left = self._distances[costs]

        def worth(spent: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
            # What clauses have in common is counted too often: this is quick, not the least.
            further: NDArray[np.float64] = left[places].sum(1) - 1e-6 * self._hopes[places].sum(1)
            return spent + further

        return self._searched(place, worth, costs)[0]

    def _searched(
        self,
        place: Place,
        worth: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
        costs: tuple[int | None, ...] | None = None,
    ) -> tuple[tuple[int, ...] | None, Sequence[Place]]:
        """Letters that satisfy all, the states of least worth tried first; and what was seen.

        ``worth`` is of what was spent on the way and of the states that it led to.
        """
        came: dict[Place, tuple[Place, int] | None] = {place: None}
        spent, looked = {place: 0.0}, 0
        heap = [(0.0, 0, place)]
        while heap:
            _, _, at = heapq.heappop(heap)
            if self.accepts(at):
                return _way(came, at), list(came)
            looked += 1
            if looked > self._most:
                raise ConstraintTooComplexError(self._too_many(list(came)))
            letters, places = self._successors(at, costs)
            prices = np.array([0 if costs is None else costs[each] for each in letters], np.float64)
            values = worth(spent[at] + prices, places)
            for letter, each, price, value in zip(
                letters.tolist(),
                map(tuple, places.tolist()),
                prices.tolist(),
                values.tolist(),
                strict=True,
            ):
                if value < np.inf and each not in came:
                    came[each], spent[each] = (at, letter), spent[at] + price
                    heapq.heappush(heap, (value, len(came), each))
        return None, list(came)

    def _successors(
        self, place: Place, costs: tuple[int | None, ...] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Letters and the states after them, without those that others stand for."""
        own = list(place)
        possible = np.isfinite(self._hopes_after[own].sum(0))
        if costs is not None:
            possible &= np.array([each is not None for each in costs])
        letters = np.flatnonzero(possible)
        places = self._after[own][:, letters].T
        in_time = self._in_time(places)
        letters, places = letters[in_time], places[in_time]
        if self._covered is None or len(letters) < 2:
            return letters, places
        within = self._covered[places[:, None], places[None, :]].all(2)
        if costs is not None:
            price = np.array([costs[letter] for letter in letters], dtype=float)
            within &= price[:, None] >= price[None, :]
        # Of those that stand for each other the first is kept.
        earlier = np.tril(np.ones_like(within), -1)
        kept = ~(within & (~within.T | earlier)).any(1)
        return letters[kept], places[kept]

    def _too_many(self, seen: Sequence[Place]) -> str:
        ways = [len(set(column)) for column in zip(*seen, strict=True)]
        order = sorted(range(len(ways)), key=lambda each: -ways[each])
        blamed = sorted(each for each in order[:_SHOWN] if ways[each] > 1)
        named = "; ".join(f"clause {each + 1}, {self._labels[each]}" for each in blamed)
        return (
            f"whether all clauses can still be satisfied took a search of more than {self._most} "
            f"states, most of them because of {named}. Leave one of these out, make bounds "
            "smaller, or give ltlf(most_states=...) a higher limit"
        )


def _way(came: dict[Place, tuple[Place, int] | None], place: Place) -> tuple[int, ...]:
    found: list[int] = []
    while (before := came[place]) is not None:
        place, letter = before
        found.append(letter)
    return tuple(found[::-1])


def _likelihoods(
    after: NDArray[np.int64], accepts: NDArray[np.bool_], without: frozenset[int]
) -> NDArray[np.float64]:
    """For each state how likely a random row of letters is accepted; 0 exactly where none is."""
    kept = after[:, [letter for letter in range(after.shape[1]) if letter not in without]]
    found = np.where(accepts, 1.0, 0.0)
    own = (1 - _PATIENCE) * found
    for _ in range(_PATIENT_STEPS):
        found = own + (_PATIENCE * found[kept].mean(1) if kept.shape[1] else 0.0)
    tiny = np.finfo(np.float64).tiny
    alive = np.isfinite(_distances(after, accepts, _prices(after.shape[1], without)))
    return np.where(alive, np.maximum(found, tiny), 0.0)


def _prices(letters: int, without: frozenset[int]) -> NDArray[np.float64]:
    found = np.ones(letters)
    found[list(without)] = np.inf
    return found


def _distances(
    after: NDArray[np.int64], accepts: NDArray[np.bool_], costs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """For each state the least cost of letters that are accepted."""
    found = np.where(accepts, 0.0, np.inf)
    while True:
        nearer = np.minimum(found, (found[after] + costs).min(1))
        if np.array_equal(nearer, found):
            return found
        found = nearer


def _shares(
    after: NDArray[np.int64],
    accepts: NDArray[np.bool_],
    prices: NDArray[np.float64],
    tables: Sequence[Table],
) -> NDArray[np.float64]:
    """For each state a number of letters, so that at least the sum over all automata is needed.

    Each letter is counted for one automaton at most, or parts of it for several (saturated cost
    partitioning, Seipp and Helmert 2014): what takes few letters away from others comes first.
    """
    least = np.zeros(len(accepts))
    left = prices.copy()
    bounds = np.cumsum([0, *(len(table) for table in tables)])
    own = [slice(begin, end) for begin, end in pairwise(bounds.tolist())]

    def taken(part: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = after[part] - part.start
        distances = _distances(rows, accepts[part], left)
        if not (rows == 0).any():
            # The first letter is needed by all alike: nobody may count it.
            distances[0] = distances[rows[0]].min()
        with np.errstate(invalid="ignore"):
            nearer = distances[:, None] - distances[rows]
        return distances, np.nan_to_num(nearer, nan=0.0, neginf=0.0).max(0).clip(0.0)

    def modest(part: slice) -> float:
        distances, prices = taken(part)
        finite = distances[np.isfinite(distances)]
        return -float(finite.max(initial=0.0)) / (1e-9 + float(prices.sum()))

    for part in sorted(own, key=modest):
        least[part], price = taken(part)
        left = left - price
    return least


def _longest(after: NDArray[np.int64], alive: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    """For each state how many letters may follow at most; infinite where no end is found.

    ``size`` is the number of states of the largest automaton: longer rows go in circles.
    """
    found = np.where(alive, 0.0, -np.inf)
    steps = min(size, _MOST_STEPS)
    for _ in range(steps):
        longer = np.where(alive, np.maximum(0.0, 1.0 + found[after].max(1)), -np.inf)
        if np.array_equal(longer, found):
            return found
        found = longer
    found[found >= steps] = np.inf
    return found


def _inclusions(
    after: NDArray[np.int64], accepts: NDArray[np.bool_], tables: Sequence[Table]
) -> NDArray[np.bool_] | None:
    """For each two states of one automaton whether the first accepts no more than the second.

    ``None`` where there are too many states to ask.
    """
    size = len(accepts)
    if size > _MOST_COMPARED:
        return None
    found = np.zeros((size, size), dtype=np.bool_)
    begin = 0
    for table in tables:
        own = slice(begin, begin + len(table))
        kinds = np.unique(after[own], axis=1) - begin
        within = ~accepts[own, None] | accepts[None, own]
        before = -1
        while before != within.sum():
            before = within.sum()
            for column in kinds.T:
                within &= within[np.ix_(column, column)]
        found[own, own] = within
        begin += len(table)
    return found
