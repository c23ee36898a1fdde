"""What is asked of a request before it is read: its size, its depth, and who sends it."""

from __future__ import annotations

import hmac
import json
import math
import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A text without an end is taken to the end of the body: else each quote in it would be tried.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

OPEN_PATHS = frozenset({"/health", "/ready"})
"""What may be asked without a key."""


class Limits:
    """Refuses requests that are too large, too deeply nested, or by nobody known.

    Args:
        app: the application.
        most_body: the most bytes of a request.
        most_depth: how deep its brackets may be nested.
        keys: one of which must be given; none: everybody may ask.
    """

    def __init__(
        self, app: ASGIApp, *, most_body: int, most_depth: int, keys: Sequence[str]
    ) -> None:
        self._app = app
        self._most_body = most_body
        self._most_depth = most_depth
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._keys and scope["path"] not in OPEN_PATHS and not self._knows(scope):
            await _refuse(send, 401, "the API key is missing or wrong", "invalid_api_key")
            return
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._most_body:
                what = f"the request has more than {self._most_body} bytes, the most allowed here"
                await _refuse(send, 413, what, "request_too_large")
                return
            more = message.get("more_body", False)
        if _depth(body) > self._most_depth:
            what = f"the brackets of the request are nested more than {self._most_depth} deep"
            await _refuse(send, 400, what, "request_too_deep")
            return
        if body and (what := _unreadable(body)):
            await _refuse(send, 400, what, "invalid_json")
            return
        read = False

        async def again() -> Message:
            nonlocal read
            if not read:
                read = True
                return {"type": "http.request", "body": bytes(body), "more_body": False}
            return await receive()

        await self._app(scope, again, send)

    def _knows(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        given = headers.get(b"authorization", b"")
        key = (
            given[7:].strip() if given[:7].lower() == b"bearer " else headers.get(b"x-api-key", b"")
        )
        # All are compared, each in constant time, so that the time tells nothing.
        return sum(hmac.compare_digest(key, each) for each in self._keys) > 0


def _depth(body: bytes | bytearray) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(body):
        sign = found.group()
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"]}":
            depth -= 1
    return deepest


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


async def _refuse(send: Send, status: int, message: str, code: str) -> None:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
