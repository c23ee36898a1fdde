"""A server on loopback, and OpenAI's client for it: for fixtures, and for tests with settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import openai
import uvicorn

from condit.model.base import Model
from condit.serve.app import create_app
from condit.serve.connections import config
from condit.serve.engine import Engine
from condit.serve.settings import ServeSettings


class Served:
    """A server that runs.

    Attributes:
        url: where.
        engine: what draws.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._clients: list[openai.OpenAI] = []

    def client(self, **options: object) -> openai.OpenAI:
        """OpenAI's client for it."""
        usual = {"api_key": "none", "max_retries": 0, "timeout": 120.0}
        client = openai.OpenAI(base_url=f"{self.url}/v1", **{**usual, **options})
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close the clients: the server waits for their connections to end."""
        for client in self._clients:
            client.close()


@contextmanager
def serving(model: Model, **settings: object) -> Iterator[Served]:
    """Serve a model in a thread."""
    limits = ServeSettings(**{"compile_workers": 0, **settings})
    app = create_app(model, limits)
    server = uvicorn.Server(config(app, limits))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it had started"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    served = Served(f"http://127.0.0.1:{port}", app.state.engine)
    try:
        yield served
    finally:
        served.close()
        server.should_exit = True
        thread.join(5)
        server.force_exit = True  # a test may have left a connection, which it would wait for
        thread.join(30)
