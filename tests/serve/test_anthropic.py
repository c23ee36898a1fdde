"""Anthropic's messages, as plain HTTP; its client is in scripts/clients."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string", "maxLength": 12}},
    "required": ["title"],
    "additionalProperties": False,
}
TOOL = {"name": "open", "description": "Open a ticket.", "input_schema": SCHEMA, "strict": True}
BODY = {
    "model": "smollm2",
    "max_tokens": 40,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "A ticket, please."}]}],
}


def post(served, **more: Any) -> httpx2.Response:
    return httpx2.post(f"{served.url}/v1/messages", json={**BODY, **more}, timeout=120)


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    lines = response.text.splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def test_the_output_has_the_format(served):
    form = {"type": "json_schema", "schema": SCHEMA}
    answer = post(served, output_config={"format": form}).json()
    assert set(json.loads(answer["content"][0]["text"])) == {"title"}
    assert answer["stop_reason"] == "end_turn"


def test_a_tool_is_used(served):
    answer = post(served, tools=[TOOL], tool_choice={"type": "any"}).json()
    assert answer["stop_reason"] == "tool_use"
    assert set(answer["content"][0]["input"]) == {"title"}


def test_a_stream_has_blocks_that_begin_and_end(served):
    told = events(post(served, tools=[TOOL], tool_choice={"type": "any"}, stream=True))
    kinds = [event["type"] for event in told]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    pieces = [e["delta"]["partial_json"] for e in told if e["type"] == "content_block_delta"]
    assert set(json.loads("".join(pieces))) == {"title"}
    assert told[-2]["delta"]["stop_reason"] == "tool_use"


def test_what_is_wrong_is_said(served):
    answer = post(served, tools=[TOOL], tool_choice={"type": "tool", "name": "close"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("stop", ["e", "a"])
def test_a_stop_sequence_is_told(served, stop):
    answer = post(served, stop_sequences=[stop], seed=1).json()
    assert stop not in answer["content"][0]["text"]
    assert answer["stop_sequence"] == stop


def test_tokens_are_counted_as_they_are_billed(served):
    asked = {"model": "smollm2", "messages": [{"role": "user", "content": "How old?"}]}
    counted = httpx2.post(f"{served.url}/v1/messages/count_tokens", json=asked).json()
    used = httpx2.post(f"{served.url}/v1/messages", json={**asked, "max_tokens": 1}, timeout=120)
    assert counted == {"input_tokens": used.json()["usage"]["input_tokens"]}


def test_an_error_names_the_field(served):
    schema = {"type": "integer", "minimum": 3, "maximum": 2}
    form = {"format": {"type": "json_schema", "schema": schema}}
    error = post(served, output_config=form).json()["error"]
    assert error["param"] == "output_config.format.schema.minimum"


def test_models_are_listed_as_anthropic_lists_them(served_ngram):
    told = httpx2.get(f"{served_ngram.url}/v1/models").json()
    assert told["has_more"] is False
    assert told["data"][0]["type"] == "model"
    missing = {"anthropic-version": "2023-06-01"}
    error = httpx2.get(f"{served_ngram.url}/v1/models/other", headers=missing).json()
    assert error["type"] == "error"
    assert error["error"]["type"] == "not_found_error"


BEGUN = {
    "messages": [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": [{"type": "text", "text": "The capital of France is"}]},
    ],
    "temperature": 0,
    "max_tokens": 8,
}


def test_an_answer_that_was_begun_goes_on(served, smollm2):
    answer = post(served, **BEGUN).json()
    text = answer["content"][0]["text"]
    assert text.startswith(" Paris")
    told = events(post(served, **BEGUN, stream=True))
    pieces = [event["delta"]["text"] for event in told if event["type"] == "content_block_delta"]
    assert "".join(pieces) == text
    asked = smollm2.encode_prompt(BEGUN["messages"][:1])
    used = len(asked) + len(smollm2.encode("The capital of France is"))
    assert answer["usage"]["input_tokens"] == told[0]["message"]["usage"]["input_tokens"] == used
    counted = httpx2.post(
        f"{served.url}/v1/messages/count_tokens", json={"messages": BEGUN["messages"]}
    )
    assert counted.json() == {"input_tokens": used}


@pytest.mark.parametrize(
    "more",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"condit": {"constraint": {"regex": "a"}}},
        {"tools": [TOOL], "tool_choice": {"type": "any"}},
        {"messages": [BEGUN["messages"][0], {"role": "assistant", "content": "The "}]},
    ],
)
def test_an_answer_that_was_begun_may_be_refused(served, more):
    answer = post(served, **{**BEGUN, **more})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages[1]"
    alone = [{"role": "assistant", "content": "The"}]
    assert post(served, **{**BEGUN, "messages": alone}).status_code == 400
