"""How many numbers, in digits, a text has."""

from __future__ import annotations

import re

from condit.constraint.lexical.alphabet import among, members
from condit.constraint.lexical.bounds import bounds, outside, times
from condit.constraint.lexical.component import Component
from condit.constraint.lexical.constraint import Lexical, Rule

_SIGNS = "!\"#$%&'()*+-/:;<=>?@[\\]^_`{|}~"


def numbers(
    *, at_least: int | None = None, at_most: int | None = None, exactly: int | None = None
) -> Lexical:
    """Texts with so many numbers in digits.

    A period or comma between two digits belongs to the number: 1,000.5 is one. Where other signs
    alone stand between digits, as in 3-4 or 10:45, the text is refused, as people differ about how
    many numbers that is.

    >>> numbers(exactly=2).accepts("From 1.5 to 1,000"), numbers(exactly=2).accepts("At 10:45")
    (True, False)

    Args:
        at_least: how many at least.
        at_most: how many at most.
        exactly: how many exactly.

    Raises:
        ArgumentError: a bound is no count, or none is given.
        UnsatisfiableError: the least is more than the most.
    """
    least, most = bounds("numbers", at_least, at_most, exactly, default=-1)

    def step(state: str, number: int) -> tuple[str, int] | None:
        # "": a number may begin; "digit"; "point": one behind a digit; "signs": more behind one
        if number == 0:
            return None if state == "signs" else ("digit", int(state == ""))
        if number == 1:
            return {"digit": "point", "": ""}.get(state, "signs"), 0
        if number == 2:
            return "signs" if state else "", 0
        return "", 0

    def objection(text: str) -> str | None:
        found = re.search(
            rf"\d(?:[.,][.,]+|[.,]*[{re.escape(_SIGNS)}][.,{re.escape(_SIGNS)}]*)\d", text
        )
        if found:
            return f"{found[0]!r} may be one number or several"
        return outside(len(re.findall(r"\d+(?:[.,]\d+)*", text)), least, most, "numbers")

    component = Component.explored(
        [members(r"\d"), among(".,"), among(_SIGNS)],
        "",
        step,
        lambda state: 0,
        least=least,
        most=most,
    )
    said = f"it has {times(least, most, 'numbers')}"
    return Lexical((Rule(said, component, objection, (" 5", " 7")),))
