"""Whether constraints that hold at once have a text in common, as far as that can be decided.

Exact where one side is a finite automaton and the other has rules (``common.py``). Parts that are
neither are left out of it, so that a claim that there is no text holds with them, too. Schemas are
taken in the layout in which they are written. Where the work does not suffice nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

from condit.constraint.algebra.at_most import AtMost
from condit.constraint.algebra.common import Common, UndecidedError
from condit.constraint.algebra.complement import Not
from condit.constraint.algebra.labels import label_of
from condit.constraint.algebra.regular import bind_tree, tree_of
from condit.constraint.algebra.rules import Rules, is_followed
from condit.constraint.base import Constraint, Matcher
from condit.constraint.ending_walks import look_of
from condit.constraint.regular.expression import ANYTHING, Node, intersection
from condit.errors import UnsatisfiableError
from condit.vocabulary import Vocabulary

_KEPT = 256
"""Beginnings for which the answer is kept."""

_STEPS = 600
"""Bytes that are followed, at most, to find that all ways are dead ends."""


class InCommon:
    """The texts that some constraints have in common.

    Args:
        parts: the constraints.

    Attributes:
        candidate: a text that is likely in common, if ``is_empty`` came upon one.
    """

    def __init__(self, parts: Sequence[Constraint]) -> None:
        self._parts = parts
        self.candidate: str | None = None
        self._known: dict[str, tuple[bool, str | None]] = {}

    @cached_property
    def _most(self) -> int | None:
        """The most characters that a part allows, where that is all that it says."""
        return min((s for part in self._parts if (s := _most_characters(part))), default=None)

    @cached_property
    def _sides(self) -> list[Common]:
        """Each part that has rules, together with all that are regular."""
        trees: list[Node] = []
        others: list[Constraint] = []
        for part in self._parts:
            tree = tree_of(part)
            if tree is None:
                others.append(part)
            elif is_followed(tree) and _most_characters(part) is None:
                trees.append(tree)
        whole = intersection(*trees)
        return [Common(rules, whole) for each in others if (rules := Rules(each)).alternatives]

    def shortest(self, beginning: str = "") -> str | None:
        """A text that begins so, without its beginning, which is likely in common.

        ``None``: there surely is none.

        Raises:
            UndecidedError: nothing is found, and it is not known that there is none.
        """
        if beginning not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[beginning] = self._shortest(beginning)
        is_decided, text = self._known[beginning]
        if not is_decided:
            raise UndecidedError
        return text

    def _shortest(self, beginning: str) -> tuple[bool, str | None]:
        """Whether it is decided, and the text."""
        found: list[str] = []
        is_decided = True
        for side in self._sides:
            try:
                text = side.shortest(beginning)
            except UndecidedError:
                is_decided = False
                continue
            if text is None or (self._most and len(beginning) + len(text) > self._most):
                return True, None
            found.append(text)
        return is_decided and bool(found), max(found, key=len, default=None)

    @cached_property
    def is_empty(self) -> bool:
        """Whether there surely is none."""
        refused = [part.part for part in self._parts if isinstance(part, Not)]
        if any(each in refused for each in self._parts):
            return True
        try:
            self.candidate = self.shortest()
        except UndecidedError:
            return False
        return self.candidate is None

    def reason(self) -> str:
        """Why there is none, if it is so: which parts exclude each other."""
        for pair in combinations(self._parts, 2):
            if _exclude(pair):
                names = " and ".join(map(label_of, pair))
                return f"no text satisfies both {names}{_shortest_of(pair) or _layout_of(pair)}"
        return f"no text satisfies all of {' and '.join(map(label_of, self._parts))}"


def _exclude(pair: tuple[Constraint, Constraint]) -> bool:
    trees = [tree for part in pair if (tree := tree_of(part)) is not None]
    if len(trees) < 2:
        return InCommon(pair).is_empty
    try:
        bind_tree(intersection(*trees), Vocabulary.of_bytes())
    except UnsatisfiableError:
        return True
    return False


def _most_characters(part: Constraint) -> int | None:
    """The most characters that a part allows, where that is all that it says."""
    return part.most if isinstance(part, AtMost) and part.unit == "chars" else None


def _shortest_of(pair: Sequence[Constraint]) -> str:
    """How long the texts of a part are at least, where the other limits that."""
    for limit, part in (pair, pair[::-1]):
        if _most_characters(limit) is None:
            continue
        try:
            text = Common(Rules(part), tree_of(part) or ANYTHING).shortest()
        except UndecidedError:
            continue
        if text is not None:
            shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
            return f": the shortest text of {label_of(part)} is {shown!r}"
    return ""


def _layout_of(pair: Sequence[Constraint]) -> str:
    """A word of caution where texts in another layout might be in common."""
    if not any(hasattr(part, "whitespace") for part in pair):
        return ""
    return " (of JSON, in the layout in which it is written: see whitespace= and order=)"


_SHOWN = 60


def is_dead_end(start: Matcher) -> bool:
    """Whether all ways on from a matcher over bytes surely lead to where nothing may follow."""
    waiting, seen, left = [(start, 0)], set[object](), _STEPS
    while waiting:
        here, depth = waiting.pop()
        if here.allows(here.vocabulary.end):
            return False
        look = look_of(here)
        left -= 1 + len(look) + depth  # a long text may have many readings
        if left < 0:
            return False
        for byte in look:
            after = here.copy()
            after.advance(here.vocabulary.first_token[bytes([byte])])
            key = after.state_key()
            if key is None or key not in seen:
                seen.add(key)
                waiting.append((after, depth + 1))
    return True
