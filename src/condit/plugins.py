"""Names to things: models, samplers, constraints and preferences are found by entry points.

The built-ins use the hooks that third parties use. What is found is made by others: see
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
"""What can be registered: the group of its entry points is ``condit.<kind>``."""


@cache
def _points(kind: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"condit.{kind}"))


def registered(kind: str) -> dict[str, EntryPoint]:
    """The entry points of one of ``KINDS`` by name."""
    return {point.name: point for point in _points(kind)}


def find(kind: str, name: str) -> object:
    """What is registered as ``name`` under ``kind``.

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
    # What an interrupted pip left aside registers the same once more.
    if len({point.value for point in named}) > 1:
        packages = sorted({_package(point) for point in named})
        raise _refused(what, named[0], f"{' and '.join(packages)} register it: uninstall one")
    try:
        return named[0].load()
    except ConditError:
        raise
    # A module may even leave the interpreter while it is imported.
    except (Exception, SystemExit) as error:
        why = f"it does not load ({type(error).__name__}: {error})"
        raise _refused(what, named[0], why) from error


def find_source(kind: str, name: str, source: type[T]) -> T:
    """What is registered as ``name`` under ``kind``, which must be of the class ``source``.

    Raises:
        UnknownNameError: nothing is; the message suggests the nearest name.
        IncompatibleDependencyError: it does not load, or is something else.
    """
    found = find(kind, name)
    if not isinstance(found, source):
        point = registered(kind)[name]
        why = f"{point.value} is a {type(found).__name__}, not a {source.__name__}"
        raise _refused(kind.removesuffix("s"), point, why)
    return found


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
    """``make(*arguments, **options)``, where options that it does not take are a typed error.

    Args:
        what: what is made, for messages: ``"this model"``.
        make: makes it.
        arguments: the first arguments.
        options: the others, as a user wrote them.

    Raises:
        ArgumentError: there is no such option, or one is missing that must be given.
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
    """The sentence for a name that is not known: the nearest one, and all there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {what} is called {name!r}{hint} (known: {', '.join(names) or 'none'})"
