"""What is noted in the JSON schema of a type while it is made, and taken out when it is complete.

The schema itself stays as pydantic writes it, for readers and for models. Beside it stand the
keywords that are enforced instead, and what no keyword can say.
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
    """A condition of a type that its JSON schema does not say, or not wholly.

    Attributes:
        pointer: of the subschema of the value that it is about.
        what: what asks for it: ``"validator"``, or the name of a type.
        where: when pydantic is asked.
        note: what it asks for.
    """

    pointer: str
    what: str
    where: Literal["close", "end"]
    note: str


def remark(schema: dict[str, Any], what: str, where: str, note: str) -> None:
    """Note that pydantic is asked about the values of a schema."""
    remarks = schema.get(_REMARKS, [])
    if [what, where, note] not in remarks:
        schema[_REMARKS] = [*remarks, [what, where, note]]


def example(schema: dict[str, Any], texts: Iterable[str]) -> None:
    """Note which strings are likely to satisfy the type of a schema."""
    schema[_EXAMPLES] = [*schema.get(_EXAMPLES, []), *texts]


def demand(schema: dict[str, Any], *patterns: str) -> None:
    """Note patterns that the strings of a schema must match beside what it says."""
    schema[_PATTERNS] = [*schema.get(_PATTERNS, []), *patterns]


def instead(schema: dict[str, Any], **keywords: Any) -> None:
    """Note what is enforced instead of some keywords; ``None``: nothing is."""
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
        # Subschemas are looked into after this, so those that are put in are, too.
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
    """The remarks and examples of a schema, which has none of them afterwards."""
    remarks: list[Remark] = []
    examples: dict[str, None] = {}
    for pointer, part in list(subschemas(schema)):
        for what, where, note in part.pop(_REMARKS, []):
            remarks.append(Remark(pointer, what, where, note))
        examples.update(dict.fromkeys(part.pop(_EXAMPLES, [])))
        # The user's own, which are kept.
        own = part.get("examples")
        given = [*(own if isinstance(own, list) else ()), part.get("default")]
        examples.update((each, None) for each in given if isinstance(each, str))
    return tuple(remarks), tuple(examples)
