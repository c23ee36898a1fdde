r"""One dialect of regular expressions, spelled for the mask engine (Rust) and for the oracle.

The dialect is what Python's ``re`` and Rust's ``regex`` share, with nested sets (``[\w--\d]``) and
properties (``\p{L}``). Most of a pattern goes to both as it stands. Respelled are only the places
where the two would read the same characters differently; refused, with their position, are the
constructs that no automaton can follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from condit.constraint.regex_class import scan_class
from condit.constraint.regex_escape import scan_escape, scan_literal
from condit.errors import CompileError, UnsupportedConstraintError

_GROUPS = {
    "(?=": "lookahead",
    "(?!": "negative lookahead",
    "(?<=": "lookbehind",
    "(?<!": "negative lookbehind",
    "(?>": "an atomic group",
    "(?|": "a branch reset group",
    "(?(": "a conditional group",
    "(?P=": "a backreference",
    "(?P>": "a subroutine call",
    "(?&": "a subroutine call",
    "(?R)": "recursion",
    "(*": "a backtracking verb",
}
_OPENING = re.compile(r"\(\?(?:P?<[^\W\d]\w*>|:)")
_SUBROUTINE = re.compile(r"\(\?[+-]?\d+\)")
_FLAGS = re.compile(r"\(\?([A-Za-z]*)(-[A-Za-z]+)?([:)])")
_COMMENT = re.compile(r"\(\?#[^)]*\)")
_REPEAT = re.compile(r"[*+?]|\{(\d+)(,?)(\d*)\}|\{,(\d+)\}")


@dataclass(frozen=True)
class Dialect:
    """A pattern in two spellings.

    Attributes:
        engine: for the mask engine.
        oracle: for the ``regex`` module, version 1.
        anchors: where in the source its anchors stand.
        properties: its Unicode properties, with where they stand.
        greedy: whether some repeat is greedy (``a*``).
        lazy: whether some repeat is lazy (``a*?``).
    """

    engine: str
    oracle: str
    anchors: tuple[int, ...]
    properties: tuple[tuple[int, str], ...]
    greedy: bool
    lazy: bool


def read_pattern(pattern: str) -> Dialect:
    """Respell ``pattern``.

    Raises:
        CompileError: it is not a regular expression; ``position`` says where.
        UnsupportedConstraintError: it uses a construct that no automaton can follow.
    """
    return _Reader(pattern).read()


class _Reader:
    """Goes over a pattern once, left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.engine: list[str] = []
        self.oracle: list[str] = []
        self.anchors: list[int] = []
        self.properties: list[tuple[int, str]] = []
        self.greedy = self.lazy = False
        # For each open group, and outside: where it opened, and whether the verbose and the
        # multi-line flag hold in it.
        self.groups: list[tuple[int, frozenset[str]]] = [(-1, frozenset())]
        self.repeatable = False

    def read(self) -> Dialect:
        while self.position < len(self.pattern):
            self._read_piece(self.pattern[self.position])
        if len(self.groups) > 1:
            raise self.error("this group is never closed", self.groups[-1][0])
        return Dialect(
            "".join(self.engine),
            "".join(self.oracle),
            tuple(self.anchors),
            tuple(self.properties),
            self.greedy,
            self.lazy,
        )

    def error(self, reason: str, position: int | None = None) -> CompileError:
        """The error for something wrong at ``position``, or at the current character."""
        place = self.position if position is None else position
        return CompileError(
            f"regex {self.pattern!r} does not parse: {reason}, at character {place}",
            position=place,
        )

    def unsupported(self, construct: str, name: str, position: int) -> UnsupportedConstraintError:
        """The error for a construct that is refused."""
        return UnsupportedConstraintError(
            f"regex {self.pattern!r} uses {name}, {construct!r}, at character {position}: no "
            "automaton can follow it. Write the pattern without it",
            position=position,
            keywords=(construct,),
        )

    def _emit(self, engine: str, oracle: str | None = None, *, repeatable: bool = True) -> None:
        self.engine.append(engine)
        self.oracle.append(engine if oracle is None else oracle)
        self.repeatable = repeatable

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.pattern, self.position)
        if found:
            self.position = found.end()
        return found

    def _read_piece(self, character: str) -> None:
        if "x" in self.groups[-1][1] and self._skip_verbose(character):
            return
        start = self.position
        if character == "\\":
            self._read_escape()
        elif character == "[":
            text, self.position = scan_class(self, start)
            self._emit(text)
        elif character == "(":
            self._read_group()
        elif character == ")":
            if len(self.groups) == 1:
                raise self.error("')' closes no group")
            self.groups.pop()
            self.position += 1
            self._emit(")")
        elif character in "^$":
            self._read_anchor(character, 1)
        elif found := self._match(_REPEAT):
            self._read_repeat(found)
        else:
            self.position += 1
            if character == "|":
                self._emit("|", repeatable=False)
            else:
                self._emit("." if character == "." else scan_literal(self, start))

    def _skip_verbose(self, character: str) -> bool:
        if character == "#":
            end = self.pattern.find("\n", self.position)
            self.position = len(self.pattern) if end < 0 else end + 1
            return True
        if character in " \t\n\r\f\v":
            self.position += 1
            return True
        return False

    def _read_repeat(self, found: re.Match[str]) -> None:
        start = found.start()
        if not self.repeatable:
            raise self.error("there is nothing here to repeat", start)
        least, comma, most, at_most = found.groups()
        text = found[0]
        if at_most:
            text = f"{{0,{at_most}}}"
        elif most and int(most) < int(least):
            raise self.error("the repeat's bounds are the wrong way round", start)
        follower = self.pattern[self.position : self.position + 1]
        if follower == "+":
            raise self.unsupported(found[0] + "+", "a possessive repeat", start)
        lazy = follower == "?"
        self.position += lazy
        # Greedy or lazy makes no difference to which texts match as a whole.
        self._emit(text, text + "?" * lazy, repeatable=False)
        varies = comma or at_most or text in "*+?"
        self.lazy |= lazy
        self.greedy |= bool(varies) and not lazy
        if self._match(_REPEAT):
            raise self.error("a repeat cannot be repeated; put the first in a group", found.end())

    def _read_anchor(self, construct: str, width: int) -> None:
        if "m" in self.groups[-1][1]:
            raise self.unsupported(construct, "a multi-line anchor", self.position)
        self.anchors.append(self.position)
        self.position += width
        # Only ``^`` and ``\A`` look backwards; the others mean the very end, for a whole match.
        if construct in ("^", "\\A"):
            self._emit("^", repeatable=False)
        else:
            self._emit("$", r"\Z", repeatable=False)

    def _read_escape(self) -> None:
        start = self.position
        if self.pattern[start : start + 2] in ("\\A", "\\Z", "\\z"):
            self._read_anchor(self.pattern[start : start + 2], 2)
            return
        text, self.position = scan_escape(self, start, in_class=False)
        self._emit(text)

    def _read_group(self) -> None:
        start = self.position
        for opening, name in _GROUPS.items():
            if self.pattern.startswith(opening, start):
                raise self.unsupported(opening, name, start)
        if found := _SUBROUTINE.match(self.pattern, start):
            raise self.unsupported(found[0], "a subroutine call", start)
        if self._match(_COMMENT):
            return
        _, flags = self.groups[-1]
        if self._match(_OPENING):
            self.groups.append((start, flags))
            self._emit("(?:", repeatable=False)
        elif found := self._match(_FLAGS):
            self._read_flags(found, flags)
        elif self.pattern.startswith("(?", start):
            raise self.error("this is no kind of group", start)
        else:
            self.position += 1
            self.groups.append((start, flags))
            self._emit("(?:", repeatable=False)

    def _read_flags(self, found: re.Match[str], outer: frozenset[str]) -> None:
        on, off, closing = found[1], (found[2] or "")[1:], found[3]
        for flag in on + off:
            if flag not in "imsxu":
                raise self.unsupported(found[0], f"the flag {flag!r}", found.start())
        flags = (outer | set(on)) - set(off)
        # Verbose patterns are made plain here; multi-line only matters to anchors, refused above.
        kept_on, kept_off = (re.sub("[^is]", "", flags) for flags in (on, off))
        kept = kept_on + ("-" + kept_off if kept_off else "")
        if closing == ":":
            self.groups.append((found.start(), flags))
            self._emit(f"(?{kept}:", repeatable=False)
        else:
            self.groups[-1] = (self.groups[-1][0], flags)
            self._emit(f"(?{kept})" if kept else "", repeatable=False)
