"""Constraints on string fields of JSON: ``json_schema(schema, fields={"notes[*].quote": ...})``.

The constraint of a field is about the text that the string holds, not about how JSON spells it.
Which tokens may come is found in ``json_fields_matcher.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from condit.constraint.algebra.labels import label_of, wanted
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.field_paths import parts_at
from condit.constraint.json_fields_matcher import FieldsMatcher, matching
from condit.constraint.json_positions import position_of
from condit.constraint.json_string import JsonStringMachine
from condit.constraint.matcher_machine import machine_of
from condit.constraint.plan import Plan
from condit.constraint.schema.keywords import escape
from condit.constraint.schema.plan import Enforcement
from condit.errors import ArgumentError
from condit.fields import Step, path_of, steps_of
from condit.vocabulary import Vocabulary

Pattern = tuple[Step | None, ...]
"""The steps of a path; ``None`` stands for any item, or any key."""

_MANY = re.compile(r'\[\*\](?=(?:[^"]*"[^"]*")*[^"]*$)')
"""Any item; not inside the quotation marks of an odd key."""


class Typed(Protocol):
    """What is asked of the constraint beside the fields, a ``JsonSchema``."""

    @property
    def schema(self) -> Any:
        """The JSON schema."""

    @property
    def plan(self) -> Plan[Enforcement]:
        """Where its keywords are enforced."""

    @property
    def type(self) -> object:
        """The Python type; ``None``: values are plain JSON."""


@dataclass(frozen=True)
class JsonFields(Constraint):
    """JSON texts of which some strings satisfy constraints of their own; made by ``json_schema``.

    Attributes:
        within: the constraint of the whole, a ``JsonSchema``.
        fields: pairs of a path and its constraint. A path is of the form ``notes[*].quote``, where
            ``[*]`` is any item of an array and ``*`` any key of an object.
    """

    within: Constraint
    fields: tuple[tuple[str, Constraint], ...]
    patterns: tuple[Pattern, ...] = field(init=False, repr=False, compare=False)
    machines: tuple[ByteMatcher[Any], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        patterns, machines = [], []
        for path, constraint in self.fields:
            if not isinstance(constraint, Constraint):
                raise ArgumentError(
                    f"json_schema: fields[{path!r}] is {type(constraint).__name__}, not a "
                    "constraint such as condit.quote(...)"
                )
            patterns.append(self._pattern(path))
            machines.append(JsonStringMachine(machine_of(constraint)))
        object.__setattr__(self, "patterns", tuple(patterns))
        object.__setattr__(self, "machines", tuple(machines))

    def _pattern(self, path: str) -> Pattern:
        if not isinstance(path, str):
            raise ArgumentError(f"json_schema: fields: the path {path!r} is not str")
        steps: list[Step | None] = []
        for place, part in enumerate(_MANY.split(path)):
            steps += [None] if place else []
            named = part.removeprefix(".") if place else part
            steps += [None if step == "*" else step for step in steps_of(named)]
        if any(isinstance(step, int) and step < 0 for step in steps):
            raise ArgumentError(
                f"json_schema: fields[{path!r}]: how many items there will be is not known: count "
                "from the first, [0], or write [*] for any"
            )
        kinds: set[str] = set()
        for found in parts_at(self._typed.schema, steps, f"json_schema: fields[{path!r}]"):
            given = found.get("type", [])
            kinds.update([given] if isinstance(given, str) else given)
        if kinds and "string" not in kinds:
            raise ArgumentError(
                f"json_schema: fields[{path!r}] is of type {' or '.join(sorted(kinds))}: "
                "constraints of fields are for strings"
            )
        return tuple(steps)

    @property
    def _typed(self) -> Typed:
        return self.within  # type: ignore[return-value]

    @property
    def schema(self) -> Any:
        """The JSON schema."""
        return self._typed.schema

    @property
    def plan(self) -> Plan[Enforcement]:
        """Where each keyword, and each constraint of a field, is enforced."""
        own = [
            Enforcement(
                "".join(f"/{'*' if step is None else escape(str(step))}" for step in pattern),
                label_of(constraint),
                "token",
                "",
            )
            for pattern, (_, constraint) in zip(self.patterns, self.fields, strict=True)
        ]
        return Plan([*self._typed.plan, *own])

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text; SOUND.

        What the schema says of the length or pattern of the same string is enforced beside the
        constraint; where the two have no text in common, a draw comes to a dead end.

        Raises:
            VocabularyError: no token of this vocabulary can begin a value.
            UnsatisfiableError: no value exists.
        """
        return FieldsMatcher.begin(self.within.bind(vocabulary), self.patterns, self.machines)

    def violation(self, text: str) -> Violation | None:
        """What the schema has against it; else what the constraint of the first field has."""
        found = self.within.violation(text)
        if found is not None:
            return found
        for steps, string, constraint in self._strings(text):
            inner = constraint.violation(string)
            if inner is not None:
                where = path_of(steps) or "the string"
                return Violation(f"{where}: {inner}", position_of(text, steps))
        return None

    def value(self, text: str) -> object:
        """The value of an accepted text: an object of the type; else plain JSON.

        In plain JSON a field has the value of its constraint, where that has one (a `Quotation`);
        for both see ``field_values``.

        Raises:
            ValueError: the text is not accepted.
        """
        value = self.within.value(text)
        if self._typed.type is not None:
            return value
        held = [value]
        for steps, string, constraint in self._strings(text):
            own = constraint.value(string)
            if own is not None:
                here: Any = held
                step: Step = 0
                for following in steps:
                    here, step = here[step], following
                here[step] = own
        return held[0]

    def field_values(self, text: str) -> dict[str, object]:
        """For each string that a field's constraint is about, by its path, the constraint's value.

        A `Quotation` says where it stands and how often; constraints without values give the text.
        """
        found = {}
        for steps, string, constraint in self._strings(text):
            own = constraint.value(string)
            found[path_of(steps)] = string if own is None else own
        return found

    def _strings(self, text: str) -> Iterator[tuple[tuple[Step, ...], str, Constraint]]:
        """The strings of the fields, in the order of the text, with the steps to each."""
        waiting: list[tuple[tuple[Step, ...], Any]] = [((), json.loads(text))]
        while waiting:
            steps, here = waiting.pop()
            if isinstance(here, str):
                number = matching(self.patterns, steps)
                if number is not None:
                    yield steps, here, self.fields[number][1]
            elif isinstance(here, dict):
                waiting += [((*steps, key), here[key]) for key in reversed(here)]
            elif isinstance(here, list):
                waiting += [((*steps, n), here[n]) for n in reversed(range(len(here)))]

    def last_bytes(self) -> frozenset[int] | None:
        """Those of the whole."""
        return self.within.last_bytes()

    def possible_ends(self, text: str, start: int) -> Iterable[int] | None:
        """Those of the whole."""
        return self.within.possible_ends(text, start)

    def describe(self) -> str:
        """The form of the whole, and what each field holds, as an instruction to a model."""
        lines = [self.within.describe()]
        lines += [f"In {path or 'the string'}: {wanted(each)}" for path, each in self.fields]
        return "\n".join(lines)
