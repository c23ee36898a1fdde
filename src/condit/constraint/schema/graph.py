"""The subschemas of a document that can apply to a value, and how they lead to one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from condit.constraint.schema.dialect import REFERENCES, Draft, asserts
from condit.constraint.schema.index import ROOT, Index, Subschema
from condit.constraint.schema.keywords import Schema, escape, inside


@dataclass(frozen=True)
class SchemaGraph:
    """A schema document as a graph of subschemas.

    Definitions that nothing refers to are left out, as they apply to no value.

    Attributes:
        subschemas: what can apply to a value or a part of it, by JSON pointer.
        leads_to: for each of them what its keywords lead to, as pairs of a keyword and a pointer;
            schemas that are `true` or `false` are left out.
        outside: references to other documents, as pairs of the pointer and the keyword.
    """

    subschemas: Mapping[str, Subschema]
    leads_to: Mapping[str, list[tuple[str, str]]]
    outside: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, schema: Schema, draft: Draft | None = None) -> SchemaGraph:
        """Walk a document from its top, along keywords that apply and along references.

        Args:
            schema: the document.
            draft: how it is read where `$schema` names no draft; as 2020-12, if not given.
        """
        index = Index([(ROOT, schema)], draft)
        leads_to: dict[str, list[tuple[str, str]]] = {}
        outside = set()
        ahead = [""] if index.subschemas else []
        while ahead:
            pointer = ahead.pop()
            if pointer in leads_to:
                continue
            here = index.subschemas[pointer]
            edges = leads_to[pointer] = [
                (keyword, pointer + step)
                for keyword, step, part in inside(here.schema)
                if isinstance(part, dict) and asserts(keyword, here.schema, here.draft)
            ]
            for keyword in REFERENCES:
                written = here.schema.get(keyword)
                if isinstance(written, str) and asserts(keyword, here.schema, here.draft):
                    edges += [(keyword, target) for target in index.targets(here, keyword)]
                    if index.leads_outside(here, keyword):
                        outside.add((pointer, keyword))
            ahead += [target for _, target in edges]
        subschemas = {pointer: index.subschemas[pointer] for pointer in leads_to}
        return cls(subschemas, leads_to, frozenset(outside))

    def reached(self, pointers: Iterable[str]) -> set[str]:
        """These subschemas, and all to which they lead."""
        onward = {pointer: [to for _, to in edges] for pointer, edges in self.leads_to.items()}
        return _closure(pointers, onward)

    def reaching(self, pointers: Iterable[str]) -> set[str]:
        """These subschemas, and all that lead to them."""
        back: dict[str, list[str]] = {}
        for pointer, edges in self.leads_to.items():
            for _, target in edges:
                back.setdefault(target, []).append(pointer)
        return _closure(pointers, back)


def _closure(pointers: Iterable[str], onward: Mapping[str, Iterable[str]]) -> set[str]:
    reached = set(pointers)
    ahead = list(reached)
    while ahead:
        further = set(onward.get(ahead.pop(), ())) - reached
        reached |= further
        ahead += further
    return reached


def order_of(document: object) -> dict[str, int]:
    """At which place each member of each object stands in a JSON document, by JSON pointer."""
    places: dict[str, int] = {}
    ahead: list[tuple[str, object]] = [("", document)]
    while ahead:
        pointer, value = ahead.pop()
        places[pointer] = len(places)
        parts: list[tuple[str, object]] = []
        if isinstance(value, dict):
            parts = [(f"{pointer}/{escape(name)}", part) for name, part in value.items()]
        elif isinstance(value, list):
            parts = [(f"{pointer}/{index}", part) for index, part in enumerate(value)]
        ahead.extend(reversed(parts))
    return places
