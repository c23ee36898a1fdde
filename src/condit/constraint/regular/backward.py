r"""Lookbehind that is answered from the text itself: ``(?<=\1)``, ``(?<=(\w))``, ``(?<=a(?>b+))``.

Other lookbehind is followed from every place on (``derivative.py``), without keeping the text.
Here the text so far is known, and matched from right to left, as the ``regex`` module does it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from condit.constraint.regular.captures import Captures
from condit.constraint.regular.expression import (
    Alternation,
    Atomic,
    Backreference,
    Capture,
    Concatenation,
    Conditional,
    Look,
    Node,
    One,
    Repetition,
)
from condit.constraint.regular.terms import END, FALSE, TRUE, Term, and_, not_


@dataclass(frozen=True, eq=False)
class Behind(Node):
    """The empty text, where ``item`` precedes, with what it captures: the first way to match."""

    item: Node
    negative: bool

    def _measure(self) -> tuple[float, float, bool]:
        return 0, 0, True


@dataclass(frozen=True)
class _Begun:
    """A group that ends at a place of the text begins here."""

    group: int
    end: int


@dataclass(frozen=True)
class _Again:
    """A repeated item that may be empty begins here; ``end`` is where it ends."""

    left: Repetition
    end: int
    closed: tuple[tuple[int, str | None], ...]


_Items = tuple[Node | _Begun | _Again, "_Items"] | None
"""What is left to match, the last first."""
Found = tuple[Term, int, Captures]
"""A way to match: on what condition on what follows, from which place on, and what it captures."""

KINDS = (One, Concatenation, Alternation, Repetition, Atomic, Capture, Backreference, Conditional)
"""The nodes that are followed so, and ``Look`` at the text's edges."""


def ways_behind(item: Node, text: str, end: int, captures: Captures) -> list[Found]:
    """The ways in which ``item`` matches what ends at a place of the text, in order."""
    found: list[Found] = []
    seen: set[tuple[Term, int, _Items, Captures]] = set()
    waiting: list[tuple[Term, int, _Items, Captures]] = [(TRUE, end, (item, None), captures)]
    while waiting:
        here = waiting.pop()
        condition, at, items, held = here
        if condition is FALSE or here in seen:
            continue
        seen.add(here)
        if items is None:
            found.append((condition, at, held))
            continue
        first, tail = items
        more: list[tuple[Term, int, _Items, Captures]] = []
        match first:
            case One(characters):
                if at and ord(text[at - 1]) in characters:
                    more = [(condition, at - 1, tail, held)]
            case Concatenation(parts):
                for part in parts:
                    tail = (part, tail)
                more = [(condition, at, tail, held)]
            case Alternation(choices):
                more = [(condition, at, (choice, tail), held) for choice in choices]
            case Repetition():
                more = [(condition, at, each, held) for each in _repeated(first, tail, at, held)]
            case _Again(left, begun, closed):
                over = at == begun and not left.least and closed == held.closed
                more = [(condition, at, tail if over else (left, tail), held)]
            case Capture(group, inner):
                more = [(condition, at, (inner, (_Begun(group, at), tail)), held)]
            case _Begun(group, stop):
                more = [(condition, at, tail, held.captured(group, text[at:stop]))]
            case Backreference(group):
                known = held.text(group)
                if known is not None and text.endswith(known, 0, at):
                    more = [(condition, at - len(known), tail, held)]
            case Conditional(group, yes, no):
                more = [(condition, at, (yes if held.has(group) else no, tail), held)]
            case Atomic(inner):
                more = [
                    (and_(condition, guard), start, tail, after)
                    for guard, start, after in first_only(ways_behind(inner, text, at, held))
                ]
            case Look(_, is_ahead, _):
                # The text's beginning or end.
                if is_ahead and at == len(text):
                    more = [(and_(condition, END), at, tail, held)]
                elif not (is_ahead or at):
                    more = [(condition, at, tail, held)]
            case _:
                raise NotImplementedError(type(first).__name__)
        waiting += reversed(more)
    return found


def first_only(ways: list[Found]) -> list[Found]:
    """Of ways to match the one that is tried first, by what follows."""
    found: list[Found] = []
    untried = TRUE
    for condition, at, captures in ways:
        found.append((and_(condition, untried), at, captures))
        untried = and_(untried, not_(condition))
    return [each for each in found if each[0] is not FALSE]


def _repeated(node: Repetition, tail: _Items, at: int, held: Captures) -> list[_Items]:
    if node.most == 0:
        return [tail]
    most = None if node.most is None else node.most - 1
    left = replace(node, least=max(node.least - 1, 0), most=most)
    again: _Items = (
        node.item,
        ((left if node.item.shortest else _Again(left, at, held.closed)), tail),
    )
    if node.least:
        return [again]
    return [tail, again] if node.lazy else [again, tail]
