"""Where in a JSON schema a keyword stands, and the mask engine's complaints in those terms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from condit.constraint.engine import HEADER, probe
from condit.constraint.nesting import refuse_deep
from condit.errors import (
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

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
_MOST = 5


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


def refuse_deep_references(schema: Schema) -> None:
    """Refuse a schema whose definitions refer to one another too deep.

    Raises:
        ConstraintTooComplexError: a chain of references, or the nesting, is too deep.
    """
    leads_to: dict[str, list[str]] = {}
    for pointer, part in subschemas(schema):
        if "$anchor" in part:
            leads_to[f"#{part['$anchor']}"] = [f"#{pointer}"]
        target = part.get("$ref")
        if isinstance(target, str):
            # A reference leads on from every schema that holds it.
            steps = pointer.split("/")
            for length in range(1, len(steps) + 1):
                leads_to.setdefault("#" + "/".join(steps[:length]), []).append(target)
    refuse_deep(leads_to, "#", "the schema's references")


def escape(name: str) -> str:
    """A member's name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_to(path: list[str | int]) -> str:
    """A path as a JSON pointer; ``the top`` where it is empty."""
    return "".join(f"/{escape(str(step))}" for step in path) or "the top"


def where(schema: Schema, keyword: str, test: Callable[[Any], bool] = lambda value: True) -> str:
    """The JSON pointers at which ``keyword`` stands with a value that passes ``test``."""
    places = [
        f"{pointer}/{escape(keyword)}"
        for pointer, part in subschemas(schema)
        if keyword in part and test(part[keyword])
    ]
    more = f" and {len(places) - _MOST} more" if len(places) > _MOST else ""
    return ", ".join(places[:_MOST]) + more or "a referenced schema"


def refusal(schema: Schema, error: str) -> Exception:
    """The engine's ``error`` about ``schema``, as the error to raise."""
    error = re.sub(r"^at \d+\(\d+\): (failed to compile JSON schema: )?", "", error)
    reason = error.split("\n")[0]
    if found := re.match(r"Unsatisfiable schema: (.*)", error):
        return UnsatisfiableError(f"no JSON value satisfies the schema: {found[1]}")
    if found := re.match(r"Unimplemented keys: (\[.*\])", error):
        keywords = tuple(json.loads(found[1]))
        listed = "; ".join(f"{keyword!r} at {where(schema, keyword)}" for keyword in keywords)
        return UnsupportedConstraintError(
            f"the schema uses what cannot be enforced token by token: {listed}. Take it out, or "
            "say it otherwise; nothing is dropped silently",
            keywords=keywords,
        )
    if found := re.match(r"Unknown format: (.*)", error):
        place = where(schema, "format", lambda value: value == found[1])
        return UnsupportedConstraintError(
            f"the schema uses the unknown format {found[1]!r} at {place}. Take it out, or write a "
            "'pattern'",
            keywords=("format",),
        )
    if reason.startswith("oneOf constraints"):
        return UnsupportedConstraintError(
            f"the schema uses 'oneOf' at {where(schema, 'oneOf')} with alternatives that may "
            "overlap. Use 'anyOf', or tell them apart by type or by a property with a 'const'",
            keywords=("oneOf",),
        )
    if reason.startswith("patternProperty"):
        return UnsupportedConstraintError(
            f"the schema uses 'patternProperties' at {where(schema, 'patternProperties')} whose "
            f"patterns overlap: {reason}. Make them disjoint",
            keywords=("patternProperties",),
        )
    if re.search("too (big|complex|many|large)|recursion limit", reason, re.IGNORECASE):
        return ConstraintTooComplexError(f"the schema is too complex for the mask engine: {reason}")
    return _refused_pattern(schema, error) or UnsupportedConstraintError(
        f"the schema cannot be enforced: {reason}", keywords=_keywords_in(reason)
    )


def reference_error(schema: Schema, reason: str) -> CompileError:
    """The oracle's complaint that a ``$ref`` leads nowhere, as the error to raise."""
    if found := re.search(r"Resource '([^']*)' is not present", reason):
        place = where(schema, "$ref", lambda value: str(value).startswith(found[1]))
        return UnsupportedConstraintError(
            f"the schema refers to {found[1]!r} at {place}, which is outside of it. Nothing is "
            "fetched: copy the schema under '$defs' and refer to it there",
            keywords=("$ref",),
        )
    broken = re.search(r"(?:Pointer|Anchor) '([^']*)'", reason)
    target = broken[1] if broken else ""
    place = where(schema, "$ref", lambda value: str(value).endswith(target))
    return CompileError(
        f"the schema refers to something that is not there, at {place}: {reason}",
        keywords=("$ref",),
    )


def _refused_pattern(schema: Schema, error: str) -> CompileError | None:
    for pointer, part in subschemas(schema):
        patterns = [("pattern", part.get("pattern"))]
        members = part.get("patternProperties")
        patterns += [("patternProperties", each) for each in members or ()]
        for keyword, pattern in patterns:
            alone = json.dumps({"type": "string", "pattern": pattern})
            if isinstance(pattern, str) and probe(f"{HEADER}start: %json {alone}").error:
                lines = [line for line in error.splitlines() if line.startswith("error: ")]
                reason = (lines or error.splitlines()[:1])[0].removeprefix("error: ")
                return UnsupportedConstraintError(
                    f"the schema uses {keyword!r} at {pointer}/{keyword} with {pattern!r}, which "
                    f"no automaton can follow: {reason}",
                    keywords=(keyword,),
                )
    return None


def _keywords_in(reason: str) -> tuple[str, ...]:
    found = re.findall(r"\$?[a-z][A-Za-z]*", reason)
    return tuple(dict.fromkeys(word for word in found if word in {*_ONE, *_LISTS, *_MAPS, "$ref"}))
