"""Chat as OpenAI's client uses it, of the embedded model."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field

import condit

ASKED = [{"role": "user", "content": "Write a short ticket about a broken printer."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of the next days.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "maxLength": 12},
                "days": {"type": "integer", "minimum": 1, "maximum": 9},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


@pytest.fixture
def client(served) -> openai.OpenAI:
    return served.client()


def ask(client: openai.OpenAI, **options: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "smollm2", "messages": ASKED, "max_tokens": 40, "seed": 3, **options}
    )


def test_parse_gives_an_object_of_the_type(client):
    answer = client.chat.completions.parse(
        model="smollm2", messages=ASKED, response_format=Ticket, max_tokens=40, seed=3
    )
    ticket = answer.choices[0].message.parsed
    assert isinstance(ticket, Ticket)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_same_seed_gives_the_draws_of_the_library(client, smollm2):
    schema = Ticket.model_json_schema()
    form = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": schema}}
    answer = ask(client, response_format=form, n=2, seed=7)
    alone = condit.generate(
        smollm2, ASKED, condit.json_schema(schema), n=2, max_tokens=40, seed=7, sampler="awrs"
    )
    assert [c.message.content for c in answer.choices] == [s.text for s in alone.samples]
    told = answer.model_extra["condit"]["choices"]
    assert [each["log_weight"] for each in told] == list(alone.log_weights)


def test_a_stream_is_the_answer_in_pieces(client):
    form = {
        "type": "json_schema",
        "json_schema": {"name": "t", "schema": Ticket.model_json_schema()},
    }
    whole = ask(client, response_format=form).choices[0]
    options = {"include_usage": True}
    chunks = list(ask(client, response_format=form, stream=True, stream_options=options))
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(pieces) == whole.message.content
    assert len([piece for piece in pieces if piece]) > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_text_that_was_cut_says_so(client):
    answer = ask(client, max_tokens=3).choices[0]
    assert answer.finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_tool_is_called_with_valid_arguments(client, choice, stream):
    answer = ask(client, tools=[WEATHER], tool_choice=choice, stream=stream)
    if stream:
        calls: dict[int, list[str]] = {}
        for chunk in answer:
            for call in chunk.choices[0].delta.tool_calls or []:
                calls.setdefault(call.index, []).append(call.function.arguments)
            reason = chunk.choices[0].finish_reason
        said = ["".join(pieces) for pieces in calls.values()]
    else:
        said = [call.function.arguments for call in answer.choices[0].message.tool_calls]
        reason = answer.choices[0].finish_reason
    assert reason == "tool_calls"
    for arguments in said:
        found = json.loads(arguments)
        assert set(found) == {"city", "days"}
        assert 1 <= found["days"] <= 9


def test_what_a_tool_answered_is_read(client):
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ]
    assert ask(client, messages=messages, tools=[WEATHER], max_tokens=5).usage.prompt_tokens > 60


def test_a_custom_tool_gets_a_text_of_its_grammar(client):
    form = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]{2,6}[.]txt"}}
    tool = {"type": "custom", "custom": {"name": "open", "format": form}}
    answer = ask(client, tools=[tool], tool_choice={"type": "custom", "custom": {"name": "open"}})
    (call,) = answer.choices[0].message.tool_calls
    assert call.custom.name == "open"
    assert condit.regex("[a-z]{2,6}[.]txt").accepts(call.custom.input)


def test_probabilities_are_those_of_the_model(client, smollm2):
    answer = ask(client, max_tokens=4, logprobs=True, top_logprobs=2, temperature=0)
    told = answer.choices[0].logprobs.content
    assert len(told) == 4
    for each in told:
        assert each.logprob == each.top_logprobs[0].logprob >= each.top_logprobs[1].logprob
        assert bytes(each.bytes).decode() == each.token


def test_lanes_are_drawn_and_told(client):
    own = {"constraint": {"regex": "[0-9]{1,3}"}, "n_lanes": 4}
    answer = ask(client, extra_body={"condit": own})
    told = answer.model_extra["condit"]
    assert len(told["samples"]) == 4
    assert answer.choices[0].message.content in {each["text"] for each in told["samples"]}
    assert told["log_evidence"] < 0


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"n": 1000}, "n", "out_of_range"),
        ({"frequency_penalty": 1.0}, "frequency_penalty", "unsupported_parameter"),
        ({"tool_choice": "required"}, "tool_choice", None),
        ({"model": "gpt-6"}, "model", "model_not_found"),
        ({"messages": []}, "messages", None),
        ({"extra_body": {"guided_json": {}}}, "guided_json", "unsupported_parameter"),
        (
            {"extra_body": {"structured_outputs": {"regex": "(a"}}},
            "structured_outputs.regex",
            "invalid_constraint",
        ),
        (
            {"extra_body": {"json_schema": {"minimum": 3, "maximum": 2, "type": "integer"}}},
            "json_schema.minimum",
            "unsatisfiable_constraint",
        ),
        (
            {"extra_body": {"json_schema": {"type": "strin"}}},
            "json_schema.type",
            "invalid_constraint",
        ),
    ],
)
def test_what_is_wrong_is_said(client, wrong, param, code):
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, **wrong)
    assert caught.value.status_code in (400, 404)
    assert caught.value.body["param"] == param
    assert caught.value.body["code"] == code


def test_too_few_tokens_for_any_text_are_refused(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, max_tokens=2, extra_body={"condit": {"constraint": {"regex": "[a-z]{200}"}}})
    assert caught.value.body["param"] == "max_tokens"
