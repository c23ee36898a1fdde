"""Answers that are sent as they grow: server-sent events, and lines of JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.responses import StreamingResponse

from condit.serve.request_errors import RequestError, error_of

Chunks = AsyncIterator[dict[str, Any] | str]

Happened = TypeVar("Happened")


def _error_chunk(error: RequestError) -> dict[str, Any]:
    return {"error": error_of(error)}


async def sse(
    events: AsyncGenerator[Happened, None],
    chunks: Callable[[AsyncIterator[Happened]], Chunks],
    failed: Callable[[RequestError], dict[str, Any]] = _error_chunk,
) -> StreamingResponse:
    """Server-sent events: ``data: {...}``; a chunk with the key ``event:`` names its kind.

    Args:
        events: what happens in the run, or in several.
        chunks: what is told of them.
        failed: what is told of an error after the first event; as OpenAI does by default.

    The first event is waited for, so that what is refused has a status of its own.
    """
    first = await anext(events)

    async def again() -> AsyncIterator[Happened]:
        yield first
        async for event in events:
            yield event

    async def lines() -> AsyncIterator[bytes]:
        async with aclosing(events):
            try:
                async for chunk in chunks(again()):
                    yield _line(chunk)
            except RequestError as error:
                yield _line(failed(error))

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


def _line(chunk: dict[str, Any] | str) -> bytes:
    if isinstance(chunk, str):
        return f"data: {chunk}\n\n".encode()
    kind = chunk.pop("event:", None)
    name = "" if kind is None else f"event: {kind}\n"
    return f"{name}data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
