"""The rules and terminals of a grammar while it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from jsonschema_rs import CanonicalSchema

from condit.constraint.schema import strings
from condit.constraint.schema.chains import NOTHING
from condit.constraint.schema.dialect import Draft
from condit.constraint.schema.json_types import Types
from condit.constraint.schema.layout import Style
from condit.constraint.schema.numbers import Integers
from condit.constraint.schema.order import KeyOrder, Place
from condit.constraint.schema.relaxed import Relaxed
from condit.constraint.schema.visits import Visits
from condit.errors import ConstraintTooComplexError

_MOST_PLACES = 16
"""Places for which one definition gets rules of its own, with the order of keys there, at most."""


Values = Callable[["Writer", CanonicalSchema | None, Place, Types | None], str | None]
"""Gives the symbol for the values of a node (``None``: any value) at a place, of some types."""


class Writer:
    """Rules and terminals while a grammar is written.

    Attributes:
        root: the canonical schema.
        order: the order of keys in the document.
        layout: how the text is spaced.
        any_order: whether keys may come in any order.
        repeats: whether some rule lets a key come twice, so that this must be checked.
        integers: how values of the type ``integer`` are written.
        constants: how integers among constants are written.
        rules: by name; those that are mentioned come before those that mention them.
        terminals: names by expression.
        relaxed: the keywords that the grammar does not enforce, so far.
        visits: which canonical node is being written, and which led to it.
        patterns: patterns of strings and keys, for examples.
        formats: formats of strings, for examples.
        words: strings that may be of use when an ending is searched for.
    """

    def __init__(
        self,
        root: CanonicalSchema,
        order: KeyOrder,
        style: Style,
        write: Values,
        deadline: float,
    ) -> None:
        self.root = root
        self.order = order
        self.layout = style.layout
        self.any_order = style.any_order
        self.repeats = False
        plain = root.draft == Draft.DRAFT_4
        self.integers = Integers.PLAIN if plain else Integers.ANY
        self.constants = Integers.ANY
        if not style.any_number:
            self.integers = self.constants = Integers.CANONICAL
        self.rules: dict[str, str] = {}
        self.terminals: dict[str, str] = {}
        self.relaxed: dict[Relaxed, None] = {}
        self.visits = Visits()
        self.patterns: list[str] = []
        self.formats: list[str] = []
        self.words: list[str] = []
        self._write = write
        self._deadline = deadline
        self._names: dict[str, str] = {}
        self._shared: dict[object, tuple[str, int]] = {}
        self._empty: set[str] = set()
        self._definitions: dict[str, CanonicalSchema | None] = {}
        self._places: dict[str, set[Place]] = {}

    def value(self, node: CanonicalSchema, place: Place, types: Types | None = None) -> str | None:
        """The symbol for the values of ``node``; ``None`` where there are none.

        Args:
            node: what they satisfy.
            place: where they stand in the document.
            types: the JSON types that are wanted; ``None`` for all.

        Raises:
            ConstraintTooComplexError: the deadline is over.
        """
        if time.monotonic() > self._deadline:
            raise ConstraintTooComplexError(
                "the schema takes too long to compile. A larger deadline= gives it more time"
            )
        with self.visits.visit(node):
            return self._write(self, node, place, types)

    def anything(self, place: Place, types: Types | None = None) -> str | None:
        """Any value of these types; objects keep to the order of keys of their place."""
        return self._write(self, None, place, types)

    def relax(self, keyword: str, detail: str, place: Place) -> None:
        """Record that the node being written allows more than ``keyword`` does."""
        self.relaxed[Relaxed(keyword, detail, self.order.pointers(place))] = None
        self.visits.relax()

    def terminal(self, expression: str) -> str:
        """The name of the terminal for ``expression``."""
        return self.terminals.setdefault(expression, f"T{len(self.terminals)}")

    def language(self, found: strings.Language, place: Place) -> str:
        """The terminal for strings; records the keywords that it does not enforce."""
        for keyword in found.relaxed:
            self.relax(keyword, "the grammar allows more strings", place)
        return self.terminal(found.expression)

    def rule(self, text: str) -> str:
        """The name of a rule for ``text``."""
        name = self._names.get(text)
        if name is None:
            name = self._names[text] = f"r{len(self._names)}"
            self.rules[name] = text
        return name

    def either(self, symbols: Iterable[str | None]) -> str | None:
        """The symbol for a choice."""
        found = list(dict.fromkeys(symbol for symbol in symbols if symbol is not None))
        if len(found) < 2:
            return found[0] if found else None
        return self.rule(" | ".join(found))

    def shared(self, key: object, write: Callable[[], str | None]) -> str | None:
        """The name of a rule that is written once for a key, and may refer to itself.

        Args:
            key: what identifies it.
            write: gives its text, a symbol; may ask for the same key.
        """
        known = self._shared.get(key)
        if known is not None:
            name, first = known
            self.visits.leads_to(first)
            return None if name in self._empty else name
        name = f"s{len(self._shared)}"
        self._shared[key] = (name, self.visits.current)
        symbol = write()
        # Even without values the rule must exist, as it may mention itself.
        self.rules[name] = symbol or self.terminal(NOTHING)
        if symbol is None:
            self._empty.add(name)
            return None
        return name

    def definition(self, uri: str) -> CanonicalSchema | None:
        """What a reference leads to."""
        if uri not in self._definitions:
            self._definitions[uri] = self.root.definition(uri)
        return self._definitions[uri]

    def known_place(self, key: str, place: Place) -> Place:
        """``place``, or an earlier one if the definition has been written for too many places."""
        known = self._places.setdefault(key, set())
        if place not in known and len(known) >= _MOST_PLACES:
            return min(known)
        known.add(place)
        return place
