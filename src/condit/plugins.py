"""Names to things: models and samplers are found through entry points, built-ins included."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from condit.errors import UnknownNameError


@cache
def registered(kind: str) -> dict[str, EntryPoint]:
    """The entry points of the group ``condit.<kind>`` (``"models"``, ``"samplers"``) by name."""
    return {point.name: point for point in entry_points(group=f"condit.{kind}")}


def find(kind: str, name: str) -> object:
    """What is registered as ``name`` under ``kind``.

    Raises:
        UnknownNameError: nothing is; the message suggests the nearest name.
    """
    points = registered(kind)
    if name not in points:
        raise UnknownNameError(unknown(kind.removesuffix("s"), name, points))
    return points[name].load()


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not known: the nearest one, and all there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {what} is called {name!r}{hint} (known: {', '.join(names)})"
