"""Where the rows of a batch come from: a file of JSON lines, or a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from condit.batches import tables
from condit.batches.lines import lines
from condit.batches.rows import Row, row_of_line
from condit.errors import ArgumentError


class Source(NamedTuple):
    """Rows, read as they are needed.

    Attributes:
        rows: the rows in order.
        size: how much there is, in the unit of ``Row.size``.
    """

    rows: Iterator[Row]
    size: int


def source_of(path: Path) -> Source:
    """The rows of a file.

    Raises:
        ArgumentError: it cannot be read.
        MissingDependencyError: it is a Parquet file, and pyarrow is not installed.
    """
    if not path.is_file():
        why = "it is no file" if path.exists() else "there is no such file"
        raise ArgumentError(f"{path} cannot be read: {why}")
    try:
        if tables.is_table(path):
            return Source(tables.rows(path), tables.count(path))
        with path.open("rb"):
            pass  # it can be read
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}") from error

    def rows() -> Iterator[Row]:
        with path.open("rb") as file:
            yield from map(row_of_line, lines(file))

    return Source(rows(), path.stat().st_size)
