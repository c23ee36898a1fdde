r"""Parses an ECMA-262 pattern, as the oracle reads it, into nodes of ``expression.py``.

The oracle (jsonschema-rs) reads patterns as ECMA-262 with the ``u`` flag, and some syntax of its
regex engine: inline flags, ``\A``, ``\z``, possessive repeats. Rare constructs raise
`NotReadError`; such a pattern is checked when the string closes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

from condit.constraint.engine import HEADER, probe
from condit.constraint.regular.boundaries import WORD_EDGE, WORD_INSIDE, word_place
from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import (
    ANYTHING,
    EMPTY,
    END,
    START,
    Concatenation,
    Look,
    Loose,
    Node,
    alternation,
    concatenation,
    one,
    repetition,
)
from condit.constraint.regular.flags import Flags
from condit.constraint.regular.reader import CONTROLS, REPEATS, Reader

_DEEPEST = 60
_SPACES = ["9-d", "20", "a0", "1680", "2000-200a", "2028-2029", "202f", "205f", "3000", "feff"]
_ECMA_SETS = {
    "d": Characters(((0x30, 0x39),)),
    "w": Characters(((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))),
    "s": Characters.of(
        (int(part[0], 16), int(part[-1], 16)) for part in (each.split("-") for each in _SPACES)
    ),
}
# In a pattern with lookaround or backreferences the oracle leaves these as its engine has them.
_UNICODE_SETS = {
    "d": Characters(((0x30, 0x39),), r"\d"),
    "w": Characters(_ECMA_SETS["w"].ranges, r"\w"),
    "s": Characters.of(
        ((0x85, 0x85), *(part for part in _ECMA_SETS["s"].ranges if part != (0xFEFF, 0xFEFF)))
    ),
}
_DOT = Characters(((0x0A, 0x0A),)).complement()
# A word boundary knows the letters of all scripts, though ``\w`` does not.
_WORD = _UNICODE_SETS["w"]
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|[xu]\{([0-9A-Fa-f]{1,8})\}|c([A-Za-z])")
_PROPERTY = re.compile(r"[pP]\{[A-Za-z_][\w:=]*\}", re.ASCII)
_REFERENCE = re.compile(r"[1-9]\d*", re.ASCII)
_FLAGS = re.compile(r"\?([isu]*)(?:-([is]+))?([:)])")
_NAME = re.compile(r"\?P?<[A-Za-z_]\w*>", re.ASCII)
_PLACES = {
    "b": word_place(_WORD, WORD_EDGE),
    "B": word_place(_WORD, WORD_INSIDE),
    "A": START,
    "z": END,
}
_MOST_REPEATS = 10**9


class NotReadError(ValueError):
    """The pattern uses a construct that is not supported here."""


def read(pattern: str) -> Node:
    """The node of the texts that ``pattern`` matches as a whole.

    Raises:
        NotReadError: it uses a construct that is not supported here.
    """
    reader = _Reader(pattern, _ECMA_SETS)
    node = reader.read_choices()
    if reader.is_extended:
        reader = _Reader(pattern, _UNICODE_SETS)
        node = reader.read_choices()
    if left := reader.text.peek():
        raise NotReadError(f"{left!r} closes nothing")
    return node


@dataclass(frozen=True)
class _Escape:
    characters: Characters
    point: int | None = None


class _Reader(Reader):
    """Goes over a pattern once, left to right.

    Attributes:
        sets: what ``\\d``, ``\\w`` and ``\\s`` stand for.
        is_extended: whether lookaround or backreferences were found.
        depth: how many groups are open.
    """

    def __init__(self, pattern: str, sets: dict[str, Characters]) -> None:
        super().__init__(pattern, Flags(frozenset(), "u"))
        self.sets = sets
        self.is_extended = False
        self.depth = 0

    def read_inside(self, flags: Flags | None = None) -> Node:
        """What stands up to the end of a group, which is passed."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotReadError("groups are nested too deeply")
        node = super().read_inside(flags)
        self.depth -= 1
        return node

    def end_group(self) -> None:
        """Pass the parenthesis that ends a group."""
        if not self.text.take(")"):
            raise NotReadError("a group is never closed")

    def read_sequence(self) -> Node:
        """The items up to the end of a choice or of a group."""
        items: list[Node] = []
        while (character := self.text.peek()) and character not in "|)":
            self.text.next()
            item = self._read_atom(character)
            if item is not None:
                items.append(self._repeated(item))
        return concatenation(*items)

    def _read_repeat(self) -> tuple[int, int | None] | None:
        """The bounds of a repeat, if one comes next."""
        start = self.text.position
        sign = self.text.next()
        bounds = self.read_bounds(sign) if sign and sign in REPEATS else None
        if bounds is None:
            self.text.position = start
        return bounds

    def _repeated(self, item: Node) -> Node:
        bounds = self._read_repeat()
        if bounds is None:
            return item
        least, most = bounds
        if least > _MOST_REPEATS or (most is not None and not least <= most <= _MOST_REPEATS):
            raise NotReadError(f"{least} to {most} times is too often")
        possessive = self.text.take("+")
        self.text.take("?")
        if self._read_repeat():
            raise NotReadError("a repeat of a repeat")
        if item.looks and not item.longest:
            repeated = item if least else alternation(EMPTY, item)
        else:
            repeated = repetition(item, least, most)
        return Loose(repeated) if possessive else repeated

    def _read_atom(self, character: str) -> Node | None:
        """What begins with a character that has just been read; ``None``: flags."""
        match character:
            case "(":
                return self._read_group()
            case "[":
                return one(self._read_class())
            case "\\":
                return self._read_place() or one(self._folded(self._read_escape().characters))
            case "^":
                return START
            case "$":
                return END
            case ".":
                return one(EVERY if "s" in self.flags.on else _DOT)
            case _ if character in REPEATS:
                raise NotReadError(f"{character!r} repeats nothing")
            case _ if "i" in self.flags.on:
                return one(self._folded(Characters.single(character)))
            case _:
                return _single(character)

    def _read_group(self) -> Node | None:
        if look := self.read_look():
            self.is_extended = True
            return look
        if found := self.text.match(_FLAGS):
            flags = self.flags.changed(found[1], found[2] or "", scoped=False)
            if found[3] == ":":
                return self.read_inside(flags)
            self.set_flags(flags)
            return None
        if not self.text.match(_NAME) and self.text.peek() == "?":
            raise NotReadError("an unusual group")
        self.opened += 1
        number = self.opened
        self.groups[number] = node = self.read_inside()
        return node

    def _read_place(self) -> Node | None:
        """What an escape asks of its place, or of what a group has matched."""
        if found := self.text.match(_REFERENCE):
            self.is_extended = True
            # A superset: a backreference means the text that the group has matched.
            return Loose(_bare(self.groups.get(int(found[0]), ANYTHING)))
        place = _PLACES.get(self.text.peek())
        if place is not None:
            self.text.next()
        return place

    def _read_escape(self) -> _Escape:
        """The escape whose backslash has just been read."""
        if found := self.text.match(_CODE):
            two, four, braced, control = found.groups()
            point = ord(control) % 32 if control else int(two or four or braced, 16)
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                raise NotReadError("no character")
            return _itself(chr(point))
        if found := self.text.match(_PROPERTY):
            return _Escape(_property(found[0]))
        character = self.text.next()
        if character.lower() in self.sets:
            characters = self.sets[character.lower()]
            return _Escape(characters.complement() if character.isupper() else characters)
        is_itself = character.isascii() and not character.isalnum() and character not in "<>"
        if character not in CONTROLS and not is_itself:
            raise NotReadError(f"the escape \\{character}")
        return _itself(CONTROLS.get(character, character))

    def _read_class(self) -> Characters:
        """The class whose bracket has just been read."""
        negated = self.text.take("^")
        members = [self._read_range()]
        while not self.text.take("]"):
            members.append(self._read_range())
        found = Characters.of(part for each in members if not each.beyond for part in each.ranges)
        for each in members:
            found = found.union(each) if each.beyond else found
        found = self._folded(found)
        return found.complement() if negated else found

    def _read_range(self) -> Characters:
        """A member of a class, or a range of them."""
        low = self._read_member()
        text = self.text
        start = text.position
        if not text.take("-") or text.peek() in ("]", ""):
            text.position = start
            return low.characters
        if low.point is None:
            raise NotReadError("a range that begins with a set")
        high = self._read_member()
        if high.point is None or high.point < low.point:
            raise NotReadError("a range without bounds")
        return Characters.of(((low.point, high.point),))

    def _read_member(self) -> _Escape:
        character = self.text.next()
        if not character:
            raise NotReadError("a class is never closed")
        return self._read_escape() if character == "\\" else _itself(character)

    def _folded(self, characters: Characters) -> Characters:
        """The characters and their other cases, where the flag ``i`` is set."""
        if "i" not in self.flags.on:
            return characters
        beyond = [part for part in characters.ranges if part[1] > 0x7F]
        whole = beyond and characters.complement().ranges[-1:] < ((0x80, 0x80),)
        if characters.beyond or (beyond and not whole):
            raise NotReadError("letters beyond ASCII without regard to case")
        more: list[tuple[int, int]] = list(characters.ranges)
        for point in range(0x41, 0x5B):
            if point in characters or point + 32 in characters:
                more += [(point, point), (point + 32, point + 32)]
                # The two letters beyond ASCII that fold to an ASCII one.
                more += {0x4B: [(0x212A, 0x212A)], 0x53: [(0x17F, 0x17F)]}.get(point, [])
        return Characters.of(more)


def _itself(character: str) -> _Escape:
    return _Escape(Characters.single(character), ord(character))


@lru_cache(maxsize=512)
def _single(character: str) -> Node:
    return one(Characters.single(character))


def _bare(node: Node) -> Node:
    """The node without its lookaround: a superset that does not depend on where it stands."""
    if not node.looks:
        return node
    match node:
        case Look():
            return EMPTY
        case Concatenation():
            return concatenation(*(_bare(item) for item in node.items))
        case _ if len(node.parts) == 1 and isinstance(node, Loose):
            return _bare(node.parts[0])
        case _:
            return ANYTHING


@lru_cache(maxsize=256)
def _property(text: str) -> Characters:
    r"""The characters of a property such as ``p{L}``, as the oracle knows it."""
    schema = {"type": "string", "pattern": f"^\\{text}$"}
    try:
        knows = jsonschema_rs.Draft202012Validator(schema).is_valid
    except jsonschema_rs.ValidationError as error:
        raise NotReadError(f"the property \\{text}") from error
    if probe(f"{HEADER}start: /[\\{text}]/").error:
        raise NotReadError(f"the property \\{text} for the mask engine")
    ranges = [(point, point) for point in range(0x80) if knows(chr(point))]
    return Characters(Characters.of(ranges).ranges, f"\\{text}")
