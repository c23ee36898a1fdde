"""Whether a JSON value that is not complete can still satisfy a schema, and whether it must.

Closed parts are decided by the oracle, once each; open ones by the conditions on counts, names,
distinctness and types. The answer is an `Outlook`; ``UNKNOWN`` where it would take more.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from jsonschema_rs.canonical import CanonicalKind

from condit.constraint.schema.beginning import alike, begun_text, number_may_become
from condit.constraint.schema.outlook import (
    CERTAIN,
    UNKNOWN,
    Outlook,
    never,
    no_alternative,
    spell,
    under,
    wrong_type,
)
from condit.constraint.schema.parts import Node
from condit.constraint.schema.scanner import Closed, Frame, Mode, Scanner
from condit.constraint.schema.tally import Tally

_LONG_LIST = 1000
"""Listed values that are compared at most each time."""

_DEEPEST = 64
"""Depth of nested containers down to which values are examined before they close."""


def look(root: Node, scanner: Scanner) -> Outlook:
    """What is known of the value that is being written.

    Args:
        root: the schema; nodes that were not relaxed are trusted to the grammar.
        scanner: what has been written. Frames that matter to the answer become ``watched``.
    """
    return _Look(scanner).child(root, 0, whole=False)


def unlisted(root: Node, scanner: Scanner) -> tuple[Outlook, frozenset[str]]:
    """What is known if the string that is being written begins like none that the schema lists.

    Returns:
        The outlook, and the strings that count as listed: where the string being written begins
        like none of them, that is the outlook.
    """
    there = _Look(scanner, fresh=True)
    return there.child(root, 0, whole=False), frozenset(there.listed)


class _Look:
    """One evaluation of all that is written.

    ``fresh``: whether the string that is being written is taken to begin like none that is
    ``listed``. In the methods, ``whole``: whether all conditions are evaluated, none left to the
    grammar.
    """

    def __init__(self, scanner: Scanner, *, fresh: bool = False) -> None:
        self.fresh = fresh
        self.listed: set[str] = set()
        self.scanner = scanner
        self.stack = scanner.stack
        self.visiting: set[tuple[int, int]] = set()
        self.known: dict[tuple[tuple[int, int], bool], Outlook] = {}

    @cached_property
    def begun(self) -> str:
        """What the string that is being written begins with."""
        return begun_text(self.scanner.spelled)

    def child(self, node: Node, depth: int, *, whole: bool) -> Outlook:
        """The part of the frame at ``depth`` that is still open, or about to begin."""
        frame = self.stack[depth]
        if node.kind is CanonicalKind.FALSE:
            frame.watched = True
            return never("no value is allowed here")
        if not whole and not node.relaxed:
            return UNKNOWN
        frame.watched = True
        if frame.kind == "text" and node.lists():
            frame.exacting = True
        if depth + 1 < len(self.stack):
            return self.within(node, depth + 1, whole=whole)
        if frame.kind == "text" and frame.items:
            return self.closed(node, frame.items[0])
        scalar = self.scanner.scalar
        return self.scalar(node, scalar) if scalar else UNKNOWN

    def scalar(self, node: Node, kind: str) -> Outlook:
        """The string or number that is being written."""
        if node.types is not None and kind not in node.types:
            return wrong_type(kind, node)
        match node.kind:
            case CanonicalKind.TRUE | CanonicalKind.MULTI_TYPE:
                return CERTAIN
            case CanonicalKind.CONST | CanonicalKind.ENUM:
                if any(self._begins(value) for value in node.values):
                    return UNKNOWN
                return never("none of the listed values begins so")
            case CanonicalKind.ANY_OF | CanonicalKind.ONE_OF:
                outlooks = [self.scalar(branch, kind) for branch in node.branches]
                if all(outlook.never for outlook in outlooks):
                    return no_alternative(outlooks)
        return UNKNOWN

    def closed(self, node: Node, value: Closed) -> Outlook:
        """A value that is complete."""
        verdict = node.accepts(value)
        if verdict is None:
            return UNKNOWN
        return CERTAIN if verdict else never(lambda: node.objection(value))

    def within(self, node: Node, depth: int, *, whole: bool) -> Outlook:
        """The container at ``depth`` as the value of ``node``."""
        place = (id(node), depth)
        # A reference may lead back to itself without going into the value.
        if depth > _DEEPEST or place in self.visiting:
            return UNKNOWN
        # Branches that lead to the same node would double the work at each depth.
        known = self.known.get((place, whole))
        if known is not None:
            return known
        frame = self.stack[depth]
        frame.watched = True
        if node.types is not None and frame.kind not in node.types:
            return wrong_type(frame.kind, node)
        if node.exacting:
            frame.exacting = True
        self.visiting.add(place)
        outlook = self.known[(place, whole)] = self._by_kind(node, depth, whole)
        self.visiting.discard(place)
        return outlook

    def _by_kind(self, node: Node, depth: int, whole: bool) -> Outlook:
        match node.kind:
            case CanonicalKind.ARRAY:
                return self._array(node, depth, whole or node.relaxed_here)
            case CanonicalKind.OBJECT:
                return self._object(node, depth, whole or node.relaxed_here)
            case CanonicalKind.REFERENCE:
                if node.target is None:
                    return UNKNOWN
                return self.within(node.target, depth, whole=whole)
            case CanonicalKind.TYPED_GROUP:
                return self.within(node.branches[0], depth, whole=whole)
            case CanonicalKind.ALL_OF:
                return self._all_of(node, depth, whole)
            case CanonicalKind.ANY_OF:
                return self._any_of(node, depth)
            case CanonicalKind.ONE_OF:
                return self._one_of(node, depth)
            case CanonicalKind.NOT:
                refused = self.within(node.branches[0], depth, whole=True)
                if refused.certain:
                    return never("the value is one that is excluded")
                return CERTAIN if refused.never else UNKNOWN
            case CanonicalKind.CONST | CanonicalKind.ENUM:
                if any(self._may_become(value, depth) for value in node.values):
                    return UNKNOWN
                return never("none of the listed values begins so")
            case CanonicalKind.TRUE | CanonicalKind.MULTI_TYPE:
                return CERTAIN
        return UNKNOWN

    def _all_of(self, node: Node, depth: int, whole: bool) -> Outlook:
        certain = True
        for branch in node.branches:
            outlook = self.within(branch, depth, whole=whole or node.relaxed_here)
            if outlook.never:
                return outlook
            certain = certain and outlook.certain
        return CERTAIN if certain else UNKNOWN

    def _any_of(self, node: Node, depth: int) -> Outlook:
        outlooks = []
        for branch in node.branches:
            outlook = self.within(branch, depth, whole=True)
            if not outlook.never:
                return outlook
            outlooks.append(outlook)
        return no_alternative(outlooks)

    def _one_of(self, node: Node, depth: int) -> Outlook:
        outlooks = [self.within(branch, depth, whole=True) for branch in node.branches]
        certain = sum(outlook.certain for outlook in outlooks)
        refused = sum(outlook.never for outlook in outlooks)
        if certain > 1:
            return never("it satisfies more than one of the oneOf alternatives")
        if refused == len(outlooks):
            return no_alternative(outlooks)
        return CERTAIN if certain and certain + refused == len(outlooks) else UNKNOWN

    # Arrays

    def _array(self, node: Node, depth: int, whole: bool) -> Outlook:
        frame = self.stack[depth]
        tally = Tally.of(node, frame, whole)
        if tally.failed.never:
            return tally.failed
        begun = self._begun(depth)
        closed = len(frame.items)
        least, most = node.bounds
        if most is not None and closed + begun > most:
            return never(f"at most {most} items are allowed")
        for (_, needed, allowed), (sure, maybe) in zip(node.contains, tally.matches, strict=True):
            if allowed is not None and sure > allowed:
                return never(f"more than {allowed} items match contains")
            if most is not None and maybe + most - closed < needed:
                return never(f"{needed} items must match contains")
        if node.distinct:
            outlook = self._distinct(node, frame, max(least - closed, begun))
            if outlook.never:
                return outlook
        if begun:
            here = node.item(closed)
            if here is not None:
                outlook = self.child(here, depth, whole=whole)
                if outlook.never:
                    return outlook
        enough = closed >= least and all(
            sure >= needed and allowed is None
            for (_, needed, allowed), (sure, _) in zip(node.contains, tally.matches, strict=True)
        )
        free = not node.prefix[closed:] and node.items is None and most is None
        if enough and free and tally.sure and str(node.view.distinctness) == "unconstrained":
            return CERTAIN
        return UNKNOWN

    def _distinct(self, node: Node, frame: Frame, further: int) -> Outlook:
        identities = frame.track()
        repeated = frame.repeated
        if repeated is not None:
            twice = repeated.value
            return never(lambda: f"items must be distinct: {spell(twice)} comes twice")
        closed = len(frame.items)
        # Items of the prefix may take from the list, too, but need not.
        later = min(further, closed + further - len(node.prefix))
        pool = None if node.items is None else node.items.pool
        if pool is None or later <= 0:
            return UNKNOWN
        if len(pool) > _LONG_LIST and closed + later <= len(pool):
            return UNKNOWN
        left = pool.keys() - identities
        begins = True
        if frame is self.scanner.top and self.scanner.scalar and closed >= len(node.prefix):
            begins = any(self._begins(pool[each]) for each in left)
        if len(left) < later or not begins:
            return never("items must be distinct, and all that are listed are used")
        return UNKNOWN

    # Objects

    def _object(self, node: Node, depth: int, whole: bool) -> Outlook:
        frame = self.stack[depth]
        tally = Tally.of(node, frame, whole)
        if tally.failed.never:
            return tally.failed
        # A key being written is not yet in `members`; a key that has closed is.
        begun = self._begun(depth) if frame.key is None else 0
        count = len(frame.members)
        least, most = node.bounds
        if most is not None:
            if count + begun > most:
                return never(f"at most {most} members are allowed")
            missing = [name for name in node.required if name not in frame.members]
            if missing and count + len(missing) > most:
                return never(f"no room is left for the key {json.dumps(missing[0])}")
        if node.listed_names is not None and begun:
            in_key = frame is self.scanner.top and self.scanner.in_key
            if not any(
                name not in frame.members
                and node.may_have(name)
                and (not in_key or self._begins(name))
                for name in node.listed_names
            ):
                return never("all keys that are allowed are written")
        if frame.key is not None:
            for part in node.member(frame.key):
                outlook = self.child(part, depth, whole=whole)
                if outlook.never:
                    return under(frame.key, outlook)
        free = (
            most is None
            and count >= least
            and frame.key is None
            and node.required <= frame.members.keys()
            and not (node.view.violations or node.view.pattern_properties)
            and node.names is None
            and node.view.additional_properties is None
            and node.view.properties.keys() <= frame.members.keys()
        )
        return CERTAIN if free and tally.sure else UNKNOWN

    def _begins(self, value: Any) -> bool:
        """Whether the string or number that is being written can still become ``value``."""
        scanner = self.scanner
        if scanner.mode is Mode.NUMBER:
            return number_may_become(scanner.spelled, value)
        if not isinstance(value, str):
            return False
        if self.fresh:
            self.listed.add(value)
            return False
        return value.startswith(self.begun)

    def _begun(self, depth: int) -> int:
        """1 where something is open in the frame at ``depth``, or must come after a comma."""
        if depth + 1 < len(self.stack):
            return 1
        frame = self.stack[depth]
        in_scalar = self.scanner.mode not in (Mode.BETWEEN, Mode.LITERAL)
        return int(frame.after_comma or in_scalar)

    def _may_become(self, value: Any, depth: int) -> bool:
        """Whether the container at ``depth`` can still be ``value``."""
        frame = self.stack[depth]
        frame.watched = frame.exacting = True
        deeper = depth + 1 < len(self.stack)
        scalar = not deeper and self.scanner.scalar
        if frame.kind == "array":
            closed = len(frame.items)
            if not isinstance(value, list) or len(value) < closed + self._begun(depth):
                return False
            if any(not _equals(item, each) for each, item in zip(value, frame.items, strict=False)):
                return False
            if scalar:
                return self._begins(value[closed])
            return not deeper or self._may_become(value[closed], depth + 1)
        if not isinstance(value, dict):
            return False
        if frame.key is None and len(value) < len(frame.members) + self._begun(depth):
            return False
        for key, member in frame.members.items():
            if key not in value:
                return False
            if member is not None and not _equals(member, value[key]):
                return False
        if not deeper and self.scanner.in_key:
            return any(self._begins(key) for key in value.keys() - frame.members.keys())
        if frame.key is not None and scalar:
            return self._begins(value[frame.key])
        return not deeper or self._may_become(value[frame.key], depth + 1)


def _equals(closed: Closed, listed: Any) -> bool:
    closed.looked_at = True
    return alike(listed, closed.value)
