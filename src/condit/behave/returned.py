"""What tools have returned: the values in it, all of them or those at a path.

A source is the name of a tool, or a path from it: ``search.orders[*].id`` are the values of ``id``
of each of the ``orders`` that ``search`` returned. Texts that are JSON are looked into.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from condit.behave.record import Event
from condit.errors import ArgumentError

_MOST_DEPTH = 6
_SOURCE = re.compile(r"([^.\[\]]+)((?:\.[^.\[\]]+|\[(?:\*|-?\d+)\])*)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\*|-?\d+)\]")


def read_source(source: str) -> tuple[str, tuple[str | int | None, ...]]:
    """The tool that a source names, and the path: keys, numbers of items, ``None`` for all items.

    >>> read_source("search.orders[*].id")
    ('search', ('orders', None, 'id'))

    Raises:
        ArgumentError: it is no such text.
    """
    found = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    if found is None:
        raise ArgumentError(
            f"policy: depends: {source!r} is no source: give a tool, or a path into its results as "
            "in 'search.orders[*].id'"
        )
    steps = tuple(
        key or (None if item == "*" else int(item)) for key, item in _STEP.findall(found[2])
    )
    return found[1], steps


def returned(source: str, events: Sequence[Event]) -> list[Any]:
    """The numbers, texts and truth values that a source names, in order, each once."""
    tool, path = read_source(source)
    found: dict[str, Any] = {}
    for call, outcome in pairwise(events):
        if call.name == tool and outcome.name == "observe":
            for each in _at(outcome.value, path) if path else _scalars(outcome.value, _MOST_DEPTH):
                found.setdefault(json.dumps(each), each)
    return list(found.values())


def _at(value: object, path: Sequence[str | int | None]) -> Iterator[Any]:
    """The values at a path; where it ends at a list or an object there is none."""
    if not path:
        if isinstance(value, str | bool | int | float):
            yield value
        return
    step, *rest = path
    if isinstance(value, str):
        value = _parsed(value)
    inner: Iterable[Any] = ()
    if isinstance(step, str):
        inner = [value[step]] if isinstance(value, Mapping) and step in value else []
    elif isinstance(value, list | tuple):
        inner = value
        if step is not None:
            inner = [value[step]] if -len(value) <= step < len(value) else []
    for each in inner:
        yield from _at(each, rest)


def _scalars(value: object, depth: int) -> Iterator[Any]:
    if isinstance(value, str):
        yield value
        inner = _parsed(value)
        if isinstance(inner, dict | list) and depth:
            yield from _scalars(inner, depth - 1)
    elif isinstance(value, bool | int | float):
        yield value
    elif depth and isinstance(value, Mapping):
        for each in value.values():
            yield from _scalars(each, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for each in value:
            yield from _scalars(each, depth - 1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
