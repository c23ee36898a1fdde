"""What is asked of a request before it is read: its size, its depth, and who sends it.

It also ends what is done for a client that goes away.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import math
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from condit.serve.refusals import answer
from condit.serve.request_errors import RequestError
from condit.serve.turns import CLIENT

# A text without an end is taken to the end of the body: else each quote in it would be tried.
_SIGNS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{},]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

OPEN_PATHS = frozenset({"/health", "/ready", "/ui"})
"""What may be asked without a key."""

OPEN_PAGES = "/ui/"
"""Files of the page may be had without one, too; what the page asks (by POST) may not."""

_DRAINED = 4
"""How many times the largest body is read and forgotten, so that who sends too much is told so: an
answer followed by a close gets lost where the other end still sends."""


class Limits:
    """Refuses requests that are too large, too deeply nested, or by nobody known.

    Args:
        app: the application.
        most_body: the most bytes of a request.
        most_depth: how deep its brackets may be nested.
        most_values: the most values in it: what is wrong with each costs more than to send it.
        keys: one of which must be given; none: everybody may ask.
        hosts: the names by which requests may call the server, beside its addresses and
            ``localhost``; ``None``: any. A page from elsewhere can have its own name stand for this
            machine (DNS rebinding), and to the browser this server is then its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_body: int,
        most_depth: int,
        most_values: int,
        keys: Sequence[str],
        hosts: Sequence[str] | None = None,
    ) -> None:
        self._app = app
        self._most_body = most_body
        self._most_depth = most_depth
        self._most_values = most_values
        self._keys = [key.encode() for key in keys]
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            client = self._client(scope)
            body = await self._body(receive, keeps=client is not None)
            if body is None:
                return
            if client is None:
                raise RequestError(
                    401,
                    "the API key is missing or wrong",
                    kind="authentication_error",
                    code="invalid_api_key",
                )
            self._check_host(scope)
            if body and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                self._check(body)
        except _TooLargeError as error:
            response = answer(scope, error)
            if not error.is_whole:
                response.headers["Connection"] = "close"
            await response(scope, receive, send)
        except RequestError as error:
            await answer(scope, error)(scope, receive, send)
        else:
            await self._until_gone(scope, receive, send, body, client)

    async def _until_gone(
        self, scope: Scope, receive: Receive, send: Send, body: bytes, client: str
    ) -> None:
        """Run the application, and end it when the client goes away."""
        CLIENT.set(client)
        gone = asyncio.Event()
        given = False

        async def again() -> Message:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": body, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                watching.cancel()  # what comes next is no sign that the client has gone
            await send(message)

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
            task.cancel()

        task = asyncio.ensure_future(self._app(scope, again, sent))
        watching = asyncio.create_task(watch())
        try:
            await task
        except asyncio.CancelledError:
            if not gone.is_set():
                task.cancel()
                raise
        finally:
            watching.cancel()

    async def _body(self, receive: Receive, keeps: bool) -> bytes | None:
        """All of it; ``None``: the client has gone."""
        body, size, more = bytearray(), 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            size += len(message.get("body", b""))
            if keeps and size <= self._most_body:
                body += message.get("body", b"")
            else:
                body.clear()
            more = message.get("more_body", False)
            if size > _DRAINED * self._most_body:
                break
        if size > self._most_body:
            raise _TooLargeError(self._most_body, is_whole=not more)
        return bytes(body)

    def _check_host(self, scope: Scope) -> None:
        host = _without_port(Headers(scope=scope).get("host", ""))
        if self._hosts is None or _is_no_domain(host) or host in self._hosts:
            return
        raise RequestError(
            403,
            f"this server is not called {host[:200]!r}: ask it by its address, or have it started "
            f"with --allowed-host {host[:200]}",
            code="host_not_allowed",
        )

    def _check(self, body: bytes) -> None:
        depth, values = _measured(body)
        if depth > self._most_depth:
            what = f"the brackets of the request are nested more than {self._most_depth} deep"
            raise RequestError(400, what, code="request_too_deep")
        if values > self._most_values:
            what = f"the request has more than {self._most_values} values: send less at a time"
            raise RequestError(413, what, code="request_too_large")
        if what := _unreadable(body):
            raise RequestError(400, what, code="invalid_json")

    def _client(self, scope: Scope) -> str | None:
        """Who asks; ``None``: nobody known."""
        path = f"{scope['path']}/"  # what leads to the page is open, too
        is_page = scope["method"] in ("GET", "HEAD") and path.startswith(OPEN_PAGES)
        if not self._keys or is_page or scope["path"] in OPEN_PATHS:
            return str((scope.get("client") or ("",))[0])
        headers = dict(scope["headers"])
        given = headers.get(b"authorization", b"")
        key = (
            given[7:].strip() if given[:7].lower() == b"bearer " else headers.get(b"x-api-key", b"")
        )
        # All are compared, each in constant time, so that the time tells nothing.
        known = sum(hmac.compare_digest(key, each) for each in self._keys) > 0
        return hashlib.sha256(key).hexdigest() if known else None


class _TooLargeError(RequestError):
    """A body that is too large.

    Attributes:
        is_whole: whether all of it was read.
    """

    def __init__(self, most: int, *, is_whole: bool) -> None:
        what = f"the request has more than {most} bytes, the most allowed here"
        super().__init__(413, what, code="request_too_large")
        self.is_whole = is_whole


def _without_port(host: str) -> str:
    """The name or the address of a ``Host`` header."""
    end = host.find("]") + 1 if host.startswith("[") else host.find(":")
    return host[: end if end > 0 else None].lower()


def _is_no_domain(host: str) -> bool:
    """Whether a host is an address, or a name of no domain that somebody could register.

    A client that names no host is no browser.
    """
    if not host or host == "localhost" or host.endswith((".localhost", ".internal")):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _measured(body: bytes) -> tuple[int, int]:
    """How deep the brackets are nested, and how many values there are."""
    depth = deepest = values = 0
    for found in _SIGNS.finditer(body):
        sign = found.group()
        if sign in (b"[", b"{"):
            depth += 1
            values += 1
            deepest = max(deepest, depth)
        elif sign in (b"]", b"}"):
            depth -= 1
        elif sign == b",":
            values += 1
    return deepest, values


def _unreadable(body: bytes | bytearray) -> str:
    """Why it is no JSON that can be sent on as text; empty if it is."""

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is no number of JSON")

    def number(digits: str) -> float:
        if math.isinf(value := float(digits)):
            raise ValueError(f"{digits[:40]} is beyond the numbers that are understood here")
        return value

    try:
        said = json.loads(body.decode(), parse_constant=refuse, parse_float=number)
        if _SURROGATE.search(body):
            json.dumps(said, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        return f"the request is not UTF-8 at byte {error.start}"
    except UnicodeEncodeError:
        return "a text of the request holds half of a pair of surrogates (\\ud800 to \\udfff)"
    except (ValueError, RecursionError) as error:
        return f"the request is no JSON that is understood here: {error}"
    return ""
