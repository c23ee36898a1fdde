"""The answer to a row: what is written of a result or of an error, and what is counted of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from condit.batches.rows import Row
from condit.errors import RowError
from condit.result import Result
from condit.serve.request_errors import RequestError, error_of, invalid, of_error

Answer = dict[str, Any]
"""A JSON object. ``line`` is that of its row; ``id`` (or ``custom_id``) what the row is called."""

Reply = dict[str, Any]
"""The body of a reply in one of OpenAI's protocols."""


Outcome = Result | Reply | Exception
"""What came of a row. Of an error its partial result is kept, where it has one."""


def answer_of(row: Row, outcome: Outcome) -> Answer:
    """The answer to ``row``, in its shape."""
    if row.is_openai:
        return _for_openai(row, outcome)
    error = outcome if isinstance(outcome, Exception) else None
    result = getattr(error, "result", None) if error else outcome
    text, found, said = None, None, None
    if isinstance(result, Result):
        text = result.best.text if error is None else None
        found = result.to_dict()
    if error is not None:
        said = {"type": type(error).__name__, "message": str(error)}
        if (field := getattr(error, "field", None)) is not None:
            said["field"] = field
    return {"id": row.id, "line": row.line, "text": text, "error": said, "result": found}


def _for_openai(row: Row, outcome: Outcome) -> Answer:
    """As OpenAI answers: what the server would answer over HTTP, its status and its body."""
    identifier = f"{row.digest.hex()}-{row.line}"
    status, body = 200, outcome
    if isinstance(outcome, Exception):
        error = refusal_of(outcome)
        status, body = error.status, {"error": error_of(error)}
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
    if "response" in answer:
        return _tally_of_reply(answer["response"]["body"])
    error, result = answer["error"], answer["result"]
    kind = error and error["type"]
    if result is None:
        return Tally(kind)
    samples = result["samples"]
    return Tally(
        kind,
        len(samples),
        sum(each["log_weight"] is not None for each in samples),
        sum(each["finish_reason"] == "length" for each in samples),
        result["stats"]["tokens"],
        result["ess"],
    )


def _tally_of_reply(body: Mapping[str, Any]) -> Tally:
    if "condit" not in body:
        error = body["error"]
        return Tally(error["code"] or error["type"])
    parts = body["condit"]
    parts = parts if isinstance(parts, list) else [parts]  # one for each of several prompts
    choices = [choice for part in parts for choice in part["choices"]]
    cut = sum(each["finish_reason"] == "length" for each in body.get("choices", ()))
    return Tally(
        None,
        len(choices),
        sum(choice["valid"] for choice in choices),
        cut + (body.get("status") == "incomplete"),
        sum(part["stats"]["tokens"] for part in parts),
        sum(part["ess"] for part in parts) / len(parts),
    )


def text_of_reply(body: Mapping[str, Any]) -> str | None:
    """The text of the choice with the highest weight; of calls of tools their JSON."""
    if "condit" not in body:
        return None
    if "output" in body:
        told = [_text_of_item(item) for item in body["output"]]
        return "".join(each for each in told if each is not None)
    parts = body["condit"]
    first = parts[0] if isinstance(parts, list) else parts
    weights = [choice["log_weight"] for choice in first["choices"]]
    if all(weight is None for weight in weights):
        return None
    best = max(range(len(weights)), key=lambda i: (weights[i] is not None, weights[i] or 0.0))
    choice = body["choices"][best]
    if "message" not in choice:
        return str(choice["text"])
    calls = choice["message"].get("tool_calls")
    return json.dumps(calls) if calls else choice["message"]["content"]


def _text_of_item(item: Mapping[str, Any]) -> str | None:
    if item["type"] == "message":
        return "".join(part["text"] for part in item["content"])
    return json.dumps(item)


def refusal_of(error: Exception) -> RequestError:
    """The error of a row as a reply in OpenAI's protocols has it."""
    if isinstance(error, RowError):
        return invalid(str(error), error.field, "invalid_row")
    found = of_error(error)
    if found.code == "internal_error":
        # Who reads the answers is who runs the batch, and has no log to look into.
        found.message = f"{type(error).__name__}: {error}"
    return found
