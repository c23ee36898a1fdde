"""The schemas of some documents, and where their keywords lead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from condit.constraint.schema.dialect import REFERENCES
from condit.constraint.schema.documents import address_of, identifier_of
from condit.constraint.schema.keywords import inside

HERE = frozenset(
    [
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"),
        *("dependencies", *REFERENCES),
    ]
)
"""Keywords that apply their subschemas to the very value that they are applied to."""

Edge = tuple[str, str]
"""A keyword, and the schema that it leads to."""


@dataclass
class SchemaNode:
    """A schema, and where its keywords lead."""

    name: str
    schema: dict[str, Any]
    base: str
    edges: list[Edge] = field(default_factory=list)
    alternatives: int = 1
    alternatives_of_negation: int = 1
    visits: int = 1


class Graph:
    """The schemas of some documents by name: the address of the document and the pointer."""

    def __init__(self, draft: int) -> None:
        self._draft = draft
        self._nodes: dict[str, SchemaNode] = {}
        self._anchors: dict[str, str] = {}
        self._root = ""
        self._referred: set[str] = set()
        self._negates = False

    def add(self, address: str, document: object, *, is_root: bool) -> None:
        """Take in all schemas of a document."""
        start = f"{address}#"
        if is_root:
            self._root = start
        stack: list[tuple[object, str, str]] = [(document, start, address)]
        while stack:
            schema, name, base = stack.pop()
            if not isinstance(schema, dict):
                continue
            own = identifier_of(schema, self._draft)
            if own.startswith("#"):
                if len(own) > 1:
                    self._anchors.setdefault(base + own, name)
            else:
                base = address_of(own, base)
                self._anchors.setdefault(f"{base}#", name)
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(anchor := schema.get(keyword), str):
                    self._anchors.setdefault(f"{base}#{anchor}", name)
            node = self._nodes[name] = SchemaNode(name, schema, base)
            for keyword, pointer, inner in inside(schema):
                node.edges.append((keyword, name + pointer))
                self._negates |= keyword in ("not", "if")
                stack.append((inner, name + pointer, base))

    def connect(self) -> None:
        """Follow the references, once all documents are in."""
        for node in list(self._nodes.values()):
            for keyword in REFERENCES:
                written = node.schema.get(keyword)
                if isinstance(written, str) and (target := self._target(written, node.base)):
                    node.edges.append((keyword, target))
                    self._referred.add(target)
            node.edges = [edge for edge in node.edges if edge[1] in self._nodes]

    def _flattened(self, names: Iterable[str], keywords: Sequence[str]) -> list[str]:
        """These schemas and those that the keywords join to them."""
        found: dict[str, None] = {}
        stack = list(names)
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = None
                stack += [key for held, key in self._nodes[name].edges if held in keywords]
        return list(found)

    def _target(self, written: str, base: str) -> str | None:
        address = address_of(written, base)
        fragment = unquote(written.partition("#")[2])
        if fragment.startswith("/"):
            document = self._anchors.get(f"{address}#", f"{address}#")
            return document + fragment
        return self._anchors.get(f"{address}#{fragment}", f"{address}#{fragment}")

    def _targets(self, name: str, turned: bool) -> list[str]:
        names = [target for _, target in self._nodes[name].edges] if name in self._nodes else []
        return names[::-1] if turned else names

    def _bottom_up(self) -> Iterator[SchemaNode]:
        """Every node after those that its keywords apply to the same value; cycles are cut."""
        done: set[str] = set()
        for start in list(self._nodes):
            if start in done:
                continue
            done.add(start)
            path = [(start, iter(self._here(start)))]
            while path:
                name, further = path[-1]
                inner = next((each for each in further if each not in done), None)
                if inner is None:
                    path.pop()
                    yield self._nodes[name]
                else:
                    done.add(inner)
                    path.append((inner, iter(self._here(inner))))

    def _here(self, name: str) -> list[str]:
        return [target for keyword, target in self._nodes[name].edges if keyword in HERE]

    def _under(self, node: SchemaNode, keyword: str) -> list[str]:
        return [target for held, target in node.edges if held == keyword]
