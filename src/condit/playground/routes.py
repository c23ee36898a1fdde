"""The routes under ``/ui``: the page, what it asks while a constraint is typed, and runs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import Field

from condit.page.files import playground
from condit.page.routes import HEADERS, page_routes
from condit.playground.checking import FIELD, Checker, Written, WrittenError, specification
from condit.plugins import registered
from condit.serve.engine import Engine
from condit.serve.job import Job
from condit.serve.options import ConditOptions, SamplingOptions
from condit.serve.request_errors import RequestError, invalid

_LAST = b'{"kind":"result"'


class DrawRequest(SamplingOptions):
    """What the playground draws."""

    prompt: str | list[dict[str, str]] = Field(description="A text, or messages of a chat.")
    constraint: Written = Written()
    sampler: str | None = None
    n: Annotated[int, Field(ge=1)] = 4
    max_tokens: Annotated[int, Field(ge=1)] = 200
    instruct: bool = False


def add_playground(app: FastAPI) -> None:
    """Add the playground to a server.

    Args:
        app: made by ``condit.serve.app.create_app``.
    """
    engine: Engine = app.state.engine
    checker = Checker(engine)
    router = APIRouter(prefix="/ui", tags=["playground"])

    @router.get("", include_in_schema=False)
    async def without_slash() -> RedirectResponse:
        return RedirectResponse("ui/")

    @router.get("/options.json", summary="What the page offers")
    async def options() -> dict[str, Any]:
        return {
            "model": engine.name,
            "sampler": engine.settings.sampler,
            "samplers": sorted(registered("samplers")),
            "most_n": engine.settings.most_n,
            "most_tokens": engine.settings.most_max_tokens or engine.model.context,
        }

    @router.post("/check", summary="What is wrong with a constraint, or how it is enforced")
    async def check(written: Written) -> dict[str, Any]:
        return await checker.check(written)

    @router.post(
        "/draw",
        summary="Draw, and answer with the lines of the trace as the run grows",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/jsonl": {}}}},
    )
    async def draw(request: DrawRequest) -> StreamingResponse:
        lines = engine.trace(_job(request))
        # What is refused before anything is drawn is an error of its own.
        first = await anext(lines, b"")
        return StreamingResponse(
            _lines(first, lines), media_type="application/jsonl", headers=HEADERS
        )

    app.include_router(router)
    app.router.routes.extend(page_routes("/ui", playground()))


def _job(request: DrawRequest) -> Job:
    try:
        wanted = specification(request.constraint)
    except WrittenError as error:
        raise invalid(error.message, FIELD) from error
    own = ConditOptions(
        sampler=request.sampler or None, n_lanes=request.n, instruct=request.instruct
    )
    job = request.drawn(request.prompt, wanted, own)
    return replace(job, max_tokens=request.max_tokens, prompt_field="prompt")


async def _lines(first: bytes, lines: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    last = first
    async with aclosing(lines):
        try:
            yield first
            async for last in lines:
                yield last
        except RequestError as error:
            # The run says itself what it failed with; but not that it was ended from outside.
            if not last.startswith(_LAST):
                told = {"type": error.code or error.kind, "message": error.message}
                yield json.dumps({"kind": "result", "error": told}).encode() + b"\n"
