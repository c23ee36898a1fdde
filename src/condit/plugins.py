"""Finds models, samplers, constraints and preferences by name, through entry points.

The built-ins are registered like those of other packages. Nothing is constructed here: see
``condit.load``, ``condit.generate``, ``condit.make_constraint`` and ``condit.make_preference``.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from condit.errors import (
    ArgumentError,
    ConditError,
    IncompatibleDependencyError,
    UnknownNameError,
)

T = TypeVar("T")

KINDS = ("models", "constraints", "preferences", "samplers")
"""What can be registered, in the entry-point group ``condit.<kind>``."""


@cache
def _points(kind: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"condit.{kind}"))


def registered(kind: str) -> dict[str, EntryPoint]:
    """The entry points of one of ``KINDS`` by name."""
    return {point.name: point for point in _points(kind)}


def find(kind: str, name: str) -> object:
    """The object that is registered as ``name`` under ``kind``.

    Raises:
        UnknownNameError: nothing is; the message suggests the nearest name.
        IncompatibleDependencyError: the package that registers it does not load, or two packages
            register the same name.
    """
    what, points = kind.removesuffix("s"), _points(kind)
    if not points:
        raise UnknownNameError(
            f"no {what} is registered, not even Condit's own: what is installed is older than its "
            "source. Install it again (scripts/setup, or pip install -e .)"
        )
    named = [point for point in points if point.name == name]
    if not named:
        raise UnknownNameError(unknown(what, name, registered(kind)))
    # An interrupted pip can leave a second registration of the same object.
    if len({point.value for point in named}) > 1:
        packages = sorted({_package(point) for point in named})
        raise _refused(what, named[0], f"{' and '.join(packages)} register it: uninstall one")
    try:
        return named[0].load()
    except ConditError:
        raise
    # A module may call sys.exit while it is imported.
    except (Exception, SystemExit) as error:
        why = f"it does not load ({type(error).__name__}: {error})"
        raise _refused(what, named[0], why) from error


def find_source(kind: str, name: str, source: type[T]) -> T:
    """The object that is registered as ``name`` under ``kind``, checked to be a ``source``.

    Raises:
        UnknownNameError: nothing is; the message suggests the nearest name.
        IncompatibleDependencyError: it does not load, or is something else.
    """
    found = find(kind, name)
    if not isinstance(found, source):
        raise not_usable(kind, name, f"it is a {type(found).__name__}, not a {source.__name__}")
    return found


def not_usable(kind: str, name: str, why: str) -> IncompatibleDependencyError:
    """The error for what is registered as ``name`` under ``kind`` and is something else."""
    point = registered(kind)[name]
    return _refused(kind.removesuffix("s"), point, f"{point.value}: {why}")


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module


def _refused(what: str, point: EntryPoint, why: str) -> IncompatibleDependencyError:
    package = _package(point)
    return IncompatibleDependencyError(
        f"the {what} {point.name!r} of the package {package} cannot be used: {why}",
        package=package,
        reason=why,
    )


def call(
    what: str, make: Callable[..., T], arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> T:
    """``make(*arguments, **options)``, with a typed error for options that it does not take.

    Args:
        what: what is made, for messages: ``"this model"``.
        make: the function to call.
        arguments: the first arguments.
        options: the others, as a user wrote them.

    Raises:
        ArgumentError: there is no such option, or a required one is missing.
    """
    signature = inspect.signature(make)
    known = list(signature.parameters.values())[len(arguments) :]
    names = [each.name for each in known if each.kind is not each.VAR_KEYWORD]
    for option in options:
        if option not in names and len(names) == len(known):
            raise ArgumentError(unknown(f"option of {what}", option, names))
    try:
        signature.bind(*arguments, **options)
    except TypeError as error:
        raise ArgumentError(f"{what}: {error}") from error
    return make(*arguments, **options)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """An error message for an unknown name: the nearest known one, and all known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {what} is called {name!r}{hint} (known: {', '.join(names) or 'none'})"
