"""Asks a server over HTTP, again where that can help; every fault is a typed error.

What is asked, and what answers mean, is in ``remote.py``.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from condit.errors import ArgumentError, ModelError

_BUSY = (429, 502, 503, 504)
"""Statuses after which asking again can help."""

_LONGEST_WAIT = 30.0
"""The most seconds that a server may ask to wait."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for an error: it would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class RemoteServer:
    """A server that takes JSON and answers JSON.

    Args:
        url: its address; paths come after it.
        api_key: what is sent as a bearer token.
        timeout: seconds of silence after which an answer is given up.
        retries: how many times a request is made again if the server cannot be reached, or is busy.

    Raises:
        ArgumentError: the address is none, or a number is out of range.
    """

    def __init__(self, url: str, *, api_key: str | None, timeout: float, retries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ArgumentError(
                f"{url!r} is no address of a server: give one such as http://127.0.0.1:8000/v1"
            )
        if not timeout > 0 or retries < 0:
            raise ArgumentError(
                f"timeout={timeout} must be over 0, and retries={retries} 0 or more"
            )
        self._url, self._timeout, self._retries = url, timeout, retries
        self._headers = {"Content-Type": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._opener = urllib.request.build_opener(_NoRedirects)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a request, which is made again where that can help.

        Raises:
            ModelError: the server cannot be reached, refuses, or does not answer in JSON.
        """
        data = json.dumps(body).encode()
        wait = 0.5
        for left in range(self._retries, -1, -1):
            request = urllib.request.Request(self._url + path, data, self._headers)
            try:
                with self._opener.open(request, timeout=self._timeout) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    said = _said(error)
                if not left or error.code not in _BUSY:
                    raise self._fault(f"status {error.code}: {said}") from error
                wait = _seconds(error.headers.get("Retry-After"), wait)
            except TimeoutError as error:
                raise self._fault(
                    f"no answer within {self._timeout:g} seconds: give a larger timeout"
                ) from error
            except ValueError as error:
                raise self._fault("the answer is not JSON") from error
            except (OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                if isinstance(reason, TimeoutError):
                    why = f"no connection within {self._timeout:g} seconds"
                    raise self._fault(why) from error
                if not left:
                    raise self._fault(f"it cannot be reached ({reason})") from error
            time.sleep(min(wait, _LONGEST_WAIT))
            wait *= 2
        raise self._fault("no request was made")

    def _fault(self, why: str) -> ModelError:
        return ModelError(f"the server at {self._url}: {why}")


def _said(error: urllib.error.HTTPError) -> str:
    """What the server says of an error, in its own words."""
    text = error.read(2000).decode(errors="replace")
    try:
        told = json.loads(text)
        return str(told["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:200] or error.reason


def _seconds(header: str | None, usual: float) -> float:
    try:
        return max(0.0, float(header)) if header else usual
    except ValueError:  # a date
        return usual
