"""The subschemas of a document that can apply to a value, and how they lead to one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from condit.constraint.schema.dialect import REFERENCES, Draft, asserts
from condit.constraint.schema.keywords import escape, inside


@dataclass(frozen=True)
class Subschema:
    """One subschema of a document, with what it inherits from around it.

    Attributes:
        schema: its keywords.
        draft: the draft in which they are read.
        base: the address that its references are relative to; empty where the document has none.
    """

    schema: dict[str, Any]
    draft: Draft
    base: str


@dataclass(frozen=True)
class SchemaGraph:
    """A schema document as a graph of subschemas.

    Definitions that nothing refers to are no part of it: they apply to no value.

    Attributes:
        subschemas: what can apply to a value or a part of it, by JSON pointer.
        leads_to: for each of them what its keywords lead to, as pairs of a keyword and a pointer;
            schemas that are `true` or `false` are left out.
        outside: references to other documents, as pairs of the pointer and the keyword.
    """

    subschemas: Mapping[str, Subschema]
    leads_to: Mapping[str, tuple[tuple[str, str], ...]]
    outside: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, schema: object, draft: Draft | None = None) -> SchemaGraph:
        """Walk a document from its top, along keywords that apply and along references.

        Args:
            schema: the document.
            draft: how it is read where `$schema` names no draft; as 2020-12, if not given.
        """
        return _Walk(schema).graph(draft)

    def reached(self, pointers: Iterable[str]) -> frozenset[str]:
        """These subschemas, and all to which they lead."""
        onward = {
            pointer: [target for _, target in edges] for pointer, edges in self.leads_to.items()
        }
        return _closure(pointers, onward)

    def reaching(self, pointers: Iterable[str]) -> frozenset[str]:
        """These subschemas, and all that lead to them."""
        back: dict[str, list[str]] = {}
        for pointer, edges in self.leads_to.items():
            for _, target in edges:
                back.setdefault(target, []).append(pointer)
        return _closure(pointers, back)


def _closure(pointers: Iterable[str], onward: Mapping[str, Iterable[str]]) -> frozenset[str]:
    reached = set(pointers)
    ahead = list(reached)
    while ahead:
        for target in onward.get(ahead.pop(), ()):
            if target not in reached:
                reached.add(target)
                ahead.append(target)
    return frozenset(reached)


@dataclass
class _Walk:
    """A walk over a document: first what lies inside what, then what leads where."""

    root: object
    placed: dict[str, Subschema] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    """Addresses, each with the pointer of the schema that has it."""
    anchors: dict[str, str] = field(default_factory=dict)
    dynamic: dict[str, list[str]] = field(default_factory=dict)
    outside: set[tuple[str, str]] = field(default_factory=set)

    def graph(self, draft: Draft | None) -> SchemaGraph:
        self.resources[""] = ""
        self._place("", self.root, Draft.of(self.root, draft), "")
        leads_to: dict[str, tuple[tuple[str, str], ...]] = {}
        ahead = [""] if "" in self.placed else []
        while ahead:
            pointer = ahead.pop()
            if pointer in leads_to:
                continue
            leads_to[pointer] = edges = tuple(self._edges(pointer))
            ahead.extend(target for _, target in edges)
        subschemas = {pointer: self.placed[pointer] for pointer in leads_to}
        return SchemaGraph(subschemas, leads_to, frozenset(self.outside))

    def _place(self, pointer: str, schema: object, draft: Draft, base: str) -> None:
        """Note down a schema and all inside it, with their addresses and anchors."""
        ahead = [(pointer, schema, draft, base)]
        while ahead:
            pointer, schema, draft, base = ahead.pop()
            if not isinstance(schema, dict) or pointer in self.placed:
                continue
            draft = Draft.of(schema, draft)
            base = self._name(pointer, schema, draft, base)
            self.placed[pointer] = Subschema(schema, draft, base)
            ahead += [(f"{pointer}{step}", part, draft, base) for _, step, part in inside(schema)]

    def _name(self, pointer: str, schema: dict[str, Any], draft: Draft, base: str) -> str:
        """Note down what a schema calls itself; returns the address its references start from."""
        if draft <= Draft.DRAFT_7 and "$ref" in schema:
            return base
        named = schema.get("id" if draft == Draft.DRAFT_4 else "$id")
        if isinstance(named, str) and named:
            address = _join(base, named)
            if named.startswith("#"):
                self.anchors.setdefault(address, pointer)
            else:
                base = urldefrag(address).url
                self.resources.setdefault(base, pointer)
        for keyword in ("$anchor", "$dynamicAnchor"):
            anchor = schema.get(keyword)
            if isinstance(anchor, str):
                self.anchors.setdefault(f"{base}#{anchor}", pointer)
                if keyword == "$dynamicAnchor":
                    self.dynamic.setdefault(anchor, []).append(pointer)
        if schema.get("$recursiveAnchor") is True:
            self.dynamic.setdefault("", []).append(pointer)
        return base

    def _edges(self, pointer: str) -> Iterator[tuple[str, str]]:
        here = self.placed[pointer]
        for keyword, step, part in inside(here.schema):
            if isinstance(part, dict) and asserts(keyword, here.schema, here.draft):
                yield keyword, f"{pointer}{step}"
        for keyword in REFERENCES:
            named = here.schema.get(keyword)
            if isinstance(named, str) and asserts(keyword, here.schema, here.draft):
                for target in dict.fromkeys(self._targets(pointer, keyword, named)):
                    yield keyword, target

    def _targets(self, pointer: str, keyword: str, named: str) -> Iterator[str]:
        address, fragment = urldefrag(_join(self.placed[pointer].base, named))
        fragment = unquote(fragment)
        if address not in self.resources:
            self.outside.add((pointer, keyword))
        if fragment and not fragment.startswith("/"):
            target = self.anchors.get(f"{address}#{fragment}")
        else:
            resource = self.resources.get(address)
            target = None if resource is None else resource + fragment
        if target is not None and target not in self.placed:
            self._place_beyond(target)
        if target in self.placed:
            yield target
        if keyword != "$ref":
            # Which of these it is depends on the way that led here: any may be.
            yield from self.dynamic.get(fragment, ())

    def _place_beyond(self, target: str) -> None:
        """Note down a schema that no keyword holds, but to which a reference leads."""
        value = self.root
        around = self.placed[""]
        pointer = ""
        for step in target.split("/")[1:]:
            pointer = f"{pointer}/{step}"
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            elif isinstance(value, dict) and name in value:
                value = value[name]
            else:
                return
            around = self.placed.get(pointer, around)
        self._place(target, value, around.draft, around.base)


def _join(base: str, named: str) -> str:
    # urljoin knows only addresses with paths, and an `urn:` has none.
    return urldefrag(base).url + named if named.startswith("#") else urljoin(base, named)


def order_of(document: object) -> dict[str, int]:
    """At which place each member of each object stands in a JSON document, by JSON pointer."""
    places: dict[str, int] = {}
    ahead: list[tuple[str, object]] = [("", document)]
    while ahead:
        pointer, value = ahead.pop()
        places[pointer] = len(places)
        if isinstance(value, dict):
            parts = [(f"{pointer}/{escape(name)}", part) for name, part in value.items()]
        elif isinstance(value, list):
            parts = [
                (f"{pointer}/{index}", part)
                for index, part in enumerate(value)
                if isinstance(part, (dict, list))
            ]
        else:
            continue
        ahead.extend(reversed(parts))
    return places
