"""Estimates what a regular language costs the mask engine, and finds cheaper supersets.

The engine follows a text through the derivatives of its expression. A counted repeat is cheap
alone. Two nested ones, where the text does not show where one turn of the outer ends and the next
begins, have as many derivatives as the product of their counts. Conditions on the same text
multiply, too.
"""

from __future__ import annotations

from condit.constraint.regular.characters import EVERY, NONE, Characters
from condit.constraint.regular.expression import (
    ANYTHING,
    Alternation,
    Complement,
    Concatenation,
    Intersection,
    Node,
    One,
    Repetition,
    Written,
    alternation,
    complement,
    concatenation,
    intersection,
    repetition,
)
from condit.constraint.schema.texts import Texts, merged

# At most this many derivatives by nested counts: beyond it a byte can take milliseconds.
_MOST_COUNTS = 1000
_MOST_CONDITIONS = 8
# The engine looks ahead over all that must come.
_MOST_REPEATS = 2000


def cheap(texts: Texts) -> Texts:
    """The same texts, or more where they would cost too much."""
    node, exact = _cheap(texts.node)
    return Texts(node, texts.relaxed if exact else merged(texts.relaxed, ("pattern",)))


def _cheap(node: Node) -> tuple[Node, bool]:
    if not _is_suspect(node):
        return node, True
    match node:
        case Concatenation():
            found = [_cheap(item) for item in node.items]
            return concatenation(*(n for n, _ in found)), all(e for _, e in found)
        case Alternation():
            found = [_cheap(choice) for choice in node.choices]
            return alternation(*(n for n, _ in found)), all(e for _, e in found)
        case Repetition():
            item, exact = _cheap(node.item)
            counts = node.least if node.most is None else node.most
            if counts > 1 and counts * _run(item) > _MOST_COUNTS:
                return repetition(item, min(node.least, 1), None), False
            least = min(node.least, _MOST_REPEATS)
            return repetition(item, least, node.most), exact and least == node.least
        case Intersection():
            # What is excluded is the cheaper condition to lose: it is mostly short.
            found = [_cheap(member) for member in node.members]
            kept = found[-_MOST_CONDITIONS:]
            exact = all(e for _, e in found) and len(kept) == len(found)
            return intersection(*(n for n, _ in kept)), exact
        case Complement():
            item, exact = _cheap(node.item)
            # More in what is excluded would be less: then nothing is excluded.
            return (complement(item), True) if exact else (ANYTHING, False)
        case _:
            return node, True


def _is_suspect(node: Node) -> bool:
    """Whether a node has counted repeats or combines conditions."""
    return isinstance(node, Repetition | Intersection | Complement) or any(
        _is_suspect(part) for part in node.parts
    )


def _run(node: Node) -> float:
    """How high a count stands, at most, where a text of ``node`` ends and another may begin."""
    first = _first(node)

    def ends(node: Node) -> float:
        match node:
            case Repetition():
                counts = node.least if node.most is None else node.most
                inner = ends(node.item)
                if counts < 2:
                    return inner
                meets = not _first(node.item).intersection(first).is_empty
                return max(1.0, inner) * counts if meets else inner
            case Concatenation():
                most = 0.0
                for item in reversed(node.items):
                    most = max(most, ends(item))
                    if not item.nullable:
                        break
                return most
            case _:
                return max((ends(part) for part in node.parts), default=0.0)

    return ends(node)


def _first(node: Node) -> Characters:
    """The characters that a text can begin with, or more."""
    match node:
        case One():
            return node.characters
        case Concatenation():
            found = NONE
            for item in node.items:
                found = found.union(_first(item))
                if not item.nullable:
                    break
            return found
        case Complement() | Written():
            return EVERY
        case _:
            found = NONE
            for part in node.parts:
                found = found.union(_first(part))
            return found
