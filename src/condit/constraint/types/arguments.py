"""Arguments of small types as ``--constraint NAME:VALUE`` and JSON give them: a text or a list."""

from __future__ import annotations

import json

from condit.errors import ArgumentError


def listed(value: object) -> list[object]:
    """The arguments in order: of a text what stands between the commas, of a list its members.

    >>> listed("0, 130")
    ['0', '130']
    >>> listed("")
    []
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, (list, tuple)) else [value]


def given(name: str, value: object, most: int) -> list[object]:
    """The same, with ``None`` for those that are left out or empty.

    Raises:
        ArgumentError: there are more than ``most``.
    """
    found = [None if part == "" else part for part in listed(value)]
    if len(found) > most:
        raise ArgumentError(f"{name}: it takes {most} values at most, not {len(found)}: {found}")
    return [*found, *[None] * (most - len(found))]


def whole_number(name: str, value: object) -> int | None:
    """A whole number, maybe as a text; ``None`` stays.

    Raises:
        ArgumentError: it is none.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        return int(str(value))
    except ValueError:
        raise ArgumentError(f"{name}: {value!r} is no whole number") from None


def from_json(name: str, text: str) -> object:
    """A value that is written in JSON.

    Raises:
        ArgumentError: it is not.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"{name}: {text!r} is not JSON: {error}") from None
