r"""Rewrites patterns in the lenient syntax of ECMA-262's Annex B, so that the oracle reads them.

JSON Schema asks for patterns that are valid with ECMA-262's ``u`` flag. Many in use are not: they
were written for ``new RegExp(pattern)``, which follows Annex B. There a lone ``}`` stands for
itself, ``\_`` for ``_``, ``\07`` for a character by its octal number, ``[\w-.]`` for a class with a
hyphen, and a lookahead may be repeated. `strict` writes such a pattern in the strict syntax, with
the same language.

A pattern that the oracle reads, and as a browser does, is left alone. In others ``\p{…}`` and
``\u{…}`` keep the meaning that they have with the flag, not that of repeated letters.
"""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from typing import Any

import jsonschema_rs

from condit.constraint.regular.pattern_text import PatternText
from condit.constraint.schema.keywords import Schema, subschemas

# Escapes, without their backslashes.
_KEPT = re.compile(
    r"[dDwWsSbBfnrtv]|c[A-Za-z]|x[0-9A-Fa-f]{2}|[pP]\{[\w=:]+\}|u\{[0-9A-Fa-f]{1,6}\}"
)
_PAIR = re.compile(r"u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_UNIT = re.compile(r"u[0-9A-Fa-f]{4}")
_OCTAL = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_NUMBER = re.compile(r"[1-9][0-9]*")
_NAMED_REFERENCE = re.compile(r"k<(\w+)>")
_CONTROL_IN_CLASS = re.compile(r"c([0-9_])")
_CLASS_SET = re.compile(r"[dDwWsS]|[pP]\{[\w=:]+\}")

_COUNT = re.compile(r"[0-9]+(?:,[0-9]*)?\}\??")
_REPEAT = re.compile(rf"[*+?]\??|\{{{_COUNT.pattern}")
_GROUP = re.compile(r"\((?!\?)|\(\?<([A-Za-z_$][\w$]*)>")
_SYNTAX = frozenset(r"^$\.*+?()[]{}|/")
_OTHERWISE = re.compile(r"\[\^?\]|\\[<>]")
"""What the oracle reads in another way than a browser: empty classes, and word boundaries."""
_IN_CLASS = {"b": r"\x08", "B": "B", "-": r"\-"}
_LOOKAHEADS = ("?=", "?!")


def with_strict_patterns(document: Schema) -> Schema:
    """A schema document with patterns that the oracle reads; the same object if it reads all."""
    changed = None
    for pointer, schema in subschemas(document):
        if _is_readable(schema):
            continue
        if changed is None:
            changed = copy.deepcopy(document)
            parts = dict(subschemas(changed))
        part = parts[pointer]
        if isinstance(part.get("pattern"), str):
            part["pattern"] = strict(part["pattern"])
        if isinstance(part.get("patternProperties"), dict):
            # In the order of the document, which is that of keys.
            part["patternProperties"] = {
                strict(pattern): held for pattern, held in part["patternProperties"].items()
            }
    return document if changed is None else changed


def _is_readable(schema: dict[str, Any]) -> bool:
    patterns = [schema.get("pattern")]
    if isinstance(schema.get("patternProperties"), dict):
        patterns += schema["patternProperties"]
    return all(strict(each) == each for each in patterns if isinstance(each, str))


@lru_cache(maxsize=4096)
def strict(pattern: str) -> str:
    r"""``pattern`` in strict syntax; unchanged if it is valid, or cannot be rewritten.

    >>> strict(r"^\{[\w-.]+}$")
    '^\\{[\\w\\-.]+\\}$'
    """
    if is_taken(pattern) and not _OTHERWISE.search(pattern):
        return pattern
    rewritten = _Writer(pattern).write()
    return rewritten if is_taken(rewritten) else pattern


def is_taken(pattern: str) -> bool:
    """Whether the oracle can compile a pattern."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


class _Writer:
    """Goes over a pattern once, and writes each part as the ``u`` flag has it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.text = PatternText(pattern)
        self.written: list[str] = []
        plain = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "", pattern, flags=re.DOTALL)
        groups = [found[1] for found in _GROUP.finditer(plain)]
        self.groups = len(groups)
        self.names = {name: number for number, name in enumerate(groups, 1) if name}

    def write(self) -> str:
        # For each open group whether it is a lookahead, and where it begins in what is written.
        opened: list[tuple[bool, int]] = []
        while character := self.text.next():
            if character == "\\":
                self.written.append(self._escape())
            elif character == "[":
                self.written.append(self._class())
            elif character == "(":
                ahead = self.pattern.startswith(_LOOKAHEADS, self.text.position)
                opened.append((ahead, len(self.written)))
                self.written.append(character)
            elif character == ")":
                self.written.append(character)
                ahead, start = opened.pop() if opened else (False, 0)
                repeat = self.text.match(_REPEAT) if ahead else None
                # A repeated lookahead is the same as one, or none where the repeat may be empty.
                if repeat and repeat[0].startswith(("*", "?", "{0")):
                    inside = self.written[start:]
                    # Later references count the groups in it.
                    counted = _GROUP.search("".join(inside)[1:])
                    self.written[start:] = ["(?:", *inside, "|)"] if counted else []
            elif character in "]}":
                self.written.append(f"\\{character}")
            elif character == "{":
                found = self.text.match(_COUNT)
                self.written.append("{" + found[0] if found else r"\{")
            else:
                self.written.append(character)
        return "".join(self.written)

    def _escape(self) -> str:
        """An escape outside a class, whose backslash has just been read."""
        if found := self.text.match(_NAMED_REFERENCE):
            # Where no group has a name, it stands for itself.
            named = self.names.get(found[1])
            return f"\\{named}" if named else f"k<{found[1]}>"
        start = self.text.position
        number = self.text.match(_NUMBER)
        if number and int(number[0]) <= self.groups:
            return f"\\{number[0]}"
        self.text.position = start
        return self._character()

    def _character(self) -> str:
        """An escape for a character or a set of them, in a class or outside."""
        if found := self.text.match(_KEPT):
            return f"\\{found[0]}"
        if found := self.text.match(_PAIR):
            high, low = (int(each, 16) for each in found.groups())
            return f"\\u{{{0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF):X}}}"
        if found := self.text.match(_UNIT):
            return f"\\{found[0]}"
        if found := self.text.match(_OCTAL):
            return f"\\x{int(found[0], 8):02X}"
        escaped = self.text.peek()
        if escaped == "c" or not escaped:
            return r"\\"  # the backslash itself: what follows is read as if it stood alone
        self.text.next()
        return f"\\{escaped}" if escaped in _SYNTAX else escaped

    def _class(self) -> str:
        """A class whose bracket has just been read."""
        text = self.text
        start = text.position - 1
        negated = text.take("^")
        members: list[str] = []
        while not text.take("]"):
            if not text.peek():
                return self.pattern[start:]  # never closed: no grammar takes that
            low, is_set = self._member()
            members.append(low)
            before = text.position
            if not text.take("-") or text.peek() in ("]", ""):
                text.position = before
                continue
            high, high_is_set = self._member()
            # A hyphen beside a set is a hyphen.
            members += [r"\-" if is_set or high_is_set else "-", high]
        if not members:
            return r"[\s\S]" if negated else r"(?!)"
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def _member(self) -> tuple[str, bool]:
        """A member of a class, and whether it is a set of characters."""
        text = self.text
        character = text.next()
        if character != "\\":
            return (f"\\{character}" if character in "[-^" else character), False
        if found := text.match(_CLASS_SET):
            return f"\\{found[0]}", True
        if found := text.match(_CONTROL_IN_CLASS):
            return f"\\x{ord(found[1]) % 32:02X}", False
        if text.peek() in _IN_CLASS:
            return _IN_CLASS[text.next()], False
        return self._character(), False
