"""Patterns of strings that contain JSON documents (``pydantic.Json``).

A pattern cannot nest without end: recursive schemas are expanded a few times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_DEEPEST = 3
"""How often references are expanded, and how deep documents without a schema may be nested."""

_LONGEST = 60_000
"""Characters of a pattern at most."""

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
_COMMA, _COLON = ", ?", ": ?"
_CHARACTER = r'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])'
_WHOLE = "-?(?:0|[1-9][0-9]{0,18})"
_NUMBER = rf"{_WHOLE}(?:\.[0-9]+)?"
_SCALARS = {
    "null": "null",
    "boolean": "(?:true|false)",
    "integer": _WHOLE,
    "number": _NUMBER,
}


class TooInvolvedError(Exception):
    """There is no pattern, or none of a sensible size."""


def document_pattern(schema: Any, definitions: Mapping[str, Any]) -> tuple[str, bool]:
    """A pattern of the JSON documents of a schema, and whether it admits no others.

    Args:
        schema: a JSON schema as pydantic makes it.
        definitions: the targets of its references, by the last part of their pointer.

    Raises:
        TooInvolvedError: it would be too long, or a keyword has no pattern.
    """
    writer = _Documents(definitions)
    pattern = writer.value(schema, _DEEPEST)
    if len(pattern) > _LONGEST:
        raise TooInvolvedError
    return f"^{pattern}$", writer.exact


def document_example(schema: Any, definitions: Mapping[str, Any], depth: int = _DEEPEST) -> Any:
    """A value of a schema with something in each array and object, as a hint for endings."""
    if not isinstance(schema, Mapping) or depth < 0:
        return 0
    if "$ref" in schema:
        target = definitions.get(schema["$ref"].rsplit("/", 1)[-1], {})
        return document_example(target, definitions, depth - 1)
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return document_example(schema[keyword][-1], definitions, depth)
    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else schema["enum"][0]
    match schema.get("type"):
        case "array":
            first = [document_example(e, definitions, depth) for e in schema.get("prefixItems", [])]
            return first or [document_example(schema.get("items", {}), definitions, depth)]
        case "object" if schema.get("properties"):
            return {
                name: document_example(each, definitions, depth)
                for name, each in schema["properties"].items()
            }
        case "object":
            return {"a": document_example(schema.get("additionalProperties"), definitions, depth)}
        case "string":
            return "a" * max(1, schema.get("minLength", 0))
        case "boolean":
            return True
        case "null":
            return None
    return schema.get("minimum", 0)


class _Documents:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self.exact = True

    def value(self, schema: Any, depth: int) -> str:
        """The documents of a schema; ``depth``: how often references may still be followed."""
        if schema is True or schema == {}:
            return self.anything(depth)
        if "$ref" in schema:
            target = self._definitions.get(schema["$ref"].rsplit("/", 1)[-1])
            if depth == 0 or target is None:
                raise TooInvolvedError
            return self.value(target, depth - 1)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._either(schema[keyword], depth)
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return _group([_literal(value) for value in schema["enum"]])
        match schema.get("type"):
            case "string":
                return self._string(schema)
            case "array":
                return self._array(schema, depth)
            case "object":
                return self._object(schema, depth)
            case str() as kind if kind in _SCALARS:
                self._note(schema, {"type"})
                return _SCALARS[kind]
        raise TooInvolvedError

    def anything(self, depth: int) -> str:
        """Any document, nested at most ``depth`` deep."""
        text = f'"{_CHARACTER}*"'
        scalars = [*_SCALARS.values(), text]
        if depth <= 1:
            return _group(scalars)
        inner = self.anything(depth - 1)
        member = f"{text}{_COLON}{inner}"
        return _group(
            [
                *scalars,
                rf"\[(?:{inner}(?:{_COMMA}{inner})*)?\]",
                rf"\{{(?:{member}(?:{_COMMA}{member})*)?\}}",
            ]
        )

    def _either(self, schemas: list[Any], depth: int) -> str:
        found = []
        for each in schemas:
            try:
                found.append(self.value(each, depth))
            except TooInvolvedError:
                # Only an alternative that recurses beyond the depth is left out.
                if depth > 0:
                    raise
        if not found:
            raise TooInvolvedError
        return _group(found)

    def _string(self, schema: Mapping[str, Any]) -> str:
        self._note(schema, {"type", "minLength", "maxLength"})
        least, most = schema.get("minLength", 0), schema.get("maxLength", "")
        return f'"{_CHARACTER}{{{least},{most}}}"'

    def _array(self, schema: Mapping[str, Any], depth: int) -> str:
        self._note(schema, {"type", "items", "prefixItems", "minItems", "maxItems"})
        first = [self.value(each, depth) for each in schema.get("prefixItems", [])]
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if first:
            if most != len(first) or least != most:
                raise TooInvolvedError
            return rf"\[{_COMMA.join(first)}\]"
        if most == 0:
            return r"\[\]"
        item = self.value(schema.get("items", True), depth)
        further = f"{{{max(least - 1, 0)},{'' if most is None else most - 1}}}"
        some = f"{item}(?:{_COMMA}{item}){further}"
        return rf"\[{some}\]" if least else rf"\[(?:{some})?\]"

    def _object(self, schema: Mapping[str, Any], depth: int) -> str:
        self._note(schema, {"type", "properties", "required", "additionalProperties"})
        properties = schema.get("properties")
        if not properties:
            held = schema.get("additionalProperties", True)
            if held is False:
                return r"\{\}"
            member = f'"{_CHARACTER}*"{_COLON}{self.value(held, depth)}'
            return rf"\{{(?:{member}(?:{_COMMA}{member})*)?\}}"
        required = set(schema.get("required", []))
        members = []
        for name, each in properties.items():
            try:
                found = _literal(name) + _COLON + self.value(each, depth)
            except TooInvolvedError:
                if name in required or depth > 0:
                    raise
                continue
            members.append((found, name in required))
        return rf"\{{{_chain(members)}\}}"

    def _note(self, schema: Mapping[str, Any], understood: set[str]) -> None:
        remarks = {"title", "description", "default", "examples", "contentMediaType", "$defs"}
        if schema.keys() - understood - remarks:
            self.exact = False


def _chain(members: list[tuple[str, bool]]) -> str:
    """Members in their order with commas between, some of them optional."""
    # From the last on: what may follow after another member, and as the first.
    after, alone = "", ""
    for member, required in reversed(members):
        behind = f"{member}{after}"
        if required:
            after, alone = f"{_COMMA}{behind}", behind
        else:
            alone = f"(?:{behind}|{alone})" if alone else f"(?:{behind})?"
            after = f"(?:{_COMMA}{member})?{after}"
    return alone


def _literal(value: Any) -> str:
    return _SPECIAL.sub(r"\\\g<0>", json.dumps(value, ensure_ascii=False))


def _group(choices: list[str]) -> str:
    return f"(?:{'|'.join(dict.fromkeys(choices))})"
