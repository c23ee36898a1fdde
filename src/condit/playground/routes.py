"""The routes under ``/ui``: the page, what it asks while a constraint is typed, and runs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
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
from condit.serve.options import SamplingOptions
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
    return Job(
        prompt=request.prompt,
        specification=wanted,
        n=1,
        n_lanes=request.n,
        max_tokens=request.max_tokens,
        seed=request.seed,
        temperature=1.0 if request.temperature is None else request.temperature,
        top_k=request.top_k if request.top_k and request.top_k > 0 else None,
        top_p=1.0 if request.top_p is None else request.top_p,
        logit_bias=request.biases(),
        stop=request.stops(),
        sampler=request.sampler or None,
        instruct=request.instruct,
        prompt_field="prompt",
    )


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
