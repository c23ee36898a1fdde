"""The format of a trace file, as a JSON Schema of one line, and a check of lines against it.

``SCHEMA`` is all there is to the format: the writer writes what it allows, and the reader takes
nothing else. The check knows the few keywords that are used here, and is no validator of schemas.
"""

from __future__ import annotations

import math
from typing import Any, Final

FORMAT: Final = "condit-trace"
"""What the first line says that the file is."""

VERSION: Final = 2
"""Version of the format; raised when a field changes its name or meaning."""

_COUNT: Final = {"type": "integer", "minimum": 0}
_NUMBER_OF_DRAW: Final = {
    "type": ["integer", "null"],
    "minimum": 0,
    "description": "the number of a draw; null for none",
}
_PERHAPS: Final = {"type": ["integer", "null"], "minimum": 0}
_LOGARITHM: Final = {
    "type": ["number", "null"],
    "description": "natural; null for minus infinity, or where it is not known",
}
_TEXT: Final = {"type": "string"}
_PERHAPS_TEXT: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_COUNTS: Final = {"type": "array", "items": _COUNT}
_BYTES: Final = {
    "type": "string",
    "description": "where the bytes of the token are no whole characters: the bytes, hexadecimal",
}
_ANYTHING: Final[dict[str, Any]] = {}


def _line(kind: str, optional: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"kind": {"const": kind}, **properties},
        "required": ["kind", *(name for name in properties if name not in optional)],
    }


_TEXT_IT_IS_OF: Final[dict[str, Any]] = {"step": _COUNT, "lane": _PERHAPS, "attempt": _PERHAPS}

_RUN: Final = _line(
    "run",
    format={"const": FORMAT},
    version={"type": "integer", "minimum": 1},
    condit=_TEXT,
    model=_TEXT,
    prompt=_TEXT,
    prompt_tokens=_COUNT,
    healed=_TEXT,
    constraint=_PERHAPS_TEXT,
    preference=_PERHAPS_TEXT,
    sampler=_TEXT,
    n=_COUNT,
    max_tokens=_COUNT,
    temperature={"type": "number", "minimum": 0},
    top_k=_PERHAPS,
    top_p={"type": "number"},
    stop={"type": "array", "items": _TEXT},
    seed=_COUNT,
    end_token={"type": "integer"},
    started=_TEXT,
)

_DRAW: Final = _line(
    "draw",
    ("bytes",),
    draw=_COUNT,
    after=_NUMBER_OF_DRAW,
    **_TEXT_IT_IS_OF,
    place=_COUNT,
    token=_PERHAPS,
    text=_TEXT,
    bytes=_BYTES,
    log_probability=_LOGARITHM,
    log_proposal=_LOGARITHM,
    log_allowed=_LOGARITHM,
    log_weight=_LOGARITHM,
    refused=_FLAG,
    given=_FLAG,
    forced=_FLAG,
    guessed=_FLAG,
    moved=_FLAG,
    prompt_bytes=_COUNT,
)

_END: Final = _line(
    "end",
    **_TEXT_IT_IS_OF,
    draw=_NUMBER_OF_DRAW,
    text=_TEXT,
    tokens=_COUNTS,
    reason={"enum": ["stop", "length", "dead_end", "rejected"]},
    accepted=_FLAG,
    log_weight=_LOGARITHM,
    log_bound=_LOGARITHM,
)

_STEP: Final = _line(
    "step",
    step=_COUNT,
    effective_sample_size={"type": "number", "minimum": 0},
    log_evidence=_LOGARITHM,
    checks=_COUNT,
    masks=_COUNT,
    note=_TEXT,
    seconds={"type": "number", "minimum": 0},
)

_ALTERNATIVE: Final = {
    "type": "object",
    "properties": {
        "token": _COUNT,
        "text": _TEXT,
        "bytes": _BYTES,
        "log_probability": _LOGARITHM,
        "allowed": _FLAG,
        "why": _PERHAPS_TEXT,
    },
    "required": ["token", "text", "log_probability", "allowed", "why"],
}

_RESULT: Final = _line(
    "result",
    ("samples", "report", "report_in_words", "marginals"),
    error={
        "type": ["object", "null"],
        "properties": {"type": _TEXT, "message": _TEXT},
        "required": ["type", "message"],
    },
    report=_ANYTHING,
    report_in_words=_TEXT,
    samples={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"text": _TEXT, "weight": {"type": "number"}, "draw": _NUMBER_OF_DRAW},
            "required": ["text", "weight", "draw"],
        },
    },
    marginals={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "field": _TEXT,
                "values": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "value": _ANYTHING,
                            "share": {"type": "number"},
                            "standard_error": {"type": ["number", "null"]},
                        },
                        "required": ["share", "standard_error"],
                    },
                },
            },
            "required": ["field", "values"],
        },
    },
)

KINDS: Final[dict[str, dict[str, Any]]] = {
    "run": _RUN,
    "attempt": _line("attempt", **_TEXT_IT_IS_OF),
    "draw": _DRAW,
    "event": _line(
        "event",
        draw=_COUNT,
        step=_COUNT,
        lane=_COUNT,
        number=_COUNT,
        name=_TEXT,
        text=_TEXT,
        given=_FLAG,
        seconds={"type": "number", "minimum": 0},
    ),
    "boundary": _line("boundary", step=_COUNT, lane=_COUNT, progress=_COUNTS, what=_TEXT),
    "resample": _line(
        "resample",
        step=_COUNT,
        ancestors=_COUNTS,
        effective_sample_size={"type": "number", "minimum": 0},
    ),
    "end": _END,
    "step": _STEP,
    "alternatives": _line(
        "alternatives",
        draw=_COUNT,
        **_TEXT_IT_IS_OF,
        allowed_mass={"type": "number", "minimum": 0},
        unasked_mass={"type": "number", "minimum": 0},
        field=_PERHAPS_TEXT,
        form=_PERHAPS_TEXT,
        tokens={"type": "array", "items": _ALTERNATIVE},
    ),
    "result": _RESULT,
}
"""The JSON Schema of a line of each kind."""

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "One line of a trace file of Condit",
    "anyOf": list(KINDS.values()),
}
"""A JSON Schema of a line; fields that it does not name are allowed."""

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


_TOO_LARGE: Final = 1 << 128
"""Whole numbers from here on are taken for none; a seed may have 128 bits."""


def fault(value: Any, schema: dict[str, Any], where: str = "") -> str:
    """What is wrong with a line, in words; ``""`` if nothing is.

    Args:
        value: the line, as parsed.
        schema: one of ``KINDS``, or a part of it.
        where: the path of ``value`` in the line.
    """
    at = where or "the line"
    if "const" in schema and value != schema["const"]:
        return f"{at} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is none of {', '.join(schema['enum'])}"
    asked = schema.get("type", ())
    types = [asked] if isinstance(asked, str) else asked
    if types and not any(_is(value, each) for each in types):
        return f"{at} is not of type {' or '.join(types)}"
    if "minimum" in schema and isinstance(value, int | float) and value < schema["minimum"]:
        return f"{at} is less than {schema['minimum']}"
    if isinstance(value, list) and "items" in schema:
        parts = ((each, schema["items"], f"{where}[{i}]") for i, each in enumerate(value))
        return next((said for part in parts if (said := fault(*part))), "")
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            if name not in value:
                return f"{at} has no field {name!r}"
        for name, inner in schema["properties"].items():
            if name in value and (
                said := fault(value[name], inner, f"{where}.{name}" if where else name)
            ):
                return said
    return ""


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        return False
    return isinstance(value, _TYPES[name])
