"""The lines of a file of JSON objects, one at a time, as bytes.

A byte order mark before the first line and the carriage returns of other systems are left out, and
lines without anything in them are skipped. What a line says is read in ``rows.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST = 64 * 2**20
"""Bytes that a line may have: more are never held in memory."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """One line of a file.

    Attributes:
        number: its number in the file, from 1.
        content: its bytes without the end of the line; the first of them where it is too long.
        size: how many bytes of the file it takes, with empty lines before it.
        too_long: whether it has more than ``LONGEST`` bytes.
    """

    number: int
    content: bytes
    size: int
    too_long: bool = False


def lines(file: BinaryIO, longest: int = LONGEST) -> Iterator[Line]:
    """The lines of a file that have something in them, in order.

    >>> from io import BytesIO
    >>> [(line.number, line.content) for line in lines(BytesIO(b"{}\\r\\n\\n[]"))]
    [(1, b'{}'), (3, b'[]')]
    """
    number = size = 0
    while content := file.readline(longest + 1):
        number += 1
        size += len(content)
        too_long = len(content) > longest and not content.endswith(b"\n")
        rest = content if too_long else b"\n"
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(longest)
            size += len(rest)
        if number == 1:
            content = content.removeprefix(_BYTE_ORDER_MARK)
        content = content.rstrip(b"\r\n")
        if content.strip():
            yield Line(number, content[:100] if too_long else content, size, too_long)
            size = 0
