"""Notes in the JSON schema of a type: kept under keys of their own while pydantic makes it.

The schema's own keywords stay as pydantic writes them, for readers and for models. The notes are
keywords that are enforced instead, and conditions that no keyword can express; in the end they are
taken out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from condit.constraint.schema.keywords import subschemas

_REMARKS, _EXAMPLES = "condit:remarks", "condit:examples"
_PATTERNS, _INSTEAD = "condit:patterns", "condit:instead"
_NOTES = (_REMARKS, _EXAMPLES, _PATTERNS, _INSTEAD)


@dataclass(frozen=True)
class Remark:
    """A condition of a type that its JSON schema does not express in full.

    Attributes:
        pointer: the JSON pointer of the subschema that it belongs to.
        what: the source of the condition: ``"validator"``, or the name of a type.
        where: when it is checked: at the close of the value, or at the end of the text.
        note: the condition in words.
    """

    pointer: str
    what: str
    where: Literal["close", "end"]
    note: str


def remark(schema: dict[str, Any], what: str, where: str, note: str) -> None:
    """Note a condition that pydantic checks; see `Remark`."""
    remarks = schema.get(_REMARKS, [])
    if [what, where, note] not in remarks:
        schema[_REMARKS] = [*remarks, [what, where, note]]


def example(schema: dict[str, Any], texts: Iterable[str]) -> None:
    """Note which strings are likely to satisfy the type of a schema."""
    schema[_EXAMPLES] = [*schema.get(_EXAMPLES, []), *texts]


def demand(schema: dict[str, Any], *patterns: str) -> None:
    """Note patterns that the strings of a schema must match, too."""
    schema[_PATTERNS] = [*schema.get(_PATTERNS, []), *patterns]


def instead(schema: dict[str, Any], **keywords: Any) -> None:
    """Note values that are enforced instead of a schema's keywords; ``None``: none is."""
    schema[_INSTEAD] = {**schema.get(_INSTEAD, {}), **keywords}


def without_notes(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of the schema as pydantic wrote it."""
    plain = copy.deepcopy(schema)
    for _, part in list(subschemas(plain)):
        for name in _NOTES:
            part.pop(name, None)
    return plain


def enforced(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of the schema with what is enforced; remarks and examples are still in it."""
    made = copy.deepcopy(schema)
    for _, part in subschemas(made):
        # ``subschemas`` yields those that are put in here later on.
        for name, value in part.pop(_INSTEAD, {}).items():
            if value is None:
                part.pop(name, None)
            else:
                part[name] = value
        put_patterns(part, part.pop(_PATTERNS, []))
    return made


def put_patterns(part: dict[str, Any], patterns: Iterable[str]) -> None:
    """Make the strings of a schema match further patterns, too."""
    for pattern in patterns:
        if "pattern" not in part:
            part["pattern"] = pattern
        elif pattern != part["pattern"]:
            part["allOf"] = [*part.get("allOf", []), {"pattern": pattern}]


def take_out(schema: dict[str, Any]) -> tuple[tuple[Remark, ...], tuple[str, ...]]:
    """Remove the remarks and examples from a schema, and return them."""
    remarks: list[Remark] = []
    examples: dict[str, None] = {}
    for pointer, part in list(subschemas(schema)):
        for what, where, note in part.pop(_REMARKS, []):
            remarks.append(Remark(pointer, what, where, note))
        examples.update(dict.fromkeys(part.pop(_EXAMPLES, [])))
        # The user's own examples stay in the schema.
        own = part.get("examples")
        given = [*(own if isinstance(own, list) else ()), part.get("default")]
        examples.update((each, None) for each in given if isinstance(each, str))
    return tuple(remarks), tuple(examples)
