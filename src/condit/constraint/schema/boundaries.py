"""The boundaries of a JSON text: where a value begins.

By then all that leads to the value has been written, commas, keys and colons, so that what the
model gave to it is in the weight. The progress is the path to the value: for each open object the
rank of the key, in the order in which the schema names them, and for each array the index. So
texts whose arrays have unequal lengths, or that skip a key, are comparable again behind it. A key
that comes later than its rank counts as one more than the key before it.

Nothing here checks the syntax: the mask engine has allowed the bytes, so they are a prefix of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import chain, pairwise
from typing import Any, NamedTuple

from condit.constraint.boundary import Boundary

_QUOTE, _BACKSLASH, _COLON, _COMMA = b'"\\:,'
_OPENERS = {ord("["): "array", ord("{"): "object"}
_CLOSERS = frozenset(b"]}")
_SPACES = frozenset(b" \t\r\n")

_UNRANKED = 1 << 30
"""The rank of a key that the schema does not name: after all others, in the order written."""

_BETWEEN, _STRING, _ESCAPED, _SCALAR = range(4)


class _Open(NamedTuple):
    """A container that is open.

    Attributes:
        kind: ``"array"`` or ``"object"``.
        at: the index of the item, or the rank of the key.
        members: how many keys have been written.
        key: the key as it is read, without quotation marks, escapes as written.
        reads_key: whether a key comes next, or is being written.
    """

    kind: str
    at: int = 0
    members: int = 0
    key: bytes = b""
    reads_key: bool = False


class JsonBoundaries(NamedTuple):
    """An immutable reader of JSON that knows the last boundary.

    Attributes:
        ranks: the rank of each key, as ``ranks_of`` gives it.
        boundary: the last one.
        containers: what is open, outer ones first.
        mode: where in a value the last byte stands.
    """

    ranks: Mapping[bytes, int]
    boundary: Boundary = Boundary()
    containers: tuple[_Open, ...] = ()
    mode: int = _BETWEEN

    def after(self, text: bytes) -> JsonBoundaries:
        """The reader after ``text`` more; about half a microsecond a byte."""
        ranks, boundary, containers, mode = self
        for byte in text:
            here = containers[-1] if containers else _Open("text")
            if mode in (_STRING, _ESCAPED):
                ends = mode == _STRING and byte == _QUOTE
                if here.reads_key and not ends:
                    containers = (*containers[:-1], here._replace(key=here.key + bytes([byte])))
                if ends:
                    mode = _BETWEEN
                else:
                    mode = _ESCAPED if mode == _STRING and byte == _BACKSLASH else _STRING
            elif byte in _SPACES:
                mode = _BETWEEN
            elif byte == _COLON:
                rank = ranks.get(here.key, _UNRANKED + here.members)
                if here.members:
                    rank = max(rank, here.at + 1)
                key_read = _Open("object", rank, here.members + 1)
                containers = (*containers[:-1], key_read)
            elif byte == _COMMA:
                mode = _BETWEEN
                if here.kind == "object":
                    next_one = here._replace(key=b"", reads_key=True)
                else:
                    next_one = here._replace(at=here.at + 1)
                containers = (*containers[:-1], next_one)
            elif byte in _CLOSERS:
                mode, containers = _BETWEEN, containers[:-1]
            elif here.reads_key:
                mode = _STRING
            elif mode == _BETWEEN:
                path = tuple(each.at for each in containers)
                kind = _OPENERS.get(byte)
                if kind is not None:
                    containers = (*containers, _Open(kind, reads_key=kind == "object"))
                else:
                    kind, mode = ("string", _STRING) if byte == _QUOTE else ("scalar", _SCALAR)
                boundary = Boundary(path, kind)
        return JsonBoundaries(ranks, boundary, containers, mode)


def ranks_of(schema: object) -> dict[bytes, int]:
    """A rank for each key that a schema names, as written in JSON without quotation marks.

    In every list of ``properties`` the ranks ascend, and where that leaves a choice, keys have the
    order in which they first occur. So do all keys if the lists contradict each other.
    """
    lists: list[list[str]] = []
    _collect(schema, lists)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for names in lists:
        for name in names:
            sorter.add(name)
        for before, after in pairwise(names):
            sorter.add(after, before)
    first = {name: place for place, name in enumerate(dict.fromkeys(chain.from_iterable(lists)))}
    try:
        sorter.prepare()
    except CycleError:
        order = list(first)
    else:
        order = _earliest_first(sorter, first)
    return {
        json.dumps(name, ensure_ascii=False)[1:-1].encode(errors="surrogatepass"): rank
        for rank, name in enumerate(order)
    }


def _earliest_first(sorter: TopologicalSorter[str], first: Mapping[str, int]) -> list[str]:
    """The order in which, of the names that may come next, the one of the first place comes."""
    order: list[str] = []
    ready: list[tuple[int, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, (first[name], name))
        _, name = heappop(ready)
        order.append(name)
        sorter.done(name)
    return order


def _collect(schema: Any, lists: list[list[str]]) -> None:
    """Add the names of each ``properties`` in the schema to ``lists``, outer ones first."""
    parts = [schema]
    for part in parts:  # grows as it is walked: schemas may be nested deeper than calls
        if isinstance(part, dict):
            properties = part.get("properties")
            if isinstance(properties, dict):
                lists.append([str(name) for name in properties])
            parts += part.values()
        elif isinstance(part, list):
            parts += part
