"""The constraint ``csv``: tables of comma-separated values."""

from __future__ import annotations

import csv as python
import enum
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.base import Constraint, Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.regular.byte_table import byte_table
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
from condit.constraint.types.linked import Linked, Places
from condit.constraint.types.patterns import read
from condit.errors import ArgumentError, UnsatisfiableError

_SPECIAL = frozenset(b',"\n')
_REFUSED = frozenset(b"\r\0")
_ANY_TEXT = read(r"[^\r\x00]*")


def csv(
    columns: Sequence[str] | Mapping[str, Constraint | None],
    *,
    rows: int | tuple[int, int | None] = (1, None),
    header: bool = True,
) -> Csv:
    r"""Tables of comma-separated values, exactly as Python's ``csv.writer`` writes them.

    A line for each row, with ``\n`` between them and not at the end. A field is in quotation marks
    where it has a comma, a quotation mark or a line break, and not elsewhere; quotation marks in it
    are doubled. The value is a list of dictionaries, one a row, with the values of the constraints.

    >>> people = csv({"name": None, "age": condit.integer(0, 130)})
    >>> people.value('name,age\n"Lee, Ann",42')
    [{'name': 'Lee, Ann', 'age': 42}]

    Args:
        columns: the names; or a mapping of each name to a constraint on the text of its fields,
            ``None`` being any text without ``\r`` and NUL.
        rows: how many rows there are besides the header: a count, or the least and the greatest
            (``None``: as many as one likes).
        header: whether the first line has the names.

    Raises:
        ArgumentError: the columns or rows are none of these, or a name has ``\r`` or NUL.
        UnsatisfiableError: no row at all is asked for, and no header.
    """
    least, most = counts_of("csv", rows)
    if most == 0 and not header:
        raise UnsatisfiableError("csv: neither rows nor a header are asked for")
    if least == 0 and not header:
        raise ArgumentError("csv: without a header there is at least one row: rows=(1, ...)")
    asked = columns_of("csv", columns)
    if any(set(name) & set("\r\0") for name in asked):
        raise ArgumentError("csv: a name of a column has a carriage return or NUL")
    return Csv(tuple(asked.items()), (least, most), header)


@dataclass(frozen=True)
class Csv(SmallType):
    """Tables of comma-separated values; made by ``csv``.

    Attributes:
        columns: the names, and the constraints on their fields.
        rows: the least and the greatest count of rows; ``None``: as many as one likes.
        header: whether the first line has the names.
    """

    columns: tuple[tuple[str, Constraint | None], ...]
    rows: tuple[int, int | None]
    header: bool
    machine: CsvRows = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        single = len(self.columns) == 1
        cells = tuple(
            _field(byte_table(_ANY_TEXT) if asked is None else machine_of(asked), alone=single)
            for _, asked in self.columns
        )
        names = _written([[name for name, _ in self.columns]]) if self.header else None
        object.__setattr__(self, "machine", CsvRows(cells, names, *self.rows))

    def objection(self, text: str) -> str | None:
        """Why it is no such table, by Python's ``csv``."""
        if set(text) & set("\r\0"):
            return "it has a carriage return or NUL"
        try:
            rows = self._read(text)
        except python.Error as error:
            return f"it is no CSV: {error}"
        for number, row in enumerate(rows, 0 if self.header else 1):
            if len(row) != len(self.columns):
                where = f"row {number}" if number else "its first line"
                return f"{where} does not have {len(self.columns)} fields, but {len(row)}"
        if _written(rows) != text:
            return "it has quotation marks where none are needed, or none where some are"
        names = [name for name, _ in self.columns]
        if self.header and rows[:1] != [names]:
            return f"its first line does not have the names {', '.join(names)}"
        least, most = self.rows
        count = len(rows) - self.header
        if count < least or (most is not None and count > most):
            return f"it has {count} rows, not {counts_in_words(self.rows)}"
        for number, row in enumerate(rows[self.header :], 1):
            for (name, asked), each in zip(self.columns, row, strict=True):
                if asked is not None and (found := asked.violation(each)) is not None:
                    return f"row {number}, {name}: {found}"
        return None

    def value(self, text: str) -> list[dict[str, object]]:
        """The rows, each as a dictionary."""
        return [
            {
                name: value_of(asked, each)
                for (name, asked), each in zip(self.columns, row, strict=True)
            }
            for row in self._read(text)[self.header :]
        ]

    def _read(self, text: str) -> list[list[str]]:
        return list(python.reader(io.StringIO(text, newline=""), strict=True))

    def describe(self) -> str:
        """The columns, as an instruction to a model."""
        columns = dict(self.columns)
        names = _written([list(columns)])
        first = f"the first line is {names}" if self.header else f"the fields are {names}"
        return (
            f"Respond only with CSV: {first}, {counts_in_words(self.rows)} rows{in_words(columns)}"
        )


@dataclass(frozen=True)
class CsvRows(Linked):
    """Rows of fields. A part: which row, counted as far as it matters, and which field in it.

    Attributes:
        fields: the byte matchers of the fields as they are written.
        names: the header.
        least: rows at least.
        most: rows at most.
    """

    fields: tuple[ByteMatcher[Any], ...]
    names: str | None
    least: int
    most: int | None
    start: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = all(each.strength is Strength.EXACT for each in self.fields)
        object.__setattr__(self, "strength", Strength.EXACT if exact else Strength.SOUND)
        first = (1, 0) if self.names is None else (0, self._last)
        object.__setattr__(self, "start", frozenset([(first, self.machine(first).start)]))

    def machine(self, part: tuple[int, int]) -> ByteMatcher[Any]:
        """The header, for row 0; a field; or what stands behind a field."""
        row, place = part
        if place % 2:
            return literal("\n" if place == self._last + 1 else ",")
        return literal(self.names or "") if row == 0 else self.fields[place // 2]

    def following(self, part: tuple[int, int]) -> Iterable[tuple[int, int]]:
        """A comma or a line break, or the next field."""
        row, place = part
        if place == self._last + 1:
            counted = max(1, self.least) if self.most is None else self.most
            return [(min(row + 1, counted), 0)]
        if place == self._last and row == self.most:
            return []
        return [(row, place + 1)]

    def is_last(self, part: tuple[int, int]) -> bool:
        """The last field of a row, where there are enough."""
        return part[1] == self._last and part[0] >= self.least

    @property
    def _last(self) -> int:
        return 2 * len(self.fields) - 2


class _Mode(enum.Enum):
    """Where a field is that is being written."""

    BEGIN = enum.auto()
    PLAIN = enum.auto()
    QUOTED = enum.auto()
    """In quotation marks, nothing yet."""
    NEEDLESS = enum.auto()
    """In quotation marks, nothing yet that needs them."""
    NEEDED = enum.auto()
    QUOTED_END = enum.auto()
    """After a quotation mark that closes the field, or is the first of two; and so on."""
    NEEDLESS_END = enum.auto()
    NEEDED_END = enum.auto()


_ENDS = {
    _Mode.QUOTED: _Mode.QUOTED_END,
    _Mode.NEEDLESS: _Mode.NEEDLESS_END,
    _Mode.NEEDED: _Mode.NEEDED_END,
}
_QUOTE = ord('"')


def _step(mode: _Mode, byte: int) -> tuple[_Mode, bytes] | None:
    """The encoding of fields: the mode after a byte, and what that byte means."""
    if byte in _REFUSED:
        return None
    meant = bytes([byte])
    if mode in (_Mode.BEGIN, _Mode.PLAIN):
        if mode is _Mode.BEGIN and byte == _QUOTE:
            return _Mode.QUOTED, b""
        return None if byte in _SPECIAL else (_Mode.PLAIN, meant)
    if mode not in _ENDS:
        return (_Mode.NEEDED, meant) if byte == _QUOTE else None
    if byte == _QUOTE:
        return _ENDS[mode], b""
    needed = mode is _Mode.NEEDED or byte in _SPECIAL
    return (_Mode.NEEDED if needed else _Mode.NEEDLESS), meant


def _may_end(mode: _Mode) -> bool:
    return mode in (_Mode.BEGIN, _Mode.PLAIN, _Mode.NEEDED_END)


def _may_end_alone(mode: _Mode) -> bool:
    """The same for the only field of a row, which is quoted if it is empty."""
    return mode in (_Mode.QUOTED_END, _Mode.PLAIN, _Mode.NEEDED_END)


def _field(inner: ByteMatcher[Any], *, alone: bool) -> ByteMatcher[Any]:
    """A field as it is written, for what it means."""
    if not _SPECIAL & set(inner.alphabet) and not (alone and inner.may_stop(inner.start)):
        return inner
    return encoded(inner, _step, _Mode.BEGIN, _may_end_alone if alone else _may_end)


def _written(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO(newline="")
    python.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().removesuffix("\n")


def _make(value: object, *, rows: Any = (1, None), header: bool = True) -> Csv:
    if isinstance(value, str):
        value = from_json("csv", value) if value.lstrip().startswith("{") else listed(value)
    return csv(value, rows=tuple(rows) if isinstance(rows, list) else rows, header=header)  # type: ignore[arg-type]


CSV = ConstraintSource(
    name="csv",
    description="a table; the names of its columns, or in JSON the names with constraints",
    make=_make,
)
