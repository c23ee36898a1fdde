"""Objects of a canonical schema as grammar rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from typing import Any, cast

import jsonschema_rs
from jsonschema_rs import CanonicalSchema, canonical

from condit.constraint.regular.expression import ANYTHING, NOTHING
from condit.constraint.schema import strings
from condit.constraint.schema.layout import repeated, separated
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
    """The conditions of an object on its members, read once, as the canonical view makes copies.

    Attributes:
        properties, patterns, additional: schemas of their values.
        keys: the schema of their keys; ``None`` for any key.
        listed: the keys that there may be, where they are listed.
        required: the keys that there must be.
    """

    properties: Mapping[str, CanonicalSchema] = field(default_factory=dict)
    patterns: Mapping[str, CanonicalSchema] = field(default_factory=dict)
    additional: CanonicalSchema | None = None
    keys: CanonicalSchema | None = None
    listed: list[str] | None = None
    required: Sequence[str] = ()

    @classmethod
    def of(cls, view: canonical.ObjectView) -> _Members:
        keys = view.property_names
        held = view.properties, view.pattern_properties, view.additional_properties
        return cls(*held, keys, listed(keys), view.required)

    def further(self, parts: list[CanonicalSchema]) -> list[CanonicalSchema]:
        """``parts``, or, if there are none, the schema of additional properties."""
        return parts or ([] if self.additional is None else [self.additional])

    def may_have(self) -> Callable[[str], bool]:
        """A function that tells whether an object may have a key."""
        if self.keys is None:
            return lambda name: True
        if self.listed is not None:
            return frozenset(self.listed).__contains__
        schema: Any = self.keys.to_json_schema()
        validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        return cast("Callable[[str], bool]", validator.is_valid)


def object_rule(writer: Writer, view: canonical.ObjectView | None, place: Place) -> str | None:
    """The symbol for objects; ``None`` where there are none.

    Args:
        writer: of the grammar.
        view: what they satisfy; ``None`` for any object.
        place: of the object.
    """
    inside = _Members() if view is None else _Members.of(view)
    # The keys that are written out, in the order of the document.
    names = dict.fromkeys(
        (*writer.order.names(place), *inside.required, *inside.properties, *(inside.listed or ()))
    )
    required, allowed = set(inside.required), inside.may_have()
    members = {}
    for name in names:
        symbol = _member(writer, inside, name, place) if allowed(name) else None
        if symbol is not None:
            members[name] = _Member(symbol, name in required)
        elif name in required:
            return None
    extra = _extra(writer, inside, names, place) if inside.listed is None else None
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
    """Note as hints the keys of members that must violate a schema."""
    for each in view.violations:
        if isinstance(each, canonical.PatternValueFailsView):
            writer.patterns.append(each.pattern)
        elif isinstance(each, canonical.NameFailsView):
            names = each.schema.view()
            if isinstance(names, canonical.StringView):
                writer.words += names.excluded
                writer.patterns += names.excluded_patterns


def _member(writer: Writer, inside: _Members, name: str, place: Place) -> str | None:
    parts = [inside.properties[name]] if name in inside.properties else []
    parts += [part for pattern, part in inside.patterns.items() if matches(pattern, name)]
    value = _together(writer, inside.further(parts), writer.order.member(place, name))
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


def _extra(writer: Writer, inside: _Members, names: Iterable[str], place: Place) -> str | None:
    """The symbol for a member that the schema does not name."""
    value_place = writer.order.extra(place)
    base = Texts(ANYTHING)
    if inside.keys is not None:
        base = strings.names_texts(inside.keys)
        named = inside.keys.view()
        if isinstance(named, canonical.StringView):
            writer.patterns += named.patterns
    base = without(base, strings.words(*names))
    patterns = inside.patterns
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
        parts = inside.further([patterns[pattern] for pattern in chosen])
        value = _together(writer, parts, value_place)
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
    """What may follow one more member; the same for all counts beyond the last that matters."""
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
    if high is not None and high < max(0, low):
        return None
    if extra is None:
        return None if low > 0 else ""
    return repeated(f"{comma} {extra}", low, high)


def _first(comma: str, extra: str | None, least: int, most: int | None) -> str | None:
    """The members of an object that has none of those that are named."""
    if extra is None or most == 0:
        return None if least else ""
    return separated(extra, comma, least, most)


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
    return _first(writer.terminal(f"/{writer.layout.comma}/"), member, least, most)
