"""What is generated: a prompt and a constraint that no text of the asked length can finish.

So every lane of every contestant emits exactly the same number of tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Workload:
    """``constraint(tokens)`` holds ``regex`` or ``schema``, too long for ``tokens`` tokens."""

    about: str
    prompt: str
    constraint: Callable[[int], dict[str, str]]


def _story(tokens: int) -> dict[str, str]:
    return {"regex": rf"[A-Za-z ,.'\n]{{{8 * tokens},{12 * tokens}}}"}


def _records(tokens: int) -> dict[str, str]:
    """Digits are single tokens in SmolLM2: a line takes 12 tokens at the very least."""
    line = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) [A-Z]{3}-[0-9]{4}\n"
    return {"regex": f"({line}){{{tokens // 12 + 1}}}"}


def _schema(tokens: int) -> dict[str, str]:
    """An object takes at least a token for each of three values and for what lies between."""
    item: dict[str, Any] = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "role": {"enum": ["engineer", "designer", "manager"]},
            "age": {"type": "integer"},
        },
        "required": ["name", "role", "age"],
        "additionalProperties": False,
    }
    count = tokens // 8 + 1
    schema = {"type": "array", "minItems": count, "maxItems": count, "items": item}
    return {"schema": json.dumps(schema)}


WORKLOADS = {
    "story": Workload(
        "free text from a small alphabet",
        "Here is a short story about a lighthouse keeper.\n\n",
        _story,
    ),
    "records": Workload(
        "lines of dates and identifiers",
        "Arrivals at the harbour, one a line, with date and identifier:\n",
        _records,
    ),
    "schema": Workload(
        "a JSON array of objects",
        "The staff of a small company, as a JSON array:\n",
        _schema,
    ),
}
