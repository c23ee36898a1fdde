"""In which order the keys of an object are written: as the schema's author wrote them.

The canonical form of a schema has lost that. So the document is walked along with it: at every
place of a value, these are the subschemas of the document that say something about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from condit.constraint.schema.dialect import REFERENCES
from condit.constraint.schema.keywords import escape
from condit.constraint.schema.patterns import matches

Place = tuple[int, ...]
"""Subschemas that apply at one place, by number, in the order of the document."""

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE_MAPS = ("dependentSchemas", "dependencies")
_IN_PLACE = ("if", "then", "else", "not")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_DYNAMIC = "dynamic:"
_IDENTIFIERS = re.compile(r'"(\$?id|\$anchor|\$dynamicAnchor|\$recursiveAnchor)":')
_MOST_ORDERS = 6
_MOST = 200
"""Subschemas looked at for one place: beyond that an order is no longer to be guessed."""


_Part = tuple[Any, str, str]
"""A subschema, its pointer, and the address that its references start from."""


@dataclass(frozen=True)
class _Keys:
    """What the subschemas of one place say about keys.

    Attributes:
        declared: by ``properties``.
        others: subschemas that speak of further keys: by patterns, and by what is left then.
    """

    declared: dict[str, list[_Part]]
    others: list[tuple[dict[str, Any], list[tuple[str, _Part]], list[_Part]]]


class KeyOrder:
    """The order of keys, and the subschemas that apply, at every place of a value.

    Args:
        documents: the schema documents by their address, the first of them the schema itself.
    """

    def __init__(self, documents: Sequence[tuple[str, Any]]) -> None:
        self._documents = documents
        self._subschemas: list[dict[str, Any]] = []
        self._pointers: list[str] = []
        self._bases: list[str] = []
        self._numbers: dict[int, int] = {}
        self._closures: dict[int, Place] = {}
        self._names: dict[Place, tuple[str, ...]] = {}
        self._orders: dict[Place, tuple[tuple[str, ...], ...]] = {}
        self._members: dict[tuple[Place, str], Place] = {}
        self._keys_of: dict[Place, _Keys] = {}
        self._constants: dict[str, tuple[str, ...]] | None = None
        address, schema = documents[0]
        self.start: Place = self._place([(schema, "", address)])

    def names(self, place: Place) -> tuple[str, ...]:
        """The keys that the schema speaks of, in its order."""
        names = self._names.get(place)
        if names is None:
            names = self._names[place] = self._merged(place, _names_in)
        return names

    def orders(self, place: Place) -> tuple[tuple[str, ...], ...]:
        """``names`` in every order that one of the subschemas has, the order of all of them first.

        Alternatives of a schema may name the same keys in different orders.
        """
        # Many alternatives (of 128 tools, say) share their place, and each asks.
        orders = self._orders.get(place)
        if orders is None:
            orders = self._orders[place] = self._all_orders(place)
        return orders

    def _all_orders(self, place: Place) -> tuple[tuple[str, ...], ...]:
        first = self.names(place)
        ranks = {name: rank for rank, name in enumerate(first)}
        # Keys that are not declared have no order: what depends on what may come either way.
        found = dict.fromkeys([first, self._merged(place, _names_the_other_way)])
        for subschema in map(self._subschemas.__getitem__, place):
            own = tuple(_map(subschema, "properties"))
            if any(ranks[one] > ranks[two] for one, two in pairwise(own)):
                found[tuple(dict.fromkeys((*own, *first)))] = None
        return tuple(found)[:_MOST_ORDERS]

    def _merged(
        self, place: Place, undeclared: Callable[[dict[str, Any]], Iterable[str]]
    ) -> tuple[str, ...]:
        subschemas = [self._subschemas[each] for each in place]
        found: dict[str, None] = {}
        for subschema in subschemas:
            found.update(dict.fromkeys(_map(subschema, "properties")))
        for subschema in subschemas:
            found.update(dict.fromkeys(undeclared(subschema)))
        return tuple(found)

    def asks_for_integers(self, place: Place) -> bool:
        """Whether one of the subschemas wants numbers to be of the type ``integer``."""
        types = (self._subschemas[each].get("type", ()) for each in place)
        return any("integer" in kinds and "number" not in kinds for kinds in types)

    def pointers(self, place: Place) -> frozenset[str]:
        """The JSON pointers of the subschemas, in the schema itself."""
        return frozenset(self._pointers[each] for each in place)

    def member(self, place: Place, name: str) -> Place:
        """The place of the value under ``name``."""
        found = self._members.get((place, name))
        if found is None:
            found = self._members[place, name] = self._member(place, name)
        return found

    def _member(self, place: Place, name: str) -> Place:
        keys = self._keys(place)
        parts = list(keys.declared.get(name, ()))
        for subschema, patterns, rest in keys.others:
            matched = [part for pattern, part in patterns if matches(pattern, name)]
            if not matched and name not in _map(subschema, "properties"):
                matched = rest
            parts += matched
        return self._place(parts)

    def _keys(self, place: Place) -> _Keys:
        keys = self._keys_of.get(place)
        if keys is None:
            declared: dict[str, list[_Part]] = {}
            others = []
            for number in place:
                subschema, pointer, base = self._at(number)
                for name, part in _map(subschema, "properties").items():
                    where = f"{pointer}/properties/{escape(name)}"
                    declared.setdefault(name, []).append((part, where, base))
                patterns = [
                    (pattern, (part, f"{pointer}/patternProperties/{escape(pattern)}", base))
                    for pattern, part in _map(subschema, "patternProperties").items()
                ]
                rest = self._others(number)
                if patterns or rest:
                    others.append((subschema, patterns, rest))
            keys = self._keys_of[place] = _Keys(declared, others)
        return keys

    def extra(self, place: Place) -> Place:
        """The place of the values under keys that the schema does not name."""
        parts = []
        for _, patterns, rest in self._keys(place).others:
            parts += [*(part for _, part in patterns), *rest]
        return self._place(parts)

    def item(self, place: Place, index: int) -> Place:
        """The place of an item of an array."""
        parts = []
        for number in place:
            subschema, pointer, base = self._at(number)
            for keyword in ("prefixItems", "items"):
                each = subschema.get(keyword)
                if isinstance(each, list) and index < len(each):
                    parts.append((each[index], f"{pointer}/{keyword}/{index}", base))
            for keyword in _ITEMS:
                if isinstance(subschema.get(keyword), dict):
                    parts.append((subschema[keyword], f"{pointer}/{keyword}", base))
        return self._place(parts)

    def constant(self, value: dict[str, Any]) -> tuple[str, ...]:
        """The keys of a constant object, as the document has them."""
        if self._constants is None:
            self._constants = {}
            for _, document in self._documents:
                for each in _constants_in(document):
                    self._constants.setdefault(_sorted(each), tuple(each))
        return self._constants.get(_sorted(value), tuple(value))

    def _others(self, number: int) -> list[_Part]:
        subschema, pointer, base = self._at(number)
        return [
            (subschema[keyword], f"{pointer}/{keyword}", base)
            for keyword in ("additionalProperties", "unevaluatedProperties")
            if isinstance(subschema.get(keyword), dict)
        ]

    def _at(self, number: int) -> tuple[dict[str, Any], str, str]:
        return self._subschemas[number], self._pointers[number], self._bases[number]

    def _place(self, parts: list[_Part]) -> Place:
        """``parts``, and all that applies at the same place through them."""
        found: dict[int, None] = {}
        for part, pointer, base in parts:
            if isinstance(part, dict):
                found.update(dict.fromkeys(self._closure(self._number(part, pointer, base))))
        return tuple(found)[:_MOST]

    def _number(self, subschema: dict[str, Any], pointer: str, base: str) -> int:
        number = self._numbers.get(id(subschema))
        if number is None:
            identifier = subschema.get("$id", subschema.get("id"))
            if isinstance(identifier, str):
                base = urljoin(base, urldefrag(identifier)[0])
            number = self._numbers[id(subschema)] = len(self._subschemas)
            self._subschemas.append(subschema)
            self._pointers.append(pointer)
            self._bases.append(base)
        return number

    def _closure(self, number: int) -> Place:
        closure = self._closures.get(number)
        if closure is None:
            found: dict[int, None] = {}
            todo = [number]
            while todo and len(found) < _MOST:
                each = todo.pop()
                if each not in found:
                    found[each] = None
                    parts = [
                        self._number(part, pointer, base)
                        for part, pointer, base in self._in_place(each)
                        if isinstance(part, dict)
                    ]
                    todo.extend(reversed(parts))
            closure = self._closures[number] = tuple(found)
        return closure

    def _in_place(self, number: int) -> Iterator[_Part]:
        subschema, pointer, base = self._at(number)
        for keyword, value in subschema.items():
            if keyword in _IN_PLACE:
                yield value, f"{pointer}/{keyword}", base
            elif keyword in _IN_PLACE_LISTS and isinstance(value, list):
                for index, part in enumerate(value):
                    yield part, f"{pointer}/{keyword}/{index}", base
            elif keyword in _IN_PLACE_MAPS and isinstance(value, dict):
                for name, part in value.items():
                    yield part, f"{pointer}/{keyword}/{escape(name)}", base
            elif keyword in REFERENCES and isinstance(value, str):
                if keyword != "$ref":
                    yield from self._dynamic_target(value)
                yield from self._target(base, value)

    def _target(self, base: str, reference: str) -> Iterator[_Part]:
        """Where a reference leads; nowhere, if it cannot be followed."""
        address, fragment = urldefrag(urljoin(base, reference))
        # Addresses that cannot be joined (urn:, json-schema:) leave the fragment alone.
        address, fragment = address or base, unquote(fragment)
        anchor = f"#{fragment}" if fragment and not fragment.startswith("/") else ""
        part, pointer = self._identified.get(address + anchor, (None, ""))
        for step in [] if anchor else fragment.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            pointer += f"/{escape(step)}"
            if isinstance(part, dict):
                part = part.get(step)
            elif isinstance(part, list) and step.isdigit() and int(step) < len(part):
                part = part[int(step)]
            else:
                return
        yield part, pointer, address

    def _dynamic_target(self, reference: str) -> Iterator[_Part]:
        """Where a dynamic reference leads in the end: to the outermost schema of its name."""
        found = self._identified.get(_DYNAMIC + urldefrag(reference).fragment)
        if found is not None:
            yield *found, self._documents[0][0]

    @cached_property
    def _identified(self) -> dict[str, tuple[Any, str]]:
        """Every subschema with an address or an anchor of its own, by that."""
        found: dict[str, tuple[Any, str]] = {}
        for address, place in self._addresses():
            found.setdefault(address, place)
        return found

    def _addresses(self) -> Iterator[tuple[str, tuple[Any, str]]]:
        for number, (address, document) in enumerate(self._documents):
            # A pointer into another document says nothing about this one's keywords.
            start = "" if number == 0 else f"{address}#"
            yield address, (document, start)
            if not _IDENTIFIERS.search(json.dumps(document)):
                continue
            todo = [(document, start, address)]
            while todo:
                part, pointer, base = todo.pop()
                if isinstance(part, dict):
                    identifier = part.get("$id", part.get("id"))
                    if isinstance(identifier, str):
                        base, anchor = urldefrag(urljoin(base, identifier))
                        yield (f"{base}#{anchor}" if anchor else base), (part, pointer)
                    for keyword in ("$anchor", "$dynamicAnchor"):
                        if isinstance(part.get(keyword), str):
                            yield f"{base}#{part[keyword]}", (part, pointer)
                    if isinstance(part.get("$dynamicAnchor"), str):
                        yield _DYNAMIC + part["$dynamicAnchor"], (part, pointer)
                    if part.get("$recursiveAnchor") is True:
                        yield _DYNAMIC, (part, pointer)
                    todo += [(each, f"{pointer}/{escape(key)}", base) for key, each in part.items()]
                elif isinstance(part, list):
                    todo += [(each, f"{pointer}/{index}", base) for index, each in enumerate(part)]


def _map(subschema: dict[str, Any], keyword: str) -> dict[str, Any]:
    members = subschema.get(keyword)
    return members if isinstance(members, dict) else {}


def _names_in(subschema: dict[str, Any]) -> Iterator[str]:
    """Keys that are not declared, but spoken of; what another key depends on comes before it."""
    names = subschema.get("propertyNames")
    listed = names.get("enum") if isinstance(names, dict) else None
    for keys in (listed, subschema.get("required")):
        if isinstance(keys, list):
            yield from (name for name in keys if isinstance(name, str))
    for keyword in ("dependentRequired", "dependencies"):
        for name, needed in _map(subschema, keyword).items():
            if isinstance(needed, list):
                yield from (each for each in needed if isinstance(each, str))
            yield name
    yield from _map(subschema, "dependentSchemas")


def _names_the_other_way(subschema: dict[str, Any]) -> Iterator[str]:
    """Like ``_names_in``, but what depends on another key comes before it."""
    for keyword in ("dependentRequired", "dependencies"):
        for name, needed in _map(subschema, keyword).items():
            if isinstance(needed, list):
                yield name
    yield from _names_in(subschema)


def _constants_in(document: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a ``const`` or an ``enum``."""
    todo = [(document, False)]
    while todo:
        part, constant = todo.pop()
        if isinstance(part, dict):
            if constant:
                yield part
            todo += [(each, constant or key in ("const", "enum")) for key, each in part.items()]
        elif isinstance(part, list):
            todo += [(each, constant) for each in part]


def _sorted(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, default=str)
