"""What options name in Python modules: checks (``--where``) and constraints."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import condit
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, ConditError


def checked(constraint: Constraint | None, checks: list[str]) -> Constraint | None:
    """The constraint together with checks.

    Args:
        constraint: the constraint; ``None``: any text.
        checks: each ``"module:function"``, or ``"field=module:function"`` for a field of a schema.
            Modules are also found in the working directory.

    Raises:
        ArgumentError: there is no such function, the module does not load, or it cannot be asked.
    """
    for written in checks:
        field, sign, path = written.rpartition("=")
        function = named("--where", path, written)
        if sign:
            constraint = condit.where(field, function, of=constraint)
        else:
            constraint = condit.where(function, of=constraint)
    return constraint


def named(option: str, path: str, written: str) -> Any:
    """What a module has under a name; the module is imported, from the working directory as well.

    Args:
        option: which option names it, for messages.
        path: ``"module:name"``.
        written: what the option was given.

    Raises:
        ArgumentError: there is no such thing, or the module does not load.
    """
    module, sign, name = path.partition(":")
    if not (module and sign and name):
        what = "MODULE:FUNCTION" if option == "--where" else "MODULE:NAME"
        for_field = ", or FIELD=MODULE:FUNCTION for a field" if option == "--where" else ""
        raise ArgumentError(
            f"{option} {written}: write a module and what is in it, {what}{for_field}"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module)
    except ConditError:
        raise
    except Exception as error:  # whatever the module does when it is imported
        raise ArgumentError(
            f"{option} {written}: the module {module} does not load, "
            f"{type(error).__name__}: {error}"
        ) from error
    for step in name.split("."):
        if not hasattr(found, step):
            raise ArgumentError(f"{option} {written}: the module {module} has no {name}")
        found = getattr(found, step)
    return found
