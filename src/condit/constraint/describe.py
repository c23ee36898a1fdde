"""Sets of bytes and pieces of text in words, for error messages."""

from __future__ import annotations

import string

_GROUPS = (
    ("a digit", string.digits),
    ("a lower-case letter", string.ascii_lowercase),
    ("an upper-case letter", string.ascii_uppercase),
)
_NAMES = {" ": "a space", "\n": "a newline", "\t": "a tab"}
_MOST = 8


def describe_bytes(values: frozenset[int]) -> str:
    """A readable list of the characters that begin with one of ``values``.

    >>> describe_bytes(frozenset(b"0123456789-"))
    "a digit or '-'"
    """
    left = {chr(value) for value in values if value < 0x80}
    if len(left) == 0x80:
        return "any character"
    parts = []
    for name, members in _GROUPS:
        if left >= set(members):
            parts.append(name)
            left -= set(members)
    characters = sorted(left, key=lambda character: (not character.isprintable(), character))
    parts += [_NAMES.get(character, repr(character)) for character in characters]
    if any(value >= 0x80 for value in values):
        parts.append("a character beyond ASCII")
    if len(parts) > _MOST:
        parts = [*parts[: _MOST - 1], f"{len(parts) - _MOST + 1} others"]
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "nothing"


def excerpt(text: bytes, *, limit: int = 30) -> str:
    """The last ``limit`` characters of a text, quoted; the text may break off inside a character.

    >>> excerpt(b'{"a": 1')
    '\\'{"a": 1\\''
    """
    if not text:
        return "the empty text"
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return repr(text if len(text) <= limit else text[-limit:])
    return repr(decoded if len(decoded) <= limit else "…" + decoded[-limit:])
