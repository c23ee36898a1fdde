"""Which tokens may come next at an interval of places: nodes of the vocabulary's trie.

Three ways, which find the same. A few places are followed one by one through the trie. More are
followed together, level by level. For very many the places are not looked at one by one: the nodes
of the trie are, each with the interval at which its bytes stand, found by bisection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie, ranges
from condit.corpus.places import Places
from condit.corpus.words import END, STUCK, UNIT
from condit.kept import Kept

_FEW = 300
"""Followed one by one: at most so many places."""

_WINDOW = 12
"""Bytes of a place that are looked at together; hardly any token is longer."""

_MANY = 1 << 15
"""More places are not followed."""


class State(Protocol):
    """An interval of places, and what has been written there."""

    @property
    def low(self) -> int:
        """The first place."""

    @property
    def high(self) -> int:
        """The one after the last."""

    @property
    def depth(self) -> int:
        """How many bytes were written."""

    @property
    def units(self) -> int:
        """How many words or characters."""


class _Children(NamedTuple):
    """The children of a trie's nodes, for look-ups.

    Attributes:
        keys: ``256 * parent + byte`` of each node but the root, in ascending order.
        child: the node of each key, but for the byte ``END``.
    """

    keys: NDArray[np.int64]
    child: dict[int, int]


def _children_of(trie: VocabularyTrie) -> _Children:
    keys = trie.parents[1:].astype(np.int64) * 256 + trie.last_bytes[1:]
    known = zip(keys.tolist(), range(1, len(keys) + 1), strict=True)
    return _Children(keys, {key: node for key, node in known if key & 255 != END})


_children: Kept[VocabularyTrie, _Children] = Kept(_children_of)


def mask_at(
    places: Places, state: State, least: int, most: int | None, trie: VocabularyTrie
) -> NDArray[np.uint32]:
    """The tokens whose bytes may come next, packed.

    Args:
        places: the places.
        state: where the text stands.
        least: see `PlacesMachine`; if it is not reached, enough words must follow.
        most: see `PlacesMachine`.
        trie: of the vocabulary.
    """
    size = state.high - state.low
    limit = _Limit(places, least, most)
    if size <= _FEW:
        return trie.mask_of_few(_one_by_one(limit, state, _children.of(trie).child, trie.longest))
    if size <= _MANY:
        return trie.mask_of(_together(limit, state, _children.of(trie).keys))
    return trie.mask_of(_by_nodes(limit, state, trie))


class _Limit(NamedTuple):
    places: Places
    least: int
    most: int | None


def _one_by_one(limit: _Limit, state: State, child: dict[int, int], longest: int) -> set[int]:
    places, least, most = limit
    text = places.views[0]
    rows = places.order[state.low : state.high]
    if places.units is not None and state.units < least:
        rows = rows[places.units[state.low : state.high] >= least]
    begins = (rows + state.depth).tolist()
    found: set[int] = set()
    counts = places.marks is not None and most is not None
    for size in (_WINDOW, longest):
        if counts and state.units + size >= most:  # type: ignore[operator]
            for place in begins:
                _counted(limit, state.units, place, child, found)
            break
        # Many places go on alike: each continuation is followed once.
        windows = {text[place : place + size].tobytes() for place in begins}
        unfinished = _followed(windows, child, found)
        if not unfinished:
            break
        begins = [place for place in begins if text[place : place + size].tobytes() in unfinished]
    return found


def _followed(windows: set[bytes], child: dict[int, int], found: set[int]) -> set[bytes]:
    """Add the nodes that texts lead to; returns the texts beyond which a token may go."""
    unfinished = set()
    for window in windows:
        node = 0
        for byte in window:
            below = child.get(node << 8 | byte)
            if below is None:
                break
            found.add(below)
            node = below
        else:
            unfinished.add(window)
    return unfinished


def _counted(limit: _Limit, units: int, place: int, child: dict[int, int], found: set[int]) -> None:
    """Add the nodes that what stands at a place leads to, as far as the words are not too many."""
    text, most = limit.places.views[0], limit.most
    marks = None if limit.places.marks is None or most is None else limit.places.marks.data
    node = 0
    while (below := child.get(node << 8 | text[place])) is not None:
        if marks is not None:
            units += (marks[place] & UNIT) != 0
            if units >= most and (units > most or marks[place + 1] & STUCK):  # type: ignore[operator]
                break
        found.add(below)
        node = below
        place += 1


def _together(limit: _Limit, state: State, keys: NDArray[np.int64]) -> Sequence[Nodes]:
    places, least, most = limit
    text, marks = places.text, places.marks
    place = places.order[state.low : state.high].astype(np.int64) + state.depth
    if places.units is not None and state.units < least:
        place = place[places.units[state.low : state.high] >= least]
    node = np.zeros(len(place), dtype=np.int64)
    units: NDArray[Any] | None = None
    reached: list[Nodes] = []
    while len(place):
        key = node * 256 + text[place]
        # Places with the same bytes up to here stand together: each key is looked up once.
        first = _differs(key)
        keys_here = key[first]
        index = np.searchsorted(keys, keys_here)
        index[index == len(keys)] = 0
        known = (keys[index] == keys_here) & ((keys_here & 255) != END)
        group = first.cumsum() - 1
        alive, node = known[group], (index + 1)[group]
        length = len(reached) + 1
        if marks is not None and most is not None and state.units + length >= most:
            if units is None:  # not counted as long as there could be few enough only
                before = (marks[place - back] for back in range(1, length))
                units = state.units + sum((each & UNIT) != 0 for each in before)
            units = units + ((marks[place] & UNIT) != 0)
            alive &= (units < most) | ((units == most) & ((marks[place + 1] & STUCK) == 0))
            units = units[alive]
        node, place = node[alive], place[alive] + 1
        reached.append(node[_differs(node)].astype(np.int32))
    return reached


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each number is another one than that before it."""
    first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def _by_nodes(limit: _Limit, state: State, trie: VocabularyTrie) -> Sequence[Nodes]:
    places, marks = limit.places, limit.places.marks
    nodes = np.zeros(1, dtype=np.int32)
    low, high = np.array([state.low]), np.array([state.high])
    units = np.array([state.units])
    depth = state.depth
    reached: list[Nodes] = []
    while len(nodes):
        first = trie.children[nodes]
        counts = trie.children[nodes + 1] - first
        nodes = ranges(first, counts)
        low, high, units = (np.repeat(each, counts) for each in (low, high, units))
        byte = trie.last_bytes[nodes]
        # Two bisections side by side: for the byte, and for the one after it.
        edges = _bisect(
            places,
            np.concatenate((low, low)),
            np.concatenate((high, high)),
            depth,
            np.concatenate((byte.astype(np.int16), byte.astype(np.int16) + 1)),
        )
        low, high = edges[: len(low)], edges[len(low) :]
        alive = (low < high) & (byte != END)
        nodes, low, high, units = nodes[alive], low[alive], high[alive], units[alive]
        if marks is not None and len(nodes):
            units = units + ((marks[places.order[low] + depth] & UNIT) != 0)
            alive = _can_finish(limit, low, high, units, depth + 1)
            nodes, low, high, units = nodes[alive], low[alive], high[alive], units[alive]
        reached.append(nodes)
        depth += 1
    return reached


def _bisect(
    places: Places,
    low: NDArray[Any],
    high: NDArray[Any],
    depth: int,
    byte: NDArray[np.int16],
) -> NDArray[Any]:
    """The first place of each interval at which no smaller byte comes after ``depth`` bytes."""
    text, order = places.text, places.order
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(low < high)
    while len(open_):
        middle = (low[open_] + high[open_]) >> 1
        smaller = text[order[middle] + depth] < byte[open_]
        low[open_] = np.where(smaller, middle + 1, low[open_])
        high[open_] = np.where(smaller, high[open_], middle)
        open_ = open_[low[open_] < high[open_]]
    return low


def _can_finish(
    limit: _Limit, low: NDArray[Any], high: NDArray[Any], units: NDArray[Any], depth: int
) -> NDArray[np.bool_]:
    """Whether a text can finish from one of the places of each interval."""
    places, least, most = limit
    alive = np.ones(len(low), dtype=np.bool_)
    if most is not None:
        alive = units <= most
        for each in np.flatnonzero(units == most).tolist():
            alive[each] = places.unmarked(int(low[each]), int(high[each]), depth, STUCK)
    if places.units is not None:
        for each in np.flatnonzero((units < least) & (places.units[low] < least)).tolist():
            alive[each] &= places.enough(int(low[each]), int(high[each]), least)
    return alive
