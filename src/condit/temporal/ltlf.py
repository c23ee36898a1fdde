"""``condit.ltlf``: makes a specification of what it is given, or says what is wrong with that.

What a specification is stands in ``specification.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from condit.constraint.algebra.literal import as_constraint
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.plugins import unknown
from condit.temporal.formula import Formula, joined
from condit.temporal.specification import MOST_STATES, Ltlf, checked_formula
from condit.vocabulary import lone_surrogate


def ltlf(
    formula: str | Formula | Sequence[str | Formula],
    events: Mapping[str, Constraint | str],
    *,
    labels: Mapping[str, Iterable[str]] | None = None,
    given: Collection[str] = (),
    most_states: int = MOST_STATES,
) -> Ltlf:
    """Transcripts of events that satisfy a formula of temporal logic on finite traces (LTLf).

    A text is a row of events, one right after the other and one at least; at each position exactly
    one happens. The formula says which may come when: names of events and labels, ``! & | -> <->
    xor``, ``X`` (there is a next event, and there it holds), ``WX`` or ``N`` (if there is a next
    event), ``F`` (now or later), ``G`` (from now on), ``U R W M``, counted as in ``F[0,5]``,
    ``last``, and of the past ``Y Z O H S``.

    >>> spec = ltlf("G(ask -> X reply) & F reply", {"ask": "?", "reply": "!"})
    >>> spec.accepts("?!!"), spec.accepts("??!")
    (True, False)
    >>> print(spec.validate("??!").failures[0].reason)
    'ask' may not come right after 'ask'; what may: 'reply'

    Args:
        formula: the formula, or several that must all hold: its clauses. Each is a text, or made
            by the operators of ``condit.temporal``.
        events: for each event what its text must satisfy; a string stands for itself. No text may
            be empty, and best none of one event is one of another, or the beginning of one.
        labels: for some events further names that are true of them.
        given: events whose text comes from outside, such as observations of tools. The constraint
            holds for it as for all text; who draws asks ``given`` whose turn it is.
        most_states: how many states are looked at for one clause, and for two that are joined.
            Where more are needed to join all, the clauses are followed side by side, and this is
            how many states one search looks at for whether all can still be satisfied.

    Raises:
        CompileError: the formula does not parse; the message says where.
        UnknownNameError: it names what is neither an event nor a label.
        ArgumentError: there are no events, or their texts may be empty, or ``labels`` or ``given``
            name no events.
    """
    if not isinstance(events, Mapping) or not events:
        raise ArgumentError("ltlf: give at least one event: events={name: constraint}")
    if not isinstance(formula, str | Formula | Iterable) or isinstance(formula, bytes):
        raise ArgumentError(f"ltlf: {formula!r} is no formula: give a text, or a list of texts")
    given_formulas = (formula,) if isinstance(formula, str | Formula) else tuple(formula)
    if not given_formulas:
        raise ArgumentError("ltlf: give a formula, or several")
    parts = tuple(as_constraint(each, "ltlf") for each in events.values())
    for name, part in zip(events, parts, strict=True):
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"ltlf: {name!r} is no name of an event: give a text")
        if fault := lone_surrogate(name):
            raise ArgumentError(f"ltlf: {name!r} is no name of an event: {fault}")
        if part.accepts(""):
            raise ArgumentError(
                f"ltlf: the text of the event {name!r} may be empty, so that it could be anywhere: "
                "give it a delimiter"
            )
    own = _labels_of(labels)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentError(f"ltlf: given={given!r}: give a list of names of events")
    for what, names in (("labels", own), ("given", given)):
        for name in names:
            if name not in events:
                raise ArgumentError(f"ltlf: {what}: {unknown('event', name, events)}")
    for name, held in own.items():
        if clash := sorted(held.difference((name,)).intersection(events)):
            raise ArgumentError(f"ltlf: the label {clash[0]!r} of {name!r} is another event")
    if not isinstance(most_states, int) or most_states < 2:
        raise ArgumentError(f"ltlf: most_states={most_states!r}: give a whole number above 1")
    true_names = tuple(own.get(name, frozenset()) | {name} for name in events)
    known = frozenset().union(*true_names)
    return Ltlf(
        joined("&", (checked_formula(each, known) for each in given_formulas)),
        parts,
        tuple(events),
        true_names,
        frozenset(given),
        most_states,
    )


def _labels_of(labels: object) -> dict[str, frozenset[str]]:
    if labels is not None and not isinstance(labels, Mapping):
        raise ArgumentError(f"ltlf: labels={labels!r}: give a dict of events and lists of names")
    for event, names in (labels or {}).items():
        # One text would be taken for a name from each of its letters.
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise ArgumentError(f"ltlf: labels[{event!r}] is {names!r}: give a list of names")
    found = {event: frozenset(names) for event, names in (labels or {}).items()}
    for event, held in found.items():
        for name in held:
            if not isinstance(name, str) or not name or lone_surrogate(name):
                raise ArgumentError(f"ltlf: labels[{event!r}]: {name!r} is no name: give a text")
    return found
