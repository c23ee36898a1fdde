"""Policies: how often, in which order, and with what tools may be called.

Order, exclusion and what goes together are clauses of the specification. Budgets are counted beside
the automaton. What an argument may be that depends on earlier results is asked anew before each
draw. ``Policy.explain`` judges a transcript by itself, and shares none of this.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from condit.behave.record import Event, Run
from condit.behave.returned import read_source, returned
from condit.behave.tools import OUTCOMES
from condit.constraint.algebra.literal import as_constraint
from condit.constraint.base import Constraint
from condit.constraint.choice import choice
from condit.constraint.json_schema import json_schema
from condit.errors import ArgumentError
from condit.plugins import unknown
from condit.temporal.formula import named

_MOST_LEAST = 32
_RESULT = f"({' | '.join(OUTCOMES)})"


def policy(
    *,
    calls: Mapping[str, int | tuple[int, int | None]] | None = None,
    total: int | None = None,
    order: Iterable[tuple[str, str]] = (),
    exclusive: Iterable[Collection[str]] = (),
    parallel: Iterable[Collection[str]] = (),
    texts: Mapping[str, Constraint | str] | None = None,
    depends: Mapping[str, str] | None = None,
) -> Policy:
    """A policy about the calls of tools, for ``condit.Agent(policy=...)``.

    >>> rules = policy(calls={"search": 2}, order=[("search", "buy")])
    >>> print(rules.explain(["buy", "observe"])[0])
    order search before buy fails at event 1, buy: search was not called before

    Args:
        calls: for each tool (or event) the most calls, or the least and the most; ``None``: no
            most.
        total: the most calls of all tools together.
        order: pairs: the second is not called before the first was.
        exclusive: groups of tools of which at most one is used.
        parallel: groups of tools that are called together: once one is called, nothing but results
            comes before all others of the group have been called.
        texts: further constraints of what the model writes of an event: of the arguments of a call,
            or the length and form of an answer.
        depends: for ``"tool.argument"``, or ``"tool"`` if its content is a text, the tool of whose
            results, before that, the value must be one. Values are the numbers and texts in what
            it returned; of a text that is JSON also those in it. ``"search.orders[*].id"`` are
            those at a path alone. Where there is none yet, the tool is not offered.

    Raises:
        ArgumentError: a rule does not say what it should.
    """
    bounds: dict[str, tuple[int, int | None]] = {}
    for name, given in (calls or {}).items():
        least, most = given if isinstance(given, tuple) else (0, given)
        whole = all(isinstance(each, int) and each >= 0 for each in (least, most or 0))
        if not whole or (most is not None and most < least) or least > _MOST_LEAST:
            raise ArgumentError(
                f"policy: calls[{name!r}]={given!r}: give the most calls, or the least (at most "
                f"{_MOST_LEAST}) and the most"
            )
        bounds[name] = least, most
    if total is not None and (not isinstance(total, int) or total < 0):
        raise ArgumentError(f"policy: total={total!r}: give a whole number")
    pairs = [tuple(each) for each in order]
    if any(len(each) != 2 for each in pairs):
        raise ArgumentError("policy: order: give pairs of names")
    groups = [tuple(each) for each in (*exclusive, *parallel)]
    if any(len(each) < 2 or isinstance(each, str) for each in groups):
        raise ArgumentError("policy: exclusive, parallel: give groups of two names or more")
    for source in (depends or {}).values():
        read_source(source)
    return Policy(
        bounds,
        total,
        tuple((one, other) for one, other in pairs),
        tuple(tuple(each) for each in exclusive),
        tuple(tuple(each) for each in parallel),
        {name: as_constraint(each, f"policy: {name}") for name, each in (texts or {}).items()},
        dict(depends or {}),
    )


@dataclass(frozen=True)
class Broken:
    """A rule that a transcript breaks.

    Attributes:
        rule: which.
        index: the number of the event at which it does, from 1; one more than there are at the end.
        event: the name of that event; ``None`` at the end.
        reason: why.
    """

    rule: str
    index: int
    event: str | None
    reason: str

    def __str__(self) -> str:
        where = "the end" if self.event is None else f"event {self.index}, {self.event}"
        return f"{self.rule} fails at {where}: {self.reason}"


@dataclass(frozen=True)
class Policy:
    """Rules about the calls of tools; made by ``policy``.

    Attributes:
        calls: for each tool the least and the most calls.
        total: the most calls of all tools.
        order: pairs of which the second does not come before the first.
        exclusive: groups of which at most one is used.
        parallel: groups that are called together.
        texts: further constraints of texts.
        depends: which argument must be one of which tool's results, or of those at a path.
    """

    calls: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    total: int | None = None
    order: tuple[tuple[str, str], ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    parallel: tuple[tuple[str, ...], ...] = ()
    texts: Mapping[str, Constraint] = field(default_factory=dict)
    depends: Mapping[str, str] = field(default_factory=dict)

    @property
    def uncertain(self) -> frozenset[str]:
        """The tools that can be called only when others have returned something."""
        return frozenset(each.partition(".")[0] for each in self.depends)

    def check(self, events: Collection[str], tools: Collection[str]) -> None:
        """Raise where a rule is about something that there is not.

        Raises:
            ArgumentError: a name is that of no event or tool.
        """
        pairs = [name for each in (*self.order, *self.exclusive, *self.parallel) for name in each]
        for name in (*self.calls, *pairs, *self.texts):
            if name not in events:
                raise ArgumentError(f"policy: {unknown('event', name, events)}")
        sources = [read_source(each)[0] for each in self.depends.values()]
        for name in (*self.uncertain, *sources):
            if name not in tools:
                raise ArgumentError(f"policy: depends: {unknown('tool', name, tools)}")
        if isinstance(tools, Mapping):
            for key in self.depends:
                name, _, argument = key.partition(".")
                _check_argument(key, argument, getattr(tools[name], "content", None))

    def clauses(self) -> list[str]:
        """What of it is a matter of order, as formulas."""
        found = [f"G({named(b)} -> O {named(a)})" for a, b in self.order]
        for group in self.exclusive:
            pairs = combinations(map(named, group), 2)
            found += [f"(G !{one}) | (G !{other})" for one, other in pairs]
        for group in self.parallel:
            inside = f"({' | '.join(map(named, group))} | {_RESULT})"
            for one in map(named, group):
                found += [
                    f"G({one} -> Y({inside} S {other}) | X({inside} U {other}))"
                    for other in map(named, group)
                    if other != one
                ]
        for name, (least, _) in self.calls.items():
            if least:
                row = f"F {named(name)}"
                for _ in range(least - 1):
                    row = f"F({named(name)} & X {row})"
                found.append(row)
        return found

    def budgets(self, tools: Collection[str]) -> list[tuple[frozenset[str], int, str]]:
        """Sets of events that may come so often at most all together, and the rule's name."""
        found = [
            (frozenset((name,)), most, f"at most {most} of {name}")
            for name, (_, most) in self.calls.items()
            if most is not None
        ]
        if self.total is not None:
            found.append((frozenset(tools), self.total, f"at most {self.total} calls"))
        return found

    def values(self, tool: str, events: Sequence[Event]) -> dict[str, tuple[Any, ...]]:
        """For each argument of a tool that depends on results, what it may be now."""
        found = {}
        for key, source in self.depends.items():
            name, _, argument = key.partition(".")
            if name == tool:
                found[argument] = tuple(returned(source, events))
        return found

    def narrowed(
        self, content: Constraint, values: Mapping[str, tuple[Any, ...]]
    ) -> Constraint | None:
        """A call's content with arguments of these values alone; ``None``: there is none.

        Raises:
            ArgumentError: the content is no JSON object that has the argument.
        """
        if not all(values.values()):
            return None
        if "" in values:
            fitting = [each for each in map(_text, values[""]) if content.accepts(each)]
            return choice(fitting) if fitting else None
        schema = getattr(content, "schema", None)
        if not isinstance(schema, Mapping):
            raise ArgumentError("policy: depends: the tool has no arguments with names")
        return json_schema(narrowed_schema(schema, values))

    def callable_after(self, calls: Sequence[str], tools: Collection[str]) -> tuple[str, ...]:
        """The tools that may be called after others have been, for those who only see calls."""
        made = [str(each) for each in calls]
        return tuple(
            name
            for name in tools
            if not any(each.index > len(made) for each in self._broken_counts([*made, name]))
            and not any(each.index > len(made) for each in self._broken_order([*made, name]))
        )

    def explain(self, transcript: Run | Sequence[Event] | Sequence[str]) -> list[Broken]:
        """Which rules a transcript breaks, and at which events.

        Args:
            transcript: a run, its events, or names of events; of names, texts are not judged.
        """
        given: tuple[Event | str, ...] = (
            transcript.events if isinstance(transcript, Run) else tuple(transcript)
        )
        names = [each if isinstance(each, str) else each.name for each in given]
        events = [each for each in given if isinstance(each, Event)]
        found = [
            *self._broken_counts(names),
            *self._broken_order(names),
            *self._broken_groups(names),
            *self._broken_end(names),
            *self._broken_texts(events),
        ]
        return sorted(found, key=lambda each: each.index)

    def _broken_counts(self, names: Sequence[str]) -> Iterator[Broken]:
        called = 0
        counts: dict[str, int] = {}
        for index, name in enumerate(names, 1):
            counts[name] = counts.get(name, 0) + 1
            most = self.calls.get(name, (0, None))[1]
            if most is not None and counts[name] > most:
                yield Broken(
                    f"at most {most} of {name}", index, name, f"this is number {counts[name]}"
                )
            called += _is_call(names, index - 1)
            if self.total is not None and _is_call(names, index - 1) and called > self.total:
                yield Broken(f"at most {self.total} calls", index, name, f"this is call {called}")

    def _broken_order(self, names: Sequence[str]) -> Iterator[Broken]:
        for first, second in self.order:
            for index, name in enumerate(names, 1):
                if name == second and first not in names[:index]:
                    rule = f"order {first} before {second}"
                    yield Broken(rule, index, name, f"{first} was not called before")
                    break
        for group in self.exclusive:
            used = [(index, name) for index, name in enumerate(names, 1) if name in group]
            for index, name in used:
                if name != used[0][1]:
                    rule = f"one of {', '.join(group)}"
                    yield Broken(rule, index, name, f"{used[0][1]} was called before")
                    break

    def _broken_groups(self, names: Sequence[str]) -> Iterator[Broken]:
        for group in self.parallel:
            rule = f"together {', '.join(group)}"
            block: set[str] = set()
            for index, name in enumerate((*names, ""), 1):
                if name in group:
                    block.add(name)
                elif name not in OUTCOMES:
                    if block and len(block) < len(group):
                        missing = next(each for each in group if each not in block)
                        yield Broken(rule, index, name or None, f"{missing} is not called before")
                    block = set()

    def _broken_end(self, names: Sequence[str]) -> Iterator[Broken]:
        for name, (least, _) in self.calls.items():
            if (count := names.count(name)) < least:
                rule = f"at least {least} of {name}"
                yield Broken(rule, len(names) + 1, None, f"there were {count}")

    def _broken_texts(self, events: Sequence[Event]) -> Iterator[Broken]:
        for index, event in enumerate(events, 1):
            part = self.texts.get(event.name)
            violation = None if part is None else part.violation(event.text)
            if violation is not None:
                yield Broken(f"text of {event.name}", index, event.name, str(violation))
            for argument, allowed in self.values(event.name, events[: index - 1]).items():
                value: Any = event.text
                if argument:
                    value = json.loads(event.text).get(argument)
                known = [_text(each) if not argument else each for each in allowed]
                if value not in known:
                    key = f"{event.name}.{argument}" if argument else event.name
                    rule = f"{key} from {self.depends[key]}"
                    yield Broken(rule, index, event.name, f"{value!r} was not returned before")


def narrowed_schema(
    schema: Mapping[str, Any], values: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The schema of a tool's arguments where some must be one of these values.

    Raises:
        ArgumentError: it has no such argument.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        raise ArgumentError("policy: depends: the tool has no arguments with names")
    new = dict(properties)
    for argument, allowed in values.items():
        if argument not in new:
            raise ArgumentError(f"policy: depends: {unknown('argument', argument, new)}")
        new[argument] = {"allOf": [new[argument]], "enum": list(allowed)}
    required = sorted({*schema.get("required", ()), *values})
    return {**schema, "properties": new, "required": required}


def _check_argument(key: str, argument: str, content: Constraint | None) -> None:
    """Raise `ArgumentError` if a call with this content has no such argument."""
    schema = getattr(content, "schema", None)
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        if argument and isinstance(schema, Mapping):
            raise ArgumentError(f"policy: depends: {key!r}: the tool has no arguments with names")
        return
    if not argument:
        raise ArgumentError(
            f"policy: depends: {key!r} names no argument: write one of "
            f"{', '.join(f'{key}.{each}' for each in properties)}"
        )
    if argument not in properties:
        raise ArgumentError(f"policy: depends: {unknown('argument', argument, properties)}")


def _is_call(names: Sequence[str], place: int) -> bool:
    """Whether an event is a call: an outcome follows; names alone of calls are all calls."""
    if not any(each in OUTCOMES for each in names):
        return True
    return place + 1 < len(names) and names[place + 1] in OUTCOMES


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
