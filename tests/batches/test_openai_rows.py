"""Rows in OpenAI's shapes: they are answered as the server answers them over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import condit
from condit.batches.answers import answer_of, tally_of, text_of_reply
from condit.batches.lines import Line
from condit.batches.rows import Row, row_of_line

CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
MESSAGES = [{"role": "user", "content": "a"}]
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
CUSTOM = {
    "type": "custom",
    "name": "sum",
    "format": {"type": "grammar", "syntax": "regex", "definition": "[0-9] [+] [0-9]"},
}


class Talker(condit.NgramModel):
    """An n-gram model with a chat template."""

    def _encode_chat(self, messages: list[dict[str, str]]) -> list[int]:
        return self.encode("".join(f"{each['role']}: {each['content']}\n" for each in messages))


TALKER = Talker.train(["She counted 1, 2, 3.", '{"ok": true}', "user: a\nWell yes.\n"])


def row_of(body: object, **envelope: Any) -> Row:
    fields = {"custom_id": "r1", "method": "POST", "url": CHAT, "body": body} | envelope
    content = json.dumps(fields).encode()
    return row_of_line(Line(7, content, len(content)))


def answered(
    folder: Path, rows: list[dict[str, Any]], **options: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """The summary and the responses."""
    source, target = folder / "in.jsonl", folder / "out.jsonl"
    envelopes = [{"custom_id": str(at), "method": "POST", **row} for at, row in enumerate(rows)]
    source.write_text("".join(json.dumps(each) + "\n" for each in envelopes))
    summary = condit.batch(TALKER, source, target, **{"seed": 0, "max_tokens": 60} | options)
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    assert [each["custom_id"] for each in answers] == [each["custom_id"] for each in envelopes]
    assert all(each["error"] is None for each in answers)
    return summary, [each["response"] for each in answers]


def lasting(body: Any) -> Any:
    """A body without what differs from one time to the next."""
    if isinstance(body, dict):
        times = ("created", "created_at", "started", "stats", "seconds", "guessed")
        names = ("id", "call_id", "item_id", *times)
        return {name: lasting(value) for name, value in body.items() if name not in names}
    return [lasting(each) for each in body] if isinstance(body, list) else body


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": (CHAT, {"messages": MESSAGES, "n": 3, "temperature": 0.5, "stop": "e"}),
    "content in parts": (
        CHAT,
        {"messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}]}]},
    ),
    "schema": (
        CHAT,
        {
            "messages": MESSAGES,
            "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        },
    ),
    "tool": (CHAT, {"messages": MESSAGES, "tools": [TOOL], "tool_choice": "required"}),
    "logprobs": (
        CHAT,
        {
            "messages": MESSAGES,
            "logprobs": True,
            "top_logprobs": 2,
            "structured_outputs": {"choice": ["yes", "no"]},
        },
    ),
    "weighted": (
        CHAT,
        {
            "messages": MESSAGES,
            "condit": {"n_lanes": 5, "constraint": {"regex": "[a-z]{3}"}, "trace": True},
        },
    ),
    "cut": (CHAT, {"messages": MESSAGES, "grammar": "root ::= [a-z] [a-z]+", "max_tokens": 3}),
    "unknown field": (CHAT, {"messages": MESSAGES, "wish": 1, "max_completion_tokens": 2}),
    "completion": (COMPLETIONS, {"prompt": "She ", "echo": True, "logprobs": 1, "max_tokens": 4}),
    "completions": (COMPLETIONS, {"prompt": ["She ", "It "], "n": 2, "max_tokens": 4}),
    "response": (
        RESPONSES,
        {
            "input": "a",
            "instructions": "Be brief.",
            "text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}},
        },
    ),
    "custom tool": (
        RESPONSES,
        {"input": "a", "tools": [CUSTOM], "tool_choice": "required", "max_output_tokens": 99},
    ),
    "no messages": (CHAT, {"messages": []}),
    "an image": (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "a"}]}]},
    ),
    "wrong kind": (CHAT, {"messages": MESSAGES, "n": "many"}),
    "unsupported": (CHAT, {"messages": MESSAGES, "frequency_penalty": 1}),
    "no schema": (CHAT, {"messages": MESSAGES, "response_format": {"type": "json_schema"}}),
    "unsatisfiable": (
        CHAT,
        {"messages": MESSAGES, "structured_outputs": {"json": {"enum": []}}},
    ),
    "malformed": (CHAT, {"messages": MESSAGES, "structured_outputs": {"regex": "(["}}),
    "keeps nothing": (RESPONSES, {"input": "a", "previous_response_id": "resp_1"}),
}


def test_a_row_is_answered_as_over_http(tmp_path: Path) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    from condit.serve.app import create_app
    from condit.serve.settings import ServeSettings

    asked = [(url, {"max_tokens": 200, "seed": 3} | body) for url, body in ASKED.values()]
    _, responses = answered(tmp_path, [{"url": url, "body": body} for url, body in asked])
    settings = ServeSettings(compile_workers=0, sampler="auto")
    with testclient.TestClient(create_app(TALKER, settings)) as client:
        for name, (url, body), response in zip(ASKED, asked, responses, strict=True):
            served = client.post(url, json=body)
            assert response["status_code"] == served.status_code, name
            assert lasting(response["body"]) == lasting(served.json()), name
    statuses = {name: each["status_code"] for name, each in zip(ASKED, responses, strict=True)}
    assert [name for name in statuses if statuses[name] == 200] == [*ASKED][:12], statuses


def test_what_a_body_does_not_say_is_as_the_batch_says_it(tmp_path: Path) -> None:
    digits = condit.regex("[0-9]{4}")
    bodies = [
        {"url": CHAT, "body": {"messages": MESSAGES}},
        {"url": COMPLETIONS, "body": {"prompt": "a"}},
        {"url": RESPONSES, "body": {"input": "a"}},
        {"url": COMPLETIONS, "body": {"prompt": "a", "n": 1, "structured_outputs": {"regex": "x"}}},
    ]
    summary, responses = answered(tmp_path, bodies, constraint=digits, n=2, temperature=0.7)
    chat, completion, response, own = (each["body"] for each in responses)
    assert [len(each["choices"]) for each in (chat, completion, own)] == [2, 2, 1]
    assert all(digits.accepts(each["message"]["content"]) for each in chat["choices"])
    assert all(digits.accepts(each["text"]) for each in completion["choices"])
    assert digits.accepts(text_of_reply(response) or "")
    assert len(response["condit"]["samples"]) == 2
    assert response["temperature"] == 0.7
    assert text_of_reply(own) == "x"
    assert (summary.answered, summary.samples, summary.valid) == (4, 6, 6)
    assert summary.tokens >= 4 * 6


def test_several_prompts_of_one_row_are_drawn_apart(tmp_path: Path) -> None:
    body = {"prompt": ["a"] * 8, "structured_outputs": {"regex": "[a-z]{8}"}}
    _, ((response),) = answered(tmp_path, [{"url": COMPLETIONS, "body": body}])
    texts = [choice["text"] for choice in response["body"]["choices"]]
    assert len(set(texts)) == 8  # 26**8 texts: two are equal with a probability below 1e-6


@pytest.mark.parametrize(
    ("row", "at", "status"),
    [
        ({"body": {"messages": MESSAGES, "model": "gpt-4o"}}, "model", 404),
        ({"body": {"messages": MESSAGES, "stream": True}}, "stream", 400),
        ({"body": {"messages": MESSAGES, "n": 300}}, "n", 400),
        ({"body": {"messages": MESSAGES, "condit": {"n_lanes": 10**9}}}, "condit.n_lanes", 400),
        ({"url": "/v1/embeddings", "body": {}}, "url", 400),
        ({"method": "GET", "body": {}}, "method", 400),
        ({"x": 1, "body": {}}, "x", 400),
        ({"body": []}, "body", 400),
        ({}, "body", 400),
    ],
)
def test_what_a_batch_refuses(tmp_path: Path, row: Any, at: str, status: int) -> None:
    summary, (response,) = answered(tmp_path, [row])
    assert response["status_code"] == status
    assert response["body"]["error"]["param"] == at
    assert (summary.rows, summary.answered) == (1, 0)


def test_any_model_may_be_let_pass(tmp_path: Path) -> None:
    rows = [{"body": {"messages": MESSAGES, "model": "gpt-4o"}}]
    summary, _ = answered(tmp_path, rows, any_model=True)
    assert summary.answered == 1


def test_what_broke_is_answered_with_500_and_says_why() -> None:
    broke = answer_of(row_of({"messages": MESSAGES}), ZeroDivisionError("no"))
    assert broke["response"]["status_code"] == 500
    assert broke["response"]["body"]["error"]["message"] == "ZeroDivisionError: no"
    assert tally_of(json.loads(json.dumps(broke))).error == "internal_error"


def test_nothing_of_a_server_needs_to_be_installed(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"custom_id": "a", "url": COMPLETIONS, "body": {"prompt": "a", "max_tokens": 4}}
    source.write_text(json.dumps(row))
    program = f"""
import sys
for name in ("fastapi", "starlette", "uvicorn", "prometheus_client", "pebble"):
    sys.modules[name] = None
import condit
print(condit.batch("ngram", {str(source)!r}, {str(target)!r}).answered)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def test_rows_of_a_chat_model(smollm2: condit.Model, tmp_path: Path) -> None:
    """Two rows in one decoder: one ends, one is cut, as OpenAI's clients read it."""
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    bodies = [
        {"messages": MESSAGES, "response_format": format_, "max_tokens": 16, "model": "smollm2"},
        {"messages": MESSAGES, "max_completion_tokens": 3, "seed": 1},
    ]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"custom_id": str(i), "url": CHAT, "body": body} for i, body in enumerate(bodies)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = condit.batch(smollm2, source, target, seed=0)
    assert (summary.answered, summary.valid, summary.truncated) == (2, 2, 1)
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    first, second = (each["response"]["body"]["choices"][0] for each in answers)
    assert first["finish_reason"] == "stop"
    assert set(json.loads(first["message"]["content"])) == {"ok"}
    assert second["finish_reason"] == "length"
    assert answers[1]["response"]["body"]["usage"]["completion_tokens"] == 3
