"""Arrays of a canonical schema as grammar rules."""

from __future__ import annotations

from jsonschema_rs import canonical

from condit.constraint.schema.layout import repeated, separated
from condit.constraint.schema.literals import listed
from condit.constraint.schema.order import Place
from condit.constraint.schema.writer import Writer

_MOST_REPEATS = 2000
"""Items that the grammar counts; more are counted by the check when the array closes."""


def array_rule(writer: Writer, view: canonical.ArrayView | None, place: Place) -> str | None:
    """The symbol for arrays; ``None`` where there are none.

    Args:
        writer: of the grammar.
        view: what they satisfy; ``None`` for any array.
        place: of the array.
    """
    layout, order = writer.layout, writer.order
    comma = writer.terminal(f"/{layout.comma}/")
    least, most = _bounds(writer, view, place)
    prefix: list[str] = []
    nodes = view.prefix_items if view is not None else []
    for index, node in enumerate(nodes):
        if most is not None and index >= most:
            break
        symbol = writer.value(node, order.item(place, index))
        if symbol is None:
            most = index
            break
        prefix.append(symbol)
    rest = None
    if most is None or most > len(prefix):
        rest_place = order.item(place, len(prefix))
        items = view.items if view is not None else None
        rest = writer.anything(rest_place) if items is None else writer.value(items, rest_place)
        if rest is None:
            most = len(prefix)
    if most is not None and least > most:
        return None
    _relax(writer, view, most, place)
    opening, closing = (
        writer.terminal(f"/{mark}/") for mark in (layout.open_array, layout.close_array)
    )
    # From the last to the first: what follows is optional once there are enough.
    tail = ""
    if rest is not None:
        low = max(0, least - len(prefix))
        high = None if most is None else most - len(prefix)
        if prefix:
            tail = repeated(f"{comma} {rest}", low, high)
        else:
            tail = separated(rest, comma, low, high)
    for index in reversed(range(len(prefix))):
        tail = f"{prefix[index]} {tail}".strip()
        if index:
            tail = f"{comma} {tail}"
        if index >= least:
            tail = writer.rule(f"({tail})?")
    return writer.rule(f"{opening} {tail} {closing}")


def _bounds(
    writer: Writer, view: canonical.ArrayView | None, place: Place
) -> tuple[int, int | None]:
    if view is None:
        return 0, None
    least, most = view.min_items or 0, view.max_items
    if least > _MOST_REPEATS:
        writer.relax("minItems", f"the grammar counts to {_MOST_REPEATS}", place)
        least = _MOST_REPEATS
    if most is not None and most > _MOST_REPEATS:
        writer.relax("maxItems", f"the grammar counts to {_MOST_REPEATS}", place)
        most = None
    return least, most


def _relax(
    writer: Writer, view: canonical.ArrayView | None, most: int | None, place: Place
) -> None:
    if view is None:
        return
    if view.distinctness != canonical.Distinctness.UNCONSTRAINED and (most is None or most > 1):
        writer.relax("uniqueItems", "the grammar does not compare items", place)
    for each in view.contains:
        writer.relax("contains", "the grammar does not count what items are", place)
        # Not written, but the check will look at it.
        writer.value(each.schema, place)
        writer.words += listed(each.schema) or ()
