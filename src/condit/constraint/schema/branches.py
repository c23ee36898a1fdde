"""Puts each alternative of a long list of objects behind a reference.

The canonical form compares each alternative with each other one, and gives up on the whole schema
where that is too much: with 200 tools, nothing would be enforced before the end of the text. The
target of a reference is hardly compared, and becomes a rule of its own.
"""

from __future__ import annotations

import re
from typing import Any

from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.keywords import Schema

MANY = 16
"""Lists of fewer alternatives are left alone: comparing them is fast, and may merge some."""

# What is looked up by its place or by its name has to stay where it is.
_STAYS = re.compile(r'Of/|"\$(?:anchor|dynamicAnchor|dynamicRef|recursiveAnchor|recursiveRef)":')
# What may stand beside alternatives without being combined with each of them.
_REMARKS = {
    *("title", "description", "$schema", "$id", "$comment", "$defs", "definitions"),
    *("default", "examples", "discriminator"),
}
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_SINGLE = ("items", "additionalProperties")
_LISTS = ("anyOf", "oneOf")


def with_named_branches(schema: Schema, text: str, draft: int) -> Schema:
    """A schema with the same meaning and named alternatives; the same object without long lists.

    Args:
        schema: the document.
        text: the same, as ``json.dumps`` writes it.
        draft: the draft of JSON Schema, as ``jsonschema_rs`` counts them.
    """
    if isinstance(schema, bool) or not any(f'"{each}": [' in text for each in _LISTS):
        return schema
    if _STAYS.search(text) or "$ref" in schema:
        return schema
    home = "definitions" if draft <= Draft.DRAFT_7 else "$defs"
    known = schema.get(home, {})
    if not isinstance(known, dict):
        return schema
    named: dict[str, Any] = {}
    try:
        walked = _walked(schema, home, known, named, is_root=True)
    except RecursionError:
        return schema
    if not named:
        return schema
    return {**walked, home: {**walked.get(home, {}), **named}}


def _walked(
    part: Any, home: str, known: dict[str, Any], named: dict[str, Any], *, is_root: bool = False
) -> Any:
    """A copy of ``part`` whose long lists hold references into ``named``."""
    if not isinstance(part, dict):
        return part
    if not is_root and any(isinstance(part.get(each), str) for each in ("$id", "id")):
        # References inside it start from an address of its own.
        return part
    copy = dict(part)
    for keyword, value in part.items():
        if keyword in _MAPS and isinstance(value, dict):
            copy[keyword] = {
                name: _walked(each, home, known, named) for name, each in value.items()
            }
        elif keyword in _SINGLE:
            copy[keyword] = _walked(value, home, known, named)
        elif keyword in _LISTS and isinstance(value, list):
            branches = [_walked(each, home, known, named) for each in value]
            beside = part.keys() - _REMARKS - {keyword}
            says_so = all(_has_type(each, part.get("type")) for each in value)
            if _is_long(value) and beside <= ({"type"} if says_so else set()):
                copy.pop("type", None)
                branches = [_reference(each, home, known, named) for each in branches]
            copy[keyword] = branches
    return copy


def _is_long(branches: list[Any]) -> bool:
    return sum(map(_is_object, branches)) >= MANY


def _has_type(branch: Any, kind: Any) -> bool:
    return isinstance(branch, dict) and branch.get("type") == kind


def _is_object(branch: Any) -> bool:
    if not isinstance(branch, dict) or "$ref" in branch:
        return False
    return isinstance(branch.get("properties"), dict) and not isinstance(branch.get("$id"), str)


def _reference(branch: Any, home: str, known: dict[str, Any], named: dict[str, Any]) -> Any:
    # An ``id`` among the properties is none of the branch's.
    if not _is_object(branch) or isinstance(branch.get("id"), str):
        return branch
    name = f"alternative{len(named)}"
    while name in known or name in named:
        name += "_"
    named[name] = branch
    return {"$ref": f"#/{home}/{name}"}
