"""Expressions over characters, with intersection, complement and lookaround.

A node stands for a set of texts. The functions ``concatenation``, ``alternation`` and so on build
nodes and simplify what is trivial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf

from condit.constraint.regular.characters import EVERY, Characters


class Node:
    """A set of texts, or a condition on what stands around a place in a text."""

    __match_args__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Node)
            and type(self) is type(other)
            and hash(self) == hash(other)
            and self._values == other._values
        )

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kept: trees are compared with trees again and again.
        return hash((type(self), self._values))

    @cached_property
    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    @cached_property
    def parts(self) -> tuple[Node, ...]:
        """The nodes that it is made of."""
        held = (each if isinstance(each, tuple) else (each,) for each in self._values)
        return tuple(each for group in held for each in group if isinstance(each, Node))

    @cached_property
    def _measures(self) -> tuple[float, float, bool]:
        return self._measure()

    @property
    def shortest(self) -> float:
        """A lower bound of the texts' lengths; infinite where there is no text."""
        return self._measures[0]

    @property
    def longest(self) -> float:
        """An upper bound of the texts' lengths."""
        return self._measures[1]

    @property
    def nullable(self) -> bool:
        """Whether the empty text is one of them; where it ``asks``, whether it may be."""
        return self._measures[2]

    @cached_property
    def captured(self) -> frozenset[int]:
        """The groups that it captures."""
        own = [self.group] if isinstance(self, Capture) else []
        return frozenset(own).union(*(part.captured for part in self.parts))

    def lower_bound(self, sizes: dict[int, float]) -> float:
        """A lower bound of its texts' lengths, by those of what groups have captured.

        Args:
            sizes: lower bounds by group, which become those after it; 0 for others.
        """
        if self.asks:
            match self:
                case Backreference(group, folded):
                    # Without regard to case three characters may be one.
                    return sizes.get(group, 0) // (3 if folded else 1)
                case Concatenation(items):
                    return sum(item.lower_bound(sizes) for item in items)
                case Atomic(item):
                    return item.lower_bound(sizes)
                case Capture(group, item):
                    sizes[group] = found = item.lower_bound(sizes)
                    return found
                case Alternation(choices):
                    after = [dict(sizes) for _ in choices]
                    found = min(map(Node.lower_bound, choices, after), default=inf)
                    sizes.clear()
                    for group in set[int]().union(*after):
                        sizes[group] = min(each.get(group, 0) for each in after)
                    return found
                case Repetition(item, times) if not item.captured:
                    return times * item.lower_bound(sizes) if times else 0
        for group in self.captured:
            sizes.pop(group, None)
        return self.shortest

    @cached_property
    def looks(self) -> bool:
        """Whether it contains a ``Look`` or a ``Loose``."""
        return isinstance(self, Look | Loose) or any(part.looks for part in self.parts)

    @cached_property
    def asks(self) -> bool:
        """Whether it is more than a set of texts: it depends on what is around, or captures."""
        return isinstance(
            self, Look | Loose | Atomic | Capture | Backreference | Conditional | Call
        ) or any(part.asks for part in self.parts)

    @cached_property
    def size(self) -> int:
        """How many nodes it is made of."""
        return 1 + sum(part.size for part in self.parts)

    def _measure(self) -> tuple[float, float, bool]:
        """The shortest and the longest length, and whether the empty text belongs."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class One(Node):
    """A text of one character."""

    characters: Characters

    def _measure(self) -> tuple[float, float, bool]:
        return 1, 1, False


@dataclass(frozen=True, eq=False)
class Concatenation(Node):
    """A text of the first part, one of the second, and so on; of no part: the empty text."""

    items: tuple[Node, ...]

    def _measure(self) -> tuple[float, float, bool]:
        return (
            sum(item.shortest for item in self.items),
            sum(item.longest for item in self.items),
            all(item.nullable for item in self.items),
        )


@dataclass(frozen=True, eq=False)
class Alternation(Node):
    """A text of any choice; of no choice: no text at all."""

    choices: tuple[Node, ...]

    def _measure(self) -> tuple[float, float, bool]:
        return (
            min((choice.shortest for choice in self.choices), default=inf),
            max((choice.longest for choice in self.choices), default=0),
            any(choice.nullable for choice in self.choices),
        )


@dataclass(frozen=True, eq=False)
class Repetition(Node):
    """``least`` to ``most`` texts of ``item`` in a row; ``most`` is ``None`` for no bound."""

    item: Node
    least: int
    most: int | None
    lazy: bool = False
    """Whether fewer are tried first, which matters only within an ``Atomic``."""

    def _measure(self) -> tuple[float, float, bool]:
        item = self.item
        shortest = item.shortest * self.least if self.least else 0
        most = inf if self.most is None else self.most
        longest = item.longest * most if item.longest and most else 0
        return shortest, longest, not self.least or item.nullable


@dataclass(frozen=True, eq=False)
class Intersection(Node):
    """The texts of all ``members`` at once."""

    members: tuple[Node, ...]

    def _measure(self) -> tuple[float, float, bool]:
        return (
            max(member.shortest for member in self.members),
            min(member.longest for member in self.members),
            all(member.nullable for member in self.members),
        )


@dataclass(frozen=True, eq=False)
class Complement(Node):
    """All texts but those of ``item``."""

    item: Node

    def _measure(self) -> tuple[float, float, bool]:
        if self.item.asks:  # then ``nullable`` says only that it may be
            return 0, inf, True
        return int(self.item.nullable), inf, not self.item.nullable


@dataclass(frozen=True, eq=False)
class Written(Node):
    """The texts of a regex of the mask engine, over spellings that need no more escapes.

    None of them is empty. Written so, large regexes that are known beforehand are not read.
    """

    regex: str

    def _measure(self) -> tuple[float, float, bool]:
        return 0, inf, False


@dataclass(frozen=True, eq=False)
class Look(Node):
    """The empty text, where what follows (or precedes) begins (or ends) with ``item``, or not."""

    item: Node
    ahead: bool
    negative: bool

    def _measure(self) -> tuple[float, float, bool]:
        return 0, 0, True


@dataclass(frozen=True, eq=False)
class Loose(Node):
    """A superset of the intended texts, where these cannot be expressed."""

    item: Node

    def _measure(self) -> tuple[float, float, bool]:
        return self.item.shortest, self.item.longest, self.item.nullable


@dataclass(frozen=True, eq=False)
class Atomic(Node):
    """A text of ``item``, and no other than backtracking finds first, given all that follows.

    Of choices the first is tried first; of repetitions the longest, or the shortest if ``lazy``.
    """

    item: Node

    def _measure(self) -> tuple[float, float, bool]:
        return self.item.shortest, self.item.longest, self.item.nullable


@dataclass(frozen=True, eq=False)
class Capture(Node):
    """A text of ``item``, which ``Backreference`` and ``Conditional`` call ``group``."""

    group: int
    item: Node

    def _measure(self) -> tuple[float, float, bool]:
        return self.item.shortest, self.item.longest, self.item.nullable


@dataclass(frozen=True, eq=False)
class Backreference(Node):
    """The text that ``group`` captured last; no text where it has captured none.

    With ``folded``, whatever is the same without regard to case.
    """

    group: int
    folded: bool = False

    def _measure(self) -> tuple[float, float, bool]:
        return 0, inf, False


@dataclass(frozen=True, eq=False)
class Conditional(Node):
    """A text of ``yes`` if ``group`` has captured something, else one of ``no``."""

    group: int
    yes: Node
    no: Node

    def _measure(self) -> tuple[float, float, bool]:
        sides = (self.yes, self.no)
        return (
            min(side.shortest for side in sides),
            max(side.longest for side in sides),
            any(side.nullable for side in sides),
        )


@dataclass(frozen=True, eq=False)
class Call(Node):
    """A text of what ``group`` holds in the pattern (0: the whole), as if it stood here."""

    group: int
    least: float = 0
    """A lower bound of its texts' lengths."""

    def _measure(self) -> tuple[float, float, bool]:
        return self.least, inf, not self.least


EMPTY = Concatenation(())
NOTHING = Alternation(())
ANY = One(EVERY)
ANYTHING = Repetition(ANY, 0, None)
START = Look(ANY, ahead=False, negative=True)
END = Look(ANY, ahead=True, negative=True)


def _flat(kind: type[Node], nodes: Iterable[Node]) -> list[Node]:
    """The nodes, those of one kind dissolved into their parts."""
    return [part for node in nodes for part in (node.parts if isinstance(node, kind) else (node,))]


def concatenation(*items: Node) -> Node:
    """The items one after the other."""
    flat = _flat(Concatenation, items)
    if any(item == NOTHING for item in flat):
        return NOTHING
    # Two in a row that match anything are one: what has lookaround cut away leaves such traces.
    kept = [item for i, item in enumerate(flat) if not i or item != ANYTHING or flat[i - 1] != item]
    return kept[0] if len(kept) == 1 else Concatenation(tuple(kept))


def alternation(*choices: Node) -> Node:
    """Any of the choices."""
    kept = list(dict.fromkeys(_flat(Alternation, choices)))
    if ANYTHING in kept:
        return ANYTHING
    return kept[0] if len(kept) == 1 else Alternation(tuple(kept))


def repetition(item: Node, least: int, most: int | None, *, lazy: bool = False) -> Node:
    """``least`` to ``most`` times the item."""
    if most == 0 or item == EMPTY:
        return EMPTY
    if item == NOTHING:
        return NOTHING if least else EMPTY
    if (least, most) == (1, 1):
        return item
    return Repetition(item, least, most, lazy)


def intersection(*members: Node) -> Node:
    """What all members have in common."""
    flat = _flat(Intersection, members)
    kept = [member for member in dict.fromkeys(flat) if member != ANYTHING]
    if not kept:
        return ANYTHING
    if NOTHING in kept:
        return NOTHING
    if EMPTY in kept and not any(member.asks for member in kept):
        return EMPTY if all(member.nullable for member in kept) else NOTHING
    return kept[0] if len(kept) == 1 else Intersection(tuple(kept))


def complement(item: Node) -> Node:
    """What is not in the item."""
    if isinstance(item, Complement):
        return item.item
    if item == ANYTHING:
        return NOTHING
    return ANYTHING if item == NOTHING else Complement(item)


def one(characters: Characters) -> Node:
    """One character of a set."""
    return NOTHING if characters.is_empty else One(characters)


def word(text: str) -> Node:
    """Just ``text``."""
    return concatenation(*(One(Characters.single(character)) for character in text))


def nodes(roots: Iterable[Node]) -> Iterator[Node]:
    """All nodes, each before its parts."""
    seen: set[int] = set()
    waiting = list(roots)[::-1]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += reversed(node.parts)
