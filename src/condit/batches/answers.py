"""The answer to a row: what is written of a result or of an error, and what is counted of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from condit.batches import openai_rows
from condit.batches.rows import Row
from condit.errors import ConditError, GenerationError, ModelError
from condit.result import Result

Answer = dict[str, Any]
"""A JSON object. ``line`` is that of its row; ``id`` (or ``custom_id``) what the row is called."""


def answer_of(row: Row, outcome: Result | Exception, model: str) -> Answer:
    """The answer to ``row``, in its shape.

    Args:
        row: the row.
        outcome: what came of it; of an error its partial result is kept, where it has one.
        model: the name of the model.
    """
    error = outcome if isinstance(outcome, Exception) else None
    result: Result | None = getattr(error, "result", None) if error else outcome  # type: ignore[assignment]
    said = None if error is None else _said(error)
    if row.is_openai:
        return _for_openai(row, result, error, said, model)
    text = result.best.text if result is not None and error is None else None
    found = None if result is None else result.to_dict()
    return {"id": row.id, "line": row.line, "text": text, "error": said, "result": found}


def _said(error: Exception) -> dict[str, Any]:
    said = {"type": type(error).__name__, "message": str(error)}
    field = getattr(error, "field", None)
    return said if field is None else said | {"field": field}


def _for_openai(
    row: Row,
    result: Result | None,
    error: Exception | None,
    said: dict[str, Any] | None,
    model: str,
) -> Answer:
    # Texts that were cut are an answer there, with the finish reason "length".
    answered = error is None or isinstance(error, GenerationError)
    if result is not None:
        body = openai_rows.body_of(row, result, model, int(time.time()))
        body["condit"]["error"] = said
    if result is None or not answered:
        asked_wrongly = isinstance(error, ConditError) and not isinstance(error, ModelError)
        partial = {} if result is None else {"condit": body["condit"], "choices": body["choices"]}
        status, kind = (400, "invalid_request_error") if asked_wrongly else (500, "server_error")
        body = {
            "error": {
                "message": str(error),
                "type": kind,
                "param": getattr(error, "field", None),
                "code": type(error).__name__,
            },
            **partial,
        }
    else:
        status = 200
    identifier = f"{row.digest.hex()}-{row.line}"
    return {
        "id": f"batch_req_{identifier}",
        "custom_id": row.fields.get("custom_id"),
        "line": row.line,
        "response": {"status_code": status, "request_id": identifier, "body": body},
        "error": None,
    }


def encoded(answer: Answer) -> bytes:
    """The answer as a line, with its end."""
    # Half of a surrogate pair is written as JSON escapes it.
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace") + b"\n"


@dataclass(frozen=True)
class Tally:
    """What is counted of an answer.

    Attributes:
        error: the type of its error; ``None`` if there is none.
        samples: how many texts it has.
        valid: how many of them have a weight above 0.
        truncated: how many met ``max_tokens`` unfinished.
        tokens: tokens drawn.
        ess: their effective sample size, see ``Result.ess``.
    """

    error: str | None = None
    samples: int = 0
    valid: int = 0
    truncated: int = 0
    tokens: int = 0
    ess: float = 0.0


def tally_of(answer: Mapping[str, Any]) -> Tally:
    """What is counted of an answer, as it was written or read again."""
    if "response" not in answer:
        error, result = answer["error"], answer["result"]
        if result is None:
            return Tally(error and error["type"])
        samples = result["samples"]
        weights = [each["log_weight"] for each in samples]
        tokens, ess = result["stats"]["tokens"], result["ess"]
    else:
        body = answer["response"]["body"]
        own = body.get("condit", {})
        error = own.get("error")
        if "error" in body:
            error = {"type": body["error"]["code"]}
        samples, weights = body.get("choices", ()), own.get("log_weights", ())
        tokens, ess = body.get("usage", {}).get("completion_tokens", 0), own.get("ess", 0.0)
    return Tally(
        error and error["type"],
        len(samples),
        sum(each is not None for each in weights),
        sum(each["finish_reason"] == "length" for each in samples),
        tokens,
        ess,
    )
