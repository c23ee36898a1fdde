"""Backtracking verbs: ``(*PRUNE)`` and ``(*SKIP)``, the same to a match of a whole text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from condit.constraint.regular.expression import END, Atomic, Look, Node, concatenation
from condit.constraint.regular.folding import rebuilt


@dataclass(frozen=True, eq=False)
class Cut(Node):
    """A place behind which nothing of the ``Atomic`` around it is tried again."""

    def _measure(self) -> tuple[float, float, bool]:
        return 0, 0, True


def with_scopes(node: Node) -> Node:
    """A whole pattern with an ``Atomic`` around all cuts: lookaround ends what they do."""
    node = _looks_scoped(node)
    # What does not end with the text is no match, and others are tried.
    return Atomic(concatenation(node, END)) if _cuts(node) else node


def _looks_scoped(node: Node) -> Node:
    node = rebuilt(node, [_looks_scoped(part) for part in node.parts])
    if isinstance(node, Look) and _cuts(node.item):
        return replace(node, item=Atomic(node.item))
    return node


def _cuts(node: Node) -> bool:
    """Whether there is a cut that no scope ends."""
    if isinstance(node, Atomic | Look):
        return False
    return isinstance(node, Cut) or any(map(_cuts, node.parts))
