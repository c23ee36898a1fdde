"""A row of a batch: from a line, or from a row of a table, to an id and fields.

There are two shapes: Condit's own (``prompt`` and the options of ``condit.generate``), and OpenAI's
(``custom_id``, ``method``, ``url``, ``body``). What the fields ask for is read in ``requests.py``
and ``openai_rows.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from condit.batches.lines import LONGEST, Line
from condit.errors import RowError
from condit.vocabulary import lone_surrogate

_OPENAI = ("custom_id", "body", "url", "method")


Refusal = Callable[[str, str], RowError]
"""Makes the error of a row from a message and the key at fault."""


@dataclass(frozen=True)
class Row:
    """A row that is to be answered.

    Attributes:
        line: its line in the file, from 1; of a table, its row; 0 where rows are not counted.
        id: what its answer is found by: what the row says, or else ``line-`` and its line.
        fields: what it says.
        is_openai: whether it is in OpenAI's shape.
        digest: tells apart rows that differ.
        size: how much of the input it is, in bytes; of a table 1.
        fault: why it cannot be read; ``None``: it can.
    """

    line: int
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_openai: bool = False
    digest: bytes = b""
    size: int = 0
    fault: RowError | None = None

    def refused(self, message: str, at: str | None = None) -> Row:
        """The same row with what is wrong about it."""
        return replace(self, fault=self.error(message, at))

    def error(self, message: str, at: str | None = None) -> RowError:
        """The error that names its line, and the key at fault."""
        place = f"line {self.line}" if self.line else f"row {self.id!r}"
        return RowError(f"{place}: {message}", line=self.line, field=at)


def row_of_line(line: Line) -> Row:
    """The row of a line. One that cannot be read has a ``fault``; nothing is raised."""
    digest = digest_of(line.content)
    row = Row(line.number, f"line-{line.number}", digest=digest, size=line.size)
    if line.too_long:
        return row.refused(f"it has more than {LONGEST >> 20} MiB, which is no prompt")
    try:
        text = line.content.decode()
        found = json.loads(text, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        return row.refused(f"it is not UTF-8 (byte {error.start + 1} of the line)")
    except json.JSONDecodeError as error:
        return row.refused(f"it is not JSON: {error.msg} at character {error.pos + 1}")
    except RecursionError:
        return row.refused("it is nested too deep to be read")
    except ValueError as error:
        return row.refused(f"it is not JSON: {error}")
    if not isinstance(found, dict):
        return row.refused(f"it is a {type(found).__name__}, not a JSON object: write {{...}}")
    return row_of_fields(row, found)


def row_of_fields(row: Row, found: Mapping[str, Any]) -> Row:
    """``row`` with what it says; ``null`` at the top says nothing, as in a table."""
    fields = {name: value for name, value in found.items() if value is not None}
    is_openai = any(name in fields for name in _OPENAI)
    key = "custom_id" if is_openai else "id"
    row = replace(row, fields=fields, is_openai=is_openai)
    if key not in fields:
        if is_openai:
            return row.refused("custom_id is missing: its answer is found by that", key)
        return row
    name = fields[key]
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        return row.refused(f"{key} must be a text that is not empty, not {name!r}", key)
    if isinstance(name, str) and (fault := lone_surrogate(name)):
        return row.refused(f"{key} is not text: {fault}", key)
    return replace(row, id=str(name))


def digest_of(content: bytes) -> bytes:
    """Eight bytes that differ for different contents."""
    return hashlib.blake2b(content, digest_size=8).digest()


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
