"""Kinds of constraints by name, as registered under the entry points ``condit.constraints``.

For the command line and for code that reads JSON. Other Python code calls the function of the
constraint itself (``condit.regex``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from condit.constraint.base import Constraint
from condit.plugins import call, find_source, not_usable


@dataclass(frozen=True)
class ConstraintSource:
    """A registered kind of constraint.

    Attributes:
        name: what users write.
        description: one line for ``condit constraints``, which says what the value is.
        make: makes the constraint of one value and keyword options. They are JSON values (a text,
            a number, a list, a dict), maybe from an untrusted user. A bad one raises
            ``ArgumentError`` or ``CompileError``.
        given_as: what the value is on the command line, where it is a text: the value itself; the
            name of a ``"file"`` that holds it, whose text ``make`` gets; or a ``"path"``, which
            ``make`` gets as a ``pathlib.Path`` (the text, where it is standard input).
    """

    name: str
    description: str
    make: Callable[..., Constraint]
    given_as: Literal["text", "file", "path"] = "text"


def make_constraint(name: str, value: object, /, **options: Any) -> Constraint:
    """Make a constraint by the name of its kind: a built-in one, or one that a package registers.

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
    made = call(f"constraint {name!r}", source.make, (value,), options)
    if not isinstance(made, Constraint):
        raise not_usable("constraints", name, f"it made a {type(made).__name__}, not a Constraint")
    return made
