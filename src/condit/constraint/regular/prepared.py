"""Rewrites a pattern into what derivatives can follow, and refuses what they cannot.

- Lookbehind is matched backwards by the oracle. An atomic group in which it ends there takes
  nothing away from others, so that it is as good as a plain one; elsewhere it is refused.
- ``(?=(a+))\\1`` captures before the text is there, and is ``(?>(a+))``. Any other lookahead with
  a group that is asked for outside of it becomes an ``Ahead``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

from condit.constraint.regular.backward import KINDS, Behind
from condit.constraint.regular.expression import (
    EMPTY,
    END,
    START,
    Alternation,
    Atomic,
    Backreference,
    Call,
    Capture,
    Complement,
    Concatenation,
    Conditional,
    Intersection,
    Look,
    Loose,
    Node,
    Repetition,
    concatenation,
    nodes,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.verbs import Cut


@dataclass(frozen=True, eq=False)
class Ahead(Node):
    """The empty text, where ``item`` follows, with what it captures: the first way to match."""

    item: Node

    def _measure(self) -> tuple[float, float, bool]:
        return 0, 0, True


_NAMES: dict[type[Node], str] = {
    Call: "a call",
    Look: "lookaround",
    Fuzzy: "fuzzy matching",
    Cut: "a backtracking verb",
}


class NotFollowedError(ValueError):
    """The pattern uses a construct that derivatives cannot follow; the message names it."""


def prepared(pattern: Pattern) -> Pattern:
    """The same pattern, as ``derivative.py`` wants it.

    Raises:
        NotFollowedError: it has a construct that cannot be followed.
    """
    root = _rewritten(pattern.root)
    groups = {number: _rewritten(node) for number, node in pattern.groups.items()}
    root, groups = _kept(root, groups)
    _check(root, groups)
    return Pattern(*_measured(root, groups), pattern.names)


def _kept(root: Node, groups: dict[int, Node]) -> tuple[Node, dict[int, Node]]:
    """The same with ``Ahead`` and ``Behind`` where groups are asked for outside of lookaround."""
    asked = _references(root).union(*map(_references, groups.values()))

    def kept(node: Node) -> Node:
        if isinstance(node, Look) and node.ahead and not node.negative:
            inner = asked & _captured(node.item)
            if inner and not _only_inside(root, node, inner):
                return Ahead(kept(node.item))
        if isinstance(node, Look) and not (node.ahead or node.negative):
            inner = asked & _captured(node.item)
            if inner and not _only_inside(root, node, inner):
                return Behind(_of_text(node.item), False)
        return mapped(node, kept)

    return kept(root), {number: kept(node) for number, node in groups.items()}


def _measured(root: Node, groups: dict[int, Node]) -> tuple[Node, dict[int, Node]]:
    """The same with what calls know of how short a text can be; infinite: there is none."""
    if not any(map(_calls, [root, *groups.values()])):
        return root, groups
    # From above, each round finds the shortest texts of one call more in each other.
    least = dict.fromkeys([0, *groups], inf)
    while True:

        def called(node: Node) -> Node:
            if isinstance(node, Call):
                return Call(node.group, least[node.group])  # noqa: B023 - not kept
            return mapped(node, called)

        held = {0: called(root)} | {number: called(node) for number, node in groups.items()}
        found = {number: node.shortest for number, node in held.items()}
        if found == least:
            return held.pop(0), held
        least = found


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with ``change`` made to each of its parts."""
    match node:
        case Concatenation():
            return concatenation(*map(change, node.items))
        case Alternation():
            return Alternation(tuple(map(change, node.choices)))
        case Intersection():
            return Intersection(tuple(map(change, node.members)))
        case (
            Repetition()
            | Complement()
            | Look()
            | Loose()
            | Atomic()
            | Capture()
            | Fuzzy()
            | Ahead()
            | Behind()
        ):
            return replace(node, item=change(node.item))
        case Conditional():
            return replace(node, yes=change(node.yes), no=change(node.no))
        case _:
            return node


def _rewritten(node: Node) -> Node:
    node = mapped(node, _rewritten)
    if isinstance(node, Atomic) and _is_of_one_length(node.item):
        return node.item
    if isinstance(node, Look) and not node.ahead:
        item = _backward(node.item, True)
        if item is None or _references(item) or _calls(item):
            return Behind(_of_text(node.item), node.negative)
        return replace(node, item=item)
    if isinstance(node, Concatenation):
        items = list(node.items)
        for place, (look, after) in enumerate(pairwise(items)):
            match look, after:
                case Look(Capture(group) as captured, True, False), Backreference(again, False) if (
                    group == again
                ):
                    items[place : place + 2] = [EMPTY, Capture(group, Atomic(captured.item))]
        return concatenation(*items)
    return node


def _is_of_one_length(node: Node) -> bool:
    """Whether all its texts are equally long, so that it does not matter which is taken."""
    if _captured(node) or _calls(node) or _has(node, Cut):
        return False
    return node.shortest == node.longest


def _backward(node: Node, first: bool) -> Node | None:
    """What a lookbehind asks for; ``first``: nothing of it is matched before the node.

    ``None`` where that takes the text itself.
    """
    if isinstance(node, Atomic):
        return _backward(node.item, True) if first else None
    if isinstance(node, Look) or not node.parts:
        return node
    if isinstance(node, Concatenation):
        parts = [_backward(item, first and not at) for at, item in enumerate(node.items)]
    else:
        is_first = first and (node.most == 1 if isinstance(node, Repetition) else True)
        parts = [_backward(part, is_first) for part in node.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    replaced = iter(known)
    return mapped(node, lambda _: next(replaced))


def _of_text(node: Node) -> Node:
    """The node, if ``backward.py`` can match it."""
    for each in nodes([node]):
        if not (isinstance(each, KINDS) or each in (START, END)):
            name = _NAMES.get(type(each), "a construct")
            raise NotFollowedError(
                f"{name} in a lookbehind with an atomic group, or a group or call that leads out"
            )
        if isinstance(each, Backreference) and each.folded:
            raise NotFollowedError("a backreference without regard to case in a lookbehind")
    return node


def _check(root: Node, groups: dict[int, Node]) -> None:
    """Refuse captures that are asked for from outside of the lookaround that they are in."""
    asked = _references(root)
    for node in groups.values():
        asked |= _references(node)

    def visit(node: Node, around: Node | None) -> None:
        if isinstance(node, Ahead) and around:
            raise NotFollowedError(
                "a lookahead with a group that is asked for outside of it, in an atomic group, a "
                "lookbehind, another such lookahead or fuzzy matching"
            )
        if isinstance(node, Look):
            if not node.ahead and _has(node.item, Cut):
                raise NotFollowedError("a backtracking verb in a lookbehind")
            if not node.ahead and _has(node.item, Fuzzy):
                raise NotFollowedError("fuzzy matching in a lookbehind")
        if isinstance(node, Atomic) and _has(node, Fuzzy):
            raise NotFollowedError("fuzzy matching in an atomic group")
        if isinstance(node, Fuzzy) and _has(node.item, Backreference):
            raise NotFollowedError("a backreference in fuzzy matching")
        if isinstance(node, Ahead | Atomic | Fuzzy) or (isinstance(node, Look) and not node.ahead):
            around = node
        for part in node.parts:
            visit(part, around)

    if _has(root, Cut) and any(
        isinstance(node, Call) and not node.group for node in nodes([root, *groups.values()])
    ):
        raise NotFollowedError("a backtracking verb in a pattern that calls itself")
    visit(root, None)
    for node in groups.values():
        visit(node, None)


def _only_inside(root: Node, look: Look, groups: set[int]) -> bool:
    """Whether the groups are asked for only within ``look``."""
    return not groups & _references(root, without=look)


def _references(node: Node, without: Node | None = None) -> set[int]:
    if node is without:
        return set()
    found = {node.group} if isinstance(node, Backreference | Conditional) else set()
    for part in node.parts:
        found |= _references(part, without)
    return found


def _captured(node: Node) -> set[int]:
    found = {node.group} if isinstance(node, Capture) else set()
    for part in node.parts:
        found |= _captured(part)
    return found


def _calls(node: Node) -> bool:
    return _has(node, Call)


def _has(node: Node, kind: type[Node]) -> bool:
    return isinstance(node, kind) or any(_has(part, kind) for part in node.parts)
