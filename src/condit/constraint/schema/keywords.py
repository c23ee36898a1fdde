"""The subschemas of a JSON schema, and JSON pointers to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

Schema = dict[str, Any] | bool

_ONE = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "unevaluatedItems"),
        *("unevaluatedProperties", "contains", "propertyNames", "contentSchema"),
        *("not", "if", "then", "else"),
    }
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_MAPS = frozenset(
    {
        *("properties", "patternProperties", "$defs", "definitions"),
        *("dependentSchemas", "dependencies"),
    }
)


def inside(schema: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """What stands where keywords of ``schema`` hold schemas, in the order of the document.

    Yields:
        the keyword, the step from ``schema`` as a JSON pointer, and what stands there.
    """
    for keyword, held in schema.items():
        if isinstance(held, dict) and keyword in _MAPS:
            for name, part in held.items():
                yield keyword, f"/{keyword}/{escape(name)}", part
        elif isinstance(held, list) and keyword in _LISTS:
            for index, part in enumerate(held):
                yield keyword, f"/{keyword}/{index}", part
        elif keyword in _ONE:
            yield keyword, f"/{keyword}", held


def subschemas(schema: object, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside ``schema``, itself first, in the order of the document.

    Yields:
        the JSON pointer of each, and the schema; those that are ``true`` or ``false`` are left out.
    """
    ahead = [(pointer, schema)]
    while ahead:
        pointer, schema = ahead.pop()
        if isinstance(schema, dict):
            yield pointer, schema
            parts = [(f"{pointer}{step}", part) for _, step, part in inside(schema)]
            ahead.extend(reversed(parts))


def escape(name: str) -> str:
    """A member's name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_to(path: list[str | int]) -> str:
    """A path as a JSON pointer; ``the top`` where it is empty."""
    return "".join(f"/{escape(str(step))}" for step in path) or "the top"


def step_into(value: object, step: str) -> Any:
    """What one step of a JSON pointer leads to in a JSON value; ``None`` where it leads nowhere."""
    name = step.replace("~1", "/").replace("~0", "~")
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return None


def at_pointer(value: object, pointer: str) -> Any:
    """What stands at a JSON pointer; ``None`` where nothing does."""
    return reduce(step_into, pointer.split("/")[1:], value)
