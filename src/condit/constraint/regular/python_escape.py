r"""Escapes of the ``regex`` module outside of classes: ``\d``, ``\x41``, ``\N{BULLET}``, ``\b``.

References to groups and named lists are the reader's.
"""

from __future__ import annotations

import re
import unicodedata

from condit.constraint.regular.boundaries import (
    WORD_BEGINS,
    WORD_EDGE,
    WORD_ENDS,
    WORD_INSIDE,
    word_place,
)
from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import (
    EMPTY,
    END,
    START,
    Atomic,
    Node,
    alternation,
    one,
    word,
)
from condit.constraint.regular.flags import Flags
from condit.constraint.regular.folding import Letter
from condit.constraint.regular.graphemes import grapheme
from condit.constraint.regular.pattern_text import PatternText
from condit.constraint.regular.properties import members
from condit.constraint.regular.reader import CONTROLS
from condit.constraint.regular.word_breaks import default_word_place

_CONTROLS = {**CONTROLS, "a": "\a", "b": "\b"}
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[0-7]{3}")
_NAME = re.compile(r"N\{([A-Za-z0-9 -]*)\}")
_PROPERTY = re.compile(r"[pP](?:\{\^?[^}]*\}|[CLMNPSZ])")
_SIDES = {"b": WORD_EDGE, "B": WORD_INSIDE, "m": WORD_BEGINS, "M": WORD_ENDS}
_PLACES = {"A": START, "G": START, "Z": END, "z": END, "K": EMPTY}
_LINE_BREAKS = Characters.of(((0x0A, 0x0D), (0x85, 0x85), (0x2028, 0x2029)))


def read_escape(text: PatternText, flags: Flags) -> Node:
    """What the escape means of which the backslash has just been read."""
    if found := text.match(_PROPERTY):
        return _one_of("\\" + found[0], flags)
    if found := text.match(_CODE):
        return Letter(chr(int(found[1] or found[2] or found[3], 16)), flags.folding)
    if found := text.match(_OCTAL):
        return Letter(chr(int(found[0], 8) & 0x1FF), flags.folding)
    if found := text.match(_NAME):
        return Letter(unicodedata.lookup(found[1]), flags.folding)
    character = text.next(exact=True)
    if character in _PLACES:
        return _PLACES[character]
    if character in _SIDES:
        if "w" in flags.on:
            return default_word_place(character)
        return word_place(members(r"\w", flags.encoding), _SIDES[character])
    if character in "dDwWsSh":
        return one(members("\\" + character, flags.encoding))
    if character == "R":
        return Atomic(alternation(word("\r\n"), one(_LINE_BREAKS)))
    if character == "X":
        return grapheme()
    return Letter(_CONTROLS.get(character, character), flags.folding)


def _one_of(item: str, flags: Flags) -> Node:
    return one(members(item, flags.encoding, folded=bool(flags.folding)))
