"""Kinds of constraints by name: what the entry points ``condit.constraints`` name.

Python code that knows which constraint it wants calls its function (``condit.regex``); the command
line and whoever reads JSON look it up here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from condit.constraint.base import Constraint
from condit.plugins import call, find_source


@dataclass(frozen=True)
class ConstraintSource:
    """A registered kind of constraint.

    Attributes:
        name: what users write.
        description: one line for ``condit constraints``, which says what the value is.
        make: makes the constraint of one value and keyword options. They come as JSON has them (a
            text, a number, a list, a dict), maybe from somebody who is not trusted. A bad one
            raises ``ArgumentError`` or ``CompileError``.
        given_as: what the value is on the command line, where it is a text: the value itself; the
            name of a ``"file"`` that holds it, whose text ``make`` gets; or a ``"path"``, which
            ``make`` gets as a ``pathlib.Path`` (the text, where it is standard input).
    """

    name: str
    description: str
    make: Callable[..., Constraint]
    given_as: Literal["text", "file", "path"] = "text"


def make_constraint(name: str, value: object, /, **options: Any) -> Constraint:
    """A constraint by the name of its kind: of those built in and of those that packages register.

    >>> make_constraint("regex", "[0-9]{3}").accepts("123")
    True

    Args:
        name: ``"regex"``, ``"json_schema"``, ``"grammar"``, ``"choice"`` or another; see
            ``condit constraints``.
        value: what it is made of: a pattern, a schema, a grammar, a list of texts.
        **options: passed to that kind, as ``syntax="gbnf"`` for a grammar.

    Raises:
        UnknownNameError: no such name; the message suggests the nearest.
        IncompatibleDependencyError: the package that registers it cannot be used.
        ArgumentError: it takes no such option, or no such value.
        CompileError: the constraint cannot be compiled.
    """
    source = find_source("constraints", name, ConstraintSource)
    return call(f"constraint {name!r}", source.make, (value,), options)
