"""The way from constraints that are regular to one regular expression, and to its matcher.

A constraint is regular if its attribute ``tree`` is a node of ``regular/expression.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from condit.constraint.base import Constraint, Matcher
from condit.constraint.regular.expression import Node
from condit.vocabulary import Vocabulary


def tree_of(constraint: Constraint) -> Node | None:
    """The expression of a constraint; ``None`` where it has none."""
    tree = getattr(constraint, "tree", None)
    return tree if isinstance(tree, Node) else None


def trees_of(parts: Sequence[Constraint]) -> list[Node] | None:
    """The expressions of all parts; ``None`` where one has none."""
    trees = [tree for part in parts if (tree := tree_of(part)) is not None]
    return trees if len(trees) == len(parts) else None


def bind_tree(tree: Node | None, vocabulary: Vocabulary) -> Matcher | None:
    """A matcher of one expression; ``None`` where there is none, or it is too large."""
    return None
