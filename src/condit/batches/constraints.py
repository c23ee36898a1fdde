"""Constraints that rows ask for by name, each compiled once for all rows that ask for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from cachetools import LRUCache

from condit.constraint.base import Constraint
from condit.constraint.source import make_constraint


class ConstraintCache:
    """The constraints that were made last. Threads may share it.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = 64) -> None:
        self._lock = threading.Lock()
        self._made: LRUCache[tuple[str, ...], Future[Constraint]] = LRUCache(most)

    def get(self, name: str, value: Any) -> Constraint:
        """The constraint of a kind (``"regex"``) and of what it is made of, a JSON value.

        A thread that asks while another one makes it waits for that one.

        Raises:
            ConditError: it cannot be made; see `make_constraint`.
        """
        key = name, json.dumps(value)  # the order of keys counts: properties come in it
        return self.made(key, partial(make_constraint, name, value))

    def made(self, key: tuple[str, ...], make: Callable[[], Constraint]) -> Constraint:
        """The constraint of that key, which ``make`` makes if it is not there.

        Raises:
            Exception: what ``make`` raises.
        """
        with self._lock:
            future = self._made.get(key)
            first = future is None
            if future is None:
                future = self._made[key] = Future()
        if first:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()
