"""Rows and answers in the shapes of OpenAI's batch files, for chat completions.

::

    {"custom_id": "a7", "method": "POST", "url": "/v1/chat/completions",
     "body": {"messages": [{"role": "user", "content": "A date?"}], "max_tokens": 16}}

Two functions, and no more, know what a body says: `request_of`, and `body_of`, which writes the
reply. A field that is not known here is refused, as its row would be answered otherwise than asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from condit.batches.constraints import ConstraintCache
from condit.batches.requests import Request, check_type
from condit.batches.rows import Refusal, Row
from condit.constraint.base import Constraint
from condit.plugins import unknown
from condit.report import finite_or_none
from condit.result import Result

URL = "/v1/chat/completions"

_ENVELOPE = ("custom_id", "method", "url", "body")
_OPTIONS: dict[str, tuple[str, tuple[type, ...]]] = {
    "max_completion_tokens": ("max_tokens", (int,)),
    "max_tokens": ("max_tokens", (int,)),
    "temperature": ("temperature", (float, int)),
    "top_p": ("top_p", (float, int)),
    "seed": ("seed", (int,)),
    "n": ("n", (int,)),
    "stop": ("stop", (str, list)),
}
"""Fields of a body that are options of ``condit.generate``: their names there, and their kinds."""

_BODY = ("model", "messages", "response_format", *_OPTIONS)
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def request_of(row: Row, constraints: ConstraintCache, model: str | None) -> Request:
    """What a row asks for.

    Args:
        row: the row.
        constraints: makes its constraint.
        model: the model that the row may name; ``None``: any.

    Raises:
        RowError: something is missing, or says what is not supported; the message names it.
        CompileError: its schema cannot be compiled.
    """
    refuse = row.error
    _check_envelope(row.fields, refuse)
    body = {name: value for name, value in row.fields["body"].items() if value is not None}
    for name in body:
        if name not in _BODY:
            raise refuse(unknown("supported field of body", name, _BODY), f"body.{name}")
    if model is not None and body.get("model", model) != model:
        raise refuse(
            f"it asks for the model {body['model']!r}, and this batch runs {model}: leave out "
            "body.model, or let the batch answer rows for any model (any_model, --any-model)",
            "body.model",
        )
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise refuse(
            "it has max_tokens and max_completion_tokens: give one", "body.max_completion_tokens"
        )
    options: dict[str, Any] = {}
    for name, (option, kinds) in _OPTIONS.items():
        if name in body:
            check_type(f"body.{name}", body[name], kinds, refuse)
            options[option] = body[name]
    messages = _messages(body.get("messages"), refuse)
    format_ = body.get("response_format")
    return Request(messages, _constraint(format_, constraints, refuse), options)


def _check_envelope(fields: Mapping[str, Any], refuse: Refusal) -> None:
    for name in fields:
        if name not in _ENVELOPE:
            raise refuse(unknown("field of a row for OpenAI's API", name, _ENVELOPE), name)
    if fields.get("url", URL) != URL:
        raise refuse(f"url is {fields['url']!r}: only {URL} is answered", "url")
    if fields.get("method", "POST") != "POST":
        raise refuse(f"method is {fields['method']!r}: write POST", "method")
    if not isinstance(fields.get("body"), dict):
        raise refuse("body is missing, or no object", "body")


def _messages(given: object, refuse: Refusal) -> list[dict[str, str]]:
    if not isinstance(given, list) or not given:
        raise refuse("messages must be a list with at least one message", "body.messages")
    found = []
    for place, message in enumerate(given):
        where = f"body.messages[{place}]"
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise refuse(f"{where} must have a role and a content, and no more", where)
        if message["role"] not in _ROLES:
            known = ", ".join(_ROLES)
            raise refuse(f"{where}: the role {message['role']!r} is none of {known}", where)
        text = _text(message["content"], where, refuse)
        found.append({"role": _ROLES[message["role"]], "content": text})
    return found


def _text(content: object, where: str, refuse: Refusal) -> str:
    """The text of a content: itself, or its parts one after the other."""
    if isinstance(content, str):
        return content
    texts = []
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            raise refuse(f"{where}: the content must be a text, or a list of text parts", where)
        texts.append(text)
    return "".join(texts)


def _constraint(given: object, constraints: ConstraintCache, refuse: Refusal) -> Constraint | None:
    where = "body.response_format"
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind not in ("text", "json_object", "json_schema"):
        raise refuse(f"{where} must be of the type text, json_object or json_schema", where)
    if kind == "text":
        return None
    if kind == "json_object":
        return constraints.get("json_schema", {"type": "object"})
    inner = given.get("json_schema")
    if not isinstance(inner, dict) or "schema" not in inner:
        raise refuse(f"{where}.json_schema.schema is missing", f"{where}.json_schema")
    known = ("name", "description", "schema", "strict")
    for name in inner:
        if name not in known:
            said = unknown(f"field of {where}.json_schema", name, known)
            raise refuse(said, f"{where}.json_schema.{name}")
    return constraints.get("json_schema", inner["schema"])


def body_of(row: Row, result: Result, model: str, created: int) -> dict[str, Any]:
    """A result as a chat completion; what OpenAI has no field for is in its field ``condit``.

    A text that was cut, or that came to a dead end, has the finish reason ``length``.
    """
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": sample.text, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop" if sample.finish_reason == "stop" else "length",
        }
        for index, sample in enumerate(result.samples)
    ]
    drawn = sum(len(sample.tokens) for sample in result.samples)
    return {
        "id": f"chatcmpl-{row.digest.hex()}-{row.line}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": {
            "prompt_tokens": result.stats.prompt_tokens,
            "completion_tokens": drawn,
            "total_tokens": result.stats.prompt_tokens + drawn,
        },
        "condit": {
            "weights": list(result.weights),
            "log_weights": [finite_or_none(each) for each in result.log_weights],
            "log_evidence": finite_or_none(result.log_evidence),
            "ess": result.ess,
            "best": result.samples.index(result.best),
            "sampler": result.sampler,
            "guarantee": result.report.guarantee.value,
            "seed": result.seed,
        },
    }
