"""Rows and answers in OpenAI's shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import condit
from condit.batches.answers import answer_of, tally_of
from condit.batches.constraints import ConstraintCache
from condit.batches.lines import Line
from condit.batches.openai_rows import URL, request_of
from condit.batches.requests import Request
from condit.batches.rows import Row, row_of_line
from condit.errors import GenerationError, RowError

MESSAGES = [{"role": "user", "content": "a"}]


def row_of(body: object, **envelope: Any) -> Row:
    fields = {"custom_id": "r1", "method": "POST", "url": URL, "body": body} | envelope
    content = json.dumps(fields).encode()
    return row_of_line(Line(7, content, len(content)))


def asked(*, model: str | None = "ngram", **body: Any) -> Request:
    return request_of(row_of({"messages": MESSAGES} | body), ConstraintCache(), model)


def test_what_a_body_asks_for() -> None:
    request = asked(
        model="ngram",
        max_completion_tokens=9,
        temperature=0.5,
        top_p=1,
        seed=3,
        n=2,
        stop="x",
        response_format=None,
    )
    options = {"max_tokens": 9, "temperature": 0.5, "top_p": 1, "seed": 3, "n": 2, "stop": "x"}
    assert request == Request(MESSAGES, None, options)


def test_messages() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "developer", "content": "s"}, {"role": "user", "content": parts}]
    wanted = [{"role": "system", "content": "s"}, {"role": "user", "content": "ab"}]
    assert asked(messages=messages).prompt == wanted


def test_response_formats() -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    inner = {"name": "numbers", "strict": True, "schema": schema}
    constraint = asked(response_format={"type": "json_schema", "json_schema": inner}).constraint
    assert constraint is not None
    assert constraint.accepts("[1]")
    assert not constraint.accepts('["a"]')
    anything = asked(response_format={"type": "json_object"}).constraint
    assert anything is not None
    assert anything.accepts('{"a":1}')
    assert asked(response_format={"type": "text"}).constraint is None


@pytest.mark.parametrize(
    ("body", "at", "said"),
    [
        ({"frequency_penalty": 1}, "body.frequency_penalty", "no supported field of body"),
        ({"tools": []}, "body.tools", "no supported field of body"),
        ({"model": "gpt-4o"}, "body.model", "asks for the model 'gpt-4o', and this batch runs"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "body.max_completion_tokens", "give one"),
        ({"n": "2"}, "body.n", "must be a whole number"),
        ({"messages": []}, "body.messages", "at least one message"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "body.messages[0]", "the role 'tool'"),
        ({"messages": [{"role": "user"}]}, "body.messages[0]", "must have a role and a content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "body.messages[0]",
            "must be a text, or a list of text parts",
        ),
        ({"response_format": {"type": "xml"}}, "body.response_format", "must be of the type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "body.response_format.json_schema",
            "schema is missing",
        ),
    ],
)
def test_what_cannot_be_asked_names_the_field(body: dict[str, Any], at: str, said: str) -> None:
    with pytest.raises(RowError) as caught:
        request_of(row_of({"messages": MESSAGES} | body), ConstraintCache(), "ngram")
    assert said in str(caught.value)
    assert caught.value.field == at


def test_any_model_may_be_let_pass() -> None:
    body = {"messages": MESSAGES, "model": "gpt-4o"}
    assert request_of(row_of(body), ConstraintCache(), None).prompt == MESSAGES


@pytest.mark.parametrize(
    ("envelope", "at"),
    [({"url": "/v1/embeddings"}, "url"), ({"method": "GET"}, "method"), ({"x": 1}, "x")],
)
def test_envelopes(envelope: dict[str, Any], at: str) -> None:
    with pytest.raises(RowError) as caught:
        request_of(row_of({"messages": MESSAGES}, **envelope), ConstraintCache(), "ngram")
    assert caught.value.field == at


def test_an_answer_is_a_chat_completion_with_weights() -> None:
    model = condit.load("ngram")
    row = row_of({"messages": MESSAGES})
    result = condit.generate(model, "a", condit.choice("yes", "no"), n=3, seed=0)
    answer = answer_of(row, result, "ngram")
    assert (answer["custom_id"], answer["line"], answer["error"]) == ("r1", 7, None)
    assert answer["response"]["status_code"] == 200
    body = answer["response"]["body"]
    assert body["object"] == "chat.completion"
    assert [each["index"] for each in body["choices"]] == [0, 1, 2]
    assert {each["message"]["content"] for each in body["choices"]} <= {"yes", "no"}
    assert {each["finish_reason"] for each in body["choices"]} == {"stop"}
    assert body["condit"]["weights"] == pytest.approx(list(result.weights))
    tally = tally_of(json.loads(json.dumps(answer)))
    assert (tally.error, tally.samples, tally.valid, tally.truncated) == (None, 3, 3, 0)


def test_texts_that_are_not_valid_are_answered_with_their_error() -> None:
    model = condit.load("ngram")
    never = condit.where(lambda text: False, of=condit.regex("[a-z]{2}"))
    with pytest.raises(GenerationError) as caught:
        condit.generate(model, "a", never, n=2, max_tokens=3, seed=0, sampler="masked")
    answer = answer_of(row_of({"messages": MESSAGES}), caught.value, "ngram")
    assert answer["response"]["status_code"] == 200
    body = answer["response"]["body"]
    assert [each["finish_reason"] for each in body["choices"]] == ["length", "length"]
    kind = type(caught.value).__name__
    assert body["condit"]["error"]["type"] == kind
    tally = tally_of(answer)
    assert (tally.error, tally.samples, tally.valid) == (kind, 2, 0)


def test_what_cannot_be_asked_is_answered_with_400_and_what_broke_with_500() -> None:
    row = row_of({"messages": MESSAGES})
    refused = answer_of(row, row.error("no", "body.n"), "ngram")["response"]
    assert refused["status_code"] == 400
    assert refused["body"]["error"]["param"] == "body.n"
    broke = answer_of(row, ZeroDivisionError("no"), "ngram")["response"]
    assert broke["status_code"] == 500
    assert broke["body"]["error"]["code"] == "ZeroDivisionError"


def test_rows_of_a_chat_model(smollm2: condit.Model, tmp_path: Path) -> None:
    """Two rows in one decoder: one ends, one is cut, as OpenAI's clients read it."""
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    bodies = [
        {"messages": MESSAGES, "response_format": format_, "max_tokens": 16, "model": "smollm2"},
        {"messages": MESSAGES, "max_completion_tokens": 3, "seed": 1},
    ]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"custom_id": str(i), "url": URL, "body": body} for i, body in enumerate(bodies)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = condit.batch(smollm2, source, target, seed=0)
    assert (summary.answered, summary.valid, summary.truncated) == (2, 2, 1)
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    first, second = (each["response"]["body"]["choices"][0] for each in answers)
    assert first["finish_reason"] == "stop"
    assert set(json.loads(first["message"]["content"])) == {"ok"}
    assert second["finish_reason"] == "length"
    assert answers[1]["response"]["body"]["usage"]["completion_tokens"] == 3
