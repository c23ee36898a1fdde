"""Reads answers of all protocols, whole or as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from bench.serving.wishes import PATHS, Wish


@dataclass
class Answer:
    """What came of a request.

    Attributes:
        status: of HTTP.
        id: the server's own name for it, where the protocol has one.
        text: what it says; of a call its arguments.
        pieces: how many pieces the text came in.
        reason: why it ended.
        error: what went wrong.
        seconds: from the question to the end of the answer.
    """

    status: int = 0
    id: str = ""
    text: str = ""
    pieces: int = 0
    reason: str = ""
    error: str = ""
    seconds: float = 0.0


class LeftError(Exception):
    """Whoever has asked is gone."""


def ask(client: httpx2.Client, wish: Wish) -> Answer:
    """Ask, and read the answer; who leaves does so after the first piece, or after a moment."""
    answer = Answer()
    try:
        if not wish.stream:
            timeout = 0.3 if wish.leaves else client.timeout
            response = client.post(PATHS[wish.protocol], json=wish.body, timeout=timeout)
            answer.status = response.status_code
            if response.status_code == 200:
                _whole(wish.protocol, response.json(), answer)
            else:
                answer.error = response.text
            return answer
        with client.stream("POST", PATHS[wish.protocol], json=wish.body) as response:
            answer.status = response.status_code
            if response.status_code != 200:
                response.read()
                answer.error = response.text
                return answer
            for chunk in chunks(response):
                _piece(wish.protocol, chunk, answer)
                if wish.leaves and answer.pieces:
                    raise LeftError
    except (LeftError, httpx2.TimeoutException):
        answer.error = "left" if wish.leaves else "timeout"
    except httpx2.HTTPError as error:
        answer.error = f"{type(error).__name__}: {error}"
    return answer


def chunks(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """The JSON of server-sent events, or of lines."""
    for line in response.iter_lines():
        said = line.removeprefix("data: ")
        if said.startswith("{"):
            yield json.loads(said)


def _whole(protocol: str, said: dict[str, Any], answer: Answer) -> None:
    answer.pieces = 1
    answer.id = said.get("id", "")
    if protocol == "responses":
        item = said["output"][-1]
        called = item["type"] == "function_call"
        answer.text = item["arguments"] if called else item["content"][0]["text"]
        answer.reason = said["status"]
    elif protocol == "anthropic":
        block = said["content"][-1]
        answer.text = json.dumps(block["input"]) if "input" in block else block["text"]
        answer.reason = said["stop_reason"]
    elif protocol == "ollama":
        answer.text, answer.reason = said["message"]["content"], said["done_reason"]
    else:
        choice = said["choices"][0]
        answer.reason = choice["finish_reason"]
        if protocol == "completions":
            answer.text = choice["text"]
            return
        calls = choice["message"].get("tool_calls")
        answer.text = calls[0]["function"]["arguments"] if calls else choice["message"]["content"]


def _piece(protocol: str, said: dict[str, Any], answer: Answer) -> None:
    more = piece_of(protocol, said)
    answer.text += more
    answer.pieces += bool(more)
    if protocol == "responses":
        answer.id = said.get("response", {}).get("id") or answer.id
        if said["type"] in ("response.completed", "response.incomplete"):
            answer.reason = said["response"]["status"]
    elif protocol == "anthropic":
        answer.id = said.get("message", {}).get("id") or answer.id
        if said["type"] == "message_delta":
            answer.reason = said["delta"]["stop_reason"]
    elif protocol == "ollama":
        answer.reason = said.get("done_reason", "")
    else:
        answer.id = said["id"]
        for choice in said["choices"]:
            answer.reason = choice["finish_reason"] or answer.reason
    if said.get("error"):
        answer.error = str(said["error"])


def piece_of(protocol: str, said: dict[str, Any]) -> str:
    """The text, or the arguments of a call, that a chunk brings."""
    if protocol == "responses":
        return str(said["delta"]) if str(said["type"]).endswith(".delta") else ""
    if protocol == "anthropic":
        delta = said.get("delta") or {}
        return str(delta.get("text") or delta.get("partial_json") or "")
    if protocol == "ollama":
        return str(said.get("message", {}).get("content", ""))
    for choice in said.get("choices") or ():
        if protocol == "completions":
            return str(choice["text"])
        delta = choice["delta"]
        for call in delta.get("tool_calls") or ():
            return str(call["function"].get("arguments") or "")
        return str(delta.get("content") or "")
    return ""
