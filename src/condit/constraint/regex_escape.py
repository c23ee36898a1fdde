r"""The part of the regex dialect behind a backslash: ``\d``, ``\x41``, ``\p{Greek}``, ``\.``."""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

from condit.errors import CompileError, UnsupportedConstraintError

_REFUSED = {
    "b": "a word boundary",
    "B": "a word boundary",
    "m": "a word boundary",
    "M": "a word boundary",
    "G": "a search anchor",
    "K": "a match reset",
    "R": "a line break escape",
    "X": "a grapheme escape",
    "h": "a horizontal space escape",
    "g": "a backreference",
    "k": "a backreference",
    "L": "a named list",
    "Q": "a quoted run",
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PROPERTY = re.compile(r"[pP](\{\^?[\w\s:=.-]+\}|[A-Za-z])")
_CODE_POINT = re.compile(
    r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xu]\{([0-9A-Fa-f]{1,8})\}"
)
_OCTAL = re.compile(r"0[0-7]{0,2}|[0-3][0-7]{2}")
_NAME = re.compile(r"N\{([^}]+)\}")


class Reader(Protocol):
    """The interface of the pattern's reader that ``scan_class`` and ``scan_escape`` use."""

    pattern: str
    properties: list[tuple[int, str]]

    def error(self, reason: str, position: int) -> CompileError:
        """The error for something wrong at ``position``."""

    def unsupported(self, construct: str, name: str, position: int) -> UnsupportedConstraintError:
        """The error for a construct that is refused."""


def literal(character: str) -> str:
    """``character`` escaped, if need be, so that engine and oracle read it as itself."""
    point = ord(character)
    if character.isascii():
        return character if character.isalnum() else f"\\x{point:02x}"
    return character if character.isprintable() else f"\\U{point:08x}"


def scan_literal(reader: Reader, position: int) -> str:
    """The plain character at ``position``, as ``literal`` writes it.

    Raises:
        CompileError: it is half of a surrogate pair.
    """
    character = reader.pattern[position]
    if unicodedata.category(character) == "Cs":
        raise reader.error("half of a surrogate pair is not text", position)
    return literal(character)


def scan_escape(reader: Reader, start: int, *, in_class: bool) -> tuple[str, int]:
    """The escape at ``start``, spelled for both engine and oracle, and where it ends.

    Raises:
        CompileError: there is no such escape, or no such character.
        UnsupportedConstraintError: it is a word boundary, a backreference or the like.
    """
    pattern, after = reader.pattern, start + 1
    character = pattern[after : after + 1]
    if not character:
        raise reader.error("nothing follows the backslash", start)
    if found := _PROPERTY.match(pattern, after):
        name = "\\" + found[0]
        if name.startswith(r"\p{^"):
            name = r"\P{" + name.removeprefix(r"\p{^")
        reader.properties.append((start, name))
        return name, found.end()
    if found := _CODE_POINT.match(pattern, after):
        digits = found[1] or found[2] or found[3] or found[4]
        return _code_point(reader, int(digits, 16), start), found.end()
    if found := _OCTAL.match(pattern, after):
        return _code_point(reader, int(found[0], 8), start), found.end()
    if found := _NAME.match(pattern, after):
        try:
            return literal(unicodedata.lookup(found[1])), found.end()
        except KeyError:
            raise reader.error(f"no character has the name {found[1]!r}", start) from None
    if character in "dDwWsS":
        return "\\" + character, after + 1
    if in_class and character == "b":
        return literal("\b"), after + 1
    if character in _CONTROLS:
        return literal(_CONTROLS[character]), after + 1
    if character.isdigit():
        raise reader.unsupported("\\" + character, "a backreference", start)
    if character in _REFUSED:
        raise reader.unsupported("\\" + character, _REFUSED[character], start)
    if character.isascii() and character.isalpha():
        raise reader.error(f"'\\{character}' is no escape", start)
    return scan_literal(reader, after), after + 1


def _code_point(reader: Reader, point: int, start: int) -> str:
    if point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise reader.error(f"U+{point:04X} is not a character", start)
    return literal(chr(point))
