"""Characters sorted into a few classes, and how the bytes of UTF-8 lead to a class.

A rule about words asks of a character only whether it belongs to words, so its automaton has one
step for all of them. No rule is here: see ``component.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

POINTS = 0x110000
REFUSED = -1
"""In ``Alphabet.steps``: the byte cannot come here."""

Members: TypeAlias = NDArray[np.bool_]
"""A set of characters: whether each code point belongs to it, shape ``(POINTS,)``."""


@lru_cache(maxsize=64)
def members(of: str) -> Members:
    r"""The characters that one class of Python's ``re`` matches, such as ``\w`` or ``[.!?]``."""
    found = np.zeros(POINTS, dtype=np.bool_)
    found[[ord(each) for each in re.findall(of, _everything())]] = True
    found.setflags(write=False)
    return found


@lru_cache(maxsize=16)
def that_are(name: str) -> Members:
    """The characters for which the method of ``str`` of this name, such as ``isupper``, holds."""
    return _where(getattr(str, name))


def _where(holds: Callable[[str], bool]) -> Members:
    found = np.zeros(POINTS, dtype=np.bool_)
    found[[ord(each) for each in _everything() if holds(each)]] = True
    found.setflags(write=False)
    return found


@lru_cache(maxsize=1)
def _everything() -> str:
    return "".join(map(chr, (*range(0xD800), *range(0xE000, POINTS))))


def small_letters() -> Members:
    """Letters that a text in capitals cannot have."""
    return that_are("islower") | that_are("istitle") & ~that_are("isupper")


def capital_letters() -> Members:
    """Letters that a text in small letters cannot have, title letters aside."""
    return that_are("isupper")


def among(characters: str) -> Members:
    """The set of these characters."""
    found = np.zeros(POINTS, dtype=np.bool_)
    found[[ord(each) for each in characters]] = True
    return found


@lru_cache(maxsize=4096)
def spellings(character: str) -> str:
    """What ``re.IGNORECASE`` takes for the same character, itself included."""
    near = {character, character.lower(), character.upper(), character.swapcase(), "\u017f\u212a"}
    single = "".join(sorted(set("".join(near))))
    same = re.findall(re.escape(character), single, re.IGNORECASE)
    return "".join(sorted({character, *same}))


def numbered(words: Iterable[str], *, match_case: bool) -> tuple[list[str], list[list[int]]]:
    """The kinds of characters that words have, and each word by the numbers of its kinds.

    A kind is a character, or unless ``match_case`` all its spellings.
    """
    same: Callable[[str], str] = str if match_case else spellings
    kept = [[same(each) for each in word] for word in words]
    kinds = list(dict.fromkeys(kind for word in kept for kind in word))
    number = {kind: place for place, kind in enumerate(kinds)}
    return kinds, [[number[kind] for kind in word] for word in kept]


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Classes of characters: the numbers of the sets that they are made of, and one for the rest.

    Attributes:
        of_point: the class of each code point, shape ``(POINTS,)``; that of surrogates means
            nothing.
        size: how many classes there are.
        steps: what each byte leads to between and within characters, shape ``(nodes, 256)``. Node
            0 is between characters. A node, or ``REFUSED``, or ``-2 - c`` where a character of
            class ``c`` is whole.
    """

    of_point: NDArray[np.uint8]
    size: int
    steps: NDArray[np.int32]

    @classmethod
    def of(cls, sets: Sequence[Members]) -> Alphabet:
        """A character in several sets belongs to the class of the first; at most 250 sets."""
        of_point = np.full(POINTS, len(sets), dtype=np.uint8)
        for number in reversed(range(len(sets))):
            of_point[sets[number]] = number
        return cls(of_point, len(sets) + 1, _steps(of_point))

    @cached_property
    def ahead(self) -> tuple[tuple[int, ...], ...]:
        """For each node the classes of the characters that lead through it."""
        found: list[set[int]] = [set() for _ in self.steps]
        for node in range(len(self.steps) - 1, -1, -1):
            for to in np.unique(self.steps[node]).tolist():
                if to <= -2:
                    found[node].add(-2 - to)
        changed = True
        while changed:
            changed = False
            for node, row in enumerate(self._inner):
                size = len(found[node])
                for to in row:
                    found[node] |= found[to]
                changed |= len(found[node]) > size
        return tuple(tuple(sorted(each)) for each in found)

    @cached_property
    def _inner(self) -> list[list[int]]:
        return [[to for to in np.unique(row).tolist() if to >= 0] for row in self.steps]

    def classes(self, text: str) -> list[int]:
        """The class of each character."""
        found: list[int] = self.of_point[[ord(each) for each in text]].tolist() if text else []
        return found


def _steps(of_point: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The table of ``Alphabet.steps``: equal blocks of 64 characters are one node."""
    rows: list[NDArray[np.int32]] = [np.full(256, REFUSED, dtype=np.int32)]
    numbers: dict[bytes, int] = {}

    def node(first: int, targets: NDArray[np.int32]) -> int:
        """The node from which byte ``first + i`` leads to ``targets[i]``."""
        row = np.full(256, REFUSED, dtype=np.int32)
        row[first : first + len(targets)] = targets
        key = row.tobytes()
        if key not in numbers:
            numbers[key] = len(rows)
            rows.append(row)
        return numbers[key]

    whole = -2 - of_point.astype(np.int32)
    whole[0xD800:0xE000] = REFUSED
    blocks = of_point.tobytes()
    made: dict[bytes, int] = {}  # the node before the last byte, by the classes behind it
    last = np.empty(POINTS // 64, dtype=np.int32)
    for number in range(POINTS // 64):
        if 0xD800 <= 64 * number < 0xE000:
            last[number] = REFUSED
            continue
        block = blocks[64 * number : 64 * number + 64]
        if block not in made:
            made[block] = node(0x80, whole[64 * number : 64 * number + 64])
        last[number] = made[block]
    rows[0][:0x80] = whole[:0x80]
    for lead in range(0xC2, 0xE0):
        rows[0][lead] = last[lead & 0x1F]
    before = [node(0x80, last[64 * lead : 64 * lead + 64]) for lead in range(17 * 16)]
    rows[0][0xE0] = node(0xA0, last[32:64])
    for lead in range(0xE1, 0xF0):
        rows[0][lead] = before[lead & 0xF]
    for lead in range(0xF0, 0xF5):
        low, high = max(16, 64 * (lead & 7)), min(17 * 16, 64 * (lead & 7) + 64)
        start = 0x80 + low - 64 * (lead & 7)
        rows[0][lead] = node(start, np.array(before[low:high], dtype=np.int32))
    return np.stack(rows)
