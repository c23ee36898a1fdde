"""Regular expressions over bytes with intersection and complement, and their derivatives.

The derivative of a language by a byte is what may follow that byte. An expression is a number that
a table gives out; equal expressions have the same number. How patterns are written is in
``pattern.py``, what is made of the derivatives in ``automaton.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

NOTHING = 0
"""No text at all."""
EMPTY = 1
"""The empty text alone."""
ALL = 2
"""Every sequence of bytes."""

ANY_BYTE = (1 << 256) - 1


class _Kind(Enum):
    BYTE = auto()
    THEN = auto()
    EITHER = auto()
    BOTH = auto()
    NOT = auto()
    REPEAT = auto()


class Expressions:
    """A table of expressions."""

    def __init__(self) -> None:
        self._nodes: list[tuple[Any, ...]] = []
        self._nullable: list[bool] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._derivatives: dict[tuple[int, int], int] = {}
        self._made((_Kind.EITHER,), nullable=False)
        self._made((_Kind.THEN,), nullable=True)
        self._made((_Kind.NOT, NOTHING), nullable=True)

    def _made(self, node: tuple[Any, ...], *, nullable: bool) -> int:
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self._nodes)
            self._nodes.append(node)
            self._nullable.append(nullable)
        return number

    def nullable(self, number: int) -> bool:
        """Whether the empty text is one of its texts."""
        return self._nullable[number]

    def byte(self, among: int) -> int:
        """One byte: bit ``b`` of ``among`` says whether it may be ``b``."""
        return self._made((_Kind.BYTE, among), nullable=False) if among else NOTHING

    def then(self, *parts: int) -> int:
        """One after the other."""
        joined = EMPTY
        for part in reversed(parts):
            joined = self._pair(part, joined)
        return joined

    def _pair(self, first: int, rest: int) -> int:
        if NOTHING in (first, rest):
            return NOTHING
        if EMPTY in (first, rest):
            return rest if first == EMPTY else first
        node = self._nodes[first]
        if node[0] is _Kind.THEN:
            return self._pair(node[1], self._pair(node[2], rest))
        nullable = self._nullable[first] and self._nullable[rest]
        return self._made((_Kind.THEN, first, rest), nullable=nullable)

    def either(self, parts: Iterable[int]) -> int:
        """Texts of any of these."""
        found: set[int] = set()
        single = 0
        for part in parts:
            node = self._nodes[part]
            inner = node[1:] if node[0] is _Kind.EITHER else (part,)
            for each in inner:
                if self._nodes[each][0] is _Kind.BYTE:
                    single |= self._nodes[each][1]
                else:
                    found.add(each)
        if single:
            found.add(self.byte(single))
        if ALL in found:
            return ALL
        return self._several(_Kind.EITHER, found, any)

    def both(self, parts: Iterable[int]) -> int:
        """Texts of all of these."""
        found: set[int] = set()
        for part in parts:
            node = self._nodes[part]
            found.update(node[1:] if node[0] is _Kind.BOTH else (part,))
        found.discard(ALL)
        if NOTHING in found:
            return NOTHING
        return self._several(_Kind.BOTH, found, all) if found else ALL

    def _several(self, kind: _Kind, found: set[int], nullable: Any) -> int:
        if len(found) == 1:
            return found.pop()
        if not found:
            return NOTHING
        node = (kind, *sorted(found))
        return self._made(node, nullable=nullable(self._nullable[each] for each in found))

    def complement(self, part: int) -> int:
        """All sequences of bytes but these."""
        node = self._nodes[part]
        if node[0] is _Kind.NOT:
            return int(node[1])
        return self._made((_Kind.NOT, part), nullable=not self._nullable[part])

    def repeat(self, part: int, least: int, most: int | None) -> int:
        """So many times, one after the other; ``most=None``: without end."""
        if most == 0 or part == EMPTY or (part == NOTHING and not least):
            return EMPTY
        if part == NOTHING:
            return NOTHING
        if self._nullable[part]:
            least = 0
        if (least, most) == (1, 1):
            return part
        return self._made((_Kind.REPEAT, part, least, most), nullable=not least)

    def classes(self) -> list[int]:
        """Sets of bytes that no expression of this table tells apart, as bits."""
        classes = [ANY_BYTE]
        for node in self._nodes:
            if node[0] is _Kind.BYTE:
                halves = ((each & node[1], each & ~node[1]) for each in classes)
                classes = [half for pair in halves for half in pair if half]
        return classes

    def derivative(self, number: int, byte: int) -> int:
        """What may follow ``byte`` at the beginning of a text."""
        known = self._derivatives.get((number, byte))
        if known is None:
            known = self._derivatives[number, byte] = self._derive(number, byte)
        return known

    def _derive(self, number: int, byte: int) -> int:
        kind, *inner = self._nodes[number]
        if kind is _Kind.BYTE:
            return EMPTY if inner[0] >> byte & 1 else NOTHING
        if number in (NOTHING, EMPTY):
            return NOTHING
        if kind is _Kind.EITHER:
            return self.either(self.derivative(each, byte) for each in inner)
        if kind is _Kind.BOTH:
            return self.both(self.derivative(each, byte) for each in inner)
        if kind is _Kind.NOT:
            return self.complement(self.derivative(inner[0], byte))
        if kind is _Kind.REPEAT:
            part, least, most = inner
            after = self.derivative(part, byte)
            fewer = None if most is None else most - 1
            return self._pair(after, self.repeat(part, max(0, least - 1), fewer))
        first, rest = inner
        after = self._pair(self.derivative(first, byte), rest)
        if not self._nullable[first]:
            return after
        return self.either([after, self.derivative(rest, byte)])
