"""Rows and answers in tables: Parquet files. Needs ``condit[parquet]``.

A table has one type for a whole column, so what differs from row to row is written as a text of
JSON: a schema, a body, a constraint. A cell that is null says nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from condit.batches.answers import Answer, tally_of, text_of_reply
from condit.batches.rows import Row, digest_of, row_of_fields
from condit.errors import ArgumentError
from condit.foreign import pyarrow

SUFFIX = ".parquet"

AS_JSON = ("body", "constraint", "choice")
"""Columns whose texts are read as JSON; a ``schema`` may be a text as it is."""

_AT_ONCE = 256
"""Rows that are in memory together."""

COLUMNS = {
    "id": "string",
    "line": "int64",
    "text": "string",
    "error": "string",
    "message": "string",
    "samples": "int64",
    "valid": "int64",
    "truncated": "int64",
    "tokens": "int64",
    "ess": "double",
    "answer": "string",
}
"""The columns of a table of answers, and Arrow's names of their types."""


def is_table(path: Path) -> bool:
    """Whether a file of that name is a table."""
    return path.suffix == SUFFIX


def count(path: Path) -> int:
    """How many rows a table has."""
    return int(_open(path).metadata.num_rows)


def rows(path: Path) -> Iterator[Row]:
    """The rows of a table, some in memory at a time."""
    line = 0
    for batch in _open(path).iter_batches(batch_size=_AT_ONCE):
        for fields in batch.to_pylist():
            line += 1
            yield row_of_cells(line, fields)


def row_of_cells(line: int, cells: Mapping[str, Any]) -> Row:
    """The row of a table that has these cells."""
    content = json.dumps(cells, default=str).encode()
    row = Row(line, f"line-{line}", digest=digest_of(content), size=1)
    fields = {name: value for name, value in cells.items() if value is not None}
    for name in ("schema", "json_schema", *AS_JSON):
        value = fields.get(name)
        if isinstance(value, dict):
            # The keys of all rows together, null where a row has none: not what was written.
            return row.refused(f"{name} is a column of structures: write it as JSON texts", name)
        if isinstance(value, str) and name in AS_JSON:
            try:
                fields[name] = json.loads(value)
            except ValueError as error:
                return row.refused(f"{name} is not JSON: {error}", name)
    return row_of_fields(row, fields)


def cells_of(answer: Answer) -> dict[str, Any]:
    """An answer as a row of a table, by ``COLUMNS``; ``answer`` is all of it, as JSON."""
    tally = tally_of(answer)
    text, said = answer.get("text"), answer.get("error")
    if "response" in answer:
        body = answer["response"]["body"]
        text, said = text_of_reply(body), body.get("error")
    return {
        "id": answer.get("custom_id", answer.get("id")),
        "line": answer["line"],
        "text": text,
        "error": tally.error,
        "message": said and said["message"],
        "samples": tally.samples,
        "valid": tally.valid,
        "truncated": tally.truncated,
        "tokens": tally.tokens,
        "ess": tally.ess,
        "answer": json.dumps(answer),
    }


def schema() -> Any:
    """The Arrow schema of a table of answers."""
    return pyarrow.arrow().schema(list(COLUMNS.items()))


def table_of(answers: Sequence[Answer]) -> Any:
    """Answers as an Arrow table."""
    return pyarrow.arrow().Table.from_pylist(list(map(cells_of, answers)), schema=schema())


def write(answers: Path, path: Path) -> None:
    """Write the answers in a file of JSON lines as a table, which is in place once it is whole."""
    unfinished = path.with_name(path.name + ".part")
    with (
        answers.open("rb") as file,
        pyarrow.parquet().ParquetWriter(unfinished, schema()) as writer,
    ):
        some: list[Answer] = []
        for content in file:
            some.append(json.loads(content))
            if len(some) == _AT_ONCE:
                writer.write_table(table_of(some))
                some = []
        writer.write_table(table_of(some))
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _open(path: Path) -> Any:
    try:
        return pyarrow.parquet().ParquetFile(path)
    except pyarrow.arrow().ArrowException as error:
        raise ArgumentError(f"{path} is no Parquet file: {error}") from error
