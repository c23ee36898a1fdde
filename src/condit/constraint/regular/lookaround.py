r"""Replaces lookaround by intersection and complement.

In a sequence, a lookahead ``(?=L)`` restricts what follows it, ``R``, to the intersection of ``R``
with ``L.*``; a negative one to that with the complement. If ``L`` is bounded it restricts only as
many items as it can reach, so that it can be replaced inside a repeat as well. A lookbehind does
the same to what precedes it; ``^``, ``$`` and ``\b`` are made of both. What cannot be replaced is
left out, and the result is a superset.
"""

from __future__ import annotations

from math import inf

from condit.constraint.regular.expression import (
    ANY,
    ANYTHING,
    EMPTY,
    END,
    NOTHING,
    START,
    Alternation,
    Concatenation,
    Look,
    Loose,
    Node,
    One,
    Repetition,
    alternation,
    complement,
    concatenation,
    intersection,
    one,
    repetition,
)

# How many sequences are looked at, at most: choices multiply.
_MOST_STEPS = 100
_MOST_LOOKS = 30
_MOST_COPIES = 4


def searched(node: Node) -> tuple[Node, bool]:
    """The texts in which ``node`` matches somewhere, without lookaround, and whether exactly."""
    resolver = _Resolver()
    return resolver.resolve((ANYTHING, node, ANYTHING), left=True, right=True)


def whole(node: Node) -> tuple[Node, bool]:
    """The texts that ``node`` matches as a whole, without lookaround, and whether exactly."""
    return _Resolver().resolve((node,), left=True, right=True)


class _Resolver:
    """Resolves one pattern; counts its steps."""

    def __init__(self) -> None:
        self.steps = 0

    def resolve(self, items: tuple[Node, ...], left: bool, right: bool) -> tuple[Node, bool]:
        """The items in a row, without lookaround.

        Args:
            items: the nodes.
            left: whether the text begins with the first item (else: something may precede).
            right: whether the text ends with the last item.
        """
        sequence = concatenation(*items)
        if not sequence.looks:
            return sequence, True
        flat = list(sequence.items) if isinstance(sequence, Concatenation) else [sequence]
        self.steps += 1
        if right:
            flat = _trimmed(flat, END)
        if left:
            flat = _trimmed(flat[::-1], START)[::-1]
        exact = True
        for i, item in enumerate(flat):
            if isinstance(item, Look) or not item.looks:
                continue
            if isinstance(item, Loose):
                node, _ = self.resolve((*flat[:i], item.item, *flat[i + 1 :]), left, right)
                return node, False
            before, after = tuple(flat[:i]), tuple(flat[i + 1 :])
            alone, is_exact = self._resolve_alone(item)
            if not is_exact and self.steps < _MOST_STEPS:
                if choices := _choices(item):
                    found = [self.resolve((*before, c, *after), left, right) for c in choices]
                    # An item before it may have become a superset already.
                    exact &= all(e for _, e in found)
                    return alternation(*(n for n, _ in found)), exact
                if right and not after and (tempered := _tempered(item)):
                    node, is_exact = self.resolve((*before, tempered), left, right)
                    return node, exact and is_exact
            flat[i] = alone
            exact &= is_exact
        node, is_exact = self._resolve_looks(flat, left, right)
        return node, exact and is_exact

    def _resolve_alone(self, item: Node) -> tuple[Node, bool]:
        """One item that others surround, without lookaround."""
        if isinstance(item, Repetition):
            inner, exact = self.resolve((item.item,), False, False)
            return repetition(inner, item.least, item.most), exact
        if isinstance(item, Alternation):
            found = [self.resolve((choice,), False, False) for choice in item.choices]
            return alternation(*(n for n, _ in found)), all(e for _, e in found)
        return self.resolve(item.parts, False, False)

    def _resolve_looks(self, items: list[Node], left: bool, right: bool) -> tuple[Node, bool]:
        exact = sum(isinstance(item, Look) for item in items) <= _MOST_LOOKS
        if not exact:
            items = [item for item in items if not isinstance(item, Look)]
        items = _sorted(items)
        # What is asked at an edge is asked of the whole text.
        whole: list[Node] = []
        edges = [(0, True)] * left + [(-1, False)] * right
        for at, ahead in edges:
            while items and isinstance(asked := items[at], Look) and asked.ahead == ahead:
                node, is_exact = self._restrict([ANYTHING], asked, left and right)
                whole += [] if node is None else [node]
                exact &= is_exact
                del items[at]
        while looks := [(i, item) for i, item in enumerate(items) if isinstance(item, Look)]:
            windows = [(i, asked, *_window(items, i, asked, left, right)) for i, asked in looks]
            ready = [w for w in windows if not any(isinstance(item, Look) for item in w[2])]
            # Where each stands in the other's way one has to go.
            i, asked, window, reaches_end, is_enough = min(
                ready or windows, key=lambda each: len(each[2])
            )
            node = None
            if ready and is_enough:
                node, is_exact = self._restrict(window, asked, reaches_end)
                exact &= is_exact
            else:
                exact = False
            if node is None:
                del items[i]
            elif asked.ahead:
                items[i : i + 1 + len(window)] = [node]
            else:
                items[i - len(window) : i + 1] = [node]
            flat = concatenation(*items)
            items = list(flat.items) if isinstance(flat, Concatenation) else [flat]
        return intersection(*whole, concatenation(*items)), exact

    def _restrict(self, window: list[Node], asked: Look, at_end: bool) -> tuple[Node | None, bool]:
        """The items of a window, as far as the lookaround holds; ``None``: it must be left out."""
        whole = concatenation(*window)
        if asked.item == ANY:
            if asked.negative:
                return (EMPTY if whole.nullable else NOTHING), True
            return intersection(whole, repetition(ANY, 1, None)), True
        if isinstance(asked.item, One):
            return _restrict_one(window, asked, asked.item), True
        if asked.ahead:
            inner, exact = self.resolve((asked.item, ANYTHING), False, at_end)
        else:
            inner, exact = self.resolve((ANYTHING, asked.item), at_end, False)
        if asked.negative and not exact:
            return None, False
        return intersection(complement(inner) if asked.negative else inner, whole), exact


def _trimmed(items: list[Node], edge: Look) -> list[Node]:
    """The items up to the text's edge, where it is asked for among them."""
    if edge not in items:
        return items
    at = items.index(edge)
    beyond = [item for item in items[at + 1 :] if not isinstance(item, Look)]
    if any(item.looks for item in beyond):
        return items
    if any(not item.nullable for item in beyond):
        return [NOTHING]
    return items[:at] + [
        item for item in items[at + 1 :] if isinstance(item, Look) and item != edge
    ]


def _sorted(items: list[Node]) -> list[Node]:
    """The items, with what looks behind before what looks ahead from the same place."""
    done: list[Node] = []
    ahead: list[Node] = []
    for item in items:
        if isinstance(item, Look):
            (ahead if item.ahead else done).append(item)
        else:
            done += [*ahead, item]
            ahead = []
    return done + ahead


def _window(
    items: list[Node], i: int, asked: Look, left: bool, right: bool
) -> tuple[list[Node], bool, bool]:
    """The items that a lookaround speaks of, whether they reach the text's edge, and whether
    they are enough to decide it."""
    need = inf if asked.item.looks else asked.item.longest
    side = items[i + 1 :] if asked.ahead else items[:i][::-1]
    window: list[Node] = []
    length = 0.0
    for item in side:
        if length >= need:
            break
        window.append(item)
        length += item.shortest
    at_end = len(window) == len(side) and (right if asked.ahead else left)
    enough = at_end or length >= need
    return (window if asked.ahead else window[::-1]), at_end, enough


def _restrict_one(window: list[Node], asked: Look, item: One) -> Node:
    """Like ``_restrict``, for a lookaround of one character: without complements of texts."""
    allowed = item.characters.complement() if asked.negative else item.characters
    near = (window[0] if asked.ahead else window[-1]) if window else EMPTY
    rest = window[1:] if asked.ahead else window[:-1]

    def joined(*items: Node) -> Node:
        return concatenation(*items, *rest) if asked.ahead else concatenation(*rest, *items[::-1])

    if isinstance(near, One):
        return joined(one(near.characters.intersection(allowed)))
    if isinstance(near, Repetition) and isinstance(near.item, One) and near.least:
        most = None if near.most is None else near.most - 1
        first = one(near.item.characters.intersection(allowed))
        return joined(first, repetition(near.item, near.least - 1, most))
    inner = (
        concatenation(one(allowed), ANYTHING)
        if asked.ahead
        else concatenation(ANYTHING, one(allowed))
    )
    if asked.negative:
        inner = alternation(EMPTY, inner)
    return intersection(inner, concatenation(*window))


def _choices(item: Node) -> list[Node]:
    """The same item as a choice, where there are few."""
    if isinstance(item, Alternation):
        return list(item.choices)
    if isinstance(item, Repetition) and item.most is not None and item.most <= _MOST_COPIES:
        counts = range(item.least, item.most + 1)
        return [concatenation(*[item.item] * count) for count in counts]
    return []


def _tempered(item: Node) -> Node | None:
    """``(?:(?!L).)*`` as what does not hold ``L`` anywhere, for the end of a text."""
    if not isinstance(item, Repetition) or item.least or item.most is not None:
        return None
    match item.item:
        case Concatenation((Look() as asked, One() as character)) if (
            asked.ahead and asked.negative and not asked.item.looks and not asked.item.nullable
        ):
            held = concatenation(ANYTHING, asked.item, ANYTHING)
            return intersection(repetition(character, 0, None), complement(held))
        case _:
            return None
