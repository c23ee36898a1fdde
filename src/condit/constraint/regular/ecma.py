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

_DEEPEST = 60
_CONTROLS = {"f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
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
_REPEAT_SIGNS = ("*", "+", "?", "{")
_REPEAT = re.compile(r"([*+?])|\{(\d+)(,?)(\d*)\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|[xu]\{([0-9A-Fa-f]{1,8})\}|c([A-Za-z])")
_PROPERTY = re.compile(r"[pP]\{[A-Za-z_][\w:=]*\}", re.ASCII)
_FLAGS = re.compile(r"\(\?([isu]*)(?:-([is]+))?([:)])")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_]\w*)>", re.ASCII)
_LOOKS = {"(?=": (True, False), "(?!": (True, True), "(?<=": (False, False), "(?<!": (False, True)}
_MOST_REPEATS = 10**9


class NotReadError(ValueError):
    """The pattern uses a construct that is not supported here."""


def read(pattern: str) -> Node:
    """The node of the texts that ``pattern`` matches as a whole.

    Raises:
        NotReadError: it uses a construct that is not supported here.
    """
    reader = _Reader(pattern, _ECMA_SETS)
    node = reader.read_choices(frozenset(), 0)
    if reader.is_extended:
        reader = _Reader(pattern, _UNICODE_SETS)
        node = reader.read_choices(frozenset(), 0)
    if reader.position < len(pattern):
        raise NotReadError(f"{pattern[reader.position]!r} closes nothing")
    return node


@dataclass(frozen=True)
class _Escape:
    characters: Characters
    point: int | None = None


class _Reader:
    """Goes over a pattern once, left to right."""

    def __init__(self, pattern: str, sets: dict[str, Characters]) -> None:
        self.pattern = pattern
        self.sets = sets
        # Whether lookaround or backreferences were found.
        self.is_extended = False
        self.position = 0
        # What the groups hold, as far as they are closed.
        self.groups: dict[int, Node] = {}
        self.opened = 0
        self.flags: frozenset[str] = frozenset()

    def read_choices(self, flags: frozenset[str], depth: int) -> Node:
        if depth > _DEEPEST:
            raise NotReadError("groups are nested too deeply")
        outer, self.flags = self.flags, flags
        choices = [self._read_sequence(depth)]
        while self._take("|"):
            choices.append(self._read_sequence(depth))
        self.flags = outer
        return alternation(*choices)

    def _take(self, text: str) -> bool:
        if self.pattern.startswith(text, self.position):
            self.position += len(text)
            return True
        return False

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.pattern, self.position)
        if found:
            self.position = found.end()
        return found

    def _read_sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.position < len(self.pattern) and self.pattern[self.position] not in "|)":
            item = self._read_atom(depth)
            if item is not None:
                items.append(self._read_repeat(item))
        return concatenation(*items)

    def _read_repeat(self, item: Node) -> Node:
        if self.pattern[self.position : self.position + 1] not in _REPEAT_SIGNS:
            return item
        found = self._match(_REPEAT)
        if not found:
            return item
        sign, least, comma, most = found.groups()
        if sign:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            low = int(least)
            high = int(most) if most else None if comma else low
        if low > _MOST_REPEATS or (high is not None and not low <= high <= _MOST_REPEATS):
            raise NotReadError(f"{found[0]!r} repeats too often")
        possessive = self._take("+")
        self._take("?")
        if _REPEAT.match(self.pattern, self.position):
            raise NotReadError("a repeat of a repeat")
        if item.looks and not item.longest:
            repeated = alternation(EMPTY, item) if not low else item
        else:
            repeated = repetition(item, low, high)
        return Loose(repeated) if possessive else repeated

    def _read_atom(self, depth: int) -> Node | None:
        character = self.pattern[self.position]
        if character == "(":
            return self._read_group(depth)
        if character == "[":
            return one(self._read_class())
        if character == "\\":
            return self._read_escape_atom()
        if character in "*+?{":
            raise NotReadError(f"{character!r} repeats nothing")
        self.position += 1
        if character == "^":
            return START
        if character == "$":
            return END
        if character == ".":
            return one(EVERY if "s" in self.flags else _DOT)
        return self._folded_one(character)

    def _folded_one(self, character: str) -> Node:
        if "i" not in self.flags:
            return _single(character)
        return one(self._folded(Characters.single(character)))

    def _read_group(self, depth: int) -> Node | None:
        for opening, (ahead, negative) in _LOOKS.items():
            if self._take(opening):
                self.is_extended = True
                return Look(self._read_inside(self.flags, depth), ahead=ahead, negative=negative)
        if self._take("(?:"):
            return self._read_inside(self.flags, depth)
        if found := self._match(_FLAGS):
            flags = (self.flags | set(found[1])) - set(found[2] or "")
            if found[3] == ":":
                return self._read_inside(flags, depth)
            self.flags = flags
            return None
        if not self._match(_NAMED):
            if self.pattern.startswith("(?", self.position):
                raise NotReadError("an unusual group")
            self.position += 1
        self.opened += 1
        number = self.opened
        node = self._read_inside(self.flags, depth)
        self.groups[number] = node
        return node

    def _read_inside(self, flags: frozenset[str], depth: int) -> Node:
        node = self.read_choices(flags, depth + 1)
        if not self._take(")"):
            raise NotReadError("a group is never closed")
        return node

    def _read_escape_atom(self) -> Node:
        self.position += 1
        if self._take("b"):
            return word_place(_WORD, WORD_EDGE)
        if self._take("B"):
            return word_place(_WORD, WORD_INSIDE)
        if self._take("A"):
            return START
        if self._take("z"):
            return END
        if found := self._match(re.compile(r"[1-9]\d*", re.ASCII)):
            self.is_extended = True
            # A superset: a backreference means the text that the group has matched.
            return Loose(_bare(self.groups.get(int(found[0]), ANYTHING)))
        return one(self._folded(self._read_escape().characters))

    def _read_escape(self) -> _Escape:
        """The escape whose backslash has just been read."""
        if found := self._match(_CODE):
            two, four, braced, control = found.groups()
            point = ord(control) % 32 if control else int(two or four or braced, 16)
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                raise NotReadError("no character")
            return _Escape(Characters(((point, point),)), point)
        if found := self._match(_PROPERTY):
            return _Escape(_property(found[0]))
        character = self.pattern[self.position : self.position + 1]
        self.position += 1
        if character.lower() in self.sets:
            characters = self.sets[character.lower()]
            return _Escape(characters.complement() if character.isupper() else characters)
        if character in _CONTROLS:
            point = _CONTROLS[character]
        elif (
            character and not character.isalnum() and character.isascii() and character not in "<>"
        ):
            point = ord(character)
        else:
            raise NotReadError(f"the escape \\{character}")
        return _Escape(Characters(((point, point),)), point)

    def _read_class(self) -> Characters:
        self.position += 1
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        sets: list[Characters] = []
        first = True
        while first or not self._take("]"):
            first = False
            low = self._read_member()
            if low.point is None:
                sets.append(low.characters)
                if re.match("-[^]]", self.pattern[self.position : self.position + 2]):
                    raise NotReadError("a range that begins with a set")
                continue
            after = self.pattern[self.position + 1 : self.position + 2]
            if self.pattern[self.position : self.position + 1] != "-" or after in ("]", ""):
                ranges.append((low.point, low.point))
                continue
            self.position += 1
            high = self._read_member()
            if high.point is None or high.point < low.point:
                raise NotReadError("a range without bounds")
            ranges.append((low.point, high.point))
        found = Characters.of(ranges)
        for more in sets:
            found = found.union(more)
        found = self._folded(found)
        return found.complement() if negated else found

    def _read_member(self) -> _Escape:
        if self.position >= len(self.pattern):
            raise NotReadError("a class is never closed")
        if self._take("\\"):
            return self._read_escape()
        character = self.pattern[self.position]
        self.position += 1
        return _Escape(Characters.single(character), ord(character))

    def _folded(self, characters: Characters) -> Characters:
        """The characters and their other cases, where the flag ``i`` is set."""
        if "i" not in self.flags:
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
