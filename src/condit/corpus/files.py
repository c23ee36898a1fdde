"""Arrays in a file that is mapped into memory when it is opened: the format of saved indexes.

A file is: 8 bytes that name the format; its version and the size of the header (4 bytes each,
little-endian); a CRC-32 of the header; the header, in JSON; the arrays, each at a multiple of 64
bytes. A file that was cut short or is something else is refused when it is opened. The arrays have
checksums of their own, which ``verify`` reads the whole file for. Nothing here knows what the
arrays mean.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condit.errors import IndexFileError

MAGIC = b"CONDITIX"
VERSION = 1

_HEAD = struct.Struct("<8sIII")
_ALIGN = 64

Arrays = dict[str, NDArray[Any]]


def save(path: str | os.PathLike[str], kind: str, facts: dict[str, Any], arrays: Arrays) -> None:
    """Write a file; another one of that name is replaced once the new one is complete.

    Args:
        path: where to.
        kind: what the arrays are, such as ``"corpus"``.
        facts: JSON values.
        arrays: by name; of one dimension.

    Raises:
        OSError: it cannot be written.
    """
    listed = {}
    place = 0
    for name, array in arrays.items():
        contents = np.ascontiguousarray(array)
        listed[name] = {
            "type": contents.dtype.newbyteorder("<").str,
            "length": len(contents),
            "offset": place,
            "crc32": zlib.crc32(contents.view(np.uint8).data),
        }
        place += -(-contents.nbytes // _ALIGN) * _ALIGN
    header = json.dumps({"kind": kind, "facts": facts, "arrays": listed, "bytes": place}).encode()
    target = Path(path)
    temporary = NamedTemporaryFile(  # noqa: SIM115 - closed below, before it gets its name
        dir=target.parent, prefix=target.name, suffix=".part", delete=False
    )
    try:
        with temporary as file:
            file.write(_HEAD.pack(MAGIC, VERSION, len(header), zlib.crc32(header)) + header)
            file.write(bytes(-file.tell() % _ALIGN))
            for array in arrays.values():
                file.write(np.ascontiguousarray(array).data)
                file.write(bytes(-file.tell() % _ALIGN))
        os.replace(temporary.name, target)
    except BaseException:
        Path(temporary.name).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], Arrays]:
    """The facts and the arrays of a file; the arrays are mapped, and cannot be written to.

    Raises:
        IndexFileError: it is no such file, one of another kind or version, or not whole.
        OSError: it cannot be read.
    """
    header, start = _header(path, kind)
    arrays: Arrays = {}
    for name, each in header["arrays"].items():
        if each["length"] == 0:
            arrays[name] = np.zeros(0, dtype=each["type"])
        else:
            offset, length = start + each["offset"], each["length"]
            mapped = np.memmap(path, each["type"], "r", offset, (length,))
            arrays[name] = mapped.view(np.ndarray)
    return header["facts"], arrays


def verify(path: str | os.PathLike[str], kind: str) -> None:
    """Read the whole file, and compare every array with its checksum.

    Raises:
        IndexFileError: as ``load``, or an array is damaged.
        OSError: it cannot be read.
    """
    header, _ = _header(path, kind)
    for name, array in load(path, kind)[1].items():
        if zlib.crc32(array.view(np.uint8).data) != header["arrays"][name]["crc32"]:
            raise IndexFileError(f"{path}: the array {name!r} is damaged; build the index again")


def _header(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], int]:
    with open(path, "rb") as file:
        head = file.read(_HEAD.size)
        if head[: len(MAGIC)] != MAGIC or len(head) < _HEAD.size:
            raise IndexFileError(
                f"{path} is no index of Condit: make one with condit.Corpus(documents).save(path) "
                "or condit.Strings(strings).save(path)"
            )
        _, version, size, checksum = _HEAD.unpack(head)
        if version != VERSION:
            raise IndexFileError(
                f"{path} has version {version} of the format, and this Condit reads version "
                f"{VERSION}: build the index again"
            )
        text = file.read(size)
        whole = file.seek(0, os.SEEK_END)
    if len(text) < size or zlib.crc32(text) != checksum:
        raise IndexFileError(f"{path} is damaged in its header; build the index again")
    header = json.loads(text)
    start = -(-(_HEAD.size + size) // _ALIGN) * _ALIGN
    if whole != start + header["bytes"]:
        raise IndexFileError(
            f"{path} has {whole} bytes and should have {start + header['bytes']}: it was cut short "
            "or written over; build the index again"
        )
    if header["kind"] != kind:
        raise IndexFileError(f"{path} is an index of kind {header['kind']!r}, not {kind!r}")
    return header, start
