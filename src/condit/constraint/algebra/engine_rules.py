"""Reading a grammar of the mask engine: the dialect of Lark that our own constraints write.

What it derives without regard to how terminals are told apart: a superset of what the engine
allows, where a terminal reads as far as it can. What is not known here stands for any text.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TypeAlias

from condit.constraint.regular.expression import (
    ANYTHING,
    Node,
    alternation,
    complement,
    concatenation,
    intersection,
    repetition,
    word,
)
from condit.constraint.regular.python_reader import read
from condit.errors import ConditError

Symbol: TypeAlias = str | Node
"""The name of a rule, or an expression."""

Row: TypeAlias = tuple[Symbol, ...]
"""Symbols one after the other."""

_DEFINITION = re.compile(r"(\w+)(?:\[[^\]\n]*\])?[ \t]*:(.*)")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<name>\w+)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<regex>/(?:[^/\\]|\\.)*/[a-z]*)
    |(?P<count>\{[\d,\ ]+\})
    |(?P<sign>[|&~()*+?])
    )\s*""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:[xu]\{([0-9a-fA-F]+)\}|.)", re.DOTALL)
_TIMES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _NotReadError(Exception):
    """There is something that is not known here."""


def read_engine_rules(grammar: str, prefix: str = "") -> dict[str, list[Row]] | None:
    """The alternatives of each rule, ``start`` among them; ``None``: it cannot be read.

    Args:
        grammar: in the engine's language.
        prefix: what the names of the rules begin with.
    """
    definitions: dict[str, str] = {}
    for line in grammar.splitlines():
        if not line.strip() or line.startswith("%llguidance "):
            continue
        found = _DEFINITION.fullmatch(line)
        if found is None:
            return None
        definitions[found[1]] = found[2]
    reader = _Reader(definitions, prefix)
    try:
        for name in definitions:
            reader.read(name)
    except RecursionError:
        return None
    return reader.rules


class _Reader:
    """Reads definitions; those that are regular are expressions where they are mentioned."""

    def __init__(self, definitions: dict[str, str], prefix: str) -> None:
        self._definitions, self._prefix = definitions, prefix
        self._nodes: dict[str, Node | None] = {}
        self.rules: dict[str, list[Row]] = {}

    def read(self, name: str) -> Symbol:
        """The expression of a definition, or the name of its rule."""
        if name not in self._definitions:
            return ANYTHING
        if name not in self._nodes:
            self._nodes[name] = None  # what mentions itself is no expression
            try:
                rows = _Line(self._definitions[name], self, name).rows()
            except _NotReadError:
                rows = [(ANYTHING,)]  # such as a schema that the engine itself reads
            self._nodes[name] = _as_node(rows)
            self.rules[self._prefix + name] = rows
        node = self._nodes[name]
        return self._prefix + name if node is None else node

    def add(self, rows: list[Row], name: str) -> str:
        """A rule of its own for a part of a definition."""
        made = f"{self._prefix}{name}.{len(self.rules)}"
        self.rules[made] = rows
        return made


class _Line:
    """The right-hand side of one definition."""

    def __init__(self, text: str, reader: _Reader, name: str) -> None:
        self._reader, self._name = reader, name
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise _NotReadError
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()

    def rows(self) -> list[Row]:
        """Its alternatives."""
        found = self._choices()
        if self._tokens:
            raise _NotReadError
        return found

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _choices(self) -> list[Row]:
        rows = [self._both()]
        while self._take("|"):
            rows.append(self._both())
        return rows

    def _both(self) -> Row:
        row = self._sequence()
        while self._take("&"):
            one, other = _as_node([row]), _as_node([self._sequence()])
            # Where one of them is no expression, the other alone is a superset.
            if one is None or other is None:
                row = (one or other or ANYTHING,)
            else:
                row = (intersection(one, other),)
        return row

    def _sequence(self) -> Row:
        found: list[Symbol] = []
        while self._tokens and self._tokens[0] not in _CLOSERS:
            found.append(self._repeated())
        return tuple(found)

    def _repeated(self) -> Symbol:
        if self._take("~"):
            symbol = self._repeated()
            return complement(symbol) if isinstance(symbol, Node) else ANYTHING
        symbol = self._atom()
        while self._tokens and (times := self._times()) is not None:
            symbol = self._in_a_row(symbol, *times)
        return symbol

    def _times(self) -> tuple[int, int | None] | None:
        kind, text = self._tokens[0]
        if kind == "sign" and text in _TIMES:
            self._tokens.pop(0)
            return _TIMES[text]
        if kind != "count":
            return None
        self._tokens.pop(0)
        least, comma, most = text[1:-1].replace(" ", "").partition(",")
        return int(least or 0), int(most) if most else None if comma else int(least)

    def _in_a_row(self, symbol: Symbol, least: int, most: int | None) -> Symbol:
        if isinstance(symbol, Node):
            return repetition(symbol, least, most)
        further = self._reader.add([()], self._name)
        if most is None:
            self._reader.rules[further].append((symbol, further))
        for _ in range(0 if most is None else most - least):
            further = self._reader.add([(), (symbol, further)], self._name)
        return self._reader.add([(*[symbol] * least, further)], self._name)

    def _atom(self) -> Symbol:
        kind, text = self._tokens.pop(0)
        if kind == "name":
            return self._reader.read(text)
        if kind == "regex":
            return _read_regex(text)
        if kind == "text":
            try:
                return word(json.loads(text))
            except ValueError:
                raise _NotReadError from None
        if text != "(":
            raise _NotReadError
        rows = self._choices()
        if not self._take(")"):
            raise _NotReadError
        return _as_node(rows) or self._reader.add(rows, self._name)


_CLOSERS = {("sign", ")"), ("sign", "|"), ("sign", "&")}


def _as_node(rows: list[Row]) -> Node | None:
    """Alternatives as one expression; ``None`` where they mention a rule."""
    if not all(isinstance(symbol, Node) for row in rows for symbol in row):
        return None
    nodes = [[symbol for symbol in row if isinstance(symbol, Node)] for row in rows]
    return alternation(*(concatenation(*row) for row in nodes))


@lru_cache(maxsize=1024)
def _read_regex(text: str) -> Node:
    """A regular expression in slashes; anything at all where it cannot be read."""
    body, _, flags = text[1:].rpartition("/")
    if flags:
        return ANYTHING
    try:
        return read("(?-f)" + _ESCAPE.sub(_escaped, body)).root
    except ConditError:
        return ANYTHING


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else f"\\U{int(found[1], 16):08x}"
