"""The application: routes of all protocols, errors, health and metrics."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

import condit
from condit.model.base import Model
from condit.serve import anthropic, ollama
from condit.serve.engine import Engine
from condit.serve.events import error_of
from condit.serve.limits import Limits
from condit.serve.openai import chat, completions, responses
from condit.serve.request_errors import RequestError, of_error, of_validation
from condit.serve.settings import ServeSettings

log = logging.getLogger("condit.serve")


def create_app(
    model: Model, settings: ServeSettings | None = None, *, name: str | None = None
) -> FastAPI:
    """The ASGI application that serves a model.

    Args:
        model: what draws.
        settings: limits and defaults.
        name: how requests call the model; its own name by default.
    """
    settings = settings or ServeSettings()
    engine = Engine(model, settings, name)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Health is answered, and requests are taken, while the first process starts.
        starting = asyncio.create_task(engine.start())
        try:
            yield
        finally:
            starting.cancel()
            engine.close()

    app = FastAPI(
        title="Condit",
        version=condit.__version__,
        summary="Text from a language model, conditioned on a constraint.",
        lifespan=lifespan,
    )
    app.state.engine = engine
    for protocol in (chat, completions, responses, anthropic, ollama):
        app.include_router(protocol.routes(engine))
    _add_housekeeping(app, engine)
    _add_errors(app)
    app.middleware("http")(_counting(engine))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
        )
    app.add_middleware(
        Limits,
        most_body=settings.most_body,
        most_depth=settings.most_depth,
        keys=settings.api_keys,
    )
    return app


def _add_housekeeping(app: FastAPI, engine: Engine) -> None:
    @app.get("/health", tags=["state"], summary="Whether the server runs")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", tags=["state"], summary="Whether it takes requests")
    async def ready() -> JSONResponse:
        is_ready = engine.ready and not engine.stopping
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    @app.get("/metrics", tags=["state"], summary="Counters for Prometheus")
    async def metrics() -> Response:
        return PlainTextResponse(engine.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models", tags=["OpenAI"], summary="The model that is served")
    async def models() -> dict[str, Any]:
        # The last three are Anthropic's.
        told = {"object": "list", "data": [_model(engine)]}
        return {**told, "has_more": False, "first_id": engine.name, "last_id": engine.name}

    @app.get("/v1/models/{name:path}", tags=["OpenAI"], summary="The model, by its name")
    async def model(name: str) -> dict[str, Any]:
        engine.check_model(name)
        return _model(engine)


def _model(engine: Engine) -> dict[str, Any]:
    return {
        "id": engine.name,
        "object": "model",
        "type": "model",
        "display_name": engine.name,
        "created_at": datetime.fromtimestamp(engine.created, UTC).isoformat(),
        "created": engine.created,
        "owned_by": "condit",
        "max_model_len": engine.model.context,
    }


def _add_errors(app: FastAPI) -> None:
    def answer(request: Request, error: RequestError) -> JSONResponse:
        if request.url.path.startswith("/v1/messages") or "anthropic-version" in request.headers:
            body = anthropic.error_of(error)
        elif request.url.path.startswith("/api/"):
            body = {"error": error.message}
        else:
            body = {"error": error_of(error)}
        wait = error.retry_after
        headers = None if wait is None else {"Retry-After": str(wait)}
        return JSONResponse(body, error.status, headers)

    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(request, of_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> JSONResponse:
        what = f"{request.method} {request.url.path}: {error.detail}"
        return answer(request, RequestError(error.status_code, what, code="not_found"))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return answer(request, of_error(error))


def _counting(
    engine: Engine,
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    async def count(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "unknown")
        engine.metrics.requests.labels(path, str(response.status_code)).inc()
        log.info(
            "%s %s %d %.3fs",
            request.method,
            path,
            response.status_code,
            time.perf_counter() - began,
        )
        return response

    return count
