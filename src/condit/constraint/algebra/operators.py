"""What the operators of ``Constraint`` make; `condit.constraint.base` calls these functions."""

from __future__ import annotations

from typing import Any

from condit.constraint.algebra.alternatives import AnyOf
from condit.constraint.algebra.complement import Not
from condit.constraint.algebra.literal import as_constraint, note_nesting
from condit.constraint.algebra.repeated import repeat
from condit.constraint.algebra.sequence import Then
from condit.constraint.algebra.together import AllOf
from condit.constraint.base import Constraint
from condit.constraint.lexical.constraint import Lexical


def all_of(one: object, other: object) -> Any:
    """``one & other``."""
    if not _both(one, other):
        return NotImplemented
    parts = _flat(AllOf, one, other)
    texts = [part for part in parts if isinstance(part, Lexical)]
    if len(texts) > 1:  # one matcher finds endings for all of their rules
        rules = tuple(rule for part in texts for rule in part.rules)
        parts = [part for part in parts if not isinstance(part, Lexical)] + [Lexical(rules)]
    typed = next((part for part in parts if not hasattr(part, "of")), None)
    if typed is not None:
        # A condition on values asks them of the constraint that it stands beside.
        parts = [part.of(typed) if hasattr(part, "of") else part for part in parts]
    return AllOf(tuple(parts))


def any_of(one: object, other: object) -> Any:
    """``one | other``."""
    if not _both(one, other):
        return NotImplemented
    return note_nesting(AnyOf(tuple(_flat(AnyOf, one, other))), (one, other))


def complement(part: Constraint) -> Constraint:
    """``~part``."""
    return part.part if isinstance(part, Not) else Not(part)


def concatenation(one: object, other: object) -> Any:
    """``one + other``."""
    if not _both(one, other):
        return NotImplemented
    parts: list[Constraint] = []
    for operand in (one, other):
        part = as_constraint(operand, "an operator")
        parts += part.parts if isinstance(part, Then) and part.joined else [part]
    return note_nesting(Then(tuple(parts), joined=True), (one, other))


def repetition(part: Constraint, times: object) -> Any:
    """``part * times``."""
    if isinstance(times, tuple) and len(times) == 2:
        return repeat(part, times[0], times[1])
    if isinstance(times, int) and not isinstance(times, bool):
        return repeat(part, times, times)
    return NotImplemented


def _both(one: object, other: object) -> bool:
    return isinstance(one, Constraint | str) and isinstance(other, Constraint | str)


def _flat(kind: type[AllOf] | type[AnyOf], *operands: object) -> list[Any]:
    """The operands; in place of those of the same kind their parts."""
    parts: list[Any] = []
    for operand in operands:
        part = as_constraint(operand, "an operator")
        parts += part.parts if isinstance(part, kind) else [part]
    return parts
