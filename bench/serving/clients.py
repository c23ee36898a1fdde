"""Clients in threads, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import TypeVar

import httpx2

from bench.serving.server import Server

T = TypeVar("T")
S = TypeVar("S")


class Clients:
    """So many that ask at the same time; each asks again as it has its answer."""

    def __init__(self, server: Server, count: int) -> None:
        self._all = [server.client() for _ in range(count)]
        self._free: SimpleQueue[httpx2.Client] = SimpleQueue()
        self._pool = ThreadPoolExecutor(count)
        for each in self._all:
            self._free.put(each)

    def __enter__(self) -> Clients:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        for each in self._all:
            each.close()

    def map(
        self,
        ask: Callable[[httpx2.Client, S], T],
        questions: Sequence[S],
        done: Callable[[], None] = lambda: None,
    ) -> list[T]:
        """What comes of each question, in order.

        Args:
            ask: asks one by a client.
            questions: what is asked.
            done: called after each.
        """

        def one(question: S) -> T:
            client = self._free.get()
            try:
                return ask(client, question)
            finally:
                self._free.put(client)
                done()

        return list(self._pool.map(one, questions))
