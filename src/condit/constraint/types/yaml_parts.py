"""The parts of YAML documents in block style, as byte matchers, made of a JSON schema.

The same once more, for the oracle, is in ``yaml_written.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import jsonschema_rs

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import ByteTable, byte_table
from condit.constraint.regular.expression import alternation, concatenation, word
from condit.constraint.types.cells import literal
from condit.constraint.types.linked import Linked, Places
from condit.constraint.types.numerals import between
from condit.constraint.types.patterns import read
from condit.constraint.types.yaml_written import MOST_DIGITS, STRANGE, key_of
from condit.errors import (
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)

_ANNOTATIONS = frozenset(
    ["$schema", "$id", "$comment", "title", "description", "default", "examples"]
)
_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "string": set(),
    "boolean": set(),
    "null": set(),
}
_MOST_PARTS = 5000
_CHARACTERS = "[ !#-\\[\\]-\\~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_STRING = rf'"({_CHARACTERS}|\\["\\nrtbf])*"'


@dataclass(frozen=True)
class Blocks(Linked):
    """The parts of a document, by number, with those that may follow each.

    Attributes:
        parts: the byte matchers; the first is for the empty text.
        follows: for each part those that may follow it.
        last: those that may end the document.
    """

    parts: tuple[ByteMatcher[Any], ...]
    follows: tuple[tuple[int, ...], ...]
    last: frozenset[int]
    start: Places = frozenset([(0, 0)])
    strength = Strength.EXACT

    def machine(self, part: int) -> ByteMatcher[Any]:
        """A piece of text, or a scalar."""
        return self.parts[part]

    def following(self, part: int) -> tuple[int, ...]:
        """Those that may follow."""
        return self.follows[part]

    def is_last(self, part: int) -> bool:
        """Whether the document may end with it."""
        return part in self.last


class Parts:
    """Makes the parts of documents."""

    def __init__(self) -> None:
        self._parts: list[ByteMatcher[Any]] = [literal("")]
        self._follows: list[list[int]] = [[]]

    def document(self, schema: Mapping[str, Any]) -> Blocks:
        """The parts of the documents of a JSON schema.

        Raises:
            UnsupportedConstraintError: it has keywords that are not known here.
            UnsatisfiableError: it has a place that no value satisfies.
            ConstraintTooComplexError: it counts too many items.
        """
        last = self._value(schema, [0], "", "", -2, "the top")
        return Blocks(tuple(self._parts), tuple(map(tuple, self._follows)), frozenset(last))

    def _add(self, part: ByteMatcher[Any], before: list[int]) -> int:
        if len(self._parts) == _MOST_PARTS:
            raise ConstraintTooComplexError(f"yaml: the schema has more than {_MOST_PARTS} parts")
        number = len(self._parts)
        self._parts.append(part)
        self._follows.append([])
        for each in before:
            self._follows[each].append(number)
        return number

    def _value(
        self, schema: Any, before: list[int], space: str, down: str, indent: int, where: str
    ) -> list[int]:
        """Add a value behind these parts; the parts that may end it.

        Args:
            schema: of the value.
            before: the parts that it may follow.
            space: what stands before a scalar.
            down: what stands before a block.
            indent: how many spaces its parent is indented.
            where: in the document, for messages.
        """
        kinds = _kinds(schema, where)
        if kinds not in (["object"], ["array"]):
            return [self._add(_scalar(schema, kinds, where, space), before)]
        is_object = kinds == ["object"]
        least = len(schema.get("required", ())) if is_object else schema.get("minItems", 0)
        ends = []
        if least == 0:
            ends.append(self._add(literal(space + ("{}" if is_object else "[]")), before))
        if is_object and schema.get("properties"):
            begun = [self._add(literal(down), before)]
            ends += self._object(schema, begun, indent + 2, where)
        elif not is_object and schema.get("maxItems") != 0:
            begun = [self._add(literal(down), before)]
            ends += self._array(schema, begun, indent + 2, where)
        return ends

    def _object(
        self, schema: Mapping[str, Any], before: list[int], indent: int, where: str
    ) -> list[int]:
        behind: list[int] = []
        for name, inner in schema["properties"].items():
            key = key_of(name)
            begun = [self._add(literal(f"{key}:"), before)] if before else []
            if behind:
                begun.append(self._add(literal(f"\n{' ' * indent}{key}:"), behind))
            down = "\n" + " " * (indent + 2)
            ends = self._value(inner, begun, " ", down, indent, f"{where}, {name}")
            is_required = name in schema.get("required", ())
            before, behind = ([], ends) if is_required else (before, behind + ends)
        return behind

    def _array(
        self, schema: Mapping[str, Any], before: list[int], indent: int, where: str
    ) -> list[int]:
        items, least, most = schema["items"], schema.get("minItems", 0), schema.get("maxItems")
        line, all_ends, number = "-", [], 0
        while most is None or number < most:
            dash = self._add(literal(line), before)
            before = self._value(items, [dash], " ", " ", indent, f"{where}, item")
            number += 1
            if number >= least:
                all_ends += before
            if most is None and number > max(1, least):
                for each in before:
                    self._follows[each].append(dash)
                break
            line = f"\n{' ' * indent}-"
        return all_ends


def _kinds(schema: Any, where: str) -> list[str]:
    """The types of a schema, all keywords of which are known; none for ``enum`` and ``const``."""
    if not isinstance(schema, Mapping):
        raise UnsupportedConstraintError(f"yaml: {schema!r} as a schema, at {where}")
    asked = set(schema) - _ANNOTATIONS - {"type"}
    if asked & {"enum", "const"}:
        found, known = [], {"enum", "const"}
    else:
        kinds = schema.get("type")
        found = [kinds] if isinstance(kinds, str) else list(kinds or ())
        known = set().union(*(_KEYWORDS.get(kind, set()) for kind in found))
        if not found or (len(found) > 1 and set(found) & {"object", "array"}):
            raise UnsupportedConstraintError(
                f"yaml: the schema at {where} needs one type, or several that have no parts"
            )
    wrong = sorted(asked - known)
    if schema.get("additionalProperties") not in (None, False):
        wrong = ["additionalProperties"]
    if wrong or (found == ["array"] and "items" not in schema):
        raise UnsupportedConstraintError(
            f"yaml: {wrong[0]!r} at {where} is not supported; condit.json_schema knows more"
            if wrong
            else f"yaml: the array at {where} needs 'items'",
            keywords=tuple(wrong),
        )
    missing = set(schema.get("required", ())) - set(schema.get("properties", ()))
    if missing:
        raise UnsupportedConstraintError(f"yaml: required at {where}, and no property: {missing}")
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is not None and least > most:
        raise UnsatisfiableError(f"yaml: no array at {where} has {least} to {most} items")
    return found


def _scalar(schema: Mapping[str, Any], kinds: list[str], where: str, space: str) -> ByteTable:
    """The scalars of a schema, behind ``space``."""
    if not kinds:
        choices = [word(each) for each in _options(schema, where)]
    else:
        low, high = (
            None if schema.get(each) is None else Decimal(str(schema[each]))
            for each in ("minimum", "maximum")
        )
        known = {
            "string": lambda: read(_STRING),
            "boolean": lambda: read("true|false"),
            "null": lambda: word("null"),
            "integer": lambda: between(low, high, most_digits=MOST_DIGITS),
            "number": lambda: between(low, high, r"(\.[0-9]+)?", most_digits=MOST_DIGITS),
        }
        choices = [known[kind]() for kind in kinds]
    found = byte_table(concatenation(word(space), alternation(*choices)))
    if found.is_empty:
        raise UnsatisfiableError(f"yaml: no value is possible at {where}")
    return found


def _options(schema: Mapping[str, Any], where: str) -> list[str]:
    """The values of ``enum`` and ``const`` as they are written."""
    options = [schema["const"]] if "const" in schema else schema["enum"]
    validator = jsonschema_rs.validator_for(dict(schema))
    options = [each for each in options if validator.is_valid(each)]
    if "const" in schema and "enum" in schema:
        raise UnsupportedConstraintError(f"yaml: both const and enum at {where}")
    written = [json.dumps(each, ensure_ascii=False) for each in options]
    for each, text in zip(options, written, strict=True):
        strange = isinstance(each, str) and STRANGE.search(each)
        if isinstance(each, (dict, list)) or strange or (isinstance(each, float) and "e" in text):
            raise UnsupportedConstraintError(f"yaml: the option {each!r} at {where}")
    return written
