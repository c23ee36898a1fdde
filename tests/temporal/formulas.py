"""Random formulas and traces, and the definition of what they mean, written without reuse."""

from __future__ import annotations

import random

from condit.temporal.formula import Formula, joined, name, negation

NAMES = ("a", "b", "c")
OPERATORS = [
    *("!", "&", "&", "&", "|", "|", "|", "->", "<->", "xor"),
    *("X", "X", "WX", "F", "F", "G", "G", "U", "U", "U", "R", "R", "W", "M"),
    *("Y", "Z", "O", "H", "S"),
]
"""More often those that are used more often."""


def random_formula(rng: random.Random, size: int, names: tuple[str, ...] = NAMES) -> Formula:
    """A formula of about so many operators."""
    if size <= 0:
        kinds = ["name"] * 6 + ["true", "false", "last"]
        kind = rng.choice(kinds)
        return name(rng.choice(names)) if kind == "name" else Formula(kind)
    kind = rng.choice(OPERATORS)
    if kind in ("&", "|"):
        left = rng.randrange(size)
        parts = [random_formula(rng, n, names) for n in (left, size - 1 - left)]
        return joined(kind, parts)
    if kind == "!":
        return negation(random_formula(rng, size - 1, names))
    bounds = None
    if kind in ("F", "G", "U", "R") and rng.random() < 0.4:
        first = rng.randrange(3)
        bounds = (first, rng.choice([None, first, first + 1, first + 3]))
    if kind in ("X", "WX", "F", "G", "Y", "Z", "O", "H"):
        return Formula(kind, (random_formula(rng, size - 1, names),), "", bounds)
    left = rng.randrange(size)
    parts = [random_formula(rng, n, names) for n in (left, size - 1 - left)]
    return Formula(kind, tuple(parts), "", bounds)


def satisfies(trace: list[frozenset[str]], at: int, formula: Formula) -> bool:
    """Whether a trace satisfies a formula at a position: the definition, word by word."""
    inner, size = formula.arguments, len(trace)
    first, last = formula.bounds or (0, None)
    stop = size - 1 if last is None else min(size - 1, at + last)
    within = range(at + first, stop + 1)
    match formula.operator:
        case "true":
            return True
        case "false":
            return False
        case "last":
            return at == size - 1
        case "name":
            return formula.name in trace[at]
        case "!":
            return not satisfies(trace, at, inner[0])
        case "&":
            return all(satisfies(trace, at, each) for each in inner)
        case "|":
            return any(satisfies(trace, at, each) for each in inner)
        case "->":
            return satisfies(trace, at, inner[1]) if satisfies(trace, at, inner[0]) else True
        case "<->":
            return satisfies(trace, at, inner[0]) == satisfies(trace, at, inner[1])
        case "xor":
            return satisfies(trace, at, inner[0]) != satisfies(trace, at, inner[1])
        case "X":
            return at + 1 < size and satisfies(trace, at + 1, inner[0])
        case "WX":
            return at + 1 == size or satisfies(trace, at + 1, inner[0])
        case "Y":
            return at > 0 and satisfies(trace, at - 1, inner[0])
        case "Z":
            return at == 0 or satisfies(trace, at - 1, inner[0])
        case "F":
            return any(satisfies(trace, k, inner[0]) for k in within)
        case "G":
            return all(satisfies(trace, k, inner[0]) for k in within)
        case "O":
            return any(satisfies(trace, k, inner[0]) for k in range(at + 1))
        case "H":
            return all(satisfies(trace, k, inner[0]) for k in range(at + 1))
        case "S":
            return any(
                satisfies(trace, k, inner[1])
                and all(satisfies(trace, j, inner[0]) for j in range(k + 1, at + 1))
                for k in range(at + 1)
            )
        case "U":
            return any(
                satisfies(trace, k, inner[1])
                and all(satisfies(trace, j, inner[0]) for j in range(at, k))
                for k in within
            )
        case "R":
            return all(
                satisfies(trace, k, inner[1])
                or any(satisfies(trace, j, inner[0]) for j in range(at, k))
                for k in within
            )
        case "W":
            return all(satisfies(trace, k, inner[0]) for k in range(at, size)) or any(
                satisfies(trace, k, inner[1])
                and all(satisfies(trace, j, inner[0]) for j in range(at, k))
                for k in range(at, size)
            )
        case "M":
            return any(
                satisfies(trace, k, inner[0])
                and all(satisfies(trace, j, inner[1]) for j in range(at, k + 1))
                for k in range(at, size)
            )
    raise AssertionError(formula)
