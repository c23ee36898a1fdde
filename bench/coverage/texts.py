"""How an instance may be written: two layouts, and keys as they come or as the schema has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LAYOUTS = {"compact": (",", ":"), "spaced": (", ", ": ")}

REORDERED = "reordered"
"""Ends the name of a writing whose keys do not come as in the instance."""

_BRANCHES = ("allOf", "anyOf", "oneOf")
_ALSO = ("if", "then", "else")


def writings(schema: Any, instance: Any) -> dict[str, str]:
    """The texts of an instance by name, the ones with keys in the instance's own order first."""
    found: dict[str, str] = {}
    ordered = ordered_as(schema, instance)
    for value, suffix in ((instance, ""), (ordered, f", {REORDERED}")):
        for layout, separators in LAYOUTS.items():
            text = _written(value, separators)
            if text not in found.values():
                found[layout + suffix] = text
    return found


def _written(value: Any, separators: tuple[str, str]) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=separators)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: there is no UTF-8 for it
        return json.dumps(value, separators=separators)
    return text


def ordered_as(schema: Any, instance: Any) -> Any:
    """The instance with the keys of each object as ``properties`` has them, then the others.

    References within the schema, ``allOf``, ``anyOf``, ``oneOf`` and conditions are followed; where
    two of them name the same keys in other orders, the one that comes first counts.
    """
    return _ordered(schema, [schema], instance)


def _ordered(root: Any, schemas: list[Any], instance: Any) -> Any:
    applied = list(_applied(root, schemas))
    if isinstance(instance, dict):
        names = [name for node in applied for name in _object(node.get("properties"))]
        first = [name for name in dict.fromkeys(names) if name in instance]
        others = [name for name in instance if name not in first]
        return {
            name: _ordered(root, list(_below_key(applied, name)), instance[name])
            for name in (*first, *others)
        }
    if isinstance(instance, list):
        return [
            _ordered(root, list(_below_index(applied, index)), item)
            for index, item in enumerate(instance)
        ]
    return instance


def _applied(root: Any, schemas: list[Any]) -> Iterator[dict[str, Any]]:
    """The schemas that speak of the same place, those that they refer to included, once each."""
    waiting, seen = list(schemas), set[int]()
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        more = [_referred(root, node.get("$ref"))]
        for keyword in _BRANCHES:
            more += node[keyword] if isinstance(node.get(keyword), list) else []
        more += [node.get(keyword) for keyword in _ALSO]
        for keyword in ("dependentSchemas", "dependencies"):
            more += _object(node.get(keyword)).values()
        waiting = more + waiting


def _referred(root: Any, reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    node = root
    for part in reference[1:].split("/")[1:] if reference != "#" else ():
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key]
    return node


def _below_key(applied: list[dict[str, Any]], name: str) -> Iterator[Any]:
    for node in applied:
        properties = _object(node.get("properties"))
        matching = [
            schema
            for pattern, schema in _object(node.get("patternProperties")).items()
            if _matches(pattern, name)
        ]
        yield from matching
        if name in properties:
            yield properties[name]
        elif not matching:
            yield node.get("additionalProperties")


def _below_index(applied: list[dict[str, Any]], index: int) -> Iterator[Any]:
    for node in applied:
        items, prefix = node.get("items"), node.get("prefixItems")
        places = items if isinstance(items, list) else prefix if isinstance(prefix, list) else []
        if index < len(places):
            yield places[index]
        else:
            yield node.get("additionalItems") if isinstance(items, list) else items


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
