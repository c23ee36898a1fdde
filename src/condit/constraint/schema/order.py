"""The order in which the keys of an object are written: that of the schema document.

The canonical form of a schema has lost that order. So the document is walked along with it: a
*place* is the set of the subschemas of the document that apply to one part of a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from condit.constraint.schema.dialect import HERE, REFERENCES
from condit.constraint.schema.index import Index
from condit.constraint.schema.keywords import escape, inside
from condit.constraint.schema.patterns import matches

Place = tuple[int, ...]
"""Subschemas that apply at one place, by number, in the order of the document."""

_REST = ("additionalProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_MOST_ORDERS = 6
_MOST = 200
"""Subschemas of one place that are read at most: with more, the order is arbitrary anyway."""


@dataclass(frozen=True)
class _Keys:
    """The keys that the subschemas of one place mention.

    Attributes:
        declared: by ``properties``: for each key the pointers of its schemas.
        others: schemas of further keys: of patterns, and of additional properties.
    """

    declared: dict[str, list[str]]
    others: list[tuple[dict[str, Any], list[tuple[str, str]], list[str]]]


class KeyOrder:
    """The order of keys, and the subschemas that apply, at every place of a value.

    Args:
        documents: the schema documents by their address, the first of them the schema itself.
        draft: what they are written for where they do not say it themselves.
    """

    def __init__(self, documents: Sequence[tuple[str, Any]], draft: int | None = None) -> None:
        self._documents = documents
        self._index = Index(documents, draft)
        self._pointers: list[str] = []
        self._numbers: dict[str, int] = {}
        self._closures: dict[int, Place] = {}
        self._names: dict[Place, tuple[str, ...]] = {}
        self._orders: dict[Place, tuple[tuple[str, ...], ...]] = {}
        self._members: dict[tuple[Place, str], Place] = {}
        self._keys_of: dict[Place, _Keys] = {}
        self._constants: dict[str, tuple[str, ...]] | None = None
        self.start: Place = self._place([""])

    def names(self, place: Place) -> tuple[str, ...]:
        """The keys that the schema mentions, in its order."""
        names = self._names.get(place)
        if names is None:
            names = self._names[place] = self._merged(place, _names_in)
        return names

    def orders(self, place: Place) -> tuple[tuple[str, ...], ...]:
        """``names`` in every order that one of the subschemas has, the order of all of them first.

        Alternatives of a schema may name the same keys in different orders.
        """
        # Many alternatives (of 128 tools, say) share their place, so this is called often.
        orders = self._orders.get(place)
        if orders is None:
            orders = self._orders[place] = self._all_orders(place)
        return orders

    def _all_orders(self, place: Place) -> tuple[tuple[str, ...], ...]:
        first = self.names(place)
        ranks = {name: rank for rank, name in enumerate(first)}
        # Keys that are only mentioned have no order: a key may come before what it depends on.
        found = dict.fromkeys([first, self._merged(place, partial(_names_in, needing_first=True))])
        for subschema in map(self._schema, place):
            own = tuple(_map(subschema, "properties"))
            if any(ranks[one] > ranks[two] for one, two in pairwise(own)):
                found[tuple(dict.fromkeys((*own, *first)))] = None
        return tuple(found)[:_MOST_ORDERS]

    def _merged(
        self, place: Place, undeclared: Callable[[dict[str, Any]], Iterable[str]]
    ) -> tuple[str, ...]:
        subschemas = [self._schema(each) for each in place]
        found: dict[str, None] = {}
        for subschema in subschemas:
            found.update(dict.fromkeys(_map(subschema, "properties")))
        for subschema in subschemas:
            found.update(dict.fromkeys(undeclared(subschema)))
        return tuple(found)

    def asks_for_integers(self, place: Place) -> bool:
        """Whether one of the subschemas wants numbers to be of the type ``integer``."""
        types = (self._schema(each).get("type", ()) for each in place)
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
            declared: dict[str, list[str]] = {}
            others = []
            for number in place:
                subschema, pointer = self._schema(number), self._pointers[number]
                for name in _map(subschema, "properties"):
                    declared.setdefault(name, []).append(f"{pointer}/properties/{escape(name)}")
                patterns = [
                    (pattern, f"{pointer}/patternProperties/{escape(pattern)}")
                    for pattern in _map(subschema, "patternProperties")
                ]
                rest = [f"{pointer}/{keyword}" for keyword in _REST if keyword in subschema]
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
            subschema, pointer = self._schema(number), self._pointers[number]
            for keyword in ("prefixItems", "items"):
                each = subschema.get(keyword)
                if isinstance(each, list) and index < len(each):
                    parts.append(f"{pointer}/{keyword}/{index}")
            parts += [f"{pointer}/{keyword}" for keyword in _ITEMS]
        return self._place(parts)

    def constant(self, value: dict[str, Any]) -> tuple[str, ...]:
        """The keys of a constant object, as the document has them."""
        if self._constants is None:
            self._constants = {}
            for _, document in self._documents:
                for each in _constants_in(document):
                    self._constants.setdefault(_sorted(each), tuple(each))
        return self._constants.get(_sorted(value), tuple(value))

    def _schema(self, number: int) -> dict[str, Any]:
        return self._index.subschemas[self._pointers[number]].schema

    def _place(self, pointers: list[str]) -> Place:
        """The subschemas at some pointers, and all that applies at the same place through them."""
        found: dict[int, None] = {}
        for number in self._numbered(pointers):
            found.update(dict.fromkeys(self._closure(number)))
        return tuple(found)[:_MOST]

    def _numbered(self, pointers: Iterable[str]) -> list[int]:
        """The numbers of those subschemas that are neither ``true`` nor ``false``."""
        found = []
        for pointer in pointers:
            if pointer in self._index.subschemas:
                number = self._numbers.setdefault(pointer, len(self._pointers))
                if number == len(self._pointers):
                    self._pointers.append(pointer)
                found.append(number)
        return found

    def _closure(self, number: int) -> Place:
        closure = self._closures.get(number)
        if closure is None:
            found: dict[int, None] = {}
            todo = [number]
            while todo and len(found) < _MOST:
                each = todo.pop()
                if each not in found:
                    found[each] = None
                    todo.extend(reversed(self._numbered(self._in_place(each))))
            closure = self._closures[number] = tuple(found)
        return closure

    def _in_place(self, number: int) -> Iterator[str]:
        """The pointers of what applies to a value through one subschema."""
        pointer = self._pointers[number]
        here = self._index.subschemas[pointer]
        for keyword in here.schema:
            if keyword in REFERENCES:
                # The dynamic target, which holds in the end, before the static one.
                yield from reversed(self._index.targets(here, keyword))
            elif keyword in HERE:
                held = inside({keyword: here.schema[keyword]})
                yield from (pointer + step for _, step, _ in held)


def _map(subschema: dict[str, Any], keyword: str) -> dict[str, Any]:
    members = subschema.get(keyword)
    return members if isinstance(members, dict) else {}


def _names_in(subschema: dict[str, Any], *, needing_first: bool = False) -> Iterator[str]:
    """Keys that are mentioned, as in ``required``, but have no schema of their own.

    Args:
        needing_first: whether a key comes before those that it depends on, or after.
    """
    names = subschema.get("propertyNames")
    depending = [
        (name, needed)
        for keyword in ("dependentRequired", "dependencies")
        for name, needed in _map(subschema, keyword).items()
    ]
    if needing_first:
        yield from (name for name, needed in depending if isinstance(needed, list))
    for keys in (names.get("enum") if isinstance(names, dict) else None, subschema.get("required")):
        if isinstance(keys, list):
            yield from (name for name in keys if isinstance(name, str))
    for name, needed in depending:
        if isinstance(needed, list):
            yield from (each for each in needed if isinstance(each, str))
        yield name
    yield from _map(subschema, "dependentSchemas")


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
