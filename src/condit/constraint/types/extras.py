"""Imports of the libraries of the extras, when a constraint first needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from condit.errors import MissingDependencyError


def imported(constraint: str, module: str, package: str, extra: str = "types") -> Any:
    """A module that ``constraint`` needs.

    Args:
        constraint: its name, for the message.
        module: what to import.
        package: what it is called on PyPI.
        extra: the extra of Condit that it belongs to.

    Raises:
        MissingDependencyError: it is not installed; the message gives the command.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingDependencyError(
            f"condit.{constraint} needs {package}, which is not installed: "
            f"pip install 'condit[{extra}]'"
        ) from error
