"""A superset of what is left to match, where it is not yet known what some groups capture.

By it a text is refused early, and searches know how short it can be.
"""

from __future__ import annotations

from collections.abc import Set

from condit.constraint.regular.backward import Behind
from condit.constraint.regular.expression import (
    ANYTHING,
    EMPTY,
    Alternation,
    Atomic,
    Backreference,
    Call,
    Complement,
    Conditional,
    Intersection,
    Look,
    Node,
    nodes,
)
from condit.constraint.regular.fuzzy import Fuzzy
from condit.constraint.regular.prepared import Ahead, mapped
from condit.constraint.regular.rest import Close, Rest


def loosened(rest: Rest, groups: Set[int]) -> Rest:
    """The rest, with anything where it asks for one of the groups."""
    items: list[Node | Close] = []
    here: Rest | None = rest
    while here is not None and (item := here.item) is not None:
        if isinstance(item, Node):
            items.append(_loosened(item, groups))
        elif isinstance(item, Close):
            items.append(item)
        else:  # a repeat or a call that is under way
            return Rest.ANY.before(*items)
        here = here.tail
    final = {"end": Rest.END, "any": Rest.ANY}
    return final.get(rest.final, Rest.ANY).before(*items)


def _loosened(node: Node, groups: Set[int]) -> Node:
    if not any(
        isinstance(each, Call)
        or (isinstance(each, Backreference | Conditional) and each.group in groups)
        for each in nodes([node])
    ):
        return node
    match node:
        case Backreference() | Call() | Complement() | Intersection() | Fuzzy():
            return ANYTHING
        case Conditional(group, yes, no) if group in groups:
            return Alternation((_loosened(yes, groups), _loosened(no, groups)))
        case Look() | Ahead() | Behind():
            return EMPTY
        case Atomic(item):
            return _loosened(item, groups)
        case _:
            return mapped(node, lambda part: _loosened(part, groups))
