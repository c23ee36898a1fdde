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

    Of a compressed file that is cut off, as its run goes on or was killed, it is what there is.

    Raises:
        OSError: the file cannot be read.
        ArgumentError: it is a directory, it is larger than `MOST`, or nothing of it can be
            decompressed.
    """
    if path.is_dir():
        raise ArgumentError(f"{path} is a directory: name a trace file (condit generate --trace)")
    with path.open("rb") as file:
        try:
            # Looked at, not read: a pipe cannot go back.
            if file.peek(2)[:2] == _GZIP:
                with gzip.GzipFile(fileobj=file) as compressed:
                    raw = _decompressed(compressed)
            else:
                raw = file.read(MOST + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArgumentError(f"{path} cannot be decompressed: {error}") from error
    if len(raw) > MOST:
        raise ArgumentError(
            f"{path} has more than {MOST >> 20} MiB, more than a page can hold: "
            "draw fewer lanes or tokens, or leave out alternatives (--plain-trace)"
        )
    return raw.decode("utf-8-sig", errors="replace")


def _decompressed(file: gzip.GzipFile) -> bytes:
    """Not much more than `MOST` bytes, up to where the file is cut off or damaged."""
    raw = bytearray()
    try:
        while len(raw) <= MOST and (part := file.read1(1 << 20)):
            raw += part
    except (EOFError, zlib.error, gzip.BadGzipFile):
        if not raw:
            raise
    return bytes(raw)
