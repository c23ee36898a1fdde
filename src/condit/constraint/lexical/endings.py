"""A text that satisfies several components from where they stand, and whether there is none at all.

Searched best first: by the characters that each component needs at least (`Component.distances`),
summed, and by what was written. It goes on by pieces: words that rules ask for, common words, runs
of these, single characters. It is a search: that nothing is found proves nothing. `contradiction`
does prove that there is no text, where the states are few enough to be listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from condit.constraint.lexical.alphabet import POINTS
from condit.constraint.lexical.component import Component

_State = tuple[int, ...]
"""For each component its state and its count, as one number: ``state * (cap + 1) + count``."""

_FILLERS = ("a", "the", "and", "of", "it", "we", "so", "one", "day", "now")
_CHANGES = (str.lower, str.upper, str.capitalize)
_RUNS = (4, 16, 64)
_EXPANSIONS, _FIRST_EXPANSIONS, _FAR = 300, 1500, 1 << 40
_MOST_STATES = 150_000
_MOST_MOVES, _MOST_FOUND = 4_000, 10_000
_NEVER = 1 << 30

_USUAL = " eaotinshrldcumfpgwybvkxjqzETAOINSHRLDCUMFPGWYBVKXJQZ.,!?\n0123456789'\"-*:;()[]<>#"
"""Of characters that no component tells apart the first of these is written."""


@dataclass(frozen=True, eq=False)
class Endings:
    """The search for some components.

    Attributes:
        components: the rules.
        pieces: texts that they ask for.
    """

    components: tuple[Component, ...]
    pieces: tuple[str, ...] = ()
    _moves: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]] = field(
        default_factory=dict, repr=False
    )
    _found: dict[_State, str | None] = field(default_factory=dict, repr=False)

    @cached_property
    def byte_values(self) -> frozenset[int]:
        """The bytes of the pieces that endings are made of."""
        return frozenset("".join(self._texts).encode())

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        """What is written next, in the order in which equals are preferred."""
        words = [f" {change(word)}" for change in _CHANGES for word in _FILLERS]
        runs = [each * times for each in (*self.pieces, *words) for times in _RUNS]
        texts = (*self.pieces, *words, *self._characters, *runs)
        return tuple(dict.fromkeys(each for each in texts if each))

    @cached_property
    def _written(self) -> NDArray[np.int64]:
        """How much each of them counts as. A word takes about a token, however long it is."""
        return np.array([len(each) - 3 * (each[0] == " ") for each in self._texts])

    @cached_property
    def _characters(self) -> tuple[str, ...]:
        """One character for each set of characters that the components do not tell apart."""
        usual = [*_USUAL, *map(chr, range(33, 127))]
        for component in self.components:
            _, first = np.unique(component.alphabet.of_point, return_index=True)
            usual += [chr(point) for point in first.tolist() if point >= 32]
        found: dict[tuple[int, ...], str] = {}
        for each in usual:
            key = tuple(int(c.alphabet.of_point[ord(each)]) for c in self.components)
            found.setdefault(key, each)
        return tuple(found.values())

    @cached_property
    def _classes(self) -> list[list[tuple[int, ...]]]:
        """For each component the classes of the characters of each text."""
        return [[tuple(c.alphabet.classes(text)) for text in self._texts] for c in self.components]

    @cached_property
    def _distances(self) -> list[NDArray[np.int64]]:
        """`Component.distances` by state and count in one; `_NEVER` where it has none."""
        found = []
        for component in self.components:
            far = np.full((len(component.stops), component.cap + 1), _NEVER)
            for place, distance in component.distances.items():
                far[place] = distance
            found.append(far.ravel())
        return found

    def _after(self, state: _State) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
        """The states after each text, and what they need at least: `_NEVER` or more if refused."""
        after = []
        left = np.zeros(len(self._texts), dtype=np.int64)
        for number, (component, here) in enumerate(zip(self.components, state, strict=True)):
            size = component.cap + 1
            row, count = divmod(here, size)
            rows, gains = self._moved(number, row)
            counts = count + gains
            if component.most is None:
                np.minimum(counts, component.cap, out=counts)
            # Counts only grow, so it is enough to look at the last.
            refused = (rows < 0) | (counts > component.cap)
            there = np.where(refused, 0, rows * size + counts)
            left += np.where(refused, _NEVER, self._distances[number][there])
            after.append(there)
        return after, left

    def _moved(self, number: int, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The states of one component after each text, -1 where it is refused, and the gains."""
        key = (number, row)
        if key not in self._moves:
            if len(self._moves) >= _MOST_MOVES:
                self._moves.clear()
            component = self.components[number]
            steps, gains = component.steps, component.gains
            rows, gained = [], []
            for kinds in self._classes[number]:
                here, gain = row, 0
                for kind in kinds:
                    gain += int(gains[here, kind])
                    here = int(steps[here, kind])
                    if here < 0:
                        break
                rows.append(here)
                gained.append(gain)
            self._moves[key] = np.array(rows), np.array(gained)
        return self._moves[key]

    def find(self, rows: Sequence[int], counts: Sequence[int], begun: bytes) -> bytes | None:
        """Bytes after which all components are satisfied; ``None``: not found.

        Args:
            rows: of each component; see `Component`.
            counts: of each component.
            begun: the bytes of a character that is not whole.
        """
        if not begun:
            of = zip(rows, counts, self.components, strict=True)
            start = tuple(row // c.nodes * (c.cap + 1) + count for row, count, c in of)
            found = self._search(start)
            return None if found is None else found.encode()
        for rest in _completions(begun):
            after = self._after_bytes(rows, counts, rest)
            found = None if after is None else self._search(after)
            if found is not None:
                return rest + found.encode()
        return None

    def _after_bytes(
        self, rows: Sequence[int], counts: Sequence[int], rest: bytes
    ) -> _State | None:
        states = []
        for component, row, count in zip(self.components, rows, counts, strict=True):
            after = component.after_bytes(row, rest)
            if after is None or after[0] % component.nodes:
                return None
            state, count = after[0] // component.nodes, component.counted(count, after[1])
            if count > component.cap or not component.viable[state] >> count & 1:
                return None
            states.append(state * (component.cap + 1) + count)
        return tuple(states)

    def _search(self, start: _State) -> str | None:
        """A text from ``start`` on."""
        if start not in self._found:
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            self._found[start] = self._searched(start)
        return self._found[start]

    def _searched(self, start: _State) -> str | None:
        left = sum(int(far[here]) for far, here in zip(self._distances, start, strict=True))
        if left >= _NEVER:
            return None
        waiting = [(3.0 * left, 0, start, "")]
        shortest, order = {start: 0}, 0
        for _ in range(_EXPANSIONS if any(start) else _FIRST_EXPANSIONS):
            if not waiting:
                return None
            _, _, state, text = heappop(waiting)
            if self._stops(state):
                return text
            after, needed = self._after(state)
            written = len(text) + self._written
            estimates = 3.0 * needed + 0.5 * written
            places = np.flatnonzero(needed < _NEVER)
            of = zip(
                places.tolist(),
                written[places].tolist(),
                estimates[places].tolist(),
                zip(*(each[places].tolist() for each in after), strict=True),
                strict=True,
            )
            for place, size, estimate, there in of:
                if shortest.get(there, _FAR) <= size:
                    continue
                shortest[there] = size
                order += 1
                heappush(waiting, (estimate, order, there, text + self._texts[place]))
        return None

    def _stops(self, state: _State) -> bool:
        for component, here in zip(self.components, state, strict=True):
            row, count = divmod(here, component.cap + 1)
            if not component.stops_at(row * component.nodes, count):
                return False
        return True


def _completions(begun: bytes) -> Iterable[bytes]:
    """Some ways to finish a character that begins so."""
    lead = begun[0]
    wanted = (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) - len(begun)
    lasts = (0xA0, 0x80, 0xBF, 0x90, 0x98, 0xA8, 0xB0, 0xB8, 0x85, 0x9F)
    tried = [bytes([byte]) * wanted for byte in lasts]
    if wanted == 1:
        tried += [bytes([byte]) for byte in range(0x80, 0xC0)]
    else:
        tried += [
            bytes([byte]) + bytes([last]) * (wanted - 1)
            for byte in range(0x80, 0xC0)
            for last in lasts[:3]
        ]
    for rest in dict.fromkeys(tried):
        try:
            (begun + rest).decode()
        except UnicodeDecodeError:
            continue
        yield rest


def contradiction(components: Sequence[Component]) -> tuple[int, ...] | None:
    """The numbers of some components that have no text in common; ``None``: not found out.

    One alone, else two, else all of them, each by listing the states that texts can lead to.
    """
    for number, component in enumerate(components):
        if not component.viable[0] & 1:
            return (number,)
    sets: list[tuple[int, ...]] = [*combinations(range(len(components)), 2)]
    if len(components) > 2:
        sets.append(tuple(range(len(components))))
    return next((each for each in sets if _is_empty([components[n] for n in each])), None)


def _is_empty(components: Sequence[Component]) -> bool:
    """Whether these components surely have no text in common."""
    keys = np.zeros(POINTS, dtype=np.int64)
    for component in components:
        _, keys = np.unique(
            keys * component.alphabet.size + component.alphabet.of_point, return_inverse=True
        )
    keys[0xD800:0xE000] = keys[0]
    _, first = np.unique(keys, return_index=True)
    kinds = [tuple(int(c.alphabet.of_point[point]) for c in components) for point in first.tolist()]
    tables = [(c, c.steps.tolist(), c.gains.tolist()) for c in components]
    start = ((0,) * len(components), (0,) * len(components))
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        if all(
            c.stops_at(here * c.nodes, count)
            for c, here, count in zip(components, *state, strict=True)
        ):
            return False
        for kind in kinds:
            states, counts = [], []
            for (component, steps, gains), here, count, number in zip(
                tables, *state, kind, strict=True
            ):
                count = component.counted(count, gains[here][number])
                here = steps[here][number]
                if here < 0 or not component.viable[here] >> count & 1:
                    break
                states.append(here)
                counts.append(count)
            else:
                after = (tuple(states), tuple(counts))
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        if len(seen) > _MOST_STATES:
            return False
    return True
