"""What pydantic has to say to the values of a type, asked as each of them closes.

A value that closes is shown to the part of the type's validator that it is a value of; so is a key,
and an object together with its members. What is refused there is refused for good, so the token
that would close it is not allowed, and the text goes on otherwise.
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
"""What a value may be one of, by alternatives; ``None``: that is not known."""


class TypeChecks:
    """The checks of one type, with what they have found.

    Args:
        type_: the type.
        written: whether keys come in the order of the fields.
        schema_objection: what is wrong with a finished text by its JSON schema alone.
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
        """Mark the open containers that a check looks into."""
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
        """As ``objection``, in one frame."""
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
        """Why none of the alternatives takes a closed value."""
        reason = None
        for place in standing:
            if not place.late:
                # What its schema says is decided elsewhere.
                return None
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
        """Why a field that is told of others refuses its value, as far as they are known."""
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
        """What the container that is open in a frame may be one of."""
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
    """The places, where each is known and there are some."""
    if not places or any(place is None for place in places):
        return None
    return tuple(places)
