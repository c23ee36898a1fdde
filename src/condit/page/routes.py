"""The page over HTTP: its files, and runs, all from memory.

Needs Starlette, which the extra ``serve`` brings. No part of a request is ever a path on the disk:
files are looked up in a list, and runs by their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from condit.errors import ArgumentError
from condit.page.files import POLICY, TYPES, file, served
from condit.page.trace_files import name_of, text_of

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Runs grow, and a newer Condit has other scripts.
    "Cache-Control": "no-store",
}


def viewer(
    paths: Sequence[Path], *, hosts: Sequence[str], read: Callable[[Path], str] = text_of
) -> Starlette:
    """The application of ``condit view``: the page at ``/``, and these trace files.

    Args:
        paths: read anew each time, so that a run that still grows is shown as far as it is.
        hosts: names that a browser may call this server by. Others are refused, or pages from
            elsewhere could have their own name stand for this machine, and read the runs.
        read: the text of a trace file.
    """

    async def listed(_: Request) -> Response:
        runs = [{"name": name_of(path), "url": f"runs/{at}"} for at, path in enumerate(paths)]
        return JSONResponse(runs, headers=HEADERS)

    def run(request: Request) -> Response:
        number = int(request.path_params["number"])
        if number >= len(paths):
            return PlainTextResponse("there is no such run", 404, headers=HEADERS)
        try:
            text = read(paths[number])
        except OSError as error:
            told = f"{name_of(paths[number])}: {error.strerror or error}"
            return PlainTextResponse(told, 410, headers=HEADERS)
        except ArgumentError as error:  # it is no longer the file that it was at the start
            told = str(error).encode(errors="replace").decode()
            return PlainTextResponse(told, 410, headers=HEADERS)
        return Response(text, media_type="application/jsonl", headers=HEADERS)

    return Starlette(
        routes=[
            Route("/runs.json", listed),
            # Runs are large, and the browser is on this machine.
            Route(
                "/runs/{number:int}", run, middleware=[Middleware(GZipMiddleware, compresslevel=1)]
            ),
            *page_routes(),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def page_routes(prefix: str = "", document: str | None = None) -> list[Route]:
    """The page itself, and the files that it names.

    Args:
        prefix: what comes before all of their paths.
        document: the HTML; by default that of a viewer of runs.
    """

    async def page(_: Request) -> Response:
        return Response(document or served(), media_type="text/html", headers=HEADERS)

    async def part(request: Request) -> Response:
        name = str(request.path_params["name"])
        suffix = name[name.rindex(".") :]
        return Response(file(name), media_type=TYPES[suffix], headers=HEADERS)

    small = [Middleware(GZipMiddleware)]
    return [
        _Route(f"{prefix}/", page, middleware=small),
        _FileRoute(f"{prefix}/{{name:path}}", part, middleware=small),
    ]


class _Route(Route):
    """A route that says which it is, as FastAPI's do, so that logs and metrics can name it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, of_route = super().matches(scope)
        return match, {**of_route, "route": self}


class _FileRoute(_Route):
    """A route of the page's files alone: other paths below its own may be of other routes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, of_route = super().matches(scope)
        if match is not Match.NONE and file(of_route["path_params"]["name"]) is None:
            return Match.NONE, {}
        return match, of_route
