"""The command ``condit serve``; what it starts is in ``condit.serve``."""

from __future__ import annotations

import logging
from types import FrameType
from typing import Annotated

import typer

from condit.errors import ArgumentError, MissingDependencyError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    model: Annotated[
        str, typer.Option("--model", "-m", help="A name, a directory, or a .gguf file.")
    ] = "smollm2",
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.")] = 8000,
    name: Annotated[
        str | None, typer.Option(help="How requests call the model; its own name by default.")
    ] = None,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            "--api-key",
            envvar="CONDIT_API_KEY",
            help="Whoever asks must give this key; may be given several times.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(help="How many requests are drawn at the same time.")
    ] = 8,
    queue: Annotated[
        int, typer.Option(help="How many more may wait; the next is answered with 429.")
    ] = 64,
    most_lanes: Annotated[
        int, typer.Option(help="How many lanes all requests have together.")
    ] = 64,
    most_n: Annotated[int, typer.Option(help="The most choices or lanes of one request.")] = 32,
    default_max_tokens: Annotated[
        int, typer.Option(help="The most tokens where a request names no limit.")
    ] = 512,
    most_max_tokens: Annotated[
        int | None,
        typer.Option(
            help="The most tokens that a request may ask for.",
            show_default="the model's context",
        ),
    ] = None,
    deadline: Annotated[float, typer.Option(help="Seconds that one request may take.")] = 600.0,
    compile_deadline: Annotated[
        float, typer.Option(help="Seconds that compiling a constraint may take.")
    ] = 10.0,
    compile_workers: Annotated[
        int,
        typer.Option(help="Processes that try constraints out; 0: none, and no such deadline."),
    ] = 2,
    sampler: Annotated[str, typer.Option(help="Of requests that name none.")] = "awrs",
    cors_origin: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", help="Web pages from there may ask; may be repeated."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host",
            help="A name by which requests may call it, beside addresses and localhost; may be "
            "repeated.",
            show_default="any with --api-key or --host of a network, else none",
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="What runs a .gguf file or smollm2: transformers (usual) or llama."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Of llama.cpp: fewer than cores where others compute, too. Torch goes by "
            "OMP_NUM_THREADS."
        ),
    ] = None,
    playground: Annotated[
        bool,
        typer.Option("--ui/--no-ui", help="Have a page at /ui where constraints are tried out."),
    ] = True,
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Write prompts and texts into the log.")
    ] = False,
) -> None:
    """Serve a model to programs that speak to OpenAI, Anthropic, vLLM, llama.cpp or Ollama.

    Outputs always satisfy the constraint of the request. The first Ctrl-C lets requests that are
    under way finish, the second ends them.
    """
    try:
        import fastapi  # noqa: F401
        import pebble  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise MissingDependencyError(
            f"condit serve needs more packages ({error.name} is missing): "
            "pip install 'condit[serve]'"
        ) from error

    class Server(uvicorn.Server):
        """Says that it is not ready any more as soon as it is told to stop."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.state.engine.stopping = True
            super().handle_exit(sig, frame)

    from condit import load
    from condit.generate import sampler_of
    from condit.model.base import Model
    from condit.playground.routes import add_playground
    from condit.serve.app import create_app
    from condit.serve.connections import config
    from condit.serve.logs import JsonLines
    from condit.serve.settings import ServeSettings

    sampler_of(sampler)
    # A web page that has its own name stand for this machine knows no key, and whoever reaches a
    # server of a network needs no such page.
    any_host = bool(api_key or host not in LOOPBACK) and not allowed_host
    settings = ServeSettings(
        api_keys=tuple(api_key or ()),
        concurrency=concurrency,
        queue=queue,
        most_lanes=most_lanes,
        most_n=most_n,
        default_max_tokens=default_max_tokens,
        most_max_tokens=most_max_tokens,
        deadline=deadline,
        compile_deadline=compile_deadline,
        compile_workers=compile_workers,
        sampler=sampler,
        cors_origins=tuple(cors_origin or ()),
        allowed_hosts=None if any_host else tuple(allowed_host or ()),
        log_prompts=log_prompts,
    )
    given = {"backend": backend, "threads": threads}
    options = {name: value for name, value in given.items() if value is not None}
    loaded = load(model, **options)
    if not isinstance(loaded, Model):
        raise ArgumentError(f"{model} has no decoder that requests could share: load another model")
    app = create_app(loaded, settings, name=name)
    if playground:
        add_playground(app)
    if host not in LOOPBACK and not settings.api_keys:
        typer.echo(f"Warning: everybody who reaches {host} may ask: see --api-key", err=True)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(log_prompts))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    typer.echo(f"Serving {app.state.engine.name} at http://{host}:{port}/v1", err=True)
    if playground:
        typer.echo(f"To try constraints out: http://{host}:{port}/ui/", err=True)
    Server(config(app, settings, host=host, port=port)).run()
