"""How the server treats connections: how many, and how long each may let others wait.

uvicorn waits for ever for who sends a request byte by byte, or does not read its answer. Here such
connections end, and the requests that came by them with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from condit.serve.settings import ServeSettings

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

_KEPT_SECONDS = 75
"""Seconds that a connection is kept for a next request: longer than clients keep theirs, so that
none sends one while it is being closed (httpx keeps them for 5 seconds, most others for 60)."""

_SPARE_FILES = 128
"""File descriptors that are left for what is no connection."""


def config(
    app: ASGIApp, settings: ServeSettings, *, host: str = "127.0.0.1", port: int = 0
) -> uvicorn.Config:
    """The settings of uvicorn: connections as they are here, and logs that are left to the caller.

    Args:
        app: the application.
        settings: the limits of connections.
        host: the address to listen at.
        port: the port to listen at; 0: any that is free.
    """
    import h11
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    most = min(settings.most_connections, _most_files() - _SPARE_FILES)

    class Connection(H11Protocol):
        """A connection that may be waited for only so long."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._receiving = _Alarm(settings.receive_deadline, transport.abort)
            self._sending = _Alarm(settings.send_deadline, transport.abort)
            if len(self.connections) > most:
                transport.abort()
                return
            self._receiving.start()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            state = self.conn.their_state
            begun = state is h11.IDLE and bool(self.conn.trailing_data[0])
            if begun or state is h11.SEND_BODY:
                self._receiving.start()
            else:
                self._receiving.stop()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._sending.start()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._sending.stop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._receiving.stop()
            self._sending.stop()
            super().connection_lost(exc)

    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEPT_SECONDS,
    )


class _Alarm:
    """Calls ``action`` so many seconds after it was started, unless it is stopped before."""

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds = seconds
        self._action = action
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._action)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _most_files() -> int:
    """How many files this process may have open."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 2**16
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**16 if most == resource.RLIM_INFINITY else most
