"""Objects of which there is one for equal values, which makes them cheap to compare."""

from __future__ import annotations

from collections.abc import Hashable
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

_making = RLock()
_known: WeakValueDictionary[tuple[Any, ...], Interned] = WeakValueDictionary()

Kind = TypeVar("Kind", bound="Interned")


class Interned:
    """The base of such objects, which ``_of`` makes."""

    __slots__ = ("__weakref__",)

    @classmethod
    def _of(cls: type[Kind], *values: Hashable) -> Kind:
        key = (cls, *values)
        found = _known.get(key)
        if not isinstance(found, cls):
            # Two threads must not make two of them.
            with _making:
                found = _known.get(key)
                if not isinstance(found, cls):
                    found = cls(*values)
                    _known[key] = found
        return found
