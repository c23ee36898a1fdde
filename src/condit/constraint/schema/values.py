"""Values of a canonical schema as symbols of a grammar, by the kind of node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jsonschema_rs import CanonicalSchema, canonical, canonicalize

from condit.constraint.engine import HEADER, probe
from condit.constraint.schema import strings
from condit.constraint.schema.arrays import array_rule
from condit.constraint.schema.json_types import ALL_TYPES, Types, common, has_type
from condit.constraint.schema.literals import literal_expression, rewritten
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
from condit.constraint.schema.together import together

if TYPE_CHECKING:
    from condit.constraint.schema.order import Place
    from condit.constraint.schema.writer import Writer


def write(writer: Writer, node: CanonicalSchema, place: Place, types: Types | None) -> str | None:
    """The symbol for the values of ``node`` of some types; ``None`` where there are none."""
    view = node.view()
    return _KINDS[type(view)](writer, view, node, place, types)


def anything(writer: Writer, place: Place, types: Iterable[str]) -> str | None:
    """Any value of these types; objects keep to the order of keys of their place."""
    symbols: list[str | None] = []
    for kind in types:
        if kind == "null":
            symbols.append('"null"')
        elif kind == "boolean":
            symbols.append(writer.terminal('"true" | "false"'))
        elif kind == "integer":
            symbols.append(writer.terminal(writer.integers.value))
        elif kind == "number":
            symbols.append(writer.terminal(ANY_NUMBER))
        elif kind == "string":
            symbols.append(writer.terminal(strings.any_string().expression))
        elif kind == "array":
            symbols.append(writer.shared(("array", place), lambda: array_rule(writer, None, place)))
        else:
            symbols.append(
                writer.shared(("object", place), lambda: object_rule(writer, None, place))
            )
    return writer.either(symbols)


def _true(
    writer: Writer, view: object, node: CanonicalSchema, place: Place, types: Types | None
) -> str | None:
    kinds = [kind for kind in ALL_TYPES if types is None or kind in types]
    if types is not None and "integer" in types and "number" not in types:
        kinds.append("integer")
    return writer.anything(place, kinds)


def _types(
    writer: Writer,
    view: canonical.MultiTypeView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    return writer.anything(place, common(view.types, types))


def _group(
    writer: Writer,
    view: canonical.TypedGroupView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    kinds = common([view.type_name], types)
    return writer.value(view.body, place, frozenset(kinds)) if kinds else None


def _string(
    writer: Writer,
    view: canonical.StringView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    if types is not None and "string" not in types:
        return None
    writer.patterns += view.patterns
    writer.formats += view.formats
    found = strings.string_language(view, writer.root.draft)
    if found.is_nothing or (_may_conflict(view) and _is_empty(found.expression)):
        return None
    return writer.language(found, place)


def _may_conflict(view: canonical.StringView) -> bool:
    """Whether there are conditions of which each can be met, but perhaps not all."""
    bounded = view.min_length is not None or view.max_length is not None
    conditions = len(view.patterns) + len(view.excluded_patterns) + len(view.formats) + bounded
    return conditions > 1


@lru_cache(maxsize=4096)
def _is_empty(expression: str) -> bool:
    """Whether a terminal matches nothing at all, as the engine finds when it compiles it."""
    return probe(f"{HEADER}start: T\nT: {expression}\n").is_empty


def _number(
    writer: Writer,
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
            return _narrowed(writer, node, "integer", place)
    if not has_multiples(view):
        return None
    if isinstance(view, canonical.IntegerView):
        expression, relaxed = integer_terminal(view, writer.integers)
    else:
        expression, relaxed = number_terminal(view)
    if relaxed == ("multipleOf",) and (leaves := multiple_leaves(view)):
        return _multiples(writer, leaves, view)
    for keyword in relaxed:
        writer.relax(keyword, "the grammar allows more numbers", place)
    return writer.terminal(expression)


def _multiples(
    writer: Writer,
    leaves: list[dict[str, Any]],
    view: canonical.NumberView | canonical.IntegerView,
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


def _array(
    writer: Writer,
    view: canonical.ArrayView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    if types is not None and "array" not in types:
        return None
    return array_rule(writer, view, place)


def _object(
    writer: Writer,
    view: canonical.ObjectView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    if types is not None and "object" not in types:
        return None
    return object_rule(writer, view, place)


def _const(
    writer: Writer,
    view: canonical.ConstView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    return _literals(writer, [view.value], place, types)


def _enum(
    writer: Writer,
    view: canonical.EnumView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    return _literals(writer, view.values, place, types)


def _literals(writer: Writer, values: list[Any], place: Place, types: Types | None) -> str | None:
    scalars: list[str] = []
    texts: list[str] = []
    others: list[str] = []
    integers = writer.integers if writer.order.asks_for_integers(place) else writer.constants
    for value in values:
        if types is not None and not has_type(value, types):
            continue
        if isinstance(value, (dict, list)):
            others.append(literal_expression(writer, value, place))
        elif isinstance(value, str):
            texts.append(value)
        else:
            scalars.append(rewritten(value, integers))
    spelled = strings.literals(texts)
    if not spelled.is_nothing:
        scalars.append(spelled.expression)
    symbols = [writer.terminal(" | ".join(scalars))] if scalars else []
    return writer.either([*symbols, *others])


def _not(
    writer: Writer,
    view: canonical.NotView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    writer.relax("not", "the grammar allows what the schema excludes", place)
    return _true(writer, view, node, place, types)


def _any_of(
    writer: Writer,
    view: canonical.AnyOfView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    return writer.either([writer.value(branch, place, types) for branch in view.branches])


def _one_of(
    writer: Writer,
    view: canonical.OneOfView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    writer.relax("oneOf", "the grammar allows values of several alternatives", place)
    return writer.either([writer.value(branch, place, types) for branch in view.branches])


def _reference(
    writer: Writer,
    view: canonical.ReferenceView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    target = writer.definition(view.uri)
    if target is None:
        writer.relax("raw", f"nothing is known of {view.uri}", place)
        return _true(writer, view, node, place, types)
    place = writer.known_place(view.uri, place)
    return writer.shared((view.uri, place, types), lambda: writer.value(target, place, types))


def _all_of(
    writer: Writer,
    view: canonical.AllOfView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    key = (frozenset(view.branches), writer.known_place("allOf", place), types)
    return writer.shared(key, lambda: together(writer, view.branches, place, types))


def _raw(
    writer: Writer,
    view: canonical.RawView,
    node: CanonicalSchema,
    place: Place,
    types: Types | None,
) -> str | None:
    writer.relax("raw", f"the schema is not understood: {view.reason}", place)
    schema = view.schema
    named = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(named, str):
        named = [named]
    kinds = ALL_TYPES if not isinstance(named, list) else tuple(map(str, named))
    return writer.anything(place, common(kinds, types))


def _narrowed(writer: Writer, node: CanonicalSchema, kind: str, place: Place) -> str | None:
    try:
        return writer.value(node.intersect(canonicalize({"type": kind})), place)
    except canonical.CanonicalizationError:
        writer.relax("type", f"the grammar allows more than the type {kind}", place)
        return writer.value(node, place)


_KINDS: dict[type, Callable[..., str | None]] = {
    canonical.TrueView: _true,
    canonical.FalseView: lambda *_: None,
    canonical.MultiTypeView: _types,
    canonical.TypedGroupView: _group,
    canonical.StringView: _string,
    canonical.IntegerView: _number,
    canonical.NumberView: _number,
    canonical.ArrayView: _array,
    canonical.ObjectView: _object,
    canonical.ConstView: _const,
    canonical.EnumView: _enum,
    canonical.NotView: _not,
    canonical.AllOfView: _all_of,
    canonical.AnyOfView: _any_of,
    canonical.OneOfView: _one_of,
    canonical.ReferenceView: _reference,
    canonical.RawView: _raw,
}
