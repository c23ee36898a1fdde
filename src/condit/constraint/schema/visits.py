"""Which canonical nodes lead to relaxed ones, recorded while a grammar is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jsonschema_rs import CanonicalSchema


class Visits:
    """Visits of canonical nodes, each from the one that is being made."""

    def __init__(self) -> None:
        self._nodes: list[CanonicalSchema] = []
        self._above: list[set[int]] = []
        self._relaxed: set[int] = set()
        self._open: list[int] = []

    @property
    def current(self) -> int:
        """The visit that is being made."""
        return self._open[-1]

    @contextmanager
    def visit(self, node: CanonicalSchema) -> Iterator[None]:
        """A context in which ``node`` is visited; visits inside it are below it."""
        self._above.append({self._open[-1]} if self._open else set())
        self._open.append(len(self._nodes))
        self._nodes.append(node)
        try:
            yield
        finally:
            self._open.pop()

    def leads_to(self, earlier: int) -> None:
        """Note that all that is below an earlier visit is below the current one, too."""
        self._above[earlier].add(self.current)

    def relax(self) -> None:
        """Note that the grammar allows more than the node that is being visited."""
        self._relaxed.add(self.current)

    def relaxed_here(self) -> frozenset[CanonicalSchema]:
        """The nodes that the grammar allows more than."""
        return frozenset(self._nodes[visit] for visit in self._relaxed)

    def relaxed_below(self) -> frozenset[CanonicalSchema]:
        """Those, and all that lead to them."""
        found = set(self._relaxed)
        todo = list(found)
        while todo:
            for above in self._above[todo.pop()] - found:
                found.add(above)
                todo.append(above)
        return frozenset(self._nodes[visit] for visit in found)
