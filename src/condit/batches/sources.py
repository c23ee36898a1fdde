"""Where the rows of a batch come from: a file of JSON lines, standard input, a Parquet file."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from condit.batches import tables
from condit.batches.lines import lines
from condit.batches.rows import Row, row_of_line
from condit.errors import ArgumentError


class Source(NamedTuple):
    """Rows, read as they are needed.

    Attributes:
        rows: the rows in order.
        size: how much there is, in the unit of ``Row.size``; ``None``: not known.
    """

    rows: Iterator[Row]
    size: int | None


STANDARD_INPUT = Path("-")


def source_of(path: Path) -> Source:
    """The rows of a file.

    Raises:
        ArgumentError: it cannot be read.
        MissingDependencyError: it is a Parquet file, and pyarrow is not installed.
    """
    if path == STANDARD_INPUT:
        return Source(map(row_of_line, lines(sys.stdin.buffer)), None)
    if path.is_fifo():
        return Source(_rows(path.open), None)
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

    if path.suffix == ".gz":
        return Source(_rows(partial(gzip.open, path)), None)
    return Source(_rows(path.open), path.stat().st_size)


def _rows(opened: Callable[[str], Any]) -> Iterator[Row]:
    with opened("rb") as file:
        try:
            yield from map(row_of_line, lines(file))
        except (EOFError, OSError, zlib.error) as error:
            raise ArgumentError(
                f"the input cannot be read to its end: {error}. What was answered so far is kept"
            ) from error
