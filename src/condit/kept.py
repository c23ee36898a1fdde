"""What is worked out once for each owner, and kept as long as the owner lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Owner = TypeVar("Owner")
Made = TypeVar("Made")


class Kept(Generic[Owner, Made]):
    """Makes one for each owner, in one thread while others wait for it.

    Args:
        make: called with the owner; what it gives must not hold on to the owner.
    """

    def __init__(self, make: Callable[[Owner], Made]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._known: WeakKeyDictionary[Owner, Made] = WeakKeyDictionary()

    def of(self, owner: Owner) -> Made:
        """What was made for ``owner``, now or before."""
        with self._making:
            made = self._known.get(owner)
            if made is None:
                made = self._known[owner] = self._make(owner)
        return made
