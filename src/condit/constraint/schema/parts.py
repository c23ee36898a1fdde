"""A canonical schema as a lazily built tree of nodes, with cached answers about each node."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, cast

import jsonschema_rs
from jsonschema_rs import CanonicalSchema, canonical
from jsonschema_rs.canonical import CanonicalKind

from condit.constraint.schema.scanner import Closed, identity_of

_KEYS_REMEMBERED = 4096
_STEPS = 4
_TYPES = {bool: "boolean", str: "string", int: "number", float: "number", list: "array"}
_TYPES |= {dict: "object", type(None): "null"}
_TYPED = {
    CanonicalKind.STRING: "string",
    CanonicalKind.NUMBER: "number",
    CanonicalKind.INTEGER: "number",
    CanonicalKind.ARRAY: "array",
    CanonicalKind.OBJECT: "object",
}


class Forest:
    """The nodes made of one schema, so that a definition is one node wherever it is used."""

    def __init__(
        self,
        relaxed_below: Callable[[CanonicalSchema], bool],
        relaxed_here: Callable[[CanonicalSchema], bool],
    ) -> None:
        self.relaxed_below = relaxed_below
        self.relaxed_here = relaxed_here
        self.definitions: dict[tuple[str, CanonicalSchema], Node] = {}


class Node:
    """One node of a canonical schema.

    Attributes:
        schema: the node itself.
        kind: its structural kind.
    """

    def __init__(self, schema: CanonicalSchema, forest: Forest) -> None:
        self.schema = schema
        self.kind = schema.kind
        self._forest = forest
        self._names: dict[str, tuple[Node, ...]] = {}

    @cached_property
    def view(self) -> Any:
        """The structure, by kind; see ``jsonschema_rs.canonical``."""
        return self.schema.view()

    @cached_property
    def relaxed(self) -> bool:
        """Whether the grammar allows more than this node, here or below."""
        return self._forest.relaxed_below(self.schema)

    @cached_property
    def relaxed_here(self) -> bool:
        """Whether the grammar leaves out a keyword of this node itself."""
        return self._forest.relaxed_here(self.schema)

    def part(self, schema: CanonicalSchema) -> Node:
        """A node of the same schema."""
        return Node(schema, self._forest)

    @cached_property
    def branches(self) -> tuple[Node, ...]:
        """The branches of ``allOf``, ``anyOf``, ``oneOf``; of the others with one part, that."""
        match self.kind:
            case CanonicalKind.ALL_OF | CanonicalKind.ANY_OF | CanonicalKind.ONE_OF:
                return tuple(map(self.part, self.view.branches))
            case CanonicalKind.NOT:
                return (self.part(self.view.schema),)
            case CanonicalKind.TYPED_GROUP:
                return (self.part(self.view.body),)
        return ()

    @cached_property
    def target(self) -> Node | None:
        """The target of a reference; ``None`` where there is none."""
        uri = self.view.uri
        found = self.schema.definition(uri)
        if found is None:
            return None
        known = self._forest.definitions
        return known.setdefault((uri, found), self.part(found))

    @cached_property
    def types(self) -> frozenset[str] | None:
        """The JSON types it may admit (integers are numbers); ``None``: not known."""
        kind = self.kind
        if kind in _TYPED:
            return frozenset({_TYPED[kind]})
        match kind:
            case CanonicalKind.FALSE:
                return frozenset()
            case CanonicalKind.MULTI_TYPE:
                return frozenset("number" if t == "integer" else t for t in self.view.types)
            case CanonicalKind.TYPED_GROUP:
                name = self.view.type_name
                return frozenset({"number" if name == "integer" else name})
            case CanonicalKind.CONST | CanonicalKind.ENUM:
                return frozenset(_TYPES[type(value)] for value in self.values)
            case CanonicalKind.ANY_OF:
                known = [branch.types for branch in self.branches]
                if None not in known:
                    return frozenset().union(*filter(None, known))
        return None

    @cached_property
    def is_type(self) -> bool:
        """Whether a type is its only condition."""
        if self.kind is CanonicalKind.STRING:
            facets = type(self.view).__match_args__
            return not any(getattr(self.view, facet) for facet in facets)
        return self.kind is CanonicalKind.TRUE or self.kind is CanonicalKind.MULTI_TYPE

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """The values of a ``const`` or ``enum``."""
        if self.kind is CanonicalKind.CONST:
            return (self.view.value,)
        return tuple(self.view.values)

    @cached_property
    def pool(self) -> dict[Hashable, Any] | None:
        """The values it admits by their identities, where they are listed; else ``None``."""
        if self.kind is CanonicalKind.CONST or self.kind is CanonicalKind.ENUM:
            return {identity_of(value): value for value in self.values}
        return {} if self.kind is CanonicalKind.FALSE else None

    @cached_property
    def exacting(self) -> bool:
        """Whether an incomplete string or number can be refused before it closes.

        So where it lists its values, its keys, or values of its items or members.
        """
        match self.kind:
            case CanonicalKind.CONST | CanonicalKind.ENUM:
                return True
            case CanonicalKind.ARRAY:
                parts = [*self.prefix, *filter(None, [self.items])]
            case CanonicalKind.OBJECT:
                if self.listed_names is not None:
                    return True
                parts = [*self._properties.values(), *(node for _, node in self._patterns)]
                parts += filter(None, [self._additional])
            case _:
                parts = [*self.branches]
        return any(part.lists() for part in parts)

    def lists(self, depth: int = 0) -> bool:
        """Whether it may list values, itself or in a branch."""
        match self.kind:
            case CanonicalKind.CONST | CanonicalKind.ENUM:
                return True
            case CanonicalKind.REFERENCE:
                parts: tuple[Node, ...] = () if self.target is None else (self.target,)
            case _:
                parts = self.branches
        # References may go round in a circle.
        return bool(parts) and (depth > _STEPS or any(part.lists(depth + 1) for part in parts))

    @cached_property
    def validator(self) -> Any:
        """The oracle of this node."""
        schema = cast("dict[str, Any]", self.schema.to_json_schema())
        return jsonschema_rs.validator_for(schema, validate_formats=True)

    def accepts(self, closed: Closed) -> bool | None:
        """Whether a closed value satisfies this node; ``None``: that cannot be told."""
        verdicts = closed.verdicts
        if not self.is_type and type(closed.value) is str:
            # A schema that admits no string refuses all of them.
            closed.looked_at |= self.types is None or "string" in self.types
        if self in verdicts:
            return verdicts[self]
        try:
            verdict = self.validator.is_valid(closed.value)
        except ValueError:
            # Nested too deeply, or half of a surrogate pair: the oracle decides at the end.
            verdict = None
        verdicts[self] = verdict
        return verdict  # type: ignore[no-any-return]

    def objection(self, closed: Closed) -> str:
        """What is wrong with a value that is not accepted."""
        if self.kind is CanonicalKind.ANY_OF:
            kind = _TYPES[type(closed.value)]
            branches = [b for b in self.branches if b.types is None or kind in b.types]
            if branches:
                return "; ".join(dict.fromkeys(branch.objection(closed) for branch in branches))
        if self.kind is CanonicalKind.ARRAY and self.distinct and isinstance(closed.value, list):
            seen: set[Hashable] = set()
            for item in closed.value:
                if identity_of(item) in seen:
                    return f"items must be distinct: {json.dumps(item)[:40]} comes twice"
                seen.add(identity_of(item))
        for error in self.validator.iter_errors(closed.value):
            return str(error.message)
        return "the value does not satisfy the schema"

    # What follows is for objects and arrays.

    @cached_property
    def names(self) -> Node | None:
        """What the keys of an object must satisfy."""
        names = self.view.property_names
        return None if names is None else self.part(names)

    @cached_property
    def listed_names(self) -> frozenset[str] | None:
        """All names that an object may have, where they are listed; else ``None``."""
        if self.names is None or self.names.pool is None:
            return None
        return frozenset(name for name in self.names.values if isinstance(name, str))

    def member(self, key: str) -> tuple[Node, ...]:
        """What the value of the member ``key`` must satisfy."""
        known = self._names.get(key)
        if known is None:
            found = [self._properties[key]] if key in self._properties else []
            found += [node for pattern, node in self._patterns if pattern.is_valid(key)]
            if not found and self._additional is not None:
                found = [self._additional]
            if len(self._names) >= _KEYS_REMEMBERED:
                self._names.clear()
            known = self._names[key] = tuple(found)
        return known

    def may_have(self, key: str) -> bool:
        """Whether an object may have the member ``key`` at all."""
        return all(node.kind is not CanonicalKind.FALSE for node in self.member(key))

    @cached_property
    def _properties(self) -> dict[str, Node]:
        return {name: self.part(each) for name, each in self.view.properties.items()}

    @cached_property
    def _patterns(self) -> list[tuple[Any, Node]]:
        return [
            (jsonschema_rs.validator_for({"pattern": pattern}), self.part(each))
            for pattern, each in self.view.pattern_properties.items()
        ]

    @cached_property
    def _additional(self) -> Node | None:
        additional = self.view.additional_properties
        return None if additional is None else self.part(additional)

    @cached_property
    def required(self) -> frozenset[str]:
        """The names that an object must have."""
        return frozenset(self.view.required)

    def item(self, index: int) -> Node | None:
        """What the item at ``index`` must satisfy."""
        prefix = self.prefix
        return prefix[index] if index < len(prefix) else self.items

    @cached_property
    def prefix(self) -> tuple[Node, ...]:
        """What the first items of an array must satisfy."""
        return tuple(map(self.part, self.view.prefix_items))

    @cached_property
    def items(self) -> Node | None:
        """What the items of an array after the first must satisfy."""
        items = self.view.items
        return None if items is None else self.part(items)

    @cached_property
    def contains(self) -> tuple[tuple[Node, int, int | None], ...]:
        """What some items must satisfy, how many at least, and how many at most."""
        return tuple(
            (
                self.part(each.schema),
                1 if each.min_contains is None else each.min_contains,
                each.max_contains,
            )
            for each in self.view.contains
        )

    @cached_property
    def bounds(self) -> tuple[int, int | None]:
        """How many items or members at least, and at most."""
        view = self.view
        if self.kind is CanonicalKind.ARRAY:
            return view.min_items or 0, view.max_items
        return view.min_properties or 0, view.max_properties

    @cached_property
    def distinct(self) -> bool:
        """Whether the items of an array must be distinct."""
        return bool(self.view.distinctness == canonical.Distinctness.ALL_DISTINCT)
