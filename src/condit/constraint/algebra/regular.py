"""The way from constraints that are regular to one regular expression, and to its matcher.

A constraint is regular if its attribute ``tree`` is a node of ``regular/expression.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from condit.constraint.base import Constraint, Matcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.regular.expression import (
    Alternation,
    Concatenation,
    Intersection,
    Node,
    One,
    Repetition,
)
from condit.constraint.regular.language import Language
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import NotFollowedError
from condit.errors import UnsatisfiableError
from condit.vocabulary import Vocabulary


def tree_of(constraint: Constraint) -> Node | None:
    """The expression of a constraint; ``None`` where it has none."""
    tree = getattr(constraint, "tree", None)
    return tree if isinstance(tree, Node) else None


def trees_of(parts: Sequence[Constraint]) -> list[Node] | None:
    """The expressions of all parts; ``None`` where one has none."""
    trees = [tree for part in parts if (tree := tree_of(part)) is not None]
    return trees if len(trees) == len(parts) else None


def last_bytes_of(part: Constraint) -> frozenset[int] | None:
    """The bytes that a text of a constraint may end with, as it says, or its expression does."""
    known = part.last_bytes()
    tree = tree_of(part) if known is None else None
    return known if tree is None else _last_bytes(tree)


def _last_bytes(node: Node) -> frozenset[int] | None:
    """A superset of the bytes that texts end with; ``None``: not known."""
    match node:
        case One(characters):
            ascii_ = {byte for byte in range(0x80) if byte in characters}
            beyond = bool(characters.beyond) or any(high >= 0x80 for _, high in characters.ranges)
            return frozenset(ascii_ | (_FURTHER if beyond else set()))
        case Concatenation(items):
            ends: list[Node] = []
            for item in reversed(items):
                ends.append(item)
                if not item.nullable:
                    break
            return _union(ends)
        case Alternation(choices):
            return _union(choices)
        case Repetition(item, _, _):
            return _last_bytes(item)
        case Intersection(members):
            known = [own for each in members if (own := _last_bytes(each)) is not None]
            return frozenset.intersection(*known) if known else None
    return None


def _union(nodes: Sequence[Node]) -> frozenset[int] | None:
    found = [_last_bytes(node) for node in nodes]
    known = [each for each in found if each is not None]
    return frozenset().union(*known) if len(known) == len(found) else None


_FURTHER = set(range(0x80, 0xC0))
"""The last byte of a character beyond ASCII."""


def bind_tree(tree: Node | None, vocabulary: Vocabulary) -> Matcher | None:
    """A matcher of one expression; ``None`` where there is none, or it cannot be followed.

    Raises:
        UnsatisfiableError: it has no text.
        VocabularyError: no token of this vocabulary can begin a text.
    """
    language = None if tree is None else _language(tree)
    if language is None:
        return None
    if language.is_empty:
        raise UnsatisfiableError("no text satisfies all of the constraint: its parts exclude it")
    found = language.bind(vocabulary)
    # Side by side, parts have masks where their automaton has too many states for that.
    is_better = not isinstance(found, LiftedMatcher) or language.automaton.comes_back
    return found if is_better else None


@lru_cache(maxsize=256)
def _language(tree: Node) -> Language | None:
    language = Language(Pattern(tree))
    try:
        _ = language.is_empty  # what cannot be followed shows when it is tried
    except (NotFollowedError, RecursionError):
        return None
    return language
