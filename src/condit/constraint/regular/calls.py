"""Leaves out of a pattern what nothing refers to, and puts groups in the place of their calls.

A call within its own group remains: that is recursion.
"""

from __future__ import annotations

from types import MappingProxyType

from condit.constraint.regular.expression import (
    Atomic,
    Backreference,
    Call,
    Capture,
    Conditional,
    Node,
    nodes,
)
from condit.constraint.regular.folding import rebuilt
from condit.constraint.regular.pattern import Pattern

# Copies multiply: beyond this many nodes a call remains a call.
_MOST_NODES = 20_000


def finished(pattern: Pattern) -> Pattern:
    """The same pattern with only the captures, groups and calls that it needs."""
    reached = _reached(pattern)
    needed = {
        node.group
        for node in nodes([pattern.root, *(pattern.groups[each] for each in reached if each)])
        if isinstance(node, Backreference | Conditional)
    }
    root = _without_captures(pattern.root, needed)
    groups = {
        number: _without_captures(pattern.groups[number], needed) for number in reached if number
    }
    inliner = _Inliner({0: root, **groups})
    root = inliner.inlined(root)
    groups = {number: inliner.inlined(node) for number, node in groups.items()}
    kept = Pattern(root, groups, pattern.names)
    return Pattern(
        root,
        MappingProxyType({number: groups[number] for number in _reached(kept) if number}),
        MappingProxyType(dict(pattern.names)),
    )


def _reached(pattern: Pattern) -> set[int]:
    """The groups that calls lead to, from the whole on; 0 is the whole."""
    reached: set[int] = set()
    waiting = [pattern.root]
    while waiting:
        for node in nodes([waiting.pop()]):
            if isinstance(node, Call) and node.group not in reached:
                reached.add(node.group)
                waiting += [pattern.groups[node.group]] if node.group else []
    return reached


def _without_captures(node: Node, needed: set[int]) -> Node:
    node = rebuilt(node, [_without_captures(part, needed) for part in node.parts])
    if isinstance(node, Capture) and node.group not in needed:
        return node.item
    if isinstance(node, Atomic) and isinstance(node.item, Atomic):
        return node.item
    return node


class _Inliner:
    """Puts groups in the place of calls."""

    def __init__(self, groups: dict[int, Node]) -> None:
        self.groups = groups
        self.left = _MOST_NODES
        called = {
            number: {each.group for each in nodes([node]) if isinstance(each, Call)}
            for number, node in groups.items()
        }
        # What a call captures is forgotten when it ends, as a copy would not.
        self.closed = {
            number
            for number, node in groups.items()
            if not any(isinstance(each, Capture) for each in nodes([node]))
            and not _leads_back(number, called)
        }

    def inlined(self, node: Node) -> Node:
        """The node with groups in the place of the calls that can be replaced."""
        if isinstance(node, Call) and node.group in self.closed:
            found = self.groups[node.group]
            if found.size > self.left:
                return node
            self.left -= found.size
            return self.inlined(found)
        return rebuilt(node, [self.inlined(part) for part in node.parts])


def _leads_back(number: int, called: dict[int, set[int]]) -> bool:
    """Whether a group's calls lead back to it."""
    seen: set[int] = set()
    waiting = list(called[number])
    while waiting:
        each = waiting.pop()
        if each == number:
            return True
        if each not in seen:
            seen.add(each)
            waiting += called[each]
    return False
