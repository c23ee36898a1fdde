"""Trace files as texts for the page, which reads their lines by itself."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from condit.errors import ArgumentError

MOST = 512 * 1024 * 1024
"""The most bytes of text that are handed to a browser, which keeps all of it in memory."""

_GZIP = b"\x1f\x8b"


def name_of(path: Path) -> str:
    """The name of a file for people; bytes of it that are no characters become ``?``."""
    return path.name.encode(errors="replace").decode()


def text_of(path: Path) -> str:
    """The text of a trace file, which may be compressed (gzip).

    Bytes that are not UTF-8 become replacement characters: the page says which lines it could not
    use.

    Raises:
        OSError: the file cannot be read.
        ArgumentError: it is a directory, it is larger than `MOST`, or its compression is broken.
    """
    if path.is_dir():
        raise ArgumentError(f"{path} is a directory: name a trace file (condit generate --trace)")
    with path.open("rb") as file:
        try:
            # Looked at, not read: a pipe cannot go back.
            with gzip.open(file) if file.peek(2)[:2] == _GZIP else file as opened:
                raw = opened.read(MOST + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArgumentError(f"{path} cannot be decompressed: {error}") from error
    if len(raw) > MOST:
        raise ArgumentError(
            f"{path} has more than {MOST >> 20} MiB, more than a page can hold: "
            "draw fewer lanes or tokens, or leave out alternatives (--plain-trace)"
        )
    return raw.decode("utf-8-sig", errors="replace")
