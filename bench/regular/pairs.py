"""Random pairs of patterns, of which some match the same texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEAVES = ("a", "b", "x", "7", "-", "[a-f]", "[0-9]", "[^,]", r"\d", r"\w", r"\s", ".")
MOST = 30
"""Nodes of a pattern."""
Tree = tuple[Any, ...]


@dataclass(frozen=True)
class Pair:
    """Two patterns.

    Attributes:
        kind: ``"rewritten"``: the second is the first, written otherwise; ``"changed"``: with one
            leaf changed; ``"unrelated"``.
        first: a pattern.
        second: the other.
        nodes: of the first.
    """

    kind: str
    first: str
    second: str
    nodes: int


def pairs(seed: int, number: int) -> Iterator[Pair]:
    """``number`` pairs of each kind."""
    rng = random.Random(seed)
    while number:
        tree, another = (_tree(rng, rng.randint(10, MOST)) for _ in range(2))
        same = _rewritten(rng, tree)
        if same == tree or _size(same) > MOST:
            continue
        number -= 1
        for kind, other in (
            ("rewritten", same),
            ("changed", _changed(rng, tree)),
            ("unrelated", another),
        ):
            yield Pair(kind, _text(tree), _text(other), _size(tree))


def _tree(rng: random.Random, size: int) -> Tree:
    if size < 3:
        leaf = ("leaf", rng.choice(LEAVES))
        return leaf if size == 1 else (rng.choice("*+?"), leaf)
    kind = rng.choice(("join", "join", "|", "*", "+", "?"))
    if kind in "*+?":
        return (kind, _tree(rng, size - 1))
    left = rng.randint(1, size - 2)
    return (kind, _tree(rng, left), _tree(rng, size - 1 - left))


def _rewritten(rng: random.Random, tree: Tree) -> Tree:
    """The same language: each part may be written otherwise."""
    kind, *parts = tree
    if kind == "leaf":
        return tree
    parts = [_rewritten(rng, part) for part in parts]
    if rng.random() < 0.5:
        return (kind, *parts)
    if kind == "+":
        return ("join", *parts, ("*", *parts))
    if kind == "*":
        return ("?", ("+", *parts))
    if kind == "?":
        return ("|", ("leaf", "(?:)"), *parts)
    return (kind, *reversed(parts)) if kind == "|" else (kind, *parts)


def _changed(rng: random.Random, tree: Tree) -> Tree:
    """With one leaf changed."""
    kind, *parts = tree
    if kind == "leaf":
        return (kind, rng.choice([each for each in LEAVES if each != parts[0]]))
    at = rng.randrange(len(parts))
    return (kind, *(_changed(rng, p) if place == at else p for place, p in enumerate(parts)))


def _text(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "leaf":
        return str(parts[0])
    texts = list(map(_text, parts))
    if kind == "join":
        return "".join(texts)
    return f"(?:{'|'.join(texts)})" + ("" if kind == "|" else kind)


def _size(tree: Tree) -> int:
    return 1 if tree[0] == "leaf" else 1 + sum(map(_size, tree[1:]))
