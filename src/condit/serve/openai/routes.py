"""The routes of OpenAI's protocols; what their bodies and answers hold is in the files beside it.

Those know nothing of HTTP, so that a batch reads its rows and writes its answers by them.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from condit.serve.engine import Engine
from condit.serve.events import sse
from condit.serve.openai import chat, completions
from condit.serve.openai.chat import ChatRequest
from condit.serve.openai.completions import CompletionRequest
from condit.serve.openai.responses import Answer, ResponsesRequest
from condit.serve.request_errors import invalid


def routes(engine: Engine) -> APIRouter:
    """The routes of chat, completions and responses."""
    router = APIRouter(tags=["OpenAI"])

    @router.post("/v1/chat/completions", summary="Answer chat messages", response_model=None)
    async def chat_completions(body: ChatRequest) -> Response:
        choice = body.choice()
        job = body.job(engine, choice)
        engine.check_model(body.model)
        head = chat.Head(engine.name, engine.created_now())
        tells = body.tells_usage()
        if not body.stream:
            done = await engine.complete(job)
            return JSONResponse(chat.answer(head, job, done, choice, body.ignored(), engine))
        events = engine.draw(job)
        stream = chat.Stream(head, job, choice, tells, body.ignored(), engine)
        return await sse(events, stream.of)

    @router.post("/v1/completions", summary="Go on from a text", response_model=None)
    async def text_completions(body: CompletionRequest) -> Response:
        engine.check_model(body.model)
        jobs = body.jobs(engine)
        head = completions.head(engine)
        tells = body.tells_usage()
        if not body.stream:
            done = [body.without_text(each) for each in await engine.complete_all(jobs)]
            return JSONResponse(completions.answer(head, jobs, done, body.ignored(), engine))
        if body.draws_nothing:
            raise invalid("stream: max_tokens is 0, so there is nothing to stream", "stream")
        stream = completions.Stream(head, jobs, tells, body.ignored(), engine)
        return await sse(engine.draw_all(jobs), stream.of)

    @router.post("/v1/responses", summary="Answer an input", response_model=None)
    async def responses(body: ResponsesRequest) -> Response:
        engine.check_model(body.model)
        choice = body.choice()
        job = body.job(engine, choice)
        answer = Answer(body, job, choice, engine)
        if not body.stream:
            done = await engine.complete(job)
            return JSONResponse(answer.whole(done))
        return await sse(engine.draw(job), answer.of)

    return router
