"""Pydantic's validation of each value of a type as it closes, while the text is still growing.

A value that closes is given to the validator of the part of the type that it is a value of; so is
a key, and an object together with its members. The token that would close a refused value is not
allowed. Which validator that is, is said by `condit.constraint.python.places`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from condit.constraint.base import Violation
from condit.constraint.python.places import HOLD_ITEMS, HOLD_MEMBERS, Container, Field, Place, Type
from condit.constraint.schema.outlook import spell
from condit.constraint.schema.scanner import Closed, Frame, Scanner
from condit.errors import ValidatorError

_REMEMBERED = 20_000

_Standing = tuple[Place | Field, ...] | None
"""The places of a type, as alternatives, of which a value may be; ``None``: not known."""


class TypeChecks:
    """The checks of one type, with a cache of their verdicts.

    Args:
        type_: the type.
        written: whether keys come in the order of the fields.
        schema_objection: says what is wrong with a finished text by its JSON schema alone.
    """

    def __init__(
        self,
        type_: Type,
        *,
        written: bool,
        schema_objection: Callable[[str], Violation | None],
    ) -> None:
        self.schema_objection = schema_objection
        self._type = type_
        self._written = written
        self._verdicts: dict[tuple[int, str], str | None] = {}

    def watch(self, scanner: Scanner) -> None:
        """Mark the open containers in which a value may be refused as ``watched``."""
        standing: _Standing = (self._type.root,)
        for depth, frame in enumerate(scanner.stack):
            if standing is None or not any(place.late for place in standing):
                return
            frame.watched = True
            if depth + 1 < len(scanner.stack):
                standing = self._below(standing, frame, depth)

    def objection(self, before: Scanner, after: Scanner) -> str | None:
        """What is wrong with a value that has closed between two states; ``None``: nothing.

        Raises:
            ValidatorError: a validator of the type failed in another way than by refusing.
        """
        standing: _Standing = (self._type.root,)
        for depth, frame in enumerate(after.stack):
            if standing is None or not any(place.late for place in standing):
                return None
            old = before.stack[depth] if depth < len(before.stack) else None
            if old is not frame:
                found = self._closed(standing, frame, old, depth)
                if found is not None:
                    return found
            if depth + 1 < len(after.stack):
                standing = self._below(standing, frame, depth)
        return None

    def _closed(
        self, standing: tuple[Place | Field, ...], frame: Frame, old: Frame | None, depth: int
    ) -> str | None:
        """As ``objection``, for one open container."""
        if frame.kind == "text":
            return self._refused(standing, frame.items[0]) if frame.items else None
        containers = _containers(standing)
        if containers is None:
            return None
        if frame.kind == "array":
            first = 0 if old is None else len(old.items)
            for index in range(first, len(frame.items)):
                below = _at(containers, index)
                found = None if below is None else self._refused(below, frame.items[index])
                if found is not None:
                    return found
            return None
        for key, member in frame.members.items():
            known = None if old is None else old.members.get(key)
            if old is None or key not in old.members:
                found = self._bad_key(containers, key)
                if found is not None:
                    return found
            if member is None or member is known:
                continue
            below = _under(containers, key)
            try:
                found = None if below is None else self._refused(below, member, frame)
            except ValidatorError as error:
                raise ValidatorError(f"under the key {spell(key)}: {error}", field=key) from error
            if found is not None:
                return f"under the key {spell(key)}: {found}"
        return None

    def _refused(
        self, standing: tuple[Place | Field, ...], value: Closed, frame: Frame | None = None
    ) -> str | None:
        """Why all of the alternatives refuse a closed value; ``None`` if one accepts it."""
        reason = None
        for place in standing:
            if not place.late:
                return None  # its schema says all, and is enforced elsewhere
            if isinstance(place, Field):
                found = self._field(place, frame)
            else:
                value.looked_at = True
                found = self._ask(place, json.dumps(value.value, ensure_ascii=False))
            if found is None:
                return None
            reason = reason or found
        return reason

    def _field(self, field: Field, frame: Frame | None) -> str | None:
        """Why a field refuses its value together with those before it; ``None`` if it does not."""
        if frame is None:
            return None
        if not self._written and not field.before <= frame.members.keys():
            return None
        written = {}
        for key, member in frame.members.items():
            if member is not None:
                member.looked_at = True
                written[key] = member.value
        return self._ask(field, json.dumps(written, ensure_ascii=False))

    def _bad_key(self, containers: tuple[Container, ...], key: str) -> str | None:
        reason = None
        for container in containers:
            place = container.key
            if place is None or not place.late:
                return None
            found = self._ask(place, json.dumps({key: None}, ensure_ascii=False))
            if found is None:
                return None
            reason = reason or f"the key {spell(key)} is not allowed: {found}"
        return reason

    def _ask(self, place: Place | Field, text: str) -> str | None:
        known = id(place), text
        if known not in self._verdicts:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            self._verdicts[known] = place.objection(text)
        return self._verdicts[known]

    def _below(self, standing: _Standing, frame: Frame, depth: int) -> _Standing:
        """The places of which the value that is open in a container may be."""
        if frame.kind == "text":
            return standing
        containers = None if standing is None else _containers(standing)
        if containers is None:
            return None
        if frame.kind == "array":
            return _at(containers, len(frame.items))
        return None if frame.key is None else _under(containers, frame.key)


def _containers(standing: tuple[Place | Field, ...]) -> tuple[Container, ...] | None:
    found: list[Container] = []
    for place in standing:
        held = place.containers
        if held is None:
            return None
        found += held
    return tuple(found)


def _at(containers: tuple[Container, ...], index: int) -> _Standing:
    return _known([each.item(index) for each in containers if each.kind in HOLD_ITEMS])


def _under(containers: tuple[Container, ...], key: str) -> _Standing:
    return _known([each.member(key) for each in containers if each.kind in HOLD_MEMBERS])


def _known(places: list[Any]) -> _Standing:
    """``places`` as a tuple; ``None`` where one is not known, or there are none."""
    if not places or any(place is None for place in places):
        return None
    return tuple(places)
