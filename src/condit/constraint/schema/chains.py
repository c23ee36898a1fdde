"""A start rule that keeps the mask engine's recursion along chains of rules within its stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from condit.constraint.nesting import depth_from
from condit.errors import ConstraintTooComplexError

_EVERY = 400
NOTHING = "/a/ & /b/"
"""The expression of a terminal that matches nothing."""

# The engine crashes the process somewhere beyond 2,000, on a stack of 8 MB.
_DEEPEST = 1200
_NAME = re.compile(r"\b[rs][0-9]+\b")


def start_of(root: str, rules: Mapping[str, str], terminal: Callable[[str], str]) -> str:
    """The text of the start rule.

    The engine compiles a rule, and recursively what that mentions, when it first meets its name. So
    where there are many rules, the start first mentions some from the ends of the chains, in
    alternatives that match nothing.

    Args:
        root: the symbol of the whole.
        rules: all rules, those that are mentioned before those that mention them.
        terminal: gives the name of the terminal for an expression.

    Raises:
        ConstraintTooComplexError: the rules lead to one another too deep even so.
    """
    if len(rules) <= _EVERY:
        return root
    first = list(rules)[_EVERY - 1 :: _EVERY]
    leads_to = {name: _NAME.findall(text) for name, text in rules.items()}
    if depth_from([*first, root], leads_to) > _DEEPEST:
        raise ConstraintTooComplexError(
            "the schema's parts lead to one another too deep for the mask engine. Fewer keys in "
            "one object make it less deep"
        )
    nothing = terminal(NOTHING)
    return " | ".join([*(f"{nothing} {name}" for name in first), root])
