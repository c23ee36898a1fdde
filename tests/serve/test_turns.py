"""Clients take turns, and who asks much waits behind itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from condit.serve.turns import CLIENT, QueueFullError, Turns


async def wait_as(client: str, turns: Turns, log: list[str], lanes: int = 1) -> None:
    CLIENT.set(client)
    try:
        await turns.take(lanes)
    except QueueFullError:
        log.append(f"no {client}")
        raise
    log.append(client)


async def started(*waits: Any) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(each) for each in waits]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_clients_take_turns_and_nobody_overtakes_who_wants_many_lanes() -> None:
    async def run() -> list[str]:
        turns, log = Turns(2, 4, 10), []
        await turns.take(4)
        tasks = await started(
            *[wait_as("many", turns, log, 4) for _ in range(3)],
            *[wait_as("few", turns, log) for _ in range(2)],
        )
        for lanes in (4, 4, 1, 4, 1):
            turns.give_back(lanes)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert turns.waiting == 0
        return log

    assert asyncio.run(run()) == ["many", "few", "many", "few", "many"]


def test_where_too_many_wait_the_client_with_the_most_is_sent_away() -> None:
    async def run() -> list[str]:
        turns, log = Turns(1, 1, 3), []
        await turns.take()
        greedy = await started(*[wait_as("greedy", turns, log) for _ in range(3)])
        await started(wait_as("other", turns, log))
        assert isinstance(greedy[2].exception(), QueueFullError)
        (refused,) = await started(wait_as("greedy", turns, log))
        assert isinstance(refused.exception(), QueueFullError)
        assert turns.waiting == 3
        for _ in range(3):
            turns.give_back()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return log

    assert asyncio.run(run()) == ["no greedy", "no greedy", "greedy", "other", "greedy"]


@pytest.mark.parametrize("when", ["before", "as its turn comes"])
def test_who_leaves_takes_no_room(when: str) -> None:
    async def run() -> None:
        turns, log = Turns(1, 1, 3), []
        await turns.take()
        first, second = await started(wait_as("a", turns, log), wait_as("b", turns, log))
        if when == "before":
            first.cancel()
            await asyncio.sleep(0)
            turns.give_back()
        else:
            turns.give_back()
            first.cancel()
        await asyncio.wait_for(second, 5)
        turns.give_back()
        await asyncio.wait_for(turns.take(), 5)
        assert log == ["b"]
        assert turns.waiting == 0

    asyncio.run(run())
