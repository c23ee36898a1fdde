"""Objects of a canonical schema as rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Any

import jsonschema_rs
from jsonschema_rs import CanonicalSchema, canonical

from condit.constraint.schema import strings
from condit.constraint.schema.expression import ANYTHING, NOTHING
from condit.constraint.schema.literals import key_terminal, listed
from condit.constraint.schema.order import Place
from condit.constraint.schema.patterns import matches, matching
from condit.constraint.schema.texts import Texts, both, either, without
from condit.constraint.schema.writer import Writer

_MOST_COUNTED = 4000
"""Pairs of a key and a number of members that are worth a rule each."""

_MOST_OVERLAPS = 4
"""Patterns of keys whose overlaps are all written out."""


@dataclass(frozen=True)
class _Member:
    symbol: str
    required: bool


@dataclass(frozen=True)
class _Members:
    """Schemas of members, read once: the canonical view copies them whenever it is asked."""

    properties: Mapping[str, CanonicalSchema]
    patterns: Mapping[str, CanonicalSchema]
    additional: CanonicalSchema | None


def object_rule(writer: Writer, view: canonical.ObjectView | None, place: Place) -> str | None:
    """The symbol for objects; ``None`` where there are none.

    Args:
        writer: of the grammar.
        view: what they satisfy; ``None`` for any object.
        place: of the object.
    """
    required = set(view.required) if view is not None else set()
    names = _names(writer, view, place)
    allowed = _name_test(view)
    inside = None
    if view is not None:
        inside = _Members(view.properties, view.pattern_properties, view.additional_properties)
    members = {}
    for name in names:
        symbol = _member(writer, inside, name, place) if allowed(name) else None
        if symbol is not None:
            members[name] = _Member(symbol, name in required)
        elif name in required:
            return None
    extra = None if _is_closed(view) else _extra(writer, view, names, place)
    if extra is not None:
        writer.repeats = True
    least = (view.min_properties or 0) if view is not None else 0
    most = view.max_properties if view is not None else None
    if view is not None and view.violations:
        writer.relax("not", "the grammar does not look for what must fail", place)
        _hint_at(writer, view)
    layout = writer.layout
    if writer.any_order:
        inners = [_in_any_order(writer, list(members.values()), extra, least, most, place)]
    else:
        orders = dict.fromkeys(
            tuple(name for name in dict.fromkeys((*order, *members)) if name in members)
            for order in writer.order.orders(place)
        )
        inners = [
            _in_order(writer, [members[name] for name in order], extra, least, most, place)
            for order in orders
        ]
    inner = " | ".join(each for each in inners if each)
    if not inner and None in inners:
        return None
    opening, closing = (
        writer.terminal(f"/{mark}/") for mark in (layout.open_object, layout.close_object)
    )
    inner = f"({inner})" if len(inners) > 1 else inner
    return writer.rule(f"{opening} {inner} {closing}")


def _hint_at(writer: Writer, view: canonical.ObjectView) -> None:
    """Note keys by which the object can have what must fail."""
    for each in view.violations:
        if isinstance(each, canonical.PatternValueFailsView):
            writer.patterns.append(each.pattern)
        elif isinstance(each, canonical.NameFailsView):
            names = each.schema.view()
            if isinstance(names, canonical.StringView):
                writer.words += names.excluded
                writer.patterns += names.excluded_patterns


def _names(writer: Writer, view: canonical.ObjectView | None, place: Place) -> list[str]:
    """The keys that are written out, in the order of the document."""
    names = dict.fromkeys(writer.order.names(place))
    if view is not None:
        named = listed(view.property_names)
        for group in (view.required, view.properties, named or ()):
            names.update(dict.fromkeys(group))
    return list(names)


def _is_closed(view: canonical.ObjectView | None) -> bool:
    return view is not None and listed(view.property_names) is not None


def _name_test(view: canonical.ObjectView | None) -> Callable[[str], bool]:
    node = None if view is None else view.property_names
    if node is None:
        return lambda name: True
    named = listed(node)
    if named is not None:
        return frozenset(named).__contains__
    schema: Any = node.to_json_schema()
    is_valid: Callable[[str], bool] = jsonschema_rs.validator_for(
        schema, validate_formats=True
    ).is_valid
    return is_valid


def _member(writer: Writer, view: _Members | None, name: str, place: Place) -> str | None:
    inside = writer.order.member(place, name)
    if view is None:
        value = writer.anything(inside)
    else:
        parts = [view.properties[name]] if name in view.properties else []
        parts += [part for pattern, part in view.patterns.items() if matches(pattern, name)]
        if not parts and view.additional is not None:
            parts = [view.additional]
        value = _together(writer, parts, inside)
    return None if value is None else f"{key_terminal(writer, name)} {value}"


def _together(writer: Writer, parts: Sequence[CanonicalSchema], place: Place) -> str | None:
    """The symbol for the values that satisfy all ``parts``."""
    if not parts:
        return writer.anything(place)
    try:
        return writer.value(reduce(CanonicalSchema.intersect, parts), place)
    except canonical.CanonicalizationError:
        writer.relax("patternProperties", "the grammar follows one of the schemas", place)
        return writer.value(parts[0], place)


def _extra(
    writer: Writer, view: canonical.ObjectView | None, names: Sequence[str], place: Place
) -> str | None:
    """The symbol for a member that the schema does not name."""
    inside = writer.order.extra(place)
    base = Texts(ANYTHING)
    if view is not None and view.property_names is not None:
        base = strings.names_texts(view.property_names, writer.root)
        named = view.property_names.view()
        if isinstance(named, canonical.StringView):
            writer.patterns += named.patterns
    base = without(base, strings.words(*names))
    patterns = dict(view.pattern_properties) if view is not None else {}
    additional = None if view is None else view.additional_properties
    symbols: list[str | None] = []
    writer.patterns += patterns
    known = {pattern: matching(pattern) for pattern in patterns}
    groups: list[tuple[tuple[str, ...], Texts]] = []
    if len(patterns) > _MOST_OVERLAPS or not all(each.exact for each in known.values()):
        # Each value must satisfy the schema of every pattern that matches; one is a superset.
        if patterns:
            writer.relax("patternProperties", "the grammar follows one of the patterns", place)
        groups += [((pattern,), both(base, known[pattern])) for pattern in patterns]
        groups.append(((), base))
    else:
        for size in range(len(patterns) + 1):
            for chosen in combinations(patterns, size):
                others = [known[pattern] for pattern in patterns if pattern not in chosen]
                keys = both(base, *(known[each] for each in chosen)) if chosen else base
                groups.append((chosen, without(keys, either(*others)) if others else keys))
    for chosen, keys in groups:
        if keys.node == NOTHING:
            continue
        parts = [patterns[pattern] for pattern in chosen]
        if not parts and additional is not None:
            parts = [additional]
        value = _together(writer, parts, inside)
        if value is not None:
            key = writer.language(strings.language(keys), place)
            colon = writer.terminal(f"/{writer.layout.colon}/")
            symbols.append(writer.rule(f"{key} {colon} {value}"))
    return writer.either(symbols)


def _in_order(
    writer: Writer,
    members: Sequence[_Member],
    extra: str | None,
    least: int,
    most: int | None,
    place: Place,
) -> str | None:
    """Members in the order of the document, then the others."""
    needed = sum(member.required for member in members)
    possible = len(members) if extra is None else None
    least = 0 if least <= needed else least
    if most is not None and possible is not None and possible <= most:
        most = None
    counted = most if most is not None else least
    if (len(members) + 1) * (counted + 1) > _MOST_COUNTED:
        for keyword, bound in (("minProperties", least), ("maxProperties", most)):
            if bound:
                writer.relax(keyword, "there are too many members to count", place)
        least, most, counted = 0, None, 0
    comma = writer.terminal(f"/{writer.layout.comma}/")
    # What may follow the first members, by how many are written: from the last to the first.
    tails = [
        _others(comma, extra, least - count, _left(most, count)) for count in range(counted + 1)
    ]
    firsts = [_first(comma, extra, least, most)]
    for member in reversed(members):
        written: list[str | None] = []
        for count in range(counted + 1):
            after = _after(tails, count, most)
            take = None if after is None else f"{comma} {member.symbol} {after}".strip()
            written.append(_step(writer, take, tails[count], member.required))
        start = _after(tails, 0, most)
        first = None if start is None else f"{member.symbol} {start}".strip()
        firsts = [*([] if member.required else firsts), first]
        tails = written
    found = [first for first in firsts if first is not None]
    if not found:
        return None
    texts = list(dict.fromkeys(reversed(found)))
    choice = " | ".join(text for text in texts if text)
    if not choice:
        return ""
    return f"({choice})?" if "" in texts else f"({choice})"


def _after(tails: Sequence[str | None], count: int, most: int | None) -> str | None:
    """What may follow one more member: beyond the last count that matters it is all the same."""
    if count + 1 < len(tails):
        return tails[count + 1]
    return None if most is not None else tails[-1]


def _step(writer: Writer, take: str | None, skip: str | None, required: bool) -> str | None:
    if required or skip is None:
        return None if take is None else writer.rule(take)
    if take is None:
        return skip
    # An optional member costs one rule, which the rest shares.
    return writer.rule(f"{take} | {skip}") if skip else f"({take})?"


def _left(most: int | None, count: int) -> int | None:
    return None if most is None else most - count


def _others(comma: str, extra: str | None, low: int, high: int | None) -> str | None:
    """Members beyond those that are named, at least ``low`` and at most ``high``."""
    low = max(0, low)
    if high is not None and high < low:
        return None
    if extra is None:
        return None if low else ""
    if high == 0:
        return ""
    if high is None:
        return f"({comma} {extra})*" if low == 0 else f"({comma} {extra}){{{low},}}"
    return f"({comma} {extra}){{{low},{high}}}"


def _first(comma: str, extra: str | None, least: int, most: int | None) -> str | None:
    """The members of an object that has none of those that are named."""
    if extra is None or most == 0:
        return None if least else ""
    more = _others(comma, extra, least - 1, _left(most, 1)) or ""
    members = f"{extra} {more}".strip()
    return members if least else f"({members})?"


def _in_any_order(
    writer: Writer,
    members: Sequence[_Member],
    extra: str | None,
    least: int,
    most: int | None,
    place: Place,
) -> str | None:
    """Members in any order; that none is missing or comes twice is left to the checks."""
    symbols = [member.symbol for member in members] + ([] if extra is None else [extra])
    needed = sum(member.required for member in members)
    if extra is None:
        most = len(members) if most is None else min(most, len(members))
    least = max(least, needed)
    if most is not None and least > most:
        return None
    if needed and not (extra is None and needed == len(members)):
        writer.relax("required", "the grammar takes keys in any order", place)
    if len(members) > 1:
        writer.repeats = True
    member = writer.either(symbols and [writer.rule(symbol) for symbol in symbols])
    if member is None or most == 0:
        return None if least else ""
    comma = writer.terminal(f"/{writer.layout.comma}/")
    more = _others(comma, member, least - 1, _left(most, 1)) or ""
    found = f"{member} {more}".strip()
    return found if least else f"({found})?"
