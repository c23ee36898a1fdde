"""The constraint ``yaml``: YAML in block style whose value satisfies a JSON schema.

How documents are written is here twice: as the parts of a byte matcher (``_Parts``), and as the
writer of the oracle (``_written``), which writes again what PyYAML has read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import jsonschema_rs

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import from_json
from condit.constraint.types.automaton import automaton
from condit.constraint.types.base import SmallType
from condit.constraint.types.cells import literal
from condit.constraint.types.extras import imported
from condit.constraint.types.linked import Linked, Places
from condit.constraint.types.numerals import between
from condit.constraint.types.pattern import escaped
from condit.errors import (
    ArgumentError,
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
_MOST_DIGITS = 300
_PLAIN_KEY = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
_NO_KEYS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_CHARACTERS = "[ !#-\\[\\]-\\~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_STRING = rf'"({_CHARACTERS}|\\["\\nrtbf])*"'
_STRANGE = re.compile("[\x00-\x07\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


def yaml(schema: Mapping[str, Any]) -> Yaml:
    """YAML documents in block style whose value satisfies a JSON schema.

    Two spaces a level, keys in the order of the schema and no others, strings in double quotation
    marks, numbers without an exponent, ``[]`` and ``{}`` for what is empty; without comments, or a
    line break at the end. The value is what PyYAML reads.

    >>> pet = yaml({"type": "object", "properties": {"name": {"type": "string"}}})
    >>> pet.value('name: "Rex"')
    {'name': 'Rex'}

    Args:
        schema: with ``type`` (one, or several that have no parts), ``enum`` and ``const`` of such,
            ``properties`` and ``required``, ``items``, ``minItems`` and ``maxItems``, ``minimum``
            and ``maximum``, and annotations.

    Raises:
        ArgumentError: it is no such mapping, or no JSON schema.
        UnsupportedConstraintError: it has other keywords; the message says where.
        UnsatisfiableError: it has a place that no value satisfies.
        ConstraintTooComplexError: it counts too many items.
        MissingDependencyError: PyYAML is not installed; it is in ``condit[types]``.
    """
    if not isinstance(schema, Mapping):
        raise ArgumentError(f"yaml: the schema is {type(schema).__name__}, not a mapping")
    try:
        text = json.dumps(schema)
        jsonschema_rs.validator_for(json.loads(text))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"yaml: this is no JSON schema: {error}") from error
    return Yaml(text)


@dataclass(frozen=True)
class Yaml(SmallType):
    """YAML documents in block style; made by ``yaml``.

    Attributes:
        schema: the JSON schema, as JSON.
    """

    schema: str
    machine: Blocks = field(init=False, repr=False, compare=False)
    _library: Any = field(init=False, repr=False, compare=False)
    _validator: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        schema = json.loads(self.schema)
        object.__setattr__(self, "_library", imported("yaml", "yaml", "PyYAML"))
        object.__setattr__(self, "_validator", jsonschema_rs.validator_for(schema))
        try:
            object.__setattr__(self, "machine", _Parts().document(schema))
        except RecursionError:
            raise ConstraintTooComplexError("yaml: the schema is nested too deep") from None

    def objection(self, text: str) -> str | None:
        """Why it is no such document, by PyYAML and jsonschema-rs."""
        library = self._library
        try:
            found = library.safe_load(text)
            # Every scalar as it is written.
            spelled = library.load(text, Loader=library.BaseLoader)
        except (library.YAMLError, ValueError, RecursionError) as error:
            return f"it is no YAML: {str(error).splitlines()[0]}"
        try:
            self._validator.validate(found)
            written = "\n".join(_written(json.loads(self.schema), found, spelled))
        except (jsonschema_rs.ValidationError, _StrangeError) as error:
            return str(error).splitlines()[0]
        except (TypeError, ValueError) as error:
            return f"it has a value that JSON does not have: {error}"
        return None if written == text else "it is not written in block style as it should be"

    def value(self, text: str) -> object:
        """What PyYAML reads."""
        return self._library.safe_load(text)

    def describe(self) -> str:
        """The schema, as an instruction to a model."""
        return (
            "Respond only with YAML in block style, with strings in double quotation marks, whose "
            f"value satisfies this JSON schema:\n{self.schema}"
        )


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


class _Parts:
    """Makes the parts of documents."""

    def __init__(self) -> None:
        self._parts: list[ByteMatcher[Any]] = [literal("")]
        self._follows: list[list[int]] = [[]]

    def document(self, schema: Mapping[str, Any]) -> Blocks:
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
            return [self._add(automaton(escaped(space) + _scalar(schema, kinds, where)), before)]
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
            key = _key(name)
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


def _scalar(schema: Mapping[str, Any], kinds: list[str], where: str) -> str:
    """A pattern of the scalars of a schema."""
    if not kinds:
        parts = [escaped(each) for each in _options(schema, where)]
    else:
        low, high = (
            None if schema.get(each) is None else Decimal(str(schema[each]))
            for each in ("minimum", "maximum")
        )
        patterns = {
            "string": _STRING,
            "boolean": "true|false",
            "null": "null",
            "integer": between(low, high, "", most_digits=_MOST_DIGITS),
            "number": between(low, high, r"(\.[0-9]+)?", most_digits=_MOST_DIGITS),
        }
        parts = [patterns[kind] for kind in kinds]
    found = "|".join(f"({each})" for each in parts)
    if not parts or automaton(found).is_empty:
        raise UnsatisfiableError(f"yaml: no value is possible at {where}")
    return f"({found})"


def _options(schema: Mapping[str, Any], where: str) -> list[str]:
    """The values of ``enum`` and ``const`` as they are written."""
    options = [schema["const"]] if "const" in schema else schema["enum"]
    validator = jsonschema_rs.validator_for(dict(schema))
    options = [each for each in options if validator.is_valid(each)]
    if "const" in schema and "enum" in schema:
        raise UnsupportedConstraintError(f"yaml: both const and enum at {where}")
    written = [json.dumps(each, ensure_ascii=False) for each in options]
    for each, text in zip(options, written, strict=True):
        strange = isinstance(each, str) and _STRANGE.search(each)
        if isinstance(each, (dict, list)) or strange or (isinstance(each, float) and "e" in text):
            raise UnsupportedConstraintError(f"yaml: the option {each!r} at {where}")
    return written


def _key(name: str) -> str:
    plain = _PLAIN_KEY.fullmatch(name) and name.lower() not in _NO_KEYS
    if not plain and _STRANGE.search(name):
        raise UnsupportedConstraintError(f"yaml: the key {name!r} has strange characters")
    return name if plain else json.dumps(name, ensure_ascii=False)


class _StrangeError(Exception):
    """A value that is not written so."""


def _written(schema: Mapping[str, Any], found: Any, spelled: Any) -> list[str]:
    """The lines of a value that satisfies the schema.

    Args:
        schema: of the value.
        found: the value.
        spelled: the same, with every scalar as the text that it has.
    """
    if isinstance(found, dict):
        order = [name for name in schema.get("properties", ()) if name in found]
        if list(found) != order:
            raise _StrangeError("its keys are others, or in another order")
        lines = []
        for name, each in found.items():
            inner = _written(schema["properties"][name], each, spelled[name])
            if isinstance(each, (dict, list)) and each:
                lines += [f"{_key(name)}:", *(f"  {line}" for line in inner)]
            else:
                lines.append(f"{_key(name)}: {inner[0]}")
        return lines or ["{}"]
    if isinstance(found, list):
        lines = []
        for each, text in zip(found, spelled, strict=True):
            first, *others = _written(schema["items"], each, text)
            lines += [f"- {first}", *(f"  {line}" for line in others)]
        return lines or ["[]"]
    written = json.dumps(found, ensure_ascii=False)
    if isinstance(found, str):
        if _STRANGE.search(found):
            raise _StrangeError("a string has strange characters")
        return [written]
    if isinstance(found, bool) or found is None:
        return [written]
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        if spelled not in [json.dumps(each) for each in options]:
            raise _StrangeError(f"{spelled} is not written like any option")
        return [spelled]
    kinds = schema.get("type", [])
    if "number" not in kinds and isinstance(found, float):
        raise _StrangeError(f"{spelled} is not written as a whole number")
    try:
        exact = Decimal(spelled)
    except InvalidOperation:
        raise _StrangeError(f"{spelled} is not written as a plain number") from None
    is_plain = format(exact, "f") == spelled and not (exact == 0 and exact.is_signed())
    if not is_plain or abs(exact) >= Decimal(10) ** _MOST_DIGITS:
        raise _StrangeError(f"{spelled} is not written as a plain number")
    low, high = schema.get("minimum"), schema.get("maximum")
    below = low is not None and exact < Decimal(str(low))
    if below or (high is not None and exact > Decimal(str(high))):
        raise _StrangeError(f"{spelled} is not between its bounds")
    return [spelled]


def _make(value: object) -> Yaml:
    found = from_json("yaml", value) if isinstance(value, str) else value
    return yaml(found)  # type: ignore[arg-type]


YAML = ConstraintSource(
    name="yaml",
    description="YAML in block style; the JSON schema of its value",
    make=_make,
    given_as="file",
)
