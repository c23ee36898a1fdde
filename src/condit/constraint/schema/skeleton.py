"""A JSON schema as the short form of its values: ``{"name": string, "age": integer}``.

For prompts. What is enforced is decided elsewhere; conditions that have no short form (``if``, a
long ``not``) are left out here. Keys come in the order in which drawn texts have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.index import Index
from condit.constraint.schema.keywords import escape
from condit.constraint.schema.skeleton_notes import one_line, quoted, remarks_of

Places = tuple[str, ...]
"""Where the subschemas stand that apply to one value together."""

LIMIT = 2000
"""Characters that a form may have, unless the caller says otherwise."""

_STRINGS = {
    "date": '"YYYY-MM-DD"',
    "date-time": '"YYYY-MM-DDThh:mm:ssZ"',
    "time": '"hh:mm:ssZ"',
}
_ANY = "any JSON value"
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OF_OBJECTS = ("properties", "patternProperties", "additionalProperties", "required")
_OF_ARRAYS = ("items", "prefixItems", "minItems", "maxItems", "additionalItems", "contains")
_TYPES = ("null", "boolean", "object", "array", "number", "integer", "string")
_SAYS_NOTHING = {"$ref", "$defs", "definitions", "$schema", "$id", "id", "title", "$comment"}
_LONGEST_NOT = 80
"""Characters of the form of what is excluded: a model does not learn what to write from more."""

_MOST_TOGETHER = 50
_MOST_OPEN = 50
"""Alternatives inside alternatives are not levels of the value, and could go on for ever."""


@dataclass(frozen=True)
class _Size:
    """How much of a schema is shown."""

    depth: int
    members: int
    options: int
    notes: bool
    parts: int = 2000


SIZES = (
    _Size(12, 100, 40, True),
    _Size(8, 40, 20, True),
    _Size(8, 40, 20, False),
    _Size(5, 20, 10, False),
    _Size(4, 10, 6, False),
    _Size(3, 6, 4, False),
    _Size(2, 4, 3, False),
    _Size(1, 4, 3, False),
)


class TooLongError(Exception):
    """More parts than the size allows."""


def skeleton(
    documents: Sequence[tuple[str, object]], draft: int | None = None, limit: int = LIMIT
) -> str:
    """The form of the values of a schema, on a line, and a line for each type that it names.

    Of a schema whose form is longer than ``limit`` less is shown: first without descriptions, then
    with fewer alternatives, optional members and levels; the form says how many are left out.

    >>> skeleton([("", {"type": "array", "items": {"enum": ["a", "b"]}})])
    '["a" | "b", ...]'

    Args:
        documents: by their address; the first is the schema itself.
        draft: what they are written for where they do not say it themselves.
        limit: the most characters.
    """
    text = ""
    for size in SIZES:
        try:
            text = FormWriter(Index(documents, draft), size).whole(documents[0][1])
        except TooLongError:
            continue
        if len(text) <= limit:
            return text
    return f"{text[: limit - 4]} ..." if text else "a JSON value"


@dataclass
class FormWriter:
    """Writes one form.

    Attributes:
        index: the subschemas by their place.
        size: how much is shown.
        names: of places that contain themselves.
        open: the places that are being written, from the outermost on.
        parts: how many have been written.
    """

    index: Index
    size: _Size
    names: dict[Places, str] = field(default_factory=dict)
    open: list[Places] = field(default_factory=list)
    parts: int = 0

    def whole(self, schema: object) -> str:
        """The form, and a line for each type that it names."""
        if schema is False:
            return "nothing"
        start = self.together([""])
        # Written twice: only then is it known which places contain themselves.
        self.value(start, 0, inline=True)
        text = self.value(start, 0, inline=True)
        lines = {}
        while missing := [
            place for place, name in self.names.items() if name in text and name not in lines
        ]:
            place = missing[0]
            name = self.names[place]
            lines[name] = (
                f"{name} is this whole form again."
                if place == start
                else f"{name} is {self.value(place, 1, inline=True)}"
            )
            text += f"\n{lines[name]}"
        return text

    def value(self, places: Places, depth: int, *, inline: bool = False) -> str:
        """The form of the values at places that apply together."""
        self.parts += 1
        if self.parts > self.size.parts:
            raise TooLongError
        if places in self.open:
            return self.names.setdefault(places, self._name(places))
        if places in self.names and not inline:
            return self.names[places]
        if len(self.open) > _MOST_OPEN:
            return "..."
        self.open.append(places)
        try:
            form = self._all_of(self._schemas(places), places, depth)
            return form + self._but_not(places, depth)
        finally:
            self.open.pop()

    def _but_not(self, places: Places, depth: int) -> str:
        """What ``not`` takes out, where that has a short form."""
        found = [
            self.value(self.together([f"{place}/not"]), depth + 1)
            for place in places
            if f"{place}/not" in self.index.subschemas
        ]
        short = [form for form in found if form != _ANY and len(form) <= _LONGEST_NOT]
        return f" (but not {' and not '.join(short)})" if short else ""

    def _all_of(self, schemas: list[dict[str, Any]], places: Places, depth: int) -> str:
        unions = [
            [f"{place}/{keyword}/{number}" for number in range(len(schema[keyword]))]
            for place, schema in zip(places, schemas, strict=True)
            for keyword in ("anyOf", "oneOf")
            if isinstance(schema.get(keyword), list) and schema[keyword]
        ]
        unions = [union for union in unions if any(map(self._says_much, union))]
        facts = _facts(schemas)
        if not unions or "const" in facts or "enum" in facts:
            return self._plain(facts, places, depth)
        others = self._has_form(facts)
        choices: dict[str, None] = {}
        for place in unions[0][: self.size.options]:
            if place not in self.index.subschemas:
                continue
            if others:
                # What stands beside the alternatives holds for each of them.
                together = (*places, *self.together([place]))
                text = self._plain(_facts(self._schemas(together)), together, depth)
            else:
                text = self.value(self.together([place]), depth)
            choices.setdefault(text)
        more = len(unions[0]) - self.size.options
        shown = [*choices, *([f"... ({more} more forms)"] if more > 0 else [])]
        return " | ".join(shown) + ("" if others else self._notes(facts))

    def _says_much(self, place: str) -> bool:
        """Whether an alternative has a form of its own, and not only other required keys."""
        return any(
            self._has_form(schema) or "anyOf" in schema or "oneOf" in schema
            for schema in self._schemas(self.together([place]))
        )

    def _schemas(self, places: Places) -> list[dict[str, Any]]:
        return [self.index.subschemas[place].schema for place in places]

    @staticmethod
    def _has_form(facts: dict[str, Any]) -> bool:
        keywords = ("type", "const", "enum", "format", "pattern", *_OF_OBJECTS[:3], *_OF_ARRAYS)
        return any(keyword in facts for keyword in keywords)

    def _plain(self, facts: dict[str, Any], places: Places, depth: int) -> str:
        """The form without alternatives, by its types."""
        if "const" in facts:
            return quoted(facts["const"]) + self._notes(facts, "string")
        if isinstance(facts.get("enum"), list):
            return self._some([quoted(each) for each in facts["enum"]], "values") + self._notes(
                facts
            )
        types = _types(facts)
        written = [self._of_type(kind, facts, places, depth) for kind in types]
        return " | ".join(dict.fromkeys(written)) or _ANY + self._notes(facts)

    def _some(self, options: list[str], what: str) -> str:
        more = len(options) - self.size.options
        shown = options[: self.size.options] + ([f"... ({more} more {what})"] if more > 0 else [])
        return " | ".join(shown)

    def _of_type(self, kind: str, facts: dict[str, Any], places: Places, depth: int) -> str:
        if kind == "object":
            text = self._object(facts, places, depth)
        elif kind == "array":
            text = self._array(facts, places, depth)
        elif kind == "string":
            text = _STRINGS.get(str(facts.get("format")), "string")
        else:
            text = {"boolean": "true | false"}.get(kind, kind)
        return text + self._notes(facts, kind)

    def _notes(self, facts: dict[str, Any], kind: str = "") -> str:
        notes = remarks_of(facts, kind, described=self.size.notes)
        return f" ({'; '.join(notes)})" if notes else ""

    def _object(self, facts: dict[str, Any], places: Places, depth: int) -> str:
        required = [name for name in facts.get("required", ()) if isinstance(name, str)]
        names = list(dict.fromkeys([*facts.get("properties", ()), *required]))
        others = self._others(facts, places, depth)
        if depth >= self.size.depth:
            return "{...}" if names or others else "object"
        kept = sorted(names, key=lambda name: name not in required)[: self.size.members]
        shown = []
        for name in names:
            if name in kept:
                optional = "" if name in required else " (optional)"
                value = self._member(places, name, depth)
                shown.append(f"{quoted(name)}: {value}{optional}")
        if more := len(names) - len(kept):
            left = sum(name in required for name in names) - sum(name in required for name in kept)
            kind = f", {left} of them required" if left else ", all optional"
            shown.append(f"... ({more} more members{kind})")
        shown += others
        return f"{{{', '.join(shown)}}}" if shown else "object" if not facts.get("closed") else "{}"

    def _member(self, places: Places, name: str, depth: int) -> str:
        found = [f"{place}/properties/{escape(name)}" for place in places]
        return self.value(self.together(found), depth + 1)

    def _others(self, facts: dict[str, Any], places: Places, depth: int) -> list[str]:
        """Members whose keys are not named."""
        shown = []
        for pattern in list(facts.get("patternProperties", ()))[: self.size.options]:
            found = [f"{place}/patternProperties/{escape(pattern)}" for place in places]
            value = self.value(self.together(found), depth + 1)
            shown.append(f"(key matching {one_line(pattern, 60)}): {value}, ...")
        found = [f"{place}/additionalProperties" for place in places]
        if together := self.together(found):
            named = facts.get("properties") or facts.get("required")
            key = "(other key)" if named or shown else "(key)"
            shown.append(f"{key}: {self.value(together, depth + 1)}, ...")
        return shown

    def _array(self, facts: dict[str, Any], places: Places, depth: int) -> str:
        if depth >= self.size.depth:
            return "[...]"
        lists = [
            (f"{place}/{keyword}", self.index.subschemas[place].schema[keyword])
            for place in places
            for keyword in ("prefixItems", "items")
            if isinstance(self.index.subschemas[place].schema.get(keyword), list)
        ]
        first = lists[0] if lists else ("", [])
        numbers = range(min(len(first[1]), self.size.members))
        shown = [
            self.value(self.together([f"{first[0]}/{number}"]), depth + 1) for number in numbers
        ]
        if (more := len(first[1]) - len(numbers)) > 0:
            return f"[{', '.join([*shown, f'... ({more} more items)'])}]"
        rest = [
            f"{place}/{keyword}"
            for place in places
            for keyword in ("items", "additionalItems")
            if isinstance(self.index.subschemas[place].schema.get(keyword), dict)
        ]
        most = facts.get("maxItems")
        if most == 0:
            return "[]"
        if rest:
            shown.append(self.value(self.together(rest), depth + 1))
            shown += [] if most == len(shown) else ["..."]
        elif not shown:
            shown = ["any JSON values", "..."]
        return f"[{', '.join(shown)}]"

    def together(self, places: Sequence[str]) -> Places:
        """Those of the places that are there, and all that applies through ``$ref``, ``allOf``."""
        found: dict[str, None] = {}
        ahead = list(reversed(places))
        while ahead and len(found) < _MOST_TOGETHER:
            place = ahead.pop()
            if place in self.index.subschemas and place not in found:
                found[place] = None
                ahead += reversed(list(self._through(place)))
        return tuple(place for place in found if not self._only_refers(place)) or tuple(found)[:1]

    def _only_refers(self, place: str) -> bool:
        here = self.index.subschemas[place]
        beside = here.schema.keys() - _SAYS_NOTHING
        return "$ref" in here.schema and (here.draft <= Draft.DRAFT_7 or not beside)

    def _through(self, place: str) -> Iterator[str]:
        here = self.index.subschemas[place]
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            yield from self.index.targets(here, keyword)[:1]
        if isinstance(parts := here.schema.get("allOf"), list) and not self._only_refers(place):
            yield from (f"{place}/allOf/{number}" for number in range(len(parts)))

    def _name(self, places: Places) -> str:
        """A name for a type that contains itself: that of its definition."""
        last = next((place for place in places if place), "").rpartition("/")[2]
        name = re.sub(r"\W", "", last)[:40] or "Form"
        name = name[0].upper() + name[1:]
        taken = set(self.names.values())
        return next(
            each for each in [name, *(f"{name}{n}" for n in range(2, 9999))] if each not in taken
        )


def _facts(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """The keywords of schemas that apply together: bounds the tightest, lists and maps united."""
    facts: dict[str, Any] = {}
    for schema in schemas:
        for keyword, value in schema.items():
            known = facts.get(keyword)
            if keyword not in facts:
                facts[keyword] = value
            elif keyword == "type":
                facts[keyword] = _both(_listed(known), _listed(value))
            elif keyword == "required" and isinstance(known, list) and isinstance(value, list):
                facts[keyword] = list(dict.fromkeys([*known, *value]))
            elif keyword == "enum" and isinstance(known, list) and isinstance(value, list):
                facts[keyword] = [each for each in known if each in value]
            elif keyword in ("properties", "patternProperties"):
                facts[keyword] = {**(known or {}), **value}
            elif keyword in _LEAST and not isinstance(value, bool):
                facts[keyword] = max(known, value)
            elif keyword in _MOST and not isinstance(value, bool):
                facts[keyword] = min(known, value)
    if any(schema.get("additionalProperties") is False for schema in schemas):
        facts["closed"] = True
    return facts


def _both(known: list[str], other: list[str]) -> list[str]:
    """The types that both lists have; ``integer`` is a kind of ``number``."""
    found = [each for each in known if each in other]
    if "integer" in known + other and "integer" not in found and "number" in known + other:
        found.append("integer")
    return found or known


def _listed(types: Any) -> list[str]:
    return types if isinstance(types, list) else [types]


def _types(facts: dict[str, Any]) -> list[str]:
    """The types that a value may have; none where nothing is said of them."""
    if "type" in facts:
        return [kind for kind in _listed(facts["type"]) if kind in _TYPES]
    if any(keyword in facts for keyword in _OF_OBJECTS):
        return ["object"]
    if any(keyword in facts for keyword in _OF_ARRAYS):
        return ["array"]
    if any(keyword in facts for keyword in ("pattern", "format", "minLength", "maxLength")):
        return ["string"]
    return ["number"] if any(keyword in facts for keyword in ("minimum", "maximum")) else []
