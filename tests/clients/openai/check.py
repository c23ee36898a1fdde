"""OpenAI's Python client; most of what it does is in tests/serve, here with its newest release."""

from __future__ import annotations

import os

import openai
from pydantic import BaseModel, Field

client = openai.OpenAI(base_url=f"{os.environ['CONDIT_URL']}/v1", max_retries=0)
ASKED = [{"role": "user", "content": "Write a ticket about a broken printer."}]
USUAL = {"model": "smollm2", "messages": ASKED, "max_tokens": 60}


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


class weather(BaseModel):  # noqa: N801 - the name of the tool
    """The weather of the next days."""

    city: str = Field(max_length=12)
    days: int = Field(ge=1, le=9)


def parsed() -> None:
    answer = client.chat.completions.parse(**USUAL, response_format=Ticket)
    assert isinstance(answer.choices[0].message.parsed, Ticket)
    assert answer.usage.completion_tokens > 0


def streamed() -> None:
    wanted = {"response_format": Ticket, "stream_options": {"include_usage": True}}
    with client.chat.completions.stream(**USUAL, **wanted) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert kinds.count("content.delta") > 3 and "content.done" in kinds
    assert isinstance(final.choices[0].message.parsed, Ticket)
    assert final.usage.completion_tokens > 0


def called() -> None:
    tools = [openai.pydantic_function_tool(weather)]
    wanted = {"tools": tools, "tool_choice": "required", "parallel_tool_calls": False}
    answer = client.chat.completions.parse(**USUAL, **wanted)
    (call,) = answer.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, weather)
    with client.chat.completions.stream(**USUAL, **wanted) as stream:
        kinds = [event.type for event in stream]
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert "tool_calls.function.arguments.delta" in kinds
    assert isinstance(call.function.parsed_arguments, weather)
    told = client.chat.completions.create(
        **{**USUAL, "max_tokens": 5},
        tools=tools,
        extra_body={
            "messages": [
                *ASKED,
                answer.choices[0].message.to_dict(),
                {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
            ]
        },
    )
    assert told.choices[0].finish_reason in ("length", "stop")


def responded() -> None:
    usual = {"model": "smollm2", "input": ASKED, "max_output_tokens": 60}
    answer = client.responses.parse(**usual, text_format=Ticket)
    assert isinstance(answer.output_parsed, Ticket)
    assert answer.status == "completed" and answer.usage.output_tokens > 0
    with client.responses.stream(**usual, text_format=Ticket) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert isinstance(final.output_parsed, Ticket)
    tools = [openai.pydantic_function_tool(weather)["function"] | {"type": "function"}]
    wanted = {"tools": tools, "tool_choice": "required", "parallel_tool_calls": False}
    answer = client.responses.parse(**usual, **wanted)
    (call,) = answer.output
    weather.model_validate_json(call.arguments)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    again = [*ASKED, call.to_dict(), output]
    after = client.responses.create(**{**usual, "input": again, "max_output_tokens": 16})
    assert after.usage.input_tokens > answer.usage.input_tokens - 200


def refused() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 2}},
    }
    schema |= {"required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "none", "schema": schema}}
    try:
        client.chat.completions.create(**USUAL, response_format=form)
    except openai.BadRequestError as error:
        assert error.param.startswith("response_format.json_schema.schema"), error.param
        assert error.code == "unsatisfiable_constraint", error.code
    else:
        raise AssertionError("an unsatisfiable schema was not refused")


def listed() -> None:
    (model,) = client.models.list()
    assert model.id == "smollm2"
    assert client.models.retrieve("smollm2").created == model.created


for check in (parsed, streamed, called, responded, refused, listed):
    check()
