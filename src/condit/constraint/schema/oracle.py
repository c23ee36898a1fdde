"""The oracle's reasons why a value is not valid, without its exponential worst case."""

from __future__ import annotations

from itertools import islice
from typing import Any

from condit.constraint.schema.source import Source

_MOST_COMPLAINTS = 20
_DEEPEST_EXPLAINED = 8

Complaint = tuple[str, list[str | int]]
"""A reason, and the path to the part of the value that it is about."""


def complaints(source: Source, validator: Any, value: object) -> list[Complaint]:
    """Why a value is not valid; empty where it is.

    The library's yes-or-no check caches which references it has followed for which part of the
    value. Its search for reasons does not: where several references lead from each level of a value
    to the next, it takes time exponential in the depth, even for a valid value. So it is called
    only for invalid values, and if there is one reference at most or the value is not deep.

    Args:
        source: the schema.
        validator: its ``source.validator``.
        value: JSON, as Python has it.
    """
    if validator.is_valid(value):
        return []
    too_deep: list[Complaint] = [
        ("the value is not valid against the schema, and nested too deeply to say why", [])
    ]
    texts = [source.text, *(text for _, text in source.documents)]
    if sum(text.count('ef": "') for text in texts) > 1 and _is_deep(value):
        return too_deep
    try:
        found = list(islice(validator.iter_errors(value), _MOST_COMPLAINTS))
    except ValueError:
        # It copies the value, and no deeper than a limit of its own.
        return too_deep
    return [(error.message, list(error.instance_path)) for error in found]


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST_EXPLAINED):
        level = [
            inner
            for part in level
            if isinstance(part, (dict, list))
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
    return any(isinstance(part, (dict, list)) for part in level)
