"""How the languages of small types are written down: a small dialect of regular expressions.

Literals, escapes of punctuation, ``\\d`` (ASCII digits), ``.`` (all but a newline), classes with
ranges, groups, ``* + ? {m} {m,} {m,n}`` and ``|``. In addition ``(a&b)`` for the texts that are of
both and ``(~a)`` for all others. Written by this package, and found in tables of other libraries;
never by a user.
"""

from __future__ import annotations

from collections.abc import Iterable

from condit.constraint.types.expressions import EMPTY, Expressions
from condit.constraint.types.utf8 import Range, merged, others, sequences
from condit.errors import CompileError

_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_PUNCTUATION = frozenset("\\^$.|?*+()[]{}&~-/# ")


NOTHING = "[]"
"""A pattern of no text at all."""


def escaped(text: str) -> str:
    """A pattern of ``text`` alone."""
    return "".join("\\" + each if each in _PUNCTUATION else each for each in text)


def characters(among: Iterable[str]) -> str:
    """A pattern of one of these characters."""
    ranges = merged((ord(each), ord(each)) for each in among)
    return f"[{''.join(f'{_inside(first)}-{_inside(last)}' for first, last in ranges)}]"


def _inside(point: int) -> str:
    return "\\" + chr(point) if chr(point) in _PUNCTUATION else chr(point)


class PatternReader:
    """Reads patterns into a table of expressions."""

    def __init__(self, table: Expressions) -> None:
        self._table = table
        self._text, self._place = "", 0

    def read(self, pattern: str) -> int:
        """The number of a pattern's expression.

        Raises:
            CompileError: it is not written in this dialect.
        """
        self._text, self._place = pattern, 0
        found = self._alternatives()
        if self._place < len(pattern):
            raise self._error("an unexpected character")
        return found

    def _error(self, what: str) -> CompileError:
        return CompileError(
            f"the pattern {self._text!r} has {what} at character {self._place}",
            position=self._place,
        )

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _take(self, wanted: str) -> bool:
        if not self._text.startswith(wanted, self._place):
            return False
        self._place += len(wanted)
        return True

    def _next(self) -> str:
        found = self._peek()
        if not found:
            raise self._error("an end that is too early")
        self._place += 1
        return found

    def _alternatives(self) -> int:
        found = [self._conjunction()]
        while self._take("|"):
            found.append(self._conjunction())
        return self._table.either(found) if len(found) > 1 else found[0]

    def _conjunction(self) -> int:
        found = [self._sequence()]
        while self._take("&"):
            found.append(self._sequence())
        return self._table.both(found) if len(found) > 1 else found[0]

    def _sequence(self) -> int:
        found = []
        while self._peek() not in ("", "|", "&", ")"):
            found.append(self._repeated())
        return self._table.then(*found) if found else EMPTY

    def _repeated(self) -> int:
        part = self._atom()
        while True:
            if self._take("*"):
                part = self._table.repeat(part, 0, None)
            elif self._take("+"):
                part = self._table.repeat(part, 1, None)
            elif self._take("?"):
                part = self._table.repeat(part, 0, 1)
            elif self._take("{"):
                part = self._table.repeat(part, *self._counts())
            else:
                return part

    def _counts(self) -> tuple[int, int | None]:
        start = self._place
        while self._next() != "}":
            pass
        least, comma, most = self._text[start : self._place - 1].partition(",")
        try:
            return int(least), (int(most) if most else None) if comma else int(least)
        except ValueError:
            raise self._error("a repeat that is no number") from None

    def _atom(self) -> int:
        if self._take("(~"):
            found = self._table.complement(self._alternatives())
        elif self._take("(?:") or self._take("("):
            found = self._alternatives()
        else:
            return self._one_of(self._class())
        if not self._take(")"):
            raise self._error("a group that is not closed")
        return found

    def _class(self) -> list[Range]:
        """The characters of a class, an escape or a single character."""
        if self._take("["):
            without, found = self._take("^"), []
            while not self._take("]"):
                first, last = self._member()
                if self._peek() == "-" and self._text[self._place + 1 : self._place + 2] != "]":
                    self._place += 1
                    _, last = self._member()
                found.append((first, last))
            return others(found) if without else merged(found)
        if self._take("."):
            return others([(10, 10)])
        if self._peek() in ("*", "+", "?", "{", "^", "$"):
            raise self._error("an unexpected character")
        return [self._member()]

    def _member(self) -> Range:
        found = self._next()
        if found == "\\":
            found = self._next()
            if found == "d":
                return (ord("0"), ord("9"))
            if found.isalnum() and found not in _CONTROLS:
                raise self._error(f"the escape of {found!r}")
            found = _CONTROLS.get(found, found)
        return (ord(found), ord(found))

    def _one_of(self, ranges: Iterable[Range]) -> int:
        table = self._table
        return table.either(
            table.then(*(table.byte(_bits(low, high)) for low, high in sequence))
            for first, last in ranges
            for sequence in sequences(first, last)
        )


def _bits(low: int, high: int) -> int:
    return (1 << (high + 1)) - (1 << low)
