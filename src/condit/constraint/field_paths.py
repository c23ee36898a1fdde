"""Paths of fields through a JSON schema: from ``"order.total"`` to keys, and which keys there are.

What a text has there is asked elsewhere (``where_field.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from condit.errors import ArgumentError
from condit.plugins import unknown

_ALL_OF = ("allOf", "anyOf", "oneOf")
_ONE = ("if", "then", "else")
_ITEMS = ("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains")
_OTHERS = ("additionalProperties", "patternProperties", "unevaluatedProperties")
"""Keywords by which an object may have keys that have no name in the schema."""


def path_in(schema: Any, path: str) -> tuple[str, ...]:
    """The keys of a path whose parts are separated by points; a key may itself have points.

    Raises:
        ArgumentError: an object on it has no such field; the message suggests the nearest.
    """
    keys: list[str] = []
    here, rest = [schema], path
    while True:
        members, is_open = _members(here, schema)
        longest = max(
            (name for name in members if rest == name or rest.startswith(f"{name}.")),
            key=len,
            default=None,
        )
        key = rest.partition(".")[0] if longest is None else longest
        if longest is None and not is_open:
            below = f" of {'.'.join(keys)!r}" if keys else ""
            raise ArgumentError(f"where: {unknown(f'field{below}', key, members)}")
        keys.append(key)
        if key == rest:
            return tuple(keys)
        here, rest = members.get(key, [True]), rest[len(key) + 1 :]


def parts_at(schema: Any, steps: Sequence[str | int | None], who: str) -> list[Mapping[str, Any]]:
    """The subschemas that apply to the value that steps lead to, as far as they are found.

    Args:
        schema: of the whole.
        steps: keys, indices, and ``None`` for any item or key.
        who: what the path was given to, for the message.

    Raises:
        ArgumentError: an object or array on the path has no such field or items.
    """
    here = [schema]
    for place, step in enumerate(steps):
        members, is_open = _members(here, schema)
        items = _items(here, schema)
        named = isinstance(step, str)
        if named and step not in members and not is_open:
            below = f" (step {place + 1} of the path)" if place else ""
            raise ArgumentError(f"{who}: {unknown(f'field{below}', str(step), members)}")
        if not named and not items and not is_open and not (step is None and members):
            raise ArgumentError(f"{who}: step {place + 1} of the path is [..], of what is no array")
        found = members.get(step, [True]) if isinstance(step, str) else items
        if step is None:
            found = [*items, *(part for parts in members.values() for part in parts)]
        here = found or [True]
    return list(_applied(here, schema))


def _items(parts: list[Any], root: Any) -> list[Any]:
    """The schemas of the items of an array."""
    found: list[Any] = []
    for part in _applied(parts, root):
        kinds = part.get("type", "array")
        if "array" not in ([kinds] if isinstance(kinds, str) else kinds):
            continue
        listed = [each for keyword in _ITEMS if keyword in part for each in _list(part[keyword])]
        found += listed or ([True] if "array" in part.get("type", ()) else [])
    return found


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list) else [given]


def _applied(parts: list[Any], root: Any) -> Iterator[Mapping[str, Any]]:
    """The subschemas that apply in the same place as some others, and these."""
    seen: list[Any] = []
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if part is True or part is None:
            part = {}
        if not isinstance(part, Mapping) or any(part is each for each in seen):
            continue
        seen.append(part)
        yield part
        for keyword in _ALL_OF:
            waiting += part.get(keyword, [])
        waiting += [part[keyword] for keyword in _ONE if keyword in part]
        if "$ref" in part:
            waiting.append(_target(part["$ref"], root))


def _members(parts: list[Any], root: Any) -> tuple[dict[str, list[Any]], bool]:
    """The fields that an object may have by some subschemas, and whether by further names, too."""
    members: dict[str, list[Any]] = {}
    is_open = closed = is_other = False
    for part in _applied(parts, root):
        is_open |= not part
        for name, member in part.get("properties", {}).items():
            members.setdefault(name, []).append(member)
        for name in part.get("required", []):
            members.setdefault(name, [])
        kinds = part.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        is_other |= bool(kinds) and "object" not in kinds
        is_open |= "object" in kinds and not {"properties", *_OTHERS} & part.keys()
        for keyword in _OTHERS:
            is_open |= part.get(keyword, False) is not False
            closed |= part.get(keyword) is False
    return members, is_open or not (members or closed or is_other)


def _target(reference: object, root: Any) -> Any:
    """What a reference inside the document refers to; ``None`` where it is not found."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    here = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here
