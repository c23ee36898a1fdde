"""Lookaround as a condition: ``(?(?=a)yes|no)``, as the ``regex`` module follows it."""

from __future__ import annotations

from functools import cache

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import (
    ANY,
    Alternation,
    Concatenation,
    Look,
    Node,
    One,
    Repetition,
    concatenation,
    repetition,
)
from condit.constraint.regular.folding import Letter, ordered

_DOT = One(Characters.single("\n").complement())


def conditional(condition: Look, yes: Node, no: Node) -> Node:
    """``yes`` where a condition holds, else ``no``."""
    if condition.negative and _tries_first_choice_only():
        yes = _first_only(yes)
    return ordered(concatenation(condition, yes), concatenation(_opposite(condition), no))


def _opposite(condition: Look) -> Look:
    return Look(condition.item, ahead=condition.ahead, negative=not condition.negative)


def _is_in_class(node: Node) -> bool:
    """Whether it is a character or a class, and not ``.``."""
    if isinstance(node, One):
        return node not in (ANY, _DOT)
    return isinstance(node, Letter)


@cache
def _tries_first_choice_only() -> bool:
    """Whether the module forgets all choices but one, if they follow a negative condition."""
    return not regex.fullmatch("(?(?!x)(?:aa|ba)|c)", "ba", flags=regex.V1)


def _first_only(node: Node) -> Node:
    """The node, with the first one alone of choices that it begins with."""
    match node:
        case Concatenation((first, *rest)):
            return concatenation(_first_only(first), *rest)
        case Repetition(item, least, most, lazy) if least:
            first = _first_only(item)
            further = repetition(item, least - 1, None if most is None else most - 1, lazy=lazy)
            return node if first == item else concatenation(first, further)
        case Alternation(choices):
            begins = [
                c.items[0] if isinstance(c, Concatenation) and c.items else c for c in choices
            ]
            first = begins[0]
            is_condition = isinstance(first, Look) and _opposite(first) in begins
            # The module moves common beginnings out, and makes one class of single characters.
            is_common = isinstance(first, Letter | One | Look) and all(b == first for b in begins)
            if is_condition or is_common:
                return node
            singles = 0
            while singles < len(choices) and _is_in_class(choices[singles]):
                singles += 1
            return ordered(*choices[:singles]) if singles else _first_only(choices[0])
        case _:
            return node
