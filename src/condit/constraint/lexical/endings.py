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

from condit.constraint.lexical.alphabet import POINTS
from condit.constraint.lexical.component import Component

_State = tuple[tuple[int, ...], tuple[int, ...]]
"""For each component its state, and its count."""

_FILLERS = ("a", "the", "and", "of", "it", "we", "so", "one", "day", "now")
_CHANGES = (str.lower, str.upper, str.capitalize)
_RUNS = (4, 16, 64)
_EXPANSIONS, _FIRST_EXPANSIONS, _FAR = 300, 1500, 1 << 40
_MOST_STATES = 150_000
_MOST_MOVES = 100_000

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
    _kinds: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict, repr=False)
    _moves: dict[tuple[int, int, str], tuple[int, int] | None] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def byte_values(self) -> frozenset[int]:
        """The bytes of the pieces that endings are made of."""
        return frozenset("".join(self._texts).encode())

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        """What is written next, in the order in which equals are preferred."""
        words = [f" {change(word)}" for change in _CHANGES for word in _FILLERS]
        texts = (*self.pieces, *words, *self._characters, *self._runs)
        return tuple(dict.fromkeys(each for each in texts if each))

    @cached_property
    def _runs(self) -> dict[str, str]:
        """Runs of pieces and words, with what each is a run of."""
        words = [f" {change(word)}" for change in _CHANGES for word in _FILLERS]
        return {each * times: each for each in (*self.pieces, *words) for times in _RUNS}

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
    def _tables(self) -> list[tuple[Component, list[list[int]], list[list[int]]]]:
        return [(c, c.steps.tolist(), c.gains.tolist()) for c in self.components]

    def _classes(self, text: str) -> tuple[tuple[int, ...], ...]:
        found = self._kinds.get(text)
        if found is None:
            found = tuple(tuple(c.alphabet.classes(text)) for c in self.components)
            self._kinds[text] = found
        return found

    def _after(self, state: _State, text: str) -> _State | None:
        """The states and counts after a text; ``None`` where a component becomes impossible."""
        states, counts = [], []
        for number, (component, here, count) in enumerate(
            zip(self.components, *state, strict=True)
        ):
            key = (number, here, text)
            move = self._moves[key] if key in self._moves else self._move(key)
            if move is None:
                return None
            # Counts only grow, so it is enough to look at the last.
            count = component.counted(count, move[1])
            if count > component.cap or not component.viable[move[0]] >> count & 1:
                return None
            states.append(move[0])
            counts.append(count)
        return tuple(states), tuple(counts)

    def _move(self, key: tuple[int, int, str]) -> tuple[int, int] | None:
        """The state of one component after a text, and the gain; ``None``: refused."""
        number, here, text = key
        _, steps, gains = self._tables[number]
        gained = 0
        for kind in self._classes(text)[number]:
            gained += gains[here][kind]
            here = steps[here][kind]
            if here < 0:
                break
        if len(self._moves) >= _MOST_MOVES:
            self._moves.clear()
        found = self._moves[key] = None if here < 0 else (here, gained)
        return found

    def _left(self, state: _State) -> int:
        return sum(
            component.distances[here, count]
            for component, here, count in zip(self.components, *state, strict=True)
        )

    def find(self, rows: Sequence[int], counts: Sequence[int], begun: bytes) -> bytes | None:
        """Bytes after which all components are satisfied; ``None``: not found.

        Args:
            rows: of each component; see `Component`.
            counts: of each component.
            begun: the bytes of a character that is not whole.
        """
        if not begun:
            states = tuple(row // c.nodes for row, c in zip(rows, self.components, strict=True))
            found = self._search((states, tuple(counts)))
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
        states, after_counts = [], []
        for component, row, count in zip(self.components, rows, counts, strict=True):
            after = component.after_bytes(row, rest)
            if after is None or after[0] % component.nodes:
                return None
            state, count = after[0] // component.nodes, component.counted(count, after[1])
            if count > component.cap or not component.viable[state] >> count & 1:
                return None
            states.append(state)
            after_counts.append(count)
        return tuple(states), tuple(after_counts)

    def _search(self, start: _State) -> str | None:
        """A text from ``start`` on."""
        if any(
            not component.viable[here] >> count & 1
            for component, here, count in zip(self.components, *start, strict=True)
        ):
            return None
        waiting = [(3.0 * self._left(start), 0, start, "")]
        shortest, order = {start: 0}, 0
        is_first = not any(start[0]) and not any(start[1])
        for _ in range(_FIRST_EXPANSIONS if is_first else _EXPANSIONS):
            if not waiting:
                return None
            _, _, state, text = heappop(waiting)
            if self._stops(state):
                return text
            dead: set[str] = set()
            for piece in self._texts:
                if self._runs.get(piece) in dead:
                    continue
                after = self._after(state, piece)
                if after is None:
                    dead.add(piece)
                # A word takes about a token, however long it is.
                written = len(text) + len(piece) - 3 * (piece[0] == " ")
                if after is None or shortest.get(after, _FAR) <= written:
                    continue
                shortest[after] = written
                order += 1
                estimate = 3.0 * self._left(after) + 0.5 * written
                heappush(waiting, (estimate, order, after, text + piece))
        return None

    def _stops(self, state: _State) -> bool:
        return all(
            component.stops_at(here * component.nodes, count)
            for component, here, count in zip(self.components, *state, strict=True)
        )


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
    start: _State = ((0,) * len(components), (0,) * len(components))
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
