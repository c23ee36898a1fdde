"""How a refused request is answered: as the protocol that it speaks writes errors."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Scope

from condit.serve import anthropic
from condit.serve.request_errors import RequestError, error_of


def answer(scope: Scope, error: RequestError) -> JSONResponse:
    """The answer to a request that is refused."""
    path: str = scope["path"]
    if path.startswith("/v1/messages") or "anthropic-version" in Headers(scope=scope):
        body = anthropic.error_of(error)
    elif path.startswith("/api/"):
        body = {"error": error.message}
    else:
        body = {"error": error_of(error)}
    wait = error.retry_after
    return JSONResponse(body, error.status, None if wait is None else {"Retry-After": str(wait)})
