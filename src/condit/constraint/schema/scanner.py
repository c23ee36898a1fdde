"""An incremental JSON parser: open containers, closed values, and faults that cannot be undone.

It does not check the syntax: the mask engine has allowed the bytes, so they are a prefix of JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable
from enum import Enum
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_NUMBER = re.compile(rb"[-+.0-9eE]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LITERALS = {ord("t"): True, ord("f"): False, ord("n"): None}
_QUOTE, _COMMA, _COLON = b'",:'
_ESCAPE = ord("\\")


class Mode(Enum):
    """Where in the JSON text the last byte stands."""

    BETWEEN = "between"
    STRING = "string"
    ESCAPED = "escaped"
    """In a string, right after a backslash."""
    NUMBER = "number"
    LITERAL = "literal"
    """In ``true``, ``false`` or ``null``, which are known by their first letter."""


class Closed:
    """A value that is complete, shared by all scanners that have read it.

    Attributes:
        value: as Python's ``json`` reads it.
        verdicts: a cache for checks.
        looked_at: whether a check has used more than its type.
    """

    __slots__ = ("_identity", "looked_at", "value", "verdicts")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.verdicts: dict[object, bool | None] = {}
        self.looked_at = False
        self._identity: Hashable = None

    @property
    def identity(self) -> Hashable:
        """Equal for values that are equal in JSON Schema: 1 and 1.0 are, 1 and true are not."""
        self.looked_at = True
        if self._identity is None:
            self._identity = identity_of(self.value)
        return self._identity


def identity_of(value: Any) -> Hashable:
    """Something to hash and compare that is equal where two JSON values are."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("array", *map(identity_of, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, identity_of(member)) for key, member in value.items()))
    if value is None:
        return ("null",)
    return value  # type: ignore[no-any-return]


class Frame:
    """An array or object that is open, or the text itself, which holds one value.

    Attributes:
        kind: ``"array"``, ``"object"``, or ``"text"``.
        items: the closed items of an array, or the closed value of the text.
        members: the closed members of an object, in order; ``None`` for the key written last,
            until its value has closed.
        key: that key.
        after_comma: whether a comma is the last thing in it, so that more must come.
        watched: whether a check examines its values; set by the check.
        exacting: whether a check examines incomplete strings and numbers in it.
        notes: a cache of checks for the closed parts; its entries are immutable.
        owner: the scanner's mark that may write to it; others copy the frame first.
        repeated: where identities are tracked, the first item that was there before; else ``None``.
    """

    __slots__ = (
        "_identities",
        "after_comma",
        "exacting",
        "items",
        "key",
        "kind",
        "members",
        "notes",
        "owner",
        "repeated",
        "watched",
    )

    def __init__(self, kind: str, owner: object) -> None:
        self.kind = kind
        self.owner = owner
        self.items: list[Closed] = []
        self.members: dict[str, Closed | None] = {}
        self.key: str | None = None
        self.after_comma = False
        self.watched = False
        self.exacting = False
        self.notes: dict[object, Any] = {}
        self.repeated: Closed | None = None
        self._identities: set[Hashable] | None = None

    def copy(self, owner: object) -> Frame:
        """An independent frame; the closed values are shared."""
        twin = Frame(self.kind, owner)
        twin.items, twin.members = self.items.copy(), self.members.copy()
        twin.key, twin.after_comma, twin.watched = self.key, self.after_comma, self.watched
        twin.exacting = self.exacting
        twin.notes, twin.repeated = self.notes.copy(), self.repeated
        twin._identities = None if self._identities is None else self._identities.copy()
        return twin

    def track(self) -> set[Hashable]:
        """The identities of the items; from the first call on, ``repeated`` is kept."""
        if self._identities is None:
            identities: set[Hashable] = set()
            for item in self.items:
                self._see(item, identities)
            # Assigned when complete: another thread may look at a shared frame.
            self._identities = identities
        return self._identities

    def add(self, item: Closed) -> None:
        """Append an item."""
        self.items.append(item)
        if self._identities is not None:
            self._see(item, self._identities)

    def _see(self, item: Closed, identities: set[Hashable]) -> None:
        if item.identity in identities:
            self.repeated = self.repeated or item
        identities.add(item.identity)

    def first_since(self, before: Frame) -> Closed | None:
        """What has closed in it first since ``before``, the same frame at an earlier time."""
        if self.kind == "object":
            return None if before.key is None else self.members.get(before.key)
        closed = len(before.items)
        return self.items[closed] if len(self.items) > closed else None

    @property
    def count(self) -> int:
        """How many items or members it has, one that is open and not a key included."""
        return len(self.members) if self.kind == "object" else len(self.items)


class Scanner:
    """Follows JSON bytes. Copies cost a list of the open containers.

    Attributes:
        stack: the text itself, then the open containers, outermost first.
        mode: where the last byte stands.
        spelled: the bytes of the string (without its opening quote) or number being written.
        fault: why JSON readers may refuse the text, however it goes on: a key that comes twice,
            half of a surrogate pair, a number that is too large; ``""`` while there is none.
    """

    __slots__ = ("_left", "_me", "fault", "mode", "spelled", "stack")

    def __init__(self) -> None:
        self._me = object()
        self.stack = [Frame("text", self._me)]
        self.mode = Mode.BETWEEN
        self.spelled = b""
        self.fault = ""
        self._left = 0

    def copy(self) -> Scanner:
        """An independent scanner in the same state."""
        twin = self.peek()
        # From now on this one, too, has to copy a frame before it writes to it.
        self._me = object()
        return twin

    def peek(self) -> Scanner:
        """A scanner in the same state, to be thrown away before this one reads on."""
        twin = Scanner.__new__(Scanner)
        twin._me = object()
        twin.stack = self.stack.copy()
        twin.mode, twin.spelled = self.mode, self.spelled
        twin.fault, twin._left = self.fault, self._left
        return twin

    @property
    def top(self) -> Frame:
        """The innermost open container, or the text."""
        return self.stack[-1]

    @property
    def in_key(self) -> bool:
        """Whether the string being written is a key."""
        if self.mode is not Mode.STRING and self.mode is not Mode.ESCAPED:
            return False
        return self.stack[-1].kind == "object" and self.stack[-1].key is None

    @property
    def scalar(self) -> str:
        """The type of the value being written: ``"string"``, ``"number"``, or ``""``: none is."""
        if self.mode is Mode.NUMBER:
            return "number"
        if self.mode is Mode.STRING or self.mode is Mode.ESCAPED:
            return "" if self.in_key else "string"
        return ""

    def feed(self, piece: bytes) -> bool:
        """Read further bytes; whether anything opened, closed or was separated by them."""
        changed = False
        place, size = 0, len(piece)
        while place < size:
            mode = self.mode
            if mode is Mode.BETWEEN:
                if piece[place] not in b" \n\r\t:":
                    self._begin(piece[place])
                    changed = True
                place += 1
            elif mode is Mode.STRING:
                end = _STRING.match(piece, place).end()  # type: ignore[union-attr]
                if end == size:
                    self.spelled += piece[place:]
                elif piece[end] == _ESCAPE:
                    self.spelled += piece[place:]
                    self.mode = Mode.ESCAPED
                else:
                    self.spelled += piece[place:end]
                    self._close_string()
                    changed = True
                place = end + 1
            elif mode is Mode.ESCAPED:
                self.spelled += piece[place : place + 1]
                self.mode = Mode.STRING
                place += 1
            elif mode is Mode.NUMBER:
                end = _NUMBER.match(piece, place).end()  # type: ignore[union-attr]
                self.spelled += piece[place:end]
                if end < size:
                    self._close_number()
                    changed = True
                place = end
            else:
                self._left -= 1
                if not self._left:
                    self.mode = Mode.BETWEEN
                place += 1
        return changed

    def _begin(self, byte: int) -> None:
        """One byte outside of scalars."""
        if byte == _QUOTE:
            self.mode, self.spelled = Mode.STRING, b""
            self._own().after_comma = False
        elif byte == _COMMA:
            self._own().after_comma = True
        elif byte in b"[{":
            self._own().after_comma = False
            self.stack.append(Frame("array" if byte in b"[" else "object", self._me))
        elif byte in b"]}":
            frame = self.stack.pop()
            if frame.kind == "array":
                self._close([item.value for item in frame.items])
            else:
                self._close({key: each.value for key, each in frame.members.items() if each})
        elif byte in _LITERALS:
            value = _LITERALS[byte]
            self.mode, self._left = Mode.LITERAL, 4 if value is False else 3
            self._close(value)
        else:
            self.mode, self.spelled = Mode.NUMBER, bytes((byte,))
            self._own().after_comma = False

    def _own(self) -> Frame:
        """The innermost frame, to be written to."""
        frame = self.stack[-1]
        if frame.owner is not self._me:
            frame = self.stack[-1] = frame.copy(self._me)
        return frame

    def _close(self, value: Any) -> None:
        frame = self._own()
        frame.after_comma = False
        if frame.kind == "object":
            if frame.key is not None:
                frame.members[frame.key] = Closed(value)
                frame.key = None
        else:
            frame.add(Closed(value))

    def _close_string(self) -> None:
        value = read_string(self.spelled)
        if _SURROGATE.search(value):
            self.fault = self.fault or (
                "a string holds half of a surrogate pair, which is no character"
            )
        in_key = self.in_key
        self.mode = Mode.BETWEEN
        self.spelled = b""
        if not in_key:
            self._close(value)
            return
        frame = self._own()
        if value in frame.members:
            self.fault = self.fault or f"the key {json.dumps(value)} is written already"
        frame.key = value
        frame.members[value] = None

    def _close_number(self) -> None:
        spelled = self.spelled.decode()
        self.mode, self.spelled = Mode.BETWEEN, b""
        value: int | float = 0
        try:
            value = float(spelled) if re.search("[.eE]", spelled) else int(spelled)
        except ValueError:
            self.fault = self.fault or "an integer has too many digits"
        if value in (math.inf, -math.inf):
            self.fault = self.fault or (f"{spelled[:20]} is too large for a floating-point number")
        self._close(value)


def read_string(spelled: bytes) -> str:
    """The text that a JSON string without its quotes stands for."""
    text = spelled.decode("utf-8", errors="replace")
    if "\\" not in text:
        return text
    read: str = scanstring(text + '"', 0)[0]
    return read
