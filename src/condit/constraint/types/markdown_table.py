"""The constraint ``markdown_table``: tables as GitHub's Markdown has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from condit.constraint.base import Constraint, Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import ByteTable, byte_table
from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import concatenation, one, repetition
from condit.constraint.source import ConstraintSource
from condit.constraint.types.arguments import from_json, listed
from condit.constraint.types.base import SmallType
from condit.constraint.types.cells import (
    columns_of,
    counts_in_words,
    counts_of,
    encoded,
    in_words,
    literal,
    machine_of,
    value_of,
)
from condit.constraint.types.extras import imported
from condit.constraint.types.linked import Linked, Places
from condit.errors import ArgumentError

_CONTROLS = "".join(map(chr, range(32)))
_SPACES = "".join(chr(point) for point in range(0x3001) if chr(point).isspace())
_INNER = one(Characters.among(_CONTROLS + "\\").complement())
_OUTER = one(Characters.among(_CONTROLS + "\\" + _SPACES).complement())


def markdown_table(
    columns: Sequence[str] | Mapping[str, Constraint | None],
    *,
    rows: int | tuple[int, int | None] = (1, None),
) -> MarkdownTable:
    r"""Tables of Markdown: a line of names, a line of hyphens, and a line for each row.

    There is one space around each cell, and no line break at the end. A ``|`` in a cell is written
    ``\|``; there are no backslashes, control characters, or spaces at the ends of a cell. The value
    is a list of dictionaries, one a row, with the values of the constraints. What a cell means as
    Markdown (emphasis, links) is left to the reader.

    >>> table = markdown_table({"name": None, "age": condit.integer(0, 130)})
    >>> table.value("| name | age |\n| --- | --- |\n| Ann \\| Lee | 42 |")
    [{'name': 'Ann | Lee', 'age': 42}]

    Args:
        columns: the names; or a mapping of each name to a constraint on the text of its cells,
            ``None`` being any text.
        rows: how many rows there are besides the names: a count, or the least and the greatest
            (``None``: as many as one likes).

    Raises:
        ArgumentError: the columns or rows are none of these, or a name cannot stand in a cell.
        MissingDependencyError: markdown-it-py is not installed; it is in ``condit[types]``.
    """
    counts = counts_of("markdown_table", rows)
    asked = columns_of("markdown_table", columns)
    for name in asked:
        if not _allowed().accepts(name.encode("utf-8", "surrogatepass")) or not name:
            raise ArgumentError(f"markdown_table: {name!r} cannot be the name of a column")
    return MarkdownTable(tuple(asked.items()), counts)


@dataclass(frozen=True)
class MarkdownTable(SmallType):
    """Tables of Markdown; made by ``markdown_table``.

    Attributes:
        columns: the names, and the constraints on their cells.
        rows: the least and the greatest count of rows; ``None``: as many as one likes.
    """

    columns: tuple[tuple[str, Constraint | None], ...]
    rows: tuple[int, int | None]
    machine: TableRows = field(init=False, repr=False, compare=False)
    _reader: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        library = imported("markdown_table", "markdown_it", "markdown-it-py")
        object.__setattr__(self, "_reader", library.MarkdownIt("commonmark").enable("table"))
        cells = tuple(_cell(asked) for _, asked in self.columns)
        object.__setattr__(self, "machine", TableRows(cells, self._head, *self.rows))

    @property
    def _head(self) -> str:
        names = [name for name, _ in self.columns]
        return f"{_written(names)}\n{_written(['---' for _ in names])}"

    def objection(self, text: str) -> str | None:
        """Why it is no such table, by markdown-it-py."""
        if set(text) & set(_CONTROLS.replace("\n", "")):
            return "it has control characters"
        rows = self._read(text)
        written = [self._head, *map(_written, rows[1:])]
        if "\n".join(written) != text:
            return (
                f"it is not the table that begins with {self._head!r}, with one space around cells"
            )
        least, most = self.rows
        if not least <= len(rows) - 1 <= (len(rows) if most is None else most):
            return f"it has {len(rows) - 1} rows, not {counts_in_words(self.rows)}"
        for number, row in enumerate(rows[1:], 1):
            for (name, asked), cell in zip(self.columns, row, strict=True):
                if "\\" in cell:
                    return f"row {number}, {name}: it has a backslash"
                if asked is not None and (found := asked.violation(cell)) is not None:
                    return f"row {number}, {name}: {found}"
        return None

    def _read(self, text: str) -> list[list[str]]:
        """The cells of all rows, the names first; empty rows where it is no table."""
        rows: list[list[str]] = []
        for token in self._reader.parse(text):
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline" and rows:
                rows[-1].append(token.content)
        return rows

    def value(self, text: str) -> list[dict[str, object]]:
        """The rows, each as a dictionary."""
        return [
            {
                name: value_of(asked, cell)
                for (name, asked), cell in zip(self.columns, row, strict=True)
            }
            for row in self._read(text)[1:]
        ]

    def describe(self) -> str:
        """The columns, as an instruction to a model."""
        return (
            f"Respond only with a Markdown table that begins with\n{self._head}\nand has "
            f"{counts_in_words(self.rows)} rows below{in_words(dict(self.columns))}"
        )


@dataclass(frozen=True)
class TableRows(Linked):
    """Rows of cells. A part: which row, counted as far as it matters, and where in it.

    Attributes:
        cells: the byte matchers of the cells as they are written.
        head: the first two lines.
        least: rows at least.
        most: rows at most.
    """

    cells: tuple[ByteMatcher[Any], ...]
    head: str
    least: int
    most: int | None
    start: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = all(each.strength is Strength.EXACT for each in self.cells)
        object.__setattr__(self, "strength", Strength.EXACT if exact else Strength.SOUND)
        first = (0, self._last)
        object.__setattr__(self, "start", frozenset([(first, self.machine(first).start)]))

    def machine(self, part: tuple[int, int]) -> ByteMatcher[Any]:
        """The first two lines, for row 0; a cell; or what stands before or behind it."""
        row, place = part
        if row == 0:
            return literal(self.head)
        if place % 2:
            return self.cells[place // 2]
        return literal("\n| " if place == 0 else " |" if place == self._last else " | ")

    def following(self, part: tuple[int, int]) -> list[tuple[int, int]]:
        """What comes next in the row, or the next row."""
        row, place = part
        if place < self._last:
            return [(row, place + 1)]
        if row == self.most:
            return []
        return [(min(row + 1, max(1, self.least) if self.most is None else self.most), 0)]

    def is_last(self, part: tuple[int, int]) -> bool:
        """The end of a row, where there are enough."""
        return part[1] == self._last and part[0] >= self.least

    @property
    def _last(self) -> int:
        return 2 * len(self.cells)


@cache
def _allowed() -> ByteTable:
    """Texts of cells: none that a reader of Markdown changes."""
    more = concatenation(repetition(_INNER, 0, None), _OUTER)
    return byte_table(repetition(concatenation(_OUTER, repetition(more, 0, 1)), 0, 1))


def _step(mode: tuple[int, bool], byte: int) -> tuple[tuple[int, bool], bytes] | None:
    """The encoding of cells: the state of what is allowed, and whether a backslash stands last."""
    state, escapes = mode
    if not escapes and byte == ord("\\"):
        return (state, True), b""
    if (byte == ord("|")) != escapes:
        return None
    after = _allowed().next(state, byte)
    return None if after is None else ((after, False), bytes([byte]))


def _may_end(mode: tuple[int, bool]) -> bool:
    return not mode[1] and _allowed().may_stop(mode[0])


def _cell(asked: Constraint | None) -> ByteMatcher[Any]:
    inner = _allowed() if asked is None else machine_of(asked)
    return encoded(inner, _step, (0, False), _may_end)


def _written(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _make(value: object, *, rows: Any = (1, None)) -> MarkdownTable:
    if isinstance(value, str):
        is_json = value.lstrip().startswith("{")
        value = from_json("markdown_table", value) if is_json else listed(value)
    return markdown_table(value, rows=tuple(rows) if isinstance(rows, list) else rows)  # type: ignore[arg-type]


MARKDOWN_TABLE = ConstraintSource(
    name="markdown_table",
    description="a Markdown table; the names of its columns, or in JSON with constraints",
    make=_make,
)
