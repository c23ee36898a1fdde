"""Streams of chat, responses and messages hold what the whole answer does, of SmolLM2."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

ASKED = [{"role": "user", "content": "Say hi."}]
SCHEMA = {
    "type": "object",
    "properties": {
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "city": {"type": "string", "maxLength": 8},
    },
    "required": ["days", "city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
NOTE = {"type": "custom", "custom": {"name": "note"}}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
LETTERS = {"type": "grammar", "syntax": "regex", "definition": "[a-c]{2}"}


def post(served, path: str, **body: Any) -> httpx2.Response:
    body = {"model": "smollm2", "seed": 1, **body}
    return httpx2.post(f"{served.url}{path}", json=body, timeout=120)


def events(served, path: str, **body: Any) -> list[Any]:
    lines = post(served, path, stream=True, **body).text.splitlines()
    told = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line) for line in told if line != "[DONE]"]


@pytest.mark.parametrize(
    "more",
    [
        {"n": 3, "logprobs": True, "top_logprobs": 2},
        {"stop": [" to"], "logprobs": True},
        {"stop": ["🌟"]},  # tokens that are parts of a character
        {"response_format": FORM, "n": 2, "logprobs": True, "max_tokens": 60},
        {"tools": [WEATHER], "tool_choice": "required", "max_tokens": 90, "logprobs": True},
        {"tools": [WEATHER], "max_tokens": 40},
        {
            "tools": [NOTE],
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "max_tokens": 40,
        },
        {"condit": {"n_lanes": 4, "sampler": "smc", "constraint": {"regex": "[a-z]{3,9}"}}, "n": 2},
    ],
    ids=" ".join,
)
def test_a_chat_in_pieces_is_the_whole(served, more):
    body = {"messages": ASKED, "max_tokens": 16, **more}
    whole = post(served, "/v1/chat/completions", **body).json()
    usage = {"stream_options": {"include_usage": True}}
    *told, last = events(served, "/v1/chat/completions", **body, **usage)
    assert last["usage"] == whole["usage"]
    for choice in whole["choices"]:
        own = [chunk["choices"][0] for chunk in told]
        own = [each for each in own if each["index"] == choice["index"]]
        text = "".join(each["delta"].get("content") or "" for each in own)
        assert text == (choice["message"]["content"] or "")
        assert [each["finish_reason"] for each in own][-1] == choice["finish_reason"]
        pieces = [call for each in own for call in each["delta"].get("tool_calls", ())]
        assert _calls(pieces) == _calls(choice["message"].get("tool_calls", ()))
        scored = [e for each in own if each["logprobs"] for e in each["logprobs"]["content"]]
        wanted = choice["logprobs"]["content"] if choice["logprobs"] else []
        assert [each["token"] for each in scored] == [each["token"] for each in wanted]
        # What was forwarded with other prompts differs by the rounding of bfloat16.
        assert [each["logprob"] for each in scored] == pytest.approx(
            [each["logprob"] for each in wanted], abs=0.05
        )
        assert [each["bytes"] for each in scored] == [each["bytes"] for each in wanted]


def _calls(pieces: Any) -> list[tuple[str, str]]:
    """Name and input of each call, of its pieces or whole."""
    calls: dict[int, tuple[str, str]] = {}
    for place, piece in enumerate(pieces):
        name, given = calls.get(at := piece.get("index", place), ("", ""))
        said = piece.get("function") or piece.get("custom") or {}
        given += said.get("arguments", said.get("input", ""))
        calls[at] = (name + said.get("name", ""), given)
    return [calls[at] for at in sorted(calls)]


def test_responses_tell_probabilities_with_each_piece(served):
    body = {
        "input": "Say hi.",
        "max_output_tokens": 16,
        "top_logprobs": 1,
        "include": ["message.output_text.logprobs"],
    }
    whole = post(served, "/v1/responses", **body).json()["output"][0]["content"][0]
    told = events(served, "/v1/responses", **body)
    deltas = [event for event in told if event["type"] == "response.output_text.delta"]
    assert len(deltas) > 3
    assert "".join(event["delta"] for event in deltas) == whole["text"]
    scored = [each["token"] for event in deltas for each in event["logprobs"]]
    assert scored == [each["token"] for each in whole["logprobs"]]


def test_the_input_of_a_custom_tool_is_streamed_by_responses(served):
    body = {
        "input": "Say hi.",
        "tools": [{"type": "custom", "name": "letters", "format": LETTERS}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_output_tokens": 40,
    }
    told = events(served, "/v1/responses", **body)
    kind = "response.custom_tool_call_input"
    pieces = [event["delta"] for event in told if event["type"] == f"{kind}.delta"]
    (done,) = [event["input"] for event in told if event["type"] == f"{kind}.done"]
    assert "".join(pieces) == done
    assert len(done) == 2
    assert set(done) <= set("abc")


def test_messages_in_pieces_are_the_whole(served):
    tool = {"name": "weather", "input_schema": SCHEMA}
    body = {"messages": ASKED, "max_tokens": 40, "tools": [tool], "tool_choice": {"type": "any"}}
    body["tool_choice"]["disable_parallel_tool_use"] = True
    whole = post(served, "/v1/messages", **body).json()
    told = events(served, "/v1/messages", **body)
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert json.loads("".join(e["partial_json"] for e in deltas)) == whole["content"][0]["input"]
    assert told[-2]["usage"] == whole["usage"]
