"""Sets of texts as schemas describe them, with union, intersection and difference.

How the texts are escaped in JSON is in ``strings.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from condit.constraint.regular.expression import (
    ANYTHING,
    NOTHING,
    Node,
    alternation,
    complement,
    intersection,
)


@dataclass(frozen=True)
class Texts:
    """A set of texts.

    Attributes:
        node: the set, without lookaround.
        relaxed: the keywords that it does not enforce in full: where there are any, it is a
            superset, and a value must be checked when it closes.
    """

    node: Node
    relaxed: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether it is no larger than the schema says."""
        return not self.relaxed


def merged(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """The names in all groups, each once."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def both(*texts: Texts) -> Texts:
    """The texts that are in all of these sets."""
    node = intersection(*(each.node for each in texts))
    return Texts(node) if node == NOTHING else Texts(node, merged(*(e.relaxed for e in texts)))


def either(*texts: Texts) -> Texts:
    """The texts that are in one of these sets, or in several."""
    if Texts(ANYTHING) in texts:
        return Texts(ANYTHING)
    found = [each for each in texts if each.node != NOTHING]
    return Texts(alternation(*(e.node for e in found)), merged(*(e.relaxed for e in found)))


def without(texts: Texts, removed: Texts) -> Texts:
    """The texts of one set that are not in the other.

    Where ``removed`` is not exact nothing is removed: it would be too much.
    """
    if removed.node == NOTHING or texts.node == NOTHING:
        return texts
    if not removed.exact:
        return Texts(texts.node, merged(texts.relaxed, removed.relaxed))
    return Texts(intersection(texts.node, complement(removed.node)), texts.relaxed)
