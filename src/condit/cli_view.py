"""The command ``condit view``; the page that it shows is in ``condit.page``."""

from __future__ import annotations

import socket
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from condit.errors import ArgumentError, MissingDependencyError
from condit.page.files import exported
from condit.page.trace_files import name_of, text_of


def view(
    runs: Annotated[
        list[Path], typer.Argument(help="Trace files (condit generate --trace); two are compared.")
    ],
    export: Annotated[
        Path | None,
        typer.Option(help="Write one HTML file, which needs neither server nor network."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port to listen at; 0: a free one.")] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Show a run in a browser: its lanes, weights, and what the constraint refused.

    The page is served to this machine only, until Ctrl-C. It is read anew when it is reloaded.
    """
    if len(runs) > 4:
        raise ArgumentError(f"view: {len(runs)} runs do not fit side by side: name at most 4")
    texts = [(name_of(path), _text(path)) for path in runs]
    if export is not None:
        if any(export.exists() and export.samefile(path) for path in runs):
            raise ArgumentError(f"{export} is the trace itself: name another file for the page")
        written = exported(texts, f"{texts[0][0]} - Condit")
        try:
            export.write_text(written, encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"{export} cannot be written: {error.strerror}") from error
        typer.echo(f"{export}: {len(written.encode()) // 1024} KiB", err=True)
        return
    # A pipe can be read only once.
    piped = {path: text for path, (_, text) in zip(runs, texts, strict=True) if not path.is_file()}
    _serve(runs, piped, port, open_browser=open_browser)


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror or error}") from error


def _serve(runs: list[Path], piped: dict[Path, str], port: int, *, open_browser: bool) -> None:
    try:
        import uvicorn

        from condit.page.routes import viewer
    except ImportError as error:
        raise MissingDependencyError(
            f"condit view needs more packages ({error.name} is missing): "
            "pip install 'condit[serve]', or write a file: --export run.html"
        ) from error
    with socket.socket() as listening:
        # As servers do: a port that was just left may be taken again at once.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise ArgumentError(
                f"cannot listen at port {port}: {why}; without --port a free one is taken"
            ) from error
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"

        def read(path: Path) -> str:
            return piped[path] if path in piped else text_of(path)

        app = viewer(runs, hosts=("127.0.0.1", "localhost"), read=read)
        typer.echo(f"Showing {', '.join(map(name_of, runs))} at {address}", err=True)
        if open_browser:
            # The socket is bound already: the browser waits for the answer.
            listening.listen()
            webbrowser.open(address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        server.run(sockets=[listening])
