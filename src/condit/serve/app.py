"""The application: routes of all protocols, errors, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

from condit.model.base import Model
from condit.serve import anthropic, ollama
from condit.serve.engine import Engine
from condit.serve.limits import Limits
from condit.serve.openai import routes as openai
from condit.serve.openapi import describe
from condit.serve.refusals import answer
from condit.serve.request_errors import RequestError, of_validation
from condit.serve.request_log import RequestLog
from condit.serve.settings import ServeSettings
from condit.version import __version__


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
        version=__version__,
        summary="Text from a language model, conditioned on a constraint.",
        lifespan=lifespan,
    )
    app.state.engine = engine
    for protocol in (openai, anthropic, ollama):
        app.include_router(protocol.routes(engine))
    _add_housekeeping(app, engine)
    _add_errors(app)
    describe(app)
    # The last of these stands around the others.
    app.add_middleware(
        Limits,
        most_body=settings.most_body,
        most_depth=settings.most_depth,
        most_values=settings.most_values,
        keys=settings.api_keys,
        hosts=settings.allowed_hosts,
    )
    app.add_middleware(RequestLog, metrics=engine.metrics, prompts=settings.log_prompts)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
        )
    return app


def _add_housekeeping(app: FastAPI, engine: Engine) -> None:
    @app.get("/health", tags=["state"], summary="Whether the server runs")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/ready",
        tags=["state"],
        summary="Whether it takes requests",
        responses={503: {"description": "Not yet, or no more."}},
    )
    async def ready() -> JSONResponse:
        is_ready = engine.ready and not engine.stopping
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    @app.get(
        "/metrics",
        tags=["state"],
        summary="Counters for Prometheus",
        response_class=PlainTextResponse,
    )
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
    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> JSONResponse:
        return answer(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(request.scope, of_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> JSONResponse:
        what = f"{request.method} {request.url.path}: {error.detail}"
        if error.status_code == 404:
            what += f". {_instead(app, request.url.path)}"
        code = "not_found" if error.status_code == 404 else None
        response = answer(request.scope, RequestError(error.status_code, what, code=code))
        response.headers.update(error.headers or {})
        return response


def _instead(app: FastAPI, path: str) -> str:
    """What to do about a path that there is not: most often a client has another base URL."""
    known = [each for each in app.openapi()["paths"] if len(each) > 1]
    meant = [each for each in known if each.endswith(path) or path.endswith(each)]
    if path == "/" or not meant:
        return "What there is to ask is at /docs"
    right = max(meant, key=len)
    return f"It is {right}: mend the base URL of the client"
