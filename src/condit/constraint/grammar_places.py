"""What is wrong with a terminal of a grammar, and where in the grammar, for errors.

What a terminal may use is known in ``grammar_terminals.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from condit.constraint.regular.python_class import ESCAPE, class_end
from condit.constraint.regular.python_reader import read
from condit.errors import CompileError, UnsupportedConstraintError

LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|/(?!/)((?:[^/\\\n]|\\.)+)/|//[^\n]*')
"""A text, a regular expression (its first group) or a comment of a grammar."""

# How constructs begin.
REFERENCES = (*(rf"\{digit}" for digit in "123456789"), r"\g<", "(?P=", "(?(")
CALLS = ("(?R", "(?&", "(?P>", "(?P&", *(f"(?{digit}" for digit in "0123456789+-"))
_NAMES = (
    *(("(?=", "lookahead"), ("(?!", "negative lookahead")),
    *(("(?<=", "lookbehind"), ("(?<!", "negative lookbehind")),
    *((each, "an anchor") for each in ("^", "$", r"\A", r"\Z", r"\z", r"\G")),
    *((each, "a word boundary") for each in (r"\b", r"\B", r"\m", r"\M")),
    *((each, "a backreference") for each in REFERENCES[:-1]),
    *((each, "recursion") for each in CALLS),
)
_CONSTRUCT = re.compile(
    r"\(\?(?:<?[=!]|[>(&]|P[=>&]|R|[+-]?\d)|\(\*|(?<=[*+?}])\+|[\^$]|\{[^}]*[dies]<?="
)
_ESCAPES = re.compile(r"\\(?:[AZzGbBmMRXKL1-9]|g<)")
BEFORE = ("(?<", "^", r"\A", r"\G", r"\b", r"\B", r"\m", r"\M")
AFTER = ("(?=", "(?!", "$", r"\X", r"\Z", r"\z", r"\b", r"\B", r"\m", r"\M")


def broken_literal(grammar: str) -> CompileError | None:
    """The error of the first regular expression of a grammar that does not parse by itself."""
    for found in LITERAL.finditer(grammar):
        if found[1]:
            try:
                read(found[1])
            except UnsupportedConstraintError:
                continue
            except CompileError as error:
                source = Source(found[0], found[1], grammar)
                place, position = source.placed(error.position)
                return CompileError(f"terminal {found[0]}{place}: {error}", position=position)
    return None


@dataclass(frozen=True)
class Source:
    """Where a terminal comes from.

    Attributes:
        name: how to call it.
        pattern: what it matches.
        grammar: the text of the grammar.
    """

    name: str
    pattern: str
    grammar: str

    def placed(self, position: int | None) -> tuple[str, int | None]:
        """A position in the pattern in words, and as one in the grammar.

        Lark has put the pattern together from the grammar's literals: it is looked for in these.
        """
        if position is None:
            return "", None
        held = [
            (len(found[1]), found.start(1) + position - part.start())
            for found in LITERAL.finditer(self.grammar)
            if found[1]
            for part in re.finditer(re.escape(found[1]), self.pattern)
            if part.start() <= position <= part.end()
        ]
        if not held:
            return "", None
        _, offset = max(held, key=lambda each: each[0])
        line = self.grammar.count("\n", 0, offset) + 1
        column = offset - self.grammar.rfind("\n", 0, offset)
        return f" (line {line}, column {column})", offset

    def unsupported(
        self, reason: str, openings: tuple[str, ...] = ("",), *, last: bool = False
    ) -> UnsupportedConstraintError:
        """The error for what it uses.

        Args:
            reason: what it is used for, or what about it.
            openings: how the construct may begin.
            last: whether it is rather the last such construct than the first.
        """
        found = [each for each in _constructs(self.pattern) if each[1].startswith(openings)]
        position, construct = found[-last] if found else (None, self.pattern)
        named = "".join(f"{name}, " for start, name in _NAMES if construct.startswith(start))
        place, offset = self.placed(position)
        return UnsupportedConstraintError(
            f"terminal {self.name} uses {named}{construct!r} in /{self.pattern}/{place} {reason}",
            position=offset,
            keywords=(construct,),
        )


def _constructs(pattern: str) -> Iterator[tuple[int, str]]:
    """What is more than characters, choices and repeats in a pattern, and where."""
    position = 0
    while position < len(pattern):
        if found := ESCAPE.match(pattern, position):
            if asked := _ESCAPES.match(pattern, position):
                yield position, asked[0]
            position = found.end()
        elif pattern[position] == "[":
            position = class_end(pattern, position)
        else:
            if found := _CONSTRUCT.match(pattern, position):
                yield position, found[0]
            position = found.end() if found else position + 1
