"""Conjunctions that the canonical form has not merged, as grammar rules."""

from __future__ import annotations

from contextlib import suppress
from functools import reduce

from jsonschema_rs import CanonicalSchema, canonical

from condit.constraint.schema.json_types import Types, common
from condit.constraint.schema.order import Place
from condit.constraint.schema.writer import Writer


def together(
    writer: Writer, branches: list[CanonicalSchema], place: Place, types: Types | None
) -> str | None:
    """The symbol for what satisfies all of ``branches``; ``None`` where nothing does."""
    parts = _parts(writer, branches)
    if not parts:
        return writer.anything(place, types)
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
            return writer.value(whole, place, types)
    writer.relax("allOf", "the grammar follows one of the schemas", place)
    for part in parts:
        view = part.view()
        if isinstance(view, canonical.MultiTypeView):
            types = frozenset(common(view.types, types))
    return writer.value(max(parts, key=_tightness), place, types)


def _parts(writer: Writer, branches: list[CanonicalSchema]) -> list[CanonicalSchema]:
    """``branches``, with references among them resolved and conjunctions flattened.

    A reference that leads back to itself adds no condition, and is left out.
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
            target = writer.definition(view.uri)
            if target is None:
                found[node] = None
            else:
                todo.append(target)
    return list(found)


def _tightness(node: CanonicalSchema) -> int:
    """How restrictive a kind of node is likely to be; a rank."""
    loose = (canonical.TrueView, canonical.NotView, canonical.RawView, canonical.MultiTypeView)
    return 0 if isinstance(node.view(), loose) else 2 - isinstance(node.view(), canonical.AnyOfView)
