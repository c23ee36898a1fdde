"""Where a JSON value that begins in a text may end, for oracles of texts that are made of parts."""

from __future__ import annotations

import json
import re

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]*)?")
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)

SPACES = frozenset(b" \t\n\r")

_LAST_BYTES = {
    "object": b"}",
    "array": b"]",
    "string": b'"',
    "integer": b"0123456789",
    "number": b"0123456789",
    "boolean": b"e",
    "null": b"l",
}


def value_ends(text: str, start: int) -> list[int] | None:
    """The offsets at which a value that begins at ``start`` may end, with spaces around it.

    ``None`` where it nests too deep to be read.
    """
    begun = _SPACE.match(text, start).end()  # type: ignore[union-attr]
    number = _NUMBER.match(text, begun)
    if number is not None:
        ends = list(range(begun + 1, number.end() + 1))
    else:
        try:
            ends = [_DECODER.raw_decode(text, begun)[1]]
        except ValueError:
            return []
        except RecursionError:
            return None
    spaces = range(1, _SPACE.match(text, ends[-1]).end() - ends[-1] + 1)  # type: ignore[union-attr]
    return [*ends, *(ends[-1] + more for more in spaces)]


def last_bytes(schema: object) -> frozenset[int]:
    """The bytes with which values of a schema may end, by its types; without spaces."""
    named = schema.get("type") if isinstance(schema, dict) else None
    types: list[object] = named if isinstance(named, list) else [named]
    known = [_LAST_BYTES[each] for each in types if isinstance(each, str) and each in _LAST_BYTES]
    return frozenset(b"".join(known if len(known) == len(types) else _LAST_BYTES.values()))
