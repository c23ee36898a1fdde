"""A canonical schema as a grammar for the mask engine, and what that grammar leaves out.

Each kind of node becomes a rule or a terminal. What has no grammar of a sensible size is relaxed to
a superset and recorded: ``closing.py`` checks it when the value closes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from jsonschema_rs import CanonicalSchema, canonical, canonicalize

from condit.constraint.engine import HEADER
from condit.constraint.schema import strings
from condit.constraint.schema.arrays import array_rule
from condit.constraint.schema.layout import Layout
from condit.constraint.schema.literals import literal_expression, rewritten
from condit.constraint.schema.numbers import (
    ANY_INTEGER,
    ANY_NUMBER,
    has_multiples,
    integer_terminal,
    multiple_leaves,
    number_terminal,
)
from condit.constraint.schema.objects import object_rule
from condit.constraint.schema.order import KeyOrder, Place
from condit.constraint.schema.relaxed import Relaxed
from condit.errors import ConstraintTooComplexError, UnsatisfiableError

Types = frozenset[str]

_ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")
_MOST_PLACES = 16
"""For how many places one definition is written anew, to keep to their orders of keys."""


@dataclass(frozen=True)
class Compiled:
    """A schema's grammar.

    Attributes:
        grammar: in the engine's dialect of Lark.
        root: the canonical schema that it was made from.
        relaxed: what it leaves out.
        relaxed_here: the canonical nodes of which something is left out.
        relaxed_below: those and all that lead to them.
        repeats: whether it lets a key come twice in one object.
    """

    grammar: str
    root: CanonicalSchema
    relaxed: tuple[Relaxed, ...]
    relaxed_here: frozenset[CanonicalSchema] = field(repr=False)
    relaxed_below: frozenset[CanonicalSchema] = field(repr=False)
    repeats: bool


def compile_schema(
    root: CanonicalSchema, order: KeyOrder, layout: Layout, *, any_order: bool, deadline: float
) -> Compiled:
    """The grammar of a canonical schema.

    Args:
        root: from ``source.canonical``.
        order: the order of keys in the document.
        layout: how the text is spaced.
        any_order: whether keys may come in any order.
        deadline: when to give up, as ``time.monotonic`` counts.

    Raises:
        UnsatisfiableError: nothing can be written.
        ConstraintTooComplexError: it took too long, or is nested too deeply.
    """
    writer = Writer(root, order, layout, any_order=any_order, deadline=deadline)
    try:
        return writer.compile()
    except RecursionError:
        raise ConstraintTooComplexError("the schema is nested too deeply") from None


class Writer:
    """Rules and terminals while a grammar is written.

    Attributes:
        order: the order of keys in the document.
        layout: how the text is spaced.
        any_order: whether keys may come in any order.
        repeats: whether a key may come twice so far.
        draft: the draft of the schema, as the canonical form counts them.
    """

    def __init__(
        self,
        root: CanonicalSchema,
        order: KeyOrder,
        layout: Layout,
        *,
        any_order: bool,
        deadline: float,
    ) -> None:
        self.root = root
        self.order = order
        self.layout = layout
        self.any_order = any_order
        self.repeats = False
        self.draft = root.draft
        self._deadline = deadline
        self._terminals: dict[str, str] = {}
        self._rules: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._definitions: dict[str, CanonicalSchema | None] = {}
        self._places: dict[str, set[Place]] = {}
        self._shared: dict[object, tuple[str, int]] = {}
        self._relaxed: dict[Relaxed, None] = {}
        # Visits of nodes: who led to whom, to know below which nodes something was relaxed.
        self._nodes: list[CanonicalSchema] = []
        self._above: list[set[int]] = []
        self._relaxed_visits: set[int] = set()
        self._visiting: list[int] = []
        self._kinds: dict[type, Callable[[Any, CanonicalSchema, Place, Types | None], str | None]]
        self._kinds = {
            canonical.TrueView: self._true,
            canonical.FalseView: lambda *_: None,
            canonical.MultiTypeView: self._types,
            canonical.TypedGroupView: self._group,
            canonical.StringView: self._string,
            canonical.IntegerView: self._number,
            canonical.NumberView: self._number,
            canonical.ArrayView: self._array,
            canonical.ObjectView: self._object,
            canonical.ConstView: self._const,
            canonical.EnumView: self._enum,
            canonical.NotView: self._not,
            canonical.AllOfView: self._all_of,
            canonical.AnyOfView: self._any_of,
            canonical.OneOfView: self._one_of,
            canonical.ReferenceView: self._reference,
            canonical.RawView: self._raw,
        }

    def compile(self) -> Compiled:
        """Write the whole grammar."""
        start = self.value(self.root, self.order.start)
        if start is None:
            raise UnsatisfiableError("no JSON value satisfies the schema")
        lines = [f"{name}: {text}" for name, text in self._rules.items()]
        lines += [f"{name}: {text}" for text, name in self._terminals.items()]
        grammar = f"{HEADER}start: {start}\n" + "\n".join(lines) + "\n"
        here = frozenset(self._nodes[visit] for visit in self._relaxed_visits)
        below = self._nodes_above_relaxed()
        return Compiled(grammar, self.root, tuple(self._relaxed), here, below, self.repeats)

    def value(self, node: CanonicalSchema, place: Place, types: Types | None = None) -> str | None:
        """The symbol for the values of ``node``; ``None`` where there are none.

        Args:
            node: what they satisfy.
            place: where they stand in the document.
            types: the JSON types that are wanted; ``None`` for all.
        """
        if time.monotonic() > self._deadline:
            raise ConstraintTooComplexError(
                "the schema takes too long to compile. A larger deadline= gives it more time"
            )
        visit = len(self._nodes)
        self._nodes.append(node)
        self._above.append({self._visiting[-1]} if self._visiting else set())
        self._visiting.append(visit)
        view = node.view()
        try:
            return self._kinds[type(view)](view, node, place, types)
        finally:
            self._visiting.pop()

    def relax(self, keyword: str, detail: str, place: Place) -> None:
        """Record that the node being written allows more than ``keyword`` does."""
        self._relaxed[Relaxed(keyword, detail, self.order.pointers(place))] = None
        self._relaxed_visits.update(self._visiting[-1:])

    def terminal(self, expression: str) -> str:
        """The name of the terminal for ``expression``."""
        return self._terminals.setdefault(expression, f"T{len(self._terminals)}")

    def rule(self, text: str) -> str:
        """The name of a rule for ``text``."""
        name = self._texts.get(text)
        if name is None:
            name = self._texts[text] = f"r{len(self._texts)}"
            self._rules[name] = text
        return name

    def either(self, symbols: Iterable[str | None]) -> str | None:
        """The symbol for a choice."""
        found = list(dict.fromkeys(symbol for symbol in symbols if symbol is not None))
        if len(found) < 2:
            return found[0] if found else None
        return self.rule(" | ".join(found))

    def language(self, found: strings.Language, place: Place) -> str:
        """The terminal for strings, with what they leave out recorded."""
        for keyword in found.relaxed:
            self.relax(keyword, "the grammar allows more strings", place)
        return self.terminal(found.expression)

    def shared(
        self, key: object, write: Callable[[], str | None], within: Place | None = None
    ) -> str | None:
        """A rule that is written once for a key and may refer to itself.

        Args:
            key: what identifies it.
            write: gives its text, a symbol; may ask for the same key.
            within: for relaxed parts below it.
        """
        known = self._shared.get(key)
        visit = self._visiting[-1]
        if known is not None:
            name, first = known
            self._above[first].add(visit)
            return None if self._rules.get(name) == "" else name
        name = f"s{len(self._shared)}"
        self._shared[key] = (name, visit)
        self._rules[name] = name
        symbol = write()
        self._rules[name] = symbol or ""
        if symbol is None:
            return None
        return name

    def anything(self, place: Place, types: Iterable[str] = _ALL_TYPES) -> str | None:
        """Any value of these types; objects keep to the order of keys of their place."""
        symbols: list[str | None] = []
        for kind in types:
            if kind == "null":
                symbols.append('"null"')
            elif kind == "boolean":
                symbols.append(self.terminal('"true" | "false"'))
            elif kind == "integer":
                symbols.append(self.terminal(ANY_INTEGER))
            elif kind == "number":
                symbols.append(self.terminal(ANY_NUMBER))
            elif kind == "string":
                symbols.append(self.terminal(strings.any_string().expression))
            elif kind == "array":
                symbols.append(self.shared(("array", place), lambda: array_rule(self, None, place)))
            else:
                symbols.append(
                    self.shared(("object", place), lambda: object_rule(self, None, place))
                )
        return self.either(symbols)

    def definition(self, uri: str) -> CanonicalSchema | None:
        """What a reference leads to."""
        if uri not in self._definitions:
            self._definitions[uri] = self.root.definition(uri)
        return self._definitions[uri]

    def followed(self, node: CanonicalSchema) -> CanonicalSchema:
        """What a node stands for, where it is a reference."""
        seen = set()
        while isinstance(view := node.view(), canonical.ReferenceView) and view.uri not in seen:
            seen.add(view.uri)
            node = self.definition(view.uri) or node
        return node

    def _true(
        self, view: object, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        kinds = [kind for kind in _ALL_TYPES if types is None or kind in types]
        if types is not None and "integer" in types and "number" not in types:
            kinds.append("integer")
        return self.anything(place, kinds)

    def _types(
        self,
        view: canonical.MultiTypeView,
        node: CanonicalSchema,
        place: Place,
        types: Types | None,
    ) -> str | None:
        return self.anything(place, _common(view.types, types))

    def _group(
        self,
        view: canonical.TypedGroupView,
        node: CanonicalSchema,
        place: Place,
        types: Types | None,
    ) -> str | None:
        kinds = _common([view.type_name], types)
        return self.value(view.body, place, frozenset(kinds)) if kinds else None

    def _string(
        self, view: canonical.StringView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        if types is not None and "string" not in types:
            return None
        found = strings.string_language(view, self.draft)
        return None if found.is_nothing else self.language(found, place)

    def _number(
        self,
        view: canonical.NumberView | canonical.IntegerView,
        node: CanonicalSchema,
        place: Place,
        types: Types | None,
    ) -> str | None:
        whole = isinstance(view, canonical.IntegerView)
        if types is not None and "number" not in types:
            if "integer" not in types:
                return None
            if not whole:
                return self._narrowed(node, "integer", place)
        if not has_multiples(view):
            return None
        if isinstance(view, canonical.IntegerView):
            expression, relaxed = integer_terminal(view)
        else:
            expression, relaxed = number_terminal(view)
        if relaxed == ("multipleOf",) and (leaves := multiple_leaves(view)):
            return self._multiples(leaves, view)
        for keyword in relaxed:
            self.relax(keyword, "the grammar allows more numbers", place)
        return self.terminal(expression)

    def _multiples(
        self, leaves: list[dict[str, object]], view: canonical.NumberView | canonical.IntegerView
    ) -> str:
        symbols = [self.rule(f"%json {json.dumps(leaf)}") for leaf in leaves]
        if leaves[0]["type"] == "integer":
            symbols.append(f"{symbols[0]} {self.terminal('/[.]0/')}")
        low, high = view.minimum, view.maximum
        above = getattr(view, "exclusive_minimum", False) and low == 0
        below = getattr(view, "exclusive_maximum", False) and high == 0
        if (low is None or low <= 0) and (high is None or high >= 0) and not above and not below:
            symbols.append(self.terminal("/-?0(\\.0)?/"))
        return self.rule(" | ".join(symbols))

    def _array(
        self, view: canonical.ArrayView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        if types is not None and "array" not in types:
            return None
        return array_rule(self, view, place)

    def _object(
        self, view: canonical.ObjectView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        if types is not None and "object" not in types:
            return None
        return object_rule(self, view, place)

    def _const(
        self, view: canonical.ConstView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        return self._literals([view.value], place, types)

    def _enum(
        self, view: canonical.EnumView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        return self._literals(view.values, place, types)

    def _literals(self, values: list[Any], place: Place, types: Types | None) -> str | None:
        scalars: list[str] = []
        texts: list[str] = []
        others: list[str] = []
        for value in values:
            if types is not None and not _has_type(value, types):
                continue
            if isinstance(value, (dict, list)):
                others.append(literal_expression(self, value, place))
            elif isinstance(value, str):
                texts.append(value)
            else:
                scalars.append(rewritten(value))
        spelled = strings.literals(texts)
        if not spelled.is_nothing:
            scalars.append(spelled.expression)
        symbols = [self.terminal(" | ".join(scalars))] if scalars else []
        return self.either([*symbols, *others])

    def _not(
        self, view: canonical.NotView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        self.relax("not", "the grammar allows what the schema excludes", place)
        return self._true(view, node, place, types)

    def _any_of(
        self, view: canonical.AnyOfView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        return self.either([self.value(branch, place, types) for branch in view.branches])

    def _one_of(
        self, view: canonical.OneOfView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        self.relax("oneOf", "the grammar allows values of several alternatives", place)
        return self.either([self.value(branch, place, types) for branch in view.branches])

    def _reference(
        self,
        view: canonical.ReferenceView,
        node: CanonicalSchema,
        place: Place,
        types: Types | None,
    ) -> str | None:
        target = self.definition(view.uri)
        if target is None:
            self.relax("raw", f"nothing is known of {view.uri}", place)
            return self._true(view, node, place, types)
        place = self._known_place(view.uri, place)
        return self.shared((view.uri, place, types), lambda: self.value(target, place, types))

    def _all_of(
        self, view: canonical.AllOfView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        key = (frozenset(view.branches), self._known_place("allOf", place), types)
        return self.shared(key, lambda: self._together(view.branches, place, types))

    def _together(
        self, branches: list[CanonicalSchema], place: Place, types: Types | None
    ) -> str | None:
        """What satisfies all of ``branches``, which the canonical form has left side by side."""
        parts = self._parts(branches)
        if not parts:
            return self.anything(place, _common(_ALL_TYPES, types))
        whole: CanonicalSchema | None = None
        with suppress(canonical.CanonicalizationError):
            whole = reduce(CanonicalSchema.intersect, parts)
        if whole is not None:
            left = whole.view()
            stuck = isinstance(left, (canonical.AllOfView, canonical.RawView))
            if not stuck or (
                isinstance(left, canonical.AllOfView)
                and set(left.branches) not in (set(branches), set(parts))
            ):
                return self.value(whole, place, types)
        self.relax("allOf", "the grammar follows one of the schemas", place)
        # What says most comes last in the canonical order of kinds.
        return self.value(max(parts, key=_tightness), place, types)

    def _parts(self, branches: list[CanonicalSchema]) -> list[CanonicalSchema]:
        """What ``branches`` come to, with references and conjunctions among them dissolved.

        A reference that leads back to where it is asks for nothing more, and is left out.
        """
        found: dict[CanonicalSchema, None] = {}
        seen = set()
        todo = branches[::-1]
        while todo:
            node = todo.pop()
            view = node.view()
            if isinstance(view, canonical.AllOfView):
                todo += [branch for branch in reversed(view.branches) if branch not in found]
            elif not isinstance(view, canonical.ReferenceView):
                found[node] = None
            elif view.uri not in seen:
                seen.add(view.uri)
                target = self.definition(view.uri)
                if target is None:
                    found[node] = None
                else:
                    todo.append(target)
        return list(found)

    def _raw(
        self, view: canonical.RawView, node: CanonicalSchema, place: Place, types: Types | None
    ) -> str | None:
        self.relax("raw", f"the schema is not understood: {view.reason}", place)
        schema = view.schema
        named = schema.get("type") if isinstance(schema, dict) else None
        if isinstance(named, str):
            named = [named]
        kinds = _ALL_TYPES if not isinstance(named, list) else tuple(map(str, named))
        return self.anything(place, _common(kinds, types))

    def _narrowed(self, node: CanonicalSchema, kind: str, place: Place) -> str | None:
        try:
            return self.value(node.intersect(canonicalize({"type": kind})), place)
        except canonical.CanonicalizationError:
            self.relax("type", f"the grammar allows more than the type {kind}", place)
            return self.value(node, place)

    def _known_place(self, key: str, place: Place) -> Place:
        """``place``, or, where a definition has been written for too many, an earlier one."""
        known = self._places.setdefault(key, set())
        if place not in known and len(known) >= _MOST_PLACES:
            return min(known)
        known.add(place)
        return place

    def _nodes_above_relaxed(self) -> frozenset[CanonicalSchema]:
        found = set(self._relaxed_visits)
        todo = list(found)
        while todo:
            for above in self._above[todo.pop()] - found:
                found.add(above)
                todo.append(above)
        return frozenset(self._nodes[visit] for visit in found)


def _common(kinds: Iterable[str], types: Types | None) -> list[str]:
    found = []
    for kind in kinds:
        if types is None or kind in types or (kind == "integer" and "number" in types):
            found.append(kind)
        elif kind == "number" and "integer" in types:
            found.append("integer")
    return found


def _has_type(value: object, types: Types) -> bool:
    if value is None:
        return "null" in types
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, str):
        return "string" in types
    if isinstance(value, (dict, list)):
        return ("object" if isinstance(value, dict) else "array") in types
    return "number" in types or ("integer" in types and value == int(value))  # type: ignore[call-overload]


def _tightness(node: CanonicalSchema) -> int:
    """How much a kind of node is likely to say about a value."""
    loose = (canonical.TrueView, canonical.NotView, canonical.RawView, canonical.MultiTypeView)
    return 0 if isinstance(node.view(), loose) else 2 - isinstance(node.view(), canonical.AnyOfView)
