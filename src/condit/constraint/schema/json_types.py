"""The types of JSON, as a schema names them."""

from __future__ import annotations

from collections.abc import Iterable

Types = frozenset[str]

ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")


def common(kinds: Iterable[str], types: Types | None) -> list[str]:
    """Those of ``kinds`` that are in ``types``; ``None`` for all types."""
    found = []
    for kind in kinds:
        if types is None or kind in types or (kind == "integer" and "number" in types):
            found.append(kind)
        elif kind == "number" and "integer" in types:
            found.append("integer")
    return found


def has_type(value: object, types: Types) -> bool:
    """Whether a value is of one of the types."""
    if value is None:
        return "null" in types
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, str):
        return "string" in types
    if isinstance(value, (dict, list)):
        return ("object" if isinstance(value, dict) else "array") in types
    return "number" in types or ("integer" in types and value == int(value))  # type: ignore[call-overload]
