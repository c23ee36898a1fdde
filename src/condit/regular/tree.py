"""Patterns as trees, enumerated from the smallest on.

The size of a tree is how many characters or classes it has (of which some may count as more), plus
one for each repeat, each ``|`` and each place where two parts follow one another. Only what it does
matters to what is built of it: of trees with the same value the first is kept. What the values
are is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, Protocol, TypeVar

from condit.constraint.regular.characters import Ranges, gaps, without_surrogates
from condit.constraint.regular.expression import One
from condit.constraint.regular.python_reader import read
from condit.errors import ConstraintTooComplexError

Value = TypeVar("Value", bound=Hashable)

_MOST_TRIED = 200_000
"""Trees that are looked at, at most."""
_PLAIN = frozenset(" !\"%',/:;<=>@_`")
"""Characters beside letters and digits that mean themselves in a pattern and in a class."""
_PLAIN_OUTSIDE = frozenset("-#&~")
"""Those that do so only outside of a class."""


@dataclass(frozen=True)
class Tree:
    """A pattern.

    Attributes:
        kind: ``"leaf"``, ``"join"``, ``"|"`` or a repeat, such as ``"*"`` or ``"{3}"``.
        parts: what it is made of.
        text: of a leaf, how it is written.
    """

    kind: str
    parts: tuple[Tree, ...] = ()
    text: str = ""

    def __str__(self) -> str:
        if self.kind == "leaf":
            return self.text
        if self.kind == "|":
            return "|".join(map(str, self.parts))
        if self.kind == "join":
            return "".join(f"(?:{each})" if each.kind == "|" else str(each) for each in self.parts)
        (part,) = self.parts
        return (str(part) if part.kind == "leaf" else f"(?:{part})") + self.kind

    def changed(self, others: Callable[[Tree], Sequence[Tree]]) -> Iterator[Tree]:
        """The trees in which one leaf is one of the ``others`` that may stand for it."""
        if self.kind == "leaf":
            yield from others(self)
        for at, part in enumerate(self.parts):
            for each in part.changed(others):
                yield Tree(self.kind, (*self.parts[:at], each, *self.parts[at + 1 :]))


class Algebra(Protocol[Value]):
    """What trees are worth, from what their parts are worth."""

    def joined(self, first: Value, second: Value) -> Value:
        """Of one after the other."""
        ...

    def either(self, first: Value, second: Value) -> Value:
        """Of a choice."""
        ...

    def repeated(self, item: Value) -> Value:
        """Of ``+``."""
        ...

    def optional(self, item: Value) -> Value:
        """Of ``?``."""
        ...

    def is_useful(self, value: Value) -> bool:
        """Whether a part of a smallest tree may be worth this."""
        ...


class Smallest(Generic[Value]):
    """The smallest trees for a purpose.

    Args:
        algebra: of the values.
        leaves: characters and classes, by size.
        fits: whether a tree of this value serves the purpose.
        powers: of a character or class, what it is worth twice in a row, three times and so on, as
            far as that is of use; without it there are no ``{n}``.
        most: trees that are looked at, at most.

    Attributes:
        levels: for each size that was looked at as a whole its trees, but for those that do what a
            smaller one does, or are of no use. There is none of size 0.
    """

    def __init__(
        self,
        algebra: Algebra[Value],
        leaves: Mapping[int, Sequence[tuple[Tree, Value]]],
        fits: Callable[[Value], bool],
        powers: Callable[[Value], Iterable[Value]] | None = None,
        most: int = _MOST_TRIED,
    ) -> None:
        self._algebra, self._leaves, self._fits = algebra, leaves, fits
        self._powers, self._most = powers or (lambda _: ()), most
        self.levels: list[list[tuple[Tree, Value]]] = [[]]

    def find(self, size: int, most: int) -> list[Tree]:
        """Trees of the smallest size, up to ``size``, in which there are any; at most ``most``.

        Raises:
            ConstraintTooComplexError: there are too many trees of smaller sizes.
        """
        levels = self.levels
        known: set[Value] = set()
        tried = 0
        while len(levels) <= size:
            level: list[tuple[Tree, Value]] = []
            found: list[Tree] = []
            for tree, value in self._of_size(levels):
                tried += 1
                if tried > self._most:
                    raise ConstraintTooComplexError(
                        f"no pattern of a size below {len(levels)} will do, and there are too many "
                        f"of size {len(levels)}: ask for a smaller size to be told so"
                    )
                if self._fits(value):
                    found.append(tree)
                    if len(found) == most:
                        return found
                elif value not in known and len(levels) < size:
                    known.add(value)
                    if self._algebra.is_useful(value):
                        level.append((tree, value))
            if found:
                return found
            levels.append(level)
        return []

    def _of_size(self, levels: list[list[tuple[Tree, Value]]]) -> Iterator[tuple[Tree, Value]]:
        """Trees of the size that is next, made of smaller ones."""
        algebra, size = self._algebra, len(levels)
        yield from self._leaves.get(size, ())
        # Whether or not a smaller tree does the same as the character: it has no powers.
        for tree, value in self._leaves.get(size - 1, ()):
            for number, power in enumerate(self._powers(value), 2):
                yield Tree(f"{{{number}}}", (tree,)), power
        for tree, value in levels[size - 1]:
            if tree.kind not in ("*", "+", "?"):
                more = algebra.repeated(value)
                yield Tree("+", (tree,)), more
                yield Tree("*", (tree,)), algebra.optional(more)
                yield Tree("?", (tree,)), algebra.optional(value)
        for left in range(1, size - 1):
            right = size - 1 - left
            for tree, value in levels[left]:
                for other, another in levels[right]:
                    # (xy)z is x(yz), and likewise of choices, of which the order does not matter.
                    if tree.kind != "join":
                        yield Tree("join", (tree, other)), algebra.joined(value, another)
                    if tree.kind != "|" and left <= right:
                        yield Tree("|", (tree, other)), algebra.either(value, another)


def leaf(ranges: Ranges) -> Tree:
    """A tree of one character out of some."""
    return Tree("leaf", (), _written(ranges))


def _written(ranges: Ranges) -> str:
    if name := _named().get(ranges):
        return name
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        character = chr(ranges[0][0])
        return character if character in _PLAIN_OUTSIDE else _quoted(ranges[0][0])
    others = without_surrogates(gaps(ranges))
    if len(others) < len(ranges):
        return f"[^{_inside(others)}]"
    return f"[{_inside(ranges)}]"


def _inside(ranges: Ranges) -> str:
    parts = []
    for low, high in ranges:
        between = "-" if high > low + 1 else ""
        parts.append(_quoted(low) + (between + _quoted(high) if high > low else ""))
    return "".join(parts)


def _quoted(point: int) -> str:
    character = chr(point)
    if character.isalnum() or character in _PLAIN:
        return character
    if character.isascii() and character.isprintable():
        return "\\" + character
    return f"\\x{point:02x}" if point < 0x100 else f"\\U{point:08x}"


@cache
def _named() -> dict[Ranges, str]:
    names = (r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", ".", "(?s:.)")
    roots = ((name, read(name).root) for name in names)
    return {root.characters.ranges: name for name, root in roots if isinstance(root, One)}
