"""Where each part of a composed constraint is enforced, and why there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from typing import Literal as OneOf

from condit.constraint.algebra.labels import label_of
from condit.constraint.algebra.regular import bind_tree, tree_of
from condit.constraint.base import Constraint, Strength
from condit.constraint.engine import EngineMatcher
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.plan import Plan
from condit.constraint.schema import plan as schema
from condit.errors import ConditError, UnsatisfiableError
from condit.vocabulary import Vocabulary

Where = OneOf[
    "automaton", "engine", "matcher", "side by side", "in turn", "close", "end", "nowhere"
]
"""How a part is enforced.

``"automaton"``: a state machine over bytes, at the token. ``"engine"``: a grammar of the mask
engine, at the token. ``"matcher"``: a matcher of its own kind. ``"side by side"``: its parts are
asked about each token. ``"in turn"``: its parts follow each other, and a token is followed over
joins. ``"close"``: what breaks it is refused where a value of a JSON schema closes. ``"end"``: the
finished text is asked about. ``"nowhere"``: no text satisfies it.
"""


@dataclass(frozen=True)
class Enforcement:
    """Where one part is enforced.

    Attributes:
        path: the number of the part, of the part in it, and so on, counted from 1; empty for the
            whole constraint.
        part: what it is called in messages.
        where: how it is enforced.
        note: why so; often empty.
    """

    path: tuple[int, ...]
    part: str
    where: Where
    note: str = ""


def plan_of(
    whole: Constraint, parts: Sequence[Constraint], where: Where, note: str
) -> Plan[Enforcement]:
    """Where a composed constraint and its parts are enforced.

    Args:
        whole: the constraint.
        parts: what it is made of.
        where: how it is enforced if it is not one regular expression.
        note: why so.
    """
    label = label_of(whole)
    try:
        is_automaton = _is_automaton(whole)
    except UnsatisfiableError as error:
        return Plan([Enforcement((), label, "nowhere", str(error))])
    if is_automaton:
        note = "its parts are one regular expression"
        return Plan([Enforcement((), label, "automaton", note)])
    found = [Enforcement((), label, where, note)]
    for number, part in enumerate(parts, 1):
        found += [replace(each, path=(number, *each.path)) for each in _rows(part)]
    return Plan(found)


def plan_for(constraint: Constraint) -> Plan[Any]:
    """Where any constraint is enforced: its own plan, or one row for a constraint without parts."""
    own = getattr(constraint, "plan", None)
    return Plan([_enforcement(constraint, False)]) if own is None else Plan(own)


def _rows(part: Constraint) -> list[Enforcement]:
    """Where a part is enforced, and what of it is enforced later than the rest."""
    own = getattr(part, "plan", ())
    composed = [each for each in own if isinstance(each, Enforcement)]
    late = [
        Enforcement(
            (), f"{each.keyword} at {each.pointer}".removesuffix(" at "), each.where, each.note
        )
        for each in own
        if isinstance(each, schema.Enforcement) and each.where in ("close", "end")
    ]
    return [*(composed or [_enforcement(part, bool(late))]), *late]


def _is_automaton(part: Constraint) -> bool:
    tree = tree_of(part)
    if tree is None:
        return False
    try:
        return bind_tree(tree, Vocabulary.of_bytes()) is not None
    except UnsatisfiableError:
        part.bind(Vocabulary.of_bytes())  # its message has the names of the parts
        raise


def _enforcement(part: Constraint, late: bool) -> Enforcement:
    label = label_of(part)
    note = "but for what is in the next rows" if late else ""
    try:
        matcher = part.bind(Vocabulary.of_bytes())
    except ConditError as error:
        return Enforcement((), label, "nowhere", str(error))
    if matcher.strength is Strength.FINAL:
        return Enforcement((), label, "end", note or "only a finished text can be checked")
    if isinstance(matcher, EngineMatcher):
        return Enforcement((), label, "engine", note)
    if isinstance(matcher, LiftedMatcher):
        return Enforcement((), label, "automaton", note)
    return Enforcement((), label, "matcher", note or type(matcher).__name__)
