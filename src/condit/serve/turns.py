"""Who goes next where there is room for a few at a time: clients take turns, whoever asks more.

A client that asks for much waits behind itself alone: each client that waits is served once before
any is served twice. Where too many wait, the client with the most of them is told to come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass

CLIENT: ContextVar[str] = ContextVar("CLIENT", default="")
"""Whose request is handled here: its API key or its address, as `Limits` has found it."""


class QueueFullError(Exception):
    """There is no room to wait either."""


@dataclass(eq=False)
class _Waiter:
    lanes: int
    turn: asyncio.Future[None]


class Turns:
    """Room for some requests at a time, which have so many lanes together.

    Args:
        places: how many at a time.
        lanes: how many lanes these have together.
        queue: how many may wait.

    Attributes:
        waiting: how many wait.
    """

    def __init__(self, places: int, lanes: int, queue: int) -> None:
        self.waiting = 0
        self._places = places
        self._lanes = lanes
        self._queue = queue
        # In the order of their turns.
        self._lines: dict[str, deque[_Waiter]] = {}

    async def take(self, lanes: int = 1) -> None:
        """Wait for the turn of `CLIENT`; whoever has had it calls `give_back`.

        Raises:
            QueueFullError: too many wait, now or later.
        """
        client = CLIENT.get()
        waiter = _Waiter(lanes, asyncio.get_running_loop().create_future())
        if not self._lines and self._fits(waiter):
            self._take(waiter)
            return
        if self.waiting >= self._queue:
            self._make_room(client)
        self._lines.setdefault(client, deque()).append(waiter)
        self.waiting += 1
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if not waiter.turn.cancelled() and waiter.turn.exception() is None:
                self.give_back(lanes)  # the turn came as the client left
            else:
                self._remove(client, waiter)
                self._next()
            raise

    def give_back(self, lanes: int = 1) -> None:
        """Leave the room to the next."""
        self._places += 1
        self._lanes += lanes
        self._next()

    def _fits(self, waiter: _Waiter) -> bool:
        return self._places >= 1 and self._lanes >= waiter.lanes

    def _take(self, waiter: _Waiter) -> None:
        self._places -= 1
        self._lanes -= waiter.lanes

    def _next(self) -> None:
        # Nobody overtakes one who wants many lanes: it would wait for ever.
        while self._lines:
            client, line = next(iter(self._lines.items()))
            waiter = line[0]
            if not self._fits(waiter):
                return
            self._take(waiter)
            self._remove(client, waiter)
            if line := self._lines.pop(client, deque()):
                self._lines[client] = line  # behind the others
            waiter.turn.set_result(None)

    def _remove(self, client: str, waiter: _Waiter) -> None:
        line = self._lines.get(client, deque())
        if waiter not in line:
            return
        line.remove(waiter)
        self.waiting -= 1
        if not line:
            del self._lines[client]

    def _make_room(self, client: str) -> None:
        """Send away the last of the client that has the most waiting; else raise."""
        most = max(self._lines, key=lambda each: len(self._lines[each]), default=client)
        mine = len(self._lines.get(client, ()))
        if most == client or len(self._lines[most]) <= mine + 1:
            raise QueueFullError
        sent_away = self._lines[most][-1]
        self._remove(most, sent_away)
        sent_away.turn.set_exception(QueueFullError())
