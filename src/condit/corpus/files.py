"""Arrays in a file that is mapped into memory when it is opened: the format of saved indexes.

A file is: 8 bytes that name the format; its version and the size of the header (4 bytes each,
little-endian); a CRC-32 of the header; the header, in JSON; the arrays, each at a multiple of 64
bytes. A file that was cut short or is something else is refused when it is opened. The arrays have
checksums of their own, for which ``verify`` reads the whole file. Nothing here knows what the
arrays mean.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

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
    # Not a temporary file of Python's, which nobody else may read.
    temporary = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(_HEAD.pack(MAGIC, VERSION, len(header), zlib.crc32(header)) + header)
            file.write(bytes(-file.tell() % _ALIGN))
            for array in arrays.values():
                file.write(np.ascontiguousarray(array).data)
                file.write(bytes(-file.tell() % _ALIGN))
        os.replace(temporary, target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # by the name that the user knows
            raise OSError(error.errno, error.strerror, str(target)) from None
        raise


def load(
    path: str | os.PathLike[str],
    kind: str,
    *,
    verify: bool = False,
    read_whole: Collection[str] = (),
) -> tuple[dict[str, Any], Arrays]:
    """The facts and the arrays of a file; the arrays are mapped, and cannot be written to.

    Args:
        path: the file. Another one may take its name at any time; what was opened stays.
        kind: what the arrays should be.
        verify: whether to read the whole file, and compare every array with its checksum.
        read_whole: arrays that are compared in any case, as they are read as a whole.

    Raises:
        IndexFileError: it is no such file, one of another kind or version, or not whole.
        OSError: it cannot be read.
    """
    arrays: Arrays = {}
    with open(path, "rb") as file:
        header, start = _header(file, path, kind)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for name, each in header["arrays"].items():
        offset, length = start + each["offset"], each["length"]
        arrays[name] = np.frombuffer(mapped, each["type"], length, offset if length else 0)
        if verify or name in read_whole:
            _check(path, name, arrays[name], each["crc32"])
    return header["facts"], arrays


def _check(path: str | os.PathLike[str], name: str, array: NDArray[Any], crc32: int) -> None:
    """Compare an array with its checksum.

    Raises:
        IndexFileError: it is damaged.
    """
    if zlib.crc32(array.view(np.uint8).data) != crc32:
        raise IndexFileError(f"{path}: the array {name!r} is damaged; build the index again")


def _header(file: BinaryIO, path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], int]:
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
