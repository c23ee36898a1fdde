"""Languages made of languages: both, either, none of, one after the other, repeated.

Each part keeps its own meaning: its lookaround sees nothing of the others, ``^`` and ``$`` are
its own beginning and end, and its groups are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from condit.constraint.regular.expression import (
    Backreference,
    Call,
    Capture,
    Conditional,
    Intersection,
    Node,
    alternation,
    complement,
    concatenation,
    intersection,
    repetition,
)
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.prepared import mapped


def both(*patterns: Pattern) -> Pattern:
    """The texts that all patterns match."""
    roots, groups = _apart(patterns)
    return Pattern(intersection(*roots), groups)


def either(*patterns: Pattern) -> Pattern:
    """The texts that some pattern matches."""
    roots, groups = _apart(patterns)
    return Pattern(alternation(*roots), groups)


def without(pattern: Pattern) -> Pattern:
    """The texts that the pattern does not match."""
    (root,), groups = _apart([pattern])
    return Pattern(complement(root), groups)


def joined(*patterns: Pattern) -> Pattern:
    """A text of the first pattern, then one of the second, and so on."""
    roots, groups = _apart(patterns)
    return Pattern(concatenation(*roots), groups)


def repeated(pattern: Pattern, least: int, most: int | None) -> Pattern:
    """``least`` to ``most`` texts of the pattern in a row; ``most`` ``None``: without bound."""
    (root,), groups = _apart([pattern])
    return Pattern(repetition(root, least, most), groups)


def _apart(patterns: Sequence[Pattern]) -> tuple[list[Node], dict[int, Node]]:
    """The patterns' expressions, each closed in itself, with groups of numbers of their own."""
    roots: list[Node] = []
    groups: dict[int, Node] = {}
    last = 0
    for pattern in patterns:
        # The whole has a number as well: it may call itself.
        whole = last + 1
        offset = whole
        numbered = {n: _renumbered(node, offset, whole) for n, node in pattern.groups.items()}
        root = _renumbered(pattern.root, offset, whole)
        groups |= {offset + number: node for number, node in numbered.items()}
        groups[whole] = root
        highest = max([0, *pattern.groups, *_numbers(pattern.root)])
        last = offset + highest
        roots.append(closed(root))
    called = _called([*roots, *groups.values()])
    return roots, {number: node for number, node in groups.items() if number in called}


def closed(node: Node) -> Node:
    """The node as a text of its own: what is in it sees nothing of what stands around."""
    return Intersection((node,)) if node.asks else node


def _renumbered(node: Node, offset: int, whole: int) -> Node:
    if isinstance(node, Call):
        return Call(offset + node.group if node.group else whole)
    if isinstance(node, Backreference):
        return replace(node, group=node.group + offset)
    node = mapped(node, lambda part: _renumbered(part, offset, whole))
    if isinstance(node, Capture | Conditional):
        return replace(node, group=node.group + offset)
    return node


def _numbers(node: Node) -> set[int]:
    found = (
        {node.group} if isinstance(node, Capture | Backreference | Conditional | Call) else set()
    )
    for part in node.parts:
        found |= _numbers(part)
    return found


def _called(nodes: Sequence[Node]) -> set[int]:
    found: set[int] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call):
            found.add(node.group)
        waiting += node.parts
    return found
