"""A memo with one value for each object, which is dropped when the object is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Owner = TypeVar("Owner")
Made = TypeVar("Made")


class Kept(Generic[Owner, Made]):
    """One value for each owner, by identity or equality as the owner defines it.

    A value is made once, by the thread that first asks for it; others wait.

    Args:
        make: makes the value of an owner. The value must not refer to the owner, or neither is
            ever freed.
    """

    def __init__(self, make: Callable[[Owner], Made]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._known: WeakKeyDictionary[Owner, Made] = WeakKeyDictionary()

    def of(self, owner: Owner) -> Made:
        """The value of ``owner``, made now if there is none."""
        with self._making:
            made = self._known.get(owner)
            if made is None:
                made = self._known[owner] = self._make(owner)
        return made

    def forget(self, owner: Owner) -> None:
        """Drop the value of ``owner``: the next call of ``of`` makes a new one."""
        with self._making:
            self._known.pop(owner, None)

    def all(self) -> list[Made]:
        """The values of all owners that are alive."""
        with self._making:
            return list(self._known.values())
