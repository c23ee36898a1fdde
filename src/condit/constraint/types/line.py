"""The constraints ``line`` and ``sentence``: free text on one line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex  # type: ignore[import-untyped]

from condit.constraint.regular.byte_table import byte_table
from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import (
    ANYTHING,
    Node,
    complement,
    concatenation,
    intersection,
    one,
    repetition,
)
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import given, whole_number
from condit.constraint.types.base import RegularType
from condit.constraint.types.limited import Limited
from condit.errors import ArgumentError, UnsatisfiableError

LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""Where ``str.splitlines`` splits."""

_ENDS = ".!?\u3002\uff01\uff1f"
_FIRST = r"[\p{Lu}\p{Lt}\p{Lo}]"


def line(most: int | None = None) -> Line:
    """Texts of one line that is not empty. The value is the text.

    >>> line().accepts("Anything, really: 1 < 2")
    True
    >>> line().accepts("two" + chr(10) + "lines")
    False

    Args:
        most: characters at most; ``None``: as many as one likes.

    Raises:
        ArgumentError: ``most`` is no count.
        UnsatisfiableError: ``most`` is 0.
    """
    return Line(_counted("line", most, 1))


def sentence(most: int | None = None) -> Sentence:
    """Texts of one line that are one sentence. The value is the text.

    It begins with a capital letter, or with one of a script that has none. It ends with ``.``,
    ``!``, ``?`` or the like of East Asian scripts, and inside none of these stands before a space:
    ``3.5`` may occur, ``Dr. No`` may not.

    >>> sentence().accepts("It costs 3.5 euros.")
    True
    >>> sentence().accepts("It rains. It pours.")
    False

    Args:
        most: characters at most; ``None``: as many as one likes.

    Raises:
        ArgumentError: ``most`` is no count.
        UnsatisfiableError: ``most`` is less than 2.
    """
    return Sentence(_counted("sentence", most, 2))


@dataclass(frozen=True)
class Line(RegularType):
    """Texts of one line; made by ``line``.

    Attributes:
        most: characters at most, or ``None``.
    """

    most: int | None

    def __post_init__(self) -> None:
        limited = None
        if self.most is not None:
            limited = Limited(byte_table(self._form(None)), self.most)
        self._follow(self._form(self.most), limited)

    def _form(self, most: int | None) -> Node:
        """The texts of at most so many characters; ``None``: of any number."""
        return repetition(_WITHIN, 1, most)

    def objection(self, text: str) -> str | None:
        """Why it is no such line, by ``str.splitlines``."""
        if text.splitlines() != [text]:
            return "it is empty" if not text else "it has more than one line"
        if self.most is not None and len(text) > self.most:
            return f"it has more than {self.most} characters"
        return None

    def value(self, text: str) -> str:
        """The text."""
        return text

    def describe(self) -> str:
        """An instruction to a model."""
        return f"Respond only with one line of text{self._limit}"

    @property
    def _limit(self) -> str:
        return "" if self.most is None else f", of at most {self.most} characters"


@dataclass(frozen=True)
class Sentence(Line):
    """Texts of one sentence; made by ``sentence``."""

    def _form(self, most: int | None) -> Node:
        """The texts of at most so many characters; ``None``: of any number."""
        first, ends = one(_members(_FIRST)), one(Characters.among(_ENDS))
        # A limit to the whole beside this would be too much for the mask engine.
        inner = repetition(_WITHIN, 0, None if most is None else most - 2)
        several = concatenation(ANYTHING, ends, one(_members(r"\s")), ANYTHING)
        return intersection(concatenation(first, inner, ends), complement(several))

    def objection(self, text: str) -> str | None:
        """Why it is no such sentence, by the ``regex`` package."""
        if (found := super().objection(text)) is not None:
            return found
        if not regex.match(_FIRST, text):
            return "it does not begin with a capital letter"
        if not regex.search(rf".[{_ENDS}]\Z", text):
            return "it does not end like a sentence"
        return "it is more than one sentence" if regex.search(rf"[{_ENDS}]\s", text) else None

    def describe(self) -> str:
        """An instruction to a model."""
        return f"Respond only with one sentence{self._limit}"


_WITHIN = one(Characters.among(LINE_BREAKS).complement())


@lru_cache
def _members(of: str) -> Characters:
    """All characters of a class, by the tables of the ``regex`` package."""
    everything = "".join(chr(point) for low, high in EVERY.ranges for point in range(low, high + 1))
    return Characters.among("".join(regex.findall(of, everything)))


def _counted(name: str, most: object, least: int) -> int | None:
    if most is None:
        return None
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise ArgumentError(f"{name}: most={most!r} is no count of characters")
    if most < least:
        raise UnsatisfiableError(f"{name}: no {name} has at most {most} characters")
    return most


def _make_line(value: object = None) -> Line:
    return line(whole_number("line", given("line", value, 1)[0]))


def _make_sentence(value: object = None) -> Sentence:
    return sentence(whole_number("sentence", given("sentence", value, 1)[0]))


LINE = ConstraintSource(
    name="line",
    description="one line of text; characters at most, or no value",
    make=_make_line,
)
SENTENCE = ConstraintSource(
    name="sentence",
    description="one sentence; characters at most, or no value",
    make=_make_sentence,
)
