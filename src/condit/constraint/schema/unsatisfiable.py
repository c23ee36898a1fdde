"""Why no value satisfies a schema, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jsonschema_rs.canonical import Cause, UnsatisfiableReason

from condit.constraint.schema.keywords import Schema, at_pointer, pointer_to

_STRUCTURAL = frozenset(
    [
        *("properties", "patternProperties", "additionalProperties", "propertyNames"),
        *("unevaluatedProperties", "unevaluatedItems", "items", "prefixItems", "additionalItems"),
        *("contains", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"),
        *("dependencies", "dependentRequired"),
    ]
)
_LONGEST_VALUE = 60
_MOST = 6


def in_words(schema: Schema, reasons: Mapping[str, UnsatisfiableReason]) -> str:
    """The reasons that lead from the top of ``schema`` to where nothing is left.

    Args:
        schema: the document.
        reasons: what ``find_unsatisfiable`` says of it, by JSON pointer.
    """
    if "" not in reasons:
        return "every value would have to hold another one of the same kind, without end"
    told: list[str] = []
    queue, seen = [""], {""}
    while queue and len(told) < _MOST:
        pointer = queue.pop(0)
        reason = reasons[pointer]
        causes = _causes(reason)
        told.append(f"{pointer or 'at the top'}: {_sentence(schema, reason, causes)}")
        for cause in causes:
            for further in _further(schema, cause, reasons):
                if further not in seen:
                    seen.add(further)
                    queue.append(further)
    return "; ".join(told)


def _causes(reason: UnsatisfiableReason) -> list[Cause]:
    if isinstance(reason, UnsatisfiableReason.Empty):
        return [reason.cause]
    if isinstance(reason, UnsatisfiableReason.Conflict):
        causes = list(reason.causes)
        # A conflict of types is no help where other keywords explain more.
        others = [cause for cause in causes if cause.keywords != ["type"]]
        return others if sum(max(1, len(cause.keywords)) for cause in others) > 1 else causes
    return []


def _sentence(schema: Schema, reason: UnsatisfiableReason, causes: list[Cause]) -> str:
    if not causes:
        return "false admits nothing"
    own = causes[0].pointer
    parts = []
    for cause in causes:
        place = "" if cause.pointer == own else f" at {cause.pointer}"
        if not cause.keywords:
            parts.append(f"{cause.pointer} ({_short(at_pointer(schema, cause.pointer))})")
        for keyword in cause.keywords:
            parts.append(_shown(schema, cause.pointer, keyword) + place)
    if len(parts) == 1:
        return f"{parts[0]} admits nothing"
    return f"{', '.join(parts[:-1])} and {parts[-1]} exclude each other"


def _shown(schema: Schema, pointer: str, keyword: str) -> str:
    if keyword in _STRUCTURAL:
        return keyword
    holder = at_pointer(schema, pointer)
    value = holder.get(keyword) if isinstance(holder, dict) else None
    return f"{keyword} {_short(value)}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _further(schema: Schema, cause: Cause, reasons: Mapping[str, UnsatisfiableReason]) -> list[str]:
    """The subschemas that admit nothing and that a cause is about."""
    if not cause.keywords:
        return [cause.pointer] if cause.pointer in reasons else []
    holder = at_pointer(schema, cause.pointer)
    if not isinstance(holder, dict):
        return []
    found = []
    for keyword in cause.keywords:
        value = holder.get(keyword)
        place = f"{cause.pointer}/{keyword}"
        if keyword == "$ref" and isinstance(value, str) and value.startswith("#/"):
            found.append(value[1:])
        elif keyword == "properties" and isinstance(value, dict):
            required = holder.get("required")
            names = required if isinstance(required, list) and required else list(value)
            found += [place + pointer_to([name]) for name in names if isinstance(name, str)]
        elif isinstance(value, dict) and place not in reasons:
            found += [place + pointer_to([name]) for name in value]
        elif isinstance(value, list):
            found += [f"{place}/{index}" for index in range(len(value))]
        else:
            found.append(place)
    return [pointer for pointer in found if pointer in reasons]
