"""What formulas mean: whether a finite trace satisfies one, from the definition.

Linear temporal logic on finite traces (De Giacomo and Vardi 2013), with past (Lichtenstein, Pnueli
and Zuck 1985). Traces are not empty: the empty one satisfies no formula, and no negation of one.

This is the oracle: it shares nothing with the automata of ``progression.py``.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from condit.temporal.formula import Formula

Trace = Sequence[Set[str]]
"""For each position the names that are true there."""


def holds(formula: Formula, trace: Trace) -> bool:
    """Whether a trace satisfies a formula.

    Args:
        formula: the formula.
        trace: the names that are true at each position; where it is empty, no formula holds.
    """
    return bool(trace) and _values(formula, trace)[0]


def _values(formula: Formula, trace: Trace) -> list[bool]:
    """Whether the formula holds, for each position."""
    size = len(trace)
    places = range(size)
    inner = [_values(each, trace) for each in formula.arguments]
    one, other = [*inner, [], []][:2]
    match formula.operator:
        case "true" | "false":
            return [formula.operator == "true"] * size
        case "last":
            return [place == size - 1 for place in places]
        case "name":
            return [formula.name in names for names in trace]
        case "!":
            return [not each for each in one]
        case "&":
            return [all(each) for each in zip(*inner, strict=True)]
        case "|":
            return [any(each) for each in zip(*inner, strict=True)]
        case "->":
            return [not a or b for a, b in zip(one, other, strict=True)]
        case "<->" | "xor":
            same = formula.operator == "<->"
            return [(a == b) == same for a, b in zip(one, other, strict=True)]
        case "X" | "WX":
            return [*one[1:], formula.operator == "WX"]
        case "Y" | "Z":
            return [formula.operator == "Z", *one[:-1]]
        case "O" | "H":
            test = any if formula.operator == "O" else all
            return [test(one[: place + 1]) for place in places]
        case "S":
            back = _until(one[::-1], other[::-1], 0, None)
            return back[::-1]
    first, last = formula.bounds or (0, None)
    always = [True] * size
    match formula.operator:
        case "F":
            return _until(always, one, first, last)
        case "G":
            return _not(_until(always, _not(one), first, last))
        case "U":
            return _until(one, other, first, last)
        case "R":
            return _not(_until(_not(one), _not(other), first, last))
        case "W":
            until, always_one = (
                _until(one, other, 0, None),
                _not(_until(always, _not(one), 0, None)),
            )
            return [a or b for a, b in zip(until, always_one, strict=True)]
    both = [a and b for a, b in zip(one, other, strict=True)]
    return _until(other, both, 0, None)  # M


def _not(values: list[bool]) -> list[bool]:
    return [not each for each in values]


def _until(one: list[bool], other: list[bool], first: int, last: int | None) -> list[bool]:
    """Whether ``other`` holds ``first`` to ``last`` steps on, and ``one`` at all places before."""
    size, found = len(one), []
    for place in range(size):
        stop = size if last is None else min(size, place + last + 1)
        unbroken = next((at for at in range(place, stop) if not one[at]), stop)
        found.append(any(other[place + first : min(unbroken + 1, stop)]))
    return found
