"""The values of one node of a canonical schema, as a symbol of the grammar.

Arrays, objects, constants and conjunctions have files of their own.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema_rs import CanonicalSchema, canonicalize
from jsonschema_rs import canonical as views

from condit.constraint.engine import HEADER, probe
from condit.constraint.schema import strings
from condit.constraint.schema.arrays import array_rule
from condit.constraint.schema.json_types import ALL_TYPES, Types, common
from condit.constraint.schema.literals import constants, rewritten
from condit.constraint.schema.numbers import (
    ANY_NUMBER,
    Integers,
    has_multiples,
    integer_terminal,
    multiple_leaves,
    number_terminal,
    without_negative_zero,
)
from condit.constraint.schema.objects import object_rule
from condit.constraint.schema.order import Place
from condit.constraint.schema.together import together
from condit.constraint.schema.writer import Writer


def write(
    writer: Writer, node: CanonicalSchema | None, place: Place, types: Types | None
) -> str | None:
    """The symbol for the values of ``node`` of some types; ``None`` where there are none.

    Args:
        writer: of the grammar.
        node: what the values satisfy; ``None`` for any value.
        place: where they stand in the document.
        types: the JSON types that are wanted; ``None`` for all.
    """
    match None if node is None else node.view():
        case None | views.TrueView():
            return _anything(writer, common(ALL_TYPES, types), place)
        case views.FalseView():
            return None
        case views.MultiTypeView() as view:
            return writer.anything(place, frozenset(common(view.types, types)))
        case views.TypedGroupView() as view:
            kinds = common([view.type_name], types)
            return writer.value(view.body, place, frozenset(kinds)) if kinds else None
        case views.StringView() as view:
            return _string(writer, view, place) if common(["string"], types) else None
        case views.NumberView() as view:
            kinds = common(["number"], types)
            if node is not None and kinds == ["integer"]:
                return _integers_among(writer, node, place)
            return _number(writer, view, *number_terminal(view), place) if kinds else None
        case views.IntegerView() as view:
            written = integer_terminal(view, writer.integers)
            return _number(writer, view, *written, place) if common(["integer"], types) else None
        case views.ArrayView() as view:
            return array_rule(writer, view, place) if common(["array"], types) else None
        case views.ObjectView() as view:
            return object_rule(writer, view, place) if common(["object"], types) else None
        case views.ConstView() as view:
            return constants(writer, [view.value], place, types)
        case views.EnumView() as view:
            return constants(writer, view.values, place, types)
        case views.NotView():
            writer.relax("not", "the grammar allows what the schema excludes", place)
            return writer.anything(place, types)
        case views.AllOfView(branches):
            conjunction = (frozenset(branches), writer.known_place("allOf", place), types)
            return writer.shared(conjunction, lambda: together(writer, branches, place, types))
        case views.AnyOfView() | views.OneOfView() as view:
            if isinstance(view, views.OneOfView):
                writer.relax("oneOf", "the grammar allows values of several alternatives", place)
            return writer.either([writer.value(branch, place, types) for branch in view.branches])
        case views.ReferenceView() as view:
            target = writer.definition(view.uri)
            if target is None:
                writer.relax("raw", f"nothing is known of {view.uri}", place)
                return writer.anything(place, types)
            known = writer.known_place(view.uri, place)
            key = (view.uri, known, types)
            return writer.shared(key, lambda: writer.value(target, known, types))
        case view:
            writer.relax("raw", f"the schema is not understood: {view.reason}", place)
            named = view.schema.get("type") if isinstance(view.schema, dict) else None
            found = [named] if isinstance(named, str) else named
            kinds = common(map(str, found) if isinstance(found, list) else ALL_TYPES, types)
            return writer.anything(place, frozenset(kinds))


def _anything(writer: Writer, kinds: list[str], place: Place) -> str | None:
    symbols: list[str | None] = []
    # Without comprehensions: values nest, and each of them would add a call to the stack.
    for kind in kinds:
        match kind:
            case "null":
                symbols.append('"null"')
            case "array":
                array = writer.shared(("array", place), lambda: array_rule(writer, None, place))
                symbols.append(array)
            case "object":
                members = writer.shared(("object", place), lambda: object_rule(writer, None, place))
                symbols.append(members)
            case _:
                symbols.append(writer.terminal(_expression(writer, kind)))
    return writer.either(symbols)


def _expression(writer: Writer, kind: str) -> str:
    """The expression of the terminal for any value of one type of scalars."""
    if kind == "boolean":
        return '"true" | "false"'
    if kind == "integer":
        return writer.integers.value
    return ANY_NUMBER if kind == "number" else strings.ANY_STRING


def _string(writer: Writer, view: views.StringView, place: Place) -> str | None:
    writer.patterns += view.patterns
    writer.formats += view.formats
    found = strings.language(strings.string_texts(view, writer.root.draft))
    bounded = view.min_length is not None or view.max_length is not None
    conditions = len(view.patterns) + len(view.excluded_patterns) + len(view.formats) + bounded
    # Each of several conditions can be met alone, but perhaps not all of them.
    if found.is_nothing or (conditions > 1 and _is_empty(found.expression)):
        return None
    return writer.language(found, place)


@lru_cache(maxsize=4096)
def _is_empty(expression: str) -> bool:
    """Whether a terminal matches nothing at all, as the engine finds when it compiles it."""
    return probe(f"{HEADER}start: T\nT: {expression}\n").is_empty


def _number(
    writer: Writer,
    view: views.NumberView | views.IntegerView,
    expression: str,
    relaxed: tuple[str, ...],
    place: Place,
) -> str | None:
    if not has_multiples(view):
        return None
    if relaxed == ("multipleOf",) and (leaves := multiple_leaves(view)):
        return _multiples(writer, leaves, view)
    for keyword in relaxed:
        writer.relax(keyword, "the grammar allows more numbers", place)
    return writer.terminal(expression)


def _multiples(
    writer: Writer, leaves: list[dict[str, Any]], view: views.NumberView | views.IntegerView
) -> str:
    if leaves[0]["type"] == "integer" and writer.integers is Integers.CANONICAL:
        leaves = [part for leaf in leaves for part in without_negative_zero(leaf)]
    symbols = [writer.rule(f"%json {json.dumps(leaf)}") for leaf in leaves]
    if leaves[0]["type"] == "integer" and writer.integers is Integers.ANY:
        symbols.append(f"{symbols[0]} {writer.terminal('/[.]0/')}")
    low, high = view.minimum, view.maximum
    above = getattr(view, "exclusive_minimum", False) and low == 0
    below = getattr(view, "exclusive_maximum", False) and high == 0
    if (low is None or low <= 0) and (high is None or high >= 0) and not above and not below:
        symbols.append(writer.terminal(rewritten(0, writer.integers)))
    return writer.rule(" | ".join(symbols))


def _integers_among(writer: Writer, node: CanonicalSchema, place: Place) -> str | None:
    """The integers among the numbers of a node."""
    try:
        return writer.value(node.intersect(canonicalize({"type": "integer"})), place)
    except views.CanonicalizationError:
        writer.relax("type", "the grammar allows more than the type integer", place)
        return writer.value(node, place)
