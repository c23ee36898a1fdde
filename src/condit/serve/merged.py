"""Events of several jobs as they come, in one stream; which there are is up to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from condit.serve.job import Event


async def merged(
    runs: Sequence[AsyncGenerator[Event, None]], at_once: int
) -> AsyncGenerator[tuple[int, Event], None]:
    """Each event with the place of its run.

    Whoever stops iterating ends all runs.

    Args:
        runs: those that have not begun.
        at_once: how many run at the same time; the others wait for their turn.

    Raises:
        Exception: what a run raises; the others are ended.
    """
    told: asyncio.Queue[tuple[int, Event] | Exception | None] = asyncio.Queue()
    few = asyncio.Semaphore(at_once)

    async def tell(place: int, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with few, aclosing(events):
                async for event in events:
                    told.put_nowait((place, event))
        except Exception as error:
            told.put_nowait(error)
        else:
            told.put_nowait(None)

    tasks = [asyncio.create_task(tell(place, run)) for place, run in enumerate(runs)]
    left = len(tasks)
    try:
        while left:
            news = await told.get()
            if isinstance(news, Exception):
                raise news
            if news is None:
                left -= 1
            else:
                yield news
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
