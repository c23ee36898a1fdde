"""Errors for documents that are no valid schemas: the reason in words, and the JSON pointer."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jsonschema_rs

from condit.constraint.schema.keywords import Schema, at_pointer, pointer_to
from condit.errors import CompileError, ConstraintTooComplexError, UnsupportedConstraintError

_TYPES = "array, boolean, integer, null, number, object and string"
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_IS_PATTERN = {"type": "string", "format": "regex"}
_LONGEST = 80
_LONGEST_REASON = 300


def refusal(schema: Schema, error: Exception) -> CompileError | ConstraintTooComplexError:
    """The oracle's complaint about a schema, as the error to raise."""
    reason = str(error).split("\n")[0]
    if not isinstance(error, jsonschema_rs.ValidationError):
        if re.search("recursion|depth", reason, re.IGNORECASE):
            return ConstraintTooComplexError(f"the schema is nested too deeply: {reason}")
        return CompileError(f"the schema cannot be read: {reason}")
    path = list(error.instance_path)
    steps = [str(step) for step in path]
    keyword = _pattern_keyword(steps)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Format) and keyword:
        pattern = str(
            steps[-1] if keyword == "patternProperties" else at_pointer(schema, pointer_to(path))
        )
        shown = repr(pattern if len(pattern) <= _LONGEST else f"{pattern[:_LONGEST]}…")
        if _HALF.search(pattern):
            return UnsupportedConstraintError(
                f"the schema's pattern {shown} names half a character (a surrogate): write the "
                r"whole one, as \u{1F600} or as both halves",
                keywords=(keyword,),
            )
        if jsonschema_rs.is_valid(_IS_PATTERN, pattern, validate_formats=True):
            return ConstraintTooComplexError(
                f"the schema's pattern {shown} is too large, or nested too deeply, to be checked. "
                "Smaller repeat counts make it smaller"
            )
        place = pointer_to(path[:-1] if keyword == "patternProperties" else path)
        return CompileError(
            f"the schema is not valid at {place}: {shown} is not a regular expression as ECMA-262 "
            "has them",
            keywords=(keyword,),
        )
    hint = _hint(schema, path)
    if len(reason) > _LONGEST_REASON:
        reason = f"{reason[:_LONGEST_REASON]}…"
    return CompileError(
        f"the schema is not valid at {pointer_to(path)}: {reason}{hint and '. ' + hint}",
        keywords=tuple(steps[-1:]),
    )


def _pattern_keyword(steps: Sequence[str]) -> str:
    if steps[-2:-1] == ["patternProperties"]:
        return "patternProperties"
    return "pattern" if steps[-1:] == ["pattern"] else ""


def _hint(schema: Schema, path: list[str | int]) -> str:
    """A suggestion of what was probably meant, for the message."""
    keyword = next((step for step in reversed(path) if isinstance(step, str)), "")
    value = at_pointer(schema, pointer_to(path))
    if keyword == "type":
        return f"The types are {_TYPES}"
    if keyword == "required" and isinstance(value, bool):
        return "'required' is a list of names, beside 'properties'"
    if keyword in ("exclusiveMinimum", "exclusiveMaximum") and isinstance(value, bool):
        return (
            f"{keyword!r} is a number since draft 6; a schema for draft 4 says so: "
            '"$schema": "http://json-schema.org/draft-04/schema#"'
        )
    if keyword == "items" and isinstance(value, list):
        return "A list of schemas is called 'prefixItems' since draft 2020-12"
    return ""
