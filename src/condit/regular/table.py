"""Regular languages as tables: the smallest automaton of each, with its states numbered in order.

Two languages are the same if and only if their tables are equal. Letters are numbers here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar

State = TypeVar("State", bound=Hashable)

Table = tuple[tuple[bool, tuple[int, ...]], ...]
"""For each state whether a text may end there, and the state after each letter; 0 is the start."""


def table(
    start: State,
    letters: int,
    step: Callable[[State, int], State],
    accepts: Callable[[State], bool],
) -> Table:
    """The smallest automaton of what an automaton accepts."""
    numbers = {start: 0}
    order = [start]
    rows: list[list[int]] = []
    for state in order:
        row = []
        for letter in range(letters):
            after = step(state, letter)
            number = numbers.get(after)
            if number is None:
                number = numbers[after] = len(order)
                order.append(after)
            row.append(number)
        rows.append(row)
    accepting = [accepts(state) for state in order]
    blocks = [int(each) for each in accepting]
    many = len(set(blocks))
    signatures = [itemgetter(state, *row) for state, row in enumerate(rows)]
    while True:  # Moore 1956: split what differs in what comes next, until nothing does
        keys: dict[object, int] = {}
        blocks = [keys.setdefault(each(blocks), len(keys)) for each in signatures]
        if len(keys) == many:
            break
        many = len(keys)
    # States come in the order of a search, and so do blocks by their first states.
    firsts = {block: state for state, block in reversed(list(enumerate(blocks)))}
    return tuple(
        (accepting[firsts[block]], tuple(blocks[to] for to in rows[firsts[block]]))
        for block in range(many)
    )


@dataclass(frozen=True)
class Tables:
    """What is built of tables, for parts of patterns of one language.

    Attributes:
        letters: how many there are.
        whole: the language. A part whose texts occur in none of its texts is of no use.
    """

    letters: int
    whole: Table

    def one_of(self, letters: Iterable[int]) -> Table:
        """A text of one letter out of some."""
        own = set(letters)
        return table(0, self.letters, lambda s, x: 1 if not s and x in own else 2, lambda s: s == 1)

    def empty(self) -> Table:
        """The empty text."""
        return table(0, self.letters, lambda _, __: 1, lambda state: state == 0)

    def joined(self, first: Table, second: Table) -> Table:
        """One after the other."""
        after = _after(second)

        def step(state: tuple[int, int], letter: int) -> tuple[int, int]:
            to = first[state[0]][1][letter]
            return to, after(state[1], letter) | first[to][0]

        ends = _ends(second)
        return table((0, int(first[0][0])), self.letters, step, lambda s: bool(s[1] & ends))

    def either(self, first: Table, second: Table) -> Table:
        """A text of any of the two."""
        return table(
            (0, 0),
            self.letters,
            lambda s, x: (first[s[0]][1][x], second[s[1]][1][x]),
            lambda s: first[s[0]][0] or second[s[1]][0],
        )

    def repeated(self, item: Table) -> Table:
        """Once or more."""
        after, ends = _after(item), _ends(item)

        def step(state: int, letter: int) -> int:
            to = after(state, letter)
            return to | bool(to & ends)

        # The first start is told from those of further ones only by what has been read.
        return table(1, self.letters, step, lambda state: bool(state & ends))

    def optional(self, item: Table) -> Table:
        """It, or the empty text."""
        if item[0][0]:
            return item
        return table(
            -1, self.letters, lambda s, x: item[max(s, 0)][1][x], lambda s: s < 0 or item[s][0]
        )

    def is_useful(self, value: Table) -> bool:
        """Whether all its texts occur within texts of the whole."""
        whole_lives, lives = _live(self.whole), _live(value)
        after = _after(self.whole)
        seen = {(0, whole_lives)}
        for state, places in (waiting := list(seen)):
            for letter, to in enumerate(value[state][1]):
                if lives >> to & 1:
                    pair = (to, after(places, letter) & whole_lives)
                    if not pair[1]:
                        return False
                    if pair not in seen:
                        seen.add(pair)
                        waiting.append(pair)
        return True


def _after(item: Table) -> Callable[[int, int], int]:
    """States after states and a letter, both as bits."""
    bits = [[1 << to for to in row] for _, row in item]

    def after(states: int, letter: int) -> int:
        found = 0
        while states:
            low = states & -states
            found |= bits[low.bit_length() - 1][letter]
            states ^= low
        return found

    return after


def _ends(item: Table) -> int:
    return sum(1 << state for state, (accepts, _) in enumerate(item) if accepts)


def _live(item: Table) -> int:
    """The states from which a text can be finished; of a smallest automaton all but one."""
    dead = (s for s, (accepts, row) in enumerate(item) if not accepts and set(row) == {s})
    return (1 << len(item)) - 1 & ~sum(1 << state for state in dead)
