"""What the OpenAPI document says of answers: their shapes, and those of errors.

Requests are described by the models that read them. Answers are made as plain dicts; here is what
is in them, no more: a client's own types tell the rest.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_ANY: Schema = {}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _is(*values: str) -> Schema:
    return {"enum": list(values)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required)}


_SAMPLE = _object(
    {
        "log_weight": _maybe({"type": "number"}),
        "log_probability": _maybe({"type": "number"}),
        "valid": {"type": "boolean"},
    }
)
_CONDIT = _object(
    {
        "sampler": _TEXT,
        "seed": _ANY,
        "choices": _list(_SAMPLE),
        "log_evidence": _maybe({"type": "number"}),
        "ess": _maybe({"type": "number"}),
        "stats": _object({}),
    },
    {
        "samples": _list(_object({})),
        "report": _object({}),
        "trace": _list(_object({})),
        "constrained": _list(_list(_object({}))),
        "ignored": _list(_TEXT),
    },
)
_USAGE = _object({"prompt_tokens": _WHOLE, "completion_tokens": _WHOLE, "total_tokens": _WHOLE})
_CALL = _object(
    {"id": _TEXT, "type": _is("function", "custom")}, {"function": _ANY, "custom": _ANY}
)
_MESSAGE = _object(
    {"role": _is("assistant"), "content": _maybe(_TEXT)}, {"tool_calls": _list(_CALL)}
)
_HEAD = {"id": _TEXT, "created": _WHOLE, "model": _TEXT, "usage": _USAGE}


def _choices(what: Schema, *reasons: str) -> Schema:
    head = {"index": _WHOLE, "logprobs": _maybe(_object({})), "finish_reason": _is(*reasons)}
    return _list(_object({**head, **what}))


_CHAT = _object(
    {
        **_HEAD,
        "object": _is("chat.completion"),
        "choices": _choices({"message": _MESSAGE}, "stop", "length", "tool_calls"),
        "condit": _CONDIT,
    }
)
_COMPLETION = _object(
    {
        **_HEAD,
        "object": _is("text_completion"),
        "choices": _choices({"text": _TEXT}, "stop", "length"),
        # One for each prompt, where there are several.
        "condit": {"anyOf": [_CONDIT, _list(_CONDIT)]},
    }
)
_ITEM = _object({"type": _TEXT, "id": _TEXT, "status": _TEXT})
_RESPONSE = _object(
    {
        "id": _TEXT,
        "object": _is("response"),
        "status": _is("completed", "incomplete"),
        "output": _list(_ITEM),
        "usage": _object({"input_tokens": _WHOLE, "output_tokens": _WHOLE}),
        "condit": _CONDIT,
    }
)
_ANTHROPIC = _object(
    {
        "id": _TEXT,
        "type": _is("message"),
        "role": _is("assistant"),
        "model": _TEXT,
        "content": _list(_object({"type": _is("text", "tool_use")})),
        "stop_reason": _is("end_turn", "max_tokens", "stop_sequence", "tool_use"),
        "stop_sequence": _maybe(_TEXT),
        "usage": _object({"input_tokens": _WHOLE, "output_tokens": _WHOLE}),
        "condit": _CONDIT,
    }
)
_OLLAMA = {"model": _TEXT, "created_at": _TEXT, "done": {"type": "boolean"}}
_OLLAMA_END = {"done_reason": _TEXT, "eval_count": _WHOLE, "condit": _CONDIT}

_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"

_ANSWERS: dict[str, tuple[Schema, str | None]] = {
    "/v1/chat/completions": (_CHAT, _EVENTS),
    "/v1/completions": (_COMPLETION, _EVENTS),
    "/v1/responses": (_RESPONSE, _EVENTS),
    "/v1/messages": (_ANTHROPIC, _EVENTS),
    "/v1/messages/count_tokens": (_object({"input_tokens": _WHOLE}), None),
    "/api/chat": (_object({**_OLLAMA, "message": _MESSAGE}, _OLLAMA_END), _LINES),
    "/api/generate": (_object({**_OLLAMA, "response": _TEXT}, _OLLAMA_END), _LINES),
}
"""By path: the answer to a request that is not streamed, and what a stream is made of."""

_ERROR = _object({"message": _TEXT, "type": _TEXT}, {"param": _maybe(_TEXT), "code": _maybe(_TEXT)})
_ERRORS: dict[str, Schema] = {
    "OpenAIError": _object({"error": _ERROR}),
    "AnthropicError": _object({"type": _is("error"), "error": _ERROR}),
    "OllamaError": _object({"error": _TEXT}),
}

_STATUSES = {
    400: "The request, or its constraint, is wrong: `param` names the field.",
    401: "The API key is missing or wrong.",
    403: "The server is not called so: see `--allowed-host`.",
    404: "There is no such model.",
    413: "The request is too large.",
    422: "No valid text was found.",
    429: "Too many requests wait: see `Retry-After`.",
    500: "The server failed; its log tells more.",
    503: "The server is stopping, or is not ready.",
    504: "The request took too long.",
}
_OF_ALL = (400, 401, 403, 413)
"""What may be answered to a request that draws nothing, too."""


def describe(app: FastAPI) -> None:
    """Add the shapes of answers to the OpenAPI document of an application."""
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            document.setdefault("components", {}).setdefault("schemas", {}).update(_ERRORS)
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _describe(path, method, operation["responses"])
        return plain()

    app.openapi = whole  # type: ignore[method-assign]


def _describe(path: str, method: str, responses: dict[str, Any]) -> None:
    for kind, begin in (("Anthropic", "/v1/messages"), ("Ollama", "/api/"), ("OpenAI", "")):
        if path.startswith(begin):
            error = {"$ref": f"#/components/schemas/{kind}Error"}
            break
    responses.pop("422", None)
    for status, description in _STATUSES.items():
        named = "{" in path and status == 404
        if named or method == "post" or status in _OF_ALL:
            content = {"application/json": {"schema": error}}
            responses.setdefault(str(status), {"description": description, "content": content})
    if path in _ANSWERS:
        schema, stream = _ANSWERS[path]
        content = {"application/json": {"schema": schema}}
        if stream is not None:
            # Of server-sent events the schema says what is in each.
            content[stream] = {"schema": _object({"data": _TEXT}) if stream == _EVENTS else _TEXT}
        responses["200"] = {"description": "The answer.", "content": content}
