"""Backtracking verbs: ``(*PRUNE)`` and ``(*SKIP)``, made of atomic groups where they can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from condit.constraint.regular.boundaries import ahead
from condit.constraint.regular.expression import (
    Alternation,
    Atomic,
    Concatenation,
    Node,
    concatenation,
    nodes,
)
from condit.constraint.regular.folding import ordered


@dataclass(frozen=True, eq=False)
class Cut(Node):
    """A place behind which nothing is tried again; never in a finished pattern.

    Attributes:
        verb: how it is written.
        position: where in the pattern.
    """

    verb: str
    position: int

    def _measure(self) -> tuple[float, float, bool]:
        return 0, 0, True


def without_cuts(node: Node, unsupported: Callable[[str, str, int], Exception]) -> Node:
    """The same pattern with atomic groups instead of cuts.

    Args:
        node: a whole pattern.
        unsupported: makes the error for a construct (text, what it is, where).

    Raises:
        UnsupportedConstraintError: there is one within a group.
    """
    choices = node.choices if isinstance(node, Alternation) else (node,)
    done: list[Node] = []
    passed: list[Node] = []
    for choice in choices:
        items = choice.items if isinstance(choice, Concatenation) else (choice,)
        cuts = [i for i, item in enumerate(items) if isinstance(item, Cut)]
        begun: Node = concatenation()
        start = 0
        for i in cuts:
            begun = Atomic(concatenation(begun, *items[start:i]))
            start = i + 1
        done.append(concatenation(*passed, begun, *items[start:]))
        if cuts:
            # What comes after is not tried where the first cut was reached.
            passed.append(ahead(concatenation(*items[: cuts[0]]), negative=True))
    for each in nodes(done):
        if isinstance(each, Cut):
            raise unsupported(f"(*{each.verb})", "a backtracking verb", each.position)
    return ordered(*done)
