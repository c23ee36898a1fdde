"""From the options of a command to its constraint and its preference."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import reduce
from operator import add, and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import condit
from condit.cli_streams import read_text
from condit.cli_where import checked
from condit.errors import ArgumentError
from condit.plugins import find_source

if TYPE_CHECKING:
    from condit.constraint.base import Constraint
    from condit.prefer.base import Preference

OPTIONS = "--json-schema, --regex, --grammar, --choice or --constraint"

_NAMED = re.compile(r"\s*(?P<name>[A-Za-z_][\w.-]*)(?P<sign>[:=])(?P<value>.*)", re.DOTALL)
_ALONE = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*")


def constraint_of(
    json_schema: Path | None,
    regex: str | None,
    grammar: Path | None,
    choice: list[str] | None,
    constraint: list[str] | None,
    where: list[str] | None,
) -> Constraint | None:
    """What all options together ask for; ``None`` if there is none.

    Args:
        json_schema: the file of a JSON Schema.
        regex: a pattern.
        grammar: the file of a grammar.
        choice: texts to choose from.
        constraint: constraints, each as ``NAME:VALUE`` or in Python's notation.
        where: checks, each as ``MODULE:FUNCTION``.

    Raises:
        ConditError: one of them cannot be used.
    """
    named = {"json_schema": json_schema, "regex": regex, "grammar": grammar, "choice": choice}
    given = {name: value for name, value in named.items() if value is not None and value != []}
    parts = [_by_name(name, value) for name, value in given.items()]
    parts += [written(each) for each in constraint or []]
    return checked(reduce(and_, parts) if parts else None, where or [])


def needed(*options: Any) -> Constraint:
    """The same; raises `ArgumentError` where there is none."""
    wanted = constraint_of(*options)
    if wanted is None:
        raise ArgumentError(f"give a constraint: {OPTIONS}")
    return wanted


def preference_of(written: list[str]) -> Preference | None:
    """The sum of preferences, each as ``NAME:VALUE``; ``None`` without any."""
    made = []
    for each in written:
        found = _NAMED.fullmatch(each)
        if found is None:
            raise ArgumentError(f"--prefer {each}: write a name and what it is made of, NAME:VALUE")
        made.append(condit.make_preference(found["name"], found["value"]))
    return reduce(add, made) if made else None


def written(text: str) -> Constraint:
    """A constraint as ``--constraint`` takes it."""
    from condit.notation import read

    alone, found = _ALONE.fullmatch(text), _NAMED.fullmatch(text)
    if alone is not None:
        return _by_name(alone["name"], None)
    if found is None:
        return read(text)
    if found["name"] == "python":
        return read(f"python({found['value']!r})")
    return _by_name(found["name"], found["value"])


def _by_name(name: str, value: Any) -> Constraint:
    from condit.constraint.source import ConstraintSource, make_constraint

    source = find_source("constraints", name, ConstraintSource)
    given_as = source.given_as
    if value is None:
        if not _needs_no_value(source.make):
            kind = "TEXT" if given_as == "text" else "FILE"
            raise ArgumentError(
                f"--constraint {name}: say what it is made of, {name}:{kind} ({source.description})"
            )
        return make_constraint(name, "")
    if given_as == "path" and str(value) != "-":
        value = Path(value)
    elif given_as != "text":
        value = read_text(value)
    return make_constraint(name, value)


def _needs_no_value(make: Callable[..., Constraint]) -> bool:
    first = next(iter(inspect.signature(make).parameters.values()), None)
    return first is not None and first.default is not first.empty
