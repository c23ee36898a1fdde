"""The values of ``const`` and ``enum`` as terminals and rules of the grammar."""

from __future__ import annotations

from typing import Any

from jsonschema_rs import CanonicalSchema, canonical

from condit.constraint.schema import strings
from condit.constraint.schema.json_types import Types, has_type
from condit.constraint.schema.layout import separated
from condit.constraint.schema.numbers import Integers, numeral
from condit.constraint.schema.order import Place
from condit.constraint.schema.writer import Writer


def constants(writer: Writer, values: list[Any], place: Place, types: Types | None) -> str | None:
    """The symbol for one of some constants of the wanted types; ``None`` where there are none."""
    scalars: list[str] = []
    others: list[str] = []
    integers = writer.integers if writer.order.asks_for_integers(place) else writer.constants
    for value in values:
        if types is not None and not has_type(value, types):
            continue
        if isinstance(value, (dict, list)):
            others.append(literal_expression(writer, value, place))
        elif isinstance(value, str):
            spelled = strings.literal(value)
            scalars += [] if spelled.is_nothing else [spelled.expression]
        else:
            scalars.append(rewritten(value, integers))
    symbols = [writer.terminal(" | ".join(dict.fromkeys(scalars)))] if scalars else []
    return writer.either([*symbols, *others])


def rewritten(value: Any, integers: Integers) -> str:
    """The expression of the terminal for ``null``, a boolean or a number."""
    if value is None:
        return '"null"'
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    return numeral(value, integers)


def literal_expression(writer: Writer, value: Any, place: Place) -> str:
    """The symbol for one constant; the keys of an object in the order of the document."""
    layout = writer.layout
    if isinstance(value, str):
        return writer.terminal(strings.literal(value).expression)
    comma = writer.terminal(f"/{layout.comma}/")
    if isinstance(value, list):
        inner = f" {comma} ".join(literal_expression(writer, each, place) for each in value)
        opening, closing = layout.open_array, layout.close_array
    elif isinstance(value, dict):
        members = [
            f"{key_terminal(writer, name)} {literal_expression(writer, value[name], place)}"
            for name in writer.order.constant(value)
        ]
        inner = f" {comma} ".join(members)
        if writer.any_order and len(members) > 1:
            # No key comes twice, so as many as there are have to be all of them.
            writer.repeats = True
            member = writer.either(writer.rule(each) for each in members)
            inner = separated(str(member), comma, len(members), len(members))
        opening, closing = layout.open_object, layout.close_object
    else:
        return writer.terminal(rewritten(value, writer.constants))
    return writer.rule(
        f"{writer.terminal(f'/{opening}/')} {inner} {writer.terminal(f'/{closing}/')}"
    )


def key_terminal(writer: Writer, name: str) -> str:
    """The terminal for one key and its colon."""
    return writer.terminal(f"{strings.literal(name).expression} /{writer.layout.colon}/")


def listed(node: CanonicalSchema | None) -> list[str] | None:
    """The strings that a schema lists; ``None`` where it does not list its values."""
    view = None if node is None else node.view()
    if isinstance(view, canonical.ConstView):
        return [view.value] if isinstance(view.value, str) else []
    if isinstance(view, canonical.EnumView):
        return [value for value in view.values if isinstance(value, str)]
    return [] if isinstance(view, canonical.FalseView) else None
