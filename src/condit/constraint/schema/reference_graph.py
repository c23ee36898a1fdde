"""All schemas of some documents as a graph along keywords and references, for ``bounds.py``.

Unlike ``SchemaGraph`` it holds all of them, whether or not they can apply to a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.schema.dialect import HERE, REFERENCES
from condit.constraint.schema.index import Index
from condit.constraint.schema.keywords import inside

Edge = tuple[str, str]
"""A keyword, and the place of the schema that it leads to."""


@dataclass
class SchemaNode:
    """A schema, and where its keywords lead."""

    name: str
    schema: dict[str, Any]
    edges: list[Edge] = field(default_factory=list)
    alternatives: int = 1
    alternatives_of_negation: int = 1
    visits: int = 1


class Graph:
    """The schemas of some documents by their place in an ``Index`` of them."""

    def __init__(self, documents: Sequence[tuple[str, object]], draft: int) -> None:
        index = Index(documents, draft)
        self._nodes: dict[str, SchemaNode] = {}
        self._referred: set[str] = set()
        while left := [name for name in index.subschemas if name not in self._nodes]:
            for name in left:
                here = index.subschemas[name]
                node = self._nodes[name] = SchemaNode(name, here.schema)
                node.edges = [(held, name + step) for held, step, _ in inside(here.schema)]
                for keyword in REFERENCES:
                    targets = index.targets(here, keyword)
                    node.edges += [(keyword, target) for target in targets]
                    self._referred.update(targets)
        for node in self._nodes.values():
            node.edges = [edge for edge in node.edges if edge[1] in self._nodes]
        self._negates = any(
            keyword in ("not", "if") for node in self._nodes.values() for keyword, _ in node.edges
        )

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
