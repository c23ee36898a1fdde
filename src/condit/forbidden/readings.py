"""What a character may stand for, where writing is looked through.

Each character has *readings*: the strings of plain characters that it may stand for. Of ``"@"``
they are ``"@"`` and ``"a"`` where leetspeak is looked through. The strings that are looked for are
made plain in the same way. No text is searched here: that is in ``trie.py`` and ``oracle.py``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias, get_args

from condit.errors import ArgumentError, MissingDependencyError

Disguise: TypeAlias = Literal[
    "accents",
    "compatibility",
    "homoglyphs",
    "invisible",
    "leetspeak",
    "repeats",
    "spelled_out",
    "spacing",
]
"""A way of writing a string differently."""

LookThrough: TypeAlias = Literal["nothing", "usual", "all"] | Disguise | Iterable[Disguise]
"""One or several of these; ``"usual"`` is all of them but ``"spacing"``."""

_LEET = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "bg",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "il",
    "+": "t",
    "(": "c",
    "<": "c",
    "€": "e",
    "£": "l",
    "¢": "c",
    "¥": "y",
}
"""Letters that digits and signs are written for."""

_STROKES = {
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "ł": "l",
    "Ł": "L",
    "ħ": "h",
    "Ħ": "H",
    "ŧ": "t",
    "Ŧ": "T",
    "\u0131": "i",
    "ƀ": "b",
    "ɨ": "i",
    "ɍ": "r",
    "ɏ": "y",
    "ƶ": "z",
    "Ƶ": "Z",
}
"""Letters with a stroke, which Unicode does not take apart, and one without its dot."""

_MARKS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
"""Accents as characters of their own."""

_LAST_LETTER_WITH_ACCENTS = 0x052F
"""The last of the Latin, Greek and Cyrillic letters that others are made of by accents."""

_UNSEEN = frozenset("\u034f\u115f\u1160\u3164\uffa0\u180b\u180c\u180d\u180f\u2800")
"""Characters that show nothing, though they are not of the category of such."""


class Reading(NamedTuple):
    """A string that a character may stand for.

    Attributes:
        text: the string, not empty.
        digit: whether the character is a digit that is read as a letter.
    """

    text: str
    digit: bool


class Kind(NamedTuple):
    """All that matters of a character.

    Attributes:
        readings: what it may stand for.
        separator: whether it may stand between letters, where that is looked through.
        word: whether it belongs to words as it is written (``\\w``).
        transparent: whether it is as if it were not there.
        number: whether it is a digit.
    """

    readings: tuple[Reading, ...]
    separator: bool
    word: bool
    transparent: bool
    number: bool


@dataclass(frozen=True)
class Readings:
    """The readings of characters.

    Attributes:
        match_case: whether small and capital letters are told apart.
        through: what is looked through.
    """

    match_case: bool = False
    through: frozenset[Disguise] = frozenset()
    _kinds: dict[str, Kind] = field(default_factory=dict, repr=False, compare=False)
    _forms: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def repeats(self) -> bool:
        """Whether a letter may be written several times."""
        return "repeats" in self.through

    @property
    def leetspeak(self) -> bool:
        """Whether digits and signs may stand for letters."""
        return "leetspeak" in self.through

    @property
    def spacing(self) -> bool:
        """Whether separators may stand between any letters."""
        return "spacing" in self.through

    @property
    def spelled_out(self) -> bool:
        """Whether a string may be written with separators between all of its letters, or none."""
        return "spelled_out" in self.through and not self.spacing

    def plain(self, text: str) -> str:
        """The form in which a string is looked for; empty if nothing of it is left."""
        found = "".join(self._plain(each) for each in text if not self.transparent(each))
        found = " ".join(_pieces(found))
        return found.replace(" ", "") if self.spacing else found

    def transparent(self, character: str) -> bool:
        """Whether a character is as if it were not there."""
        point = ord(character)
        if "accents" in self.through and any(low <= point <= high for low, high in _MARKS):
            return True
        if "invisible" not in self.through:
            return False
        selects = 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF
        return selects or character in _UNSEEN or unicodedata.category(character) == "Cf"

    def kind(self, character: str) -> Kind:
        """All that matters of a character."""
        found = self._kinds.get(character)
        if found is None:
            found = self._kinds[character] = self._kind(character)
        return found

    def _kind(self, character: str) -> Kind:
        word = character.isalnum() or character == "_"
        if self.transparent(character):
            return Kind((), False, word, True, False)
        separator = self.spelled_out or self.spacing
        if separator:
            separator = character.isspace() or unicodedata.category(character)[0] in "PSZ"
        if character.isspace():
            return Kind((Reading(" ", False),), separator, word, False, False)
        base = self._plain(character)
        number = base.isdecimal()
        texts = {base} | self._alike(character)
        letters = set(_LEET.get(base, "") + _LEET.get(character, "")) if self.leetspeak else set()
        if self.match_case:
            letters |= {each.upper() for each in letters}
        found = [Reading(each, False) for each in sorted(texts)]
        found += [Reading(each, number) for each in sorted(letters - texts)]
        return Kind(tuple(found), separator, word, False, number)

    def _plain(self, character: str) -> str:
        found = self._forms.get(character)
        if found is None:
            found = self._forms[character] = self._made_plain(character)
        return found

    def _made_plain(self, character: str) -> str:
        if character.isspace():
            return " "
        found = character
        if self._compatible:
            form = unicodedata.normalize("NFKC", found)
            found = form if form and form.split() == [form] else found
        if "accents" in self.through:
            found = "".join(map(_without_accents, found))
        if not self.match_case:
            found = found.casefold()
            if "accents" in self.through:
                found = "".join(each for each in found if not self.transparent(each)) or found
        return found

    @property
    def _compatible(self) -> bool:
        return not self.through.isdisjoint(("compatibility", "homoglyphs"))

    def _alike(self, character: str) -> set[str]:
        """The plain forms of what a character looks like."""
        if "homoglyphs" not in self.through:
            return set()
        table = _homoglyphs()
        near = {character}
        if "accents" in self.through:
            near.add(_without_accents(character))
        for _ in range(2):  # of two that look like a third, only this is listed
            near |= {other for each in near for other in table.get(each, ())}
        plain = {"".join(map(self._plain, each)) for each in near}
        if character.isascii():
            # These are told apart: else "fail" would be found in every "fall".
            plain = {each for each in plain if not each.isascii()}
        return {each for each in plain if each and not each.isspace()}


def _without_accents(character: str) -> str:
    character = _STROKES.get(character, character)
    parts = unicodedata.normalize("NFD", character)
    base = parts[0]
    if len(parts) > 1 and ord(base) <= _LAST_LETTER_WITH_ACCENTS and base.isalpha():
        return _STROKES.get(base, base)
    return character


def _pieces(text: str) -> list[str]:
    """A text cut at runs of white space; an empty piece before and behind where it has some."""
    found = text.split()
    if not found:
        return ["", ""] if text else []
    before = [""] if text[0].isspace() else []
    return before + found + ([""] if text[-1].isspace() else [])


@lru_cache(maxsize=1)
def _homoglyphs() -> dict[str, frozenset[str]]:
    """What each character looks like, in either direction; two of ASCII are never alike."""
    try:
        from confusable_homoglyphs.confusables import confusables_data
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "forbid: looking through homoglyphs needs confusable-homoglyphs, which is not "
            "installed: pip install 'condit[forbid]', or leave \"homoglyphs\" out of look_through"
        ) from error
    found: dict[str, set[str]] = {}
    for one, others in confusables_data.items():
        for other in (each["c"].replace("\u200e", "") for each in others):
            if len(one) != 1 or not other or (one + other).isascii():
                continue
            found.setdefault(one, set()).add(other)
            if len(other) == 1:
                found.setdefault(other, set()).add(one)
    return {each: frozenset(alike) for each, alike in found.items()}


def read_look_through(given: object) -> frozenset[Disguise]:
    """What is to be looked through.

    Raises:
        ArgumentError: it is not what `LookThrough` says.
        MissingDependencyError: it takes a package that is not installed.
    """
    every: tuple[Disguise, ...] = get_args(Disguise)
    levels = {"nothing": (), "all": every, "usual": [each for each in every if each != "spacing"]}
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise ArgumentError(f"forbid: look_through={given!r}: give names, such as {every[0]!r}")
    found: set[Disguise] = set()
    for name in names:
        if name in every:
            found.add(name)
        elif isinstance(name, str) and name in levels:
            found.update(levels[name])
        else:
            raise ArgumentError(
                f"forbid: look_through has {name!r}: give 'nothing', 'usual', 'all', or some of "
                f"{', '.join(every)}"
            )
    if "homoglyphs" in found:
        _homoglyphs()
    return frozenset(found)
