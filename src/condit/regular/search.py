"""Looks for a text in a product of automata: the shortest, and whether there is one."""

from __future__ import annotations

from collections.abc import Iterator

from condit.constraint.regular.terms import Place
from condit.errors import ConstraintTooComplexError
from condit.regular.product import Product, State


def witnesses(product: Product) -> Iterator[str]:
    """For each state that is looked for a shortest text that leads there, the shortest first.

    Raises:
        ConstraintTooComplexError: there are more than ``product.most`` states.
    """
    came: dict[State, tuple[State, str] | None] = {product.start: None}
    if product.is_hopeless(product.start):
        return
    for state in (waiting := [product.start]):
        if product.accepts(state):
            yield _way(state, came)
        for move in product.moves(state):
            if move.to not in came:
                came[move.to] = (state, move.first)
                waiting.append(move.to)
        if len(waiting) > product.most:
            raise too_many(f"more than {product.most} states")


def _way(state: State, came: dict[State, tuple[State, str] | None]) -> str:
    found: list[str] = []
    while (before := came[state]) is not None:
        state, character = before
        found.append(character)
    return "".join(reversed(found))


def is_alike(product: Product) -> bool:
    """Whether no text is looked for in a product of two automata that must always agree.

    Places that have to agree if the two starts do are put together (Hopcroft and Karp 1971), so
    that most pairs need no look.

    Raises:
        ConstraintTooComplexError: there are more than ``product.most`` pairs to look at.
    """
    parents: dict[tuple[int, Place], tuple[int, Place]] = {}

    def leader(each: tuple[int, Place]) -> tuple[int, Place]:
        while (parent := parents.get(each)) is not None:
            if (above := parents.get(parent)) is not None:
                parents[each] = above
            each = parent
        return each

    looked = 0
    for state in (waiting := [product.start]):
        if state[0] is state[1]:  # the same place of the same pattern
            continue
        one, other = leader((0, state[0])), leader((1, state[1]))
        if one == other or product.is_hopeless(state):
            continue
        parents[one] = other
        looked += 1
        if looked > product.most:
            raise too_many(f"more than {product.most} pairs of states")
        if product.accepts(state):
            return False
        waiting += [move.to for move in product.moves(state)]
    return True


def too_many(what: str) -> ConstraintTooComplexError:
    """The error where a pattern has more states than are looked at."""
    return ConstraintTooComplexError(
        f"no answer was found within the limit: there are {what}. Patterns with recursion or with "
        "backreferences to groups of any length have no end of states; bound the group"
    )
