"""Counts and logs every request, and answers those that fail where nobody foresaw it."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from condit.serve.logs import about, fields
from condit.serve.metrics import Metrics
from condit.serve.refusals import answer
from condit.serve.request_errors import of_error

log = logging.getLogger("condit.serve")


class RequestLog:
    """Stands around the application.

    Args:
        app: the application.
        metrics: where requests are counted, by route and status.
        prompts: whether logs may hold what was asked.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, prompts: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._prompts = prompts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            told = about(error, self._prompts)
            log.error("a request failed in a way that nobody foresaw", extra=fields(**told))
            if status:
                raise ConnectionAbortedError("the answer ends here") from None
            await answer(scope, of_error(error))(scope, receive, noted)
        finally:
            # A path that was made up is not told: it may hold anything.
            path = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(path, str(status or 499)).inc()
            told = {"method": scope["method"], "path": path, "status": status or 499}
            seconds = round(time.perf_counter() - began, 3)
            log.info("request", extra=fields(**told, seconds=seconds))
