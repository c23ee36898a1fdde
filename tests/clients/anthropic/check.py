"""Anthropic's Python client: parse, stream, tools with their results, usage, errors."""

from __future__ import annotations

import os

import anthropic
from pydantic import BaseModel, Field

client = anthropic.Anthropic(base_url=os.environ["CONDIT_URL"], api_key="none", max_retries=0)
ASKED = [{"role": "user", "content": "Write a ticket about a broken printer."}]
USUAL = {"model": "smollm2", "messages": ASKED, "max_tokens": 60}
WEATHER = {
    "name": "weather",
    "description": "The weather of the next days.",
    "strict": True,
    "input_schema": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 12},
            "days": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


def form_of(schema: dict) -> dict:
    return {"format": {"type": "json_schema", "schema": schema}}


def parsed() -> None:
    # The client takes maxLength out of the schemas that it makes, so the text has no limit there.
    form = form_of(Ticket.model_json_schema())
    answer = client.messages.create(**USUAL, output_config=form)
    Ticket.model_validate_json(answer.content[0].text)
    assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0

    class Priority(BaseModel):
        urgent: bool
        printers: list[bool]

    wanted = {**USUAL, "max_tokens": 400}
    answer = client.messages.parse(**wanted, output_format=Priority)
    assert answer.stop_reason == "max_tokens" or isinstance(answer.parsed_output, Priority)


def streamed() -> None:
    with client.messages.stream(
        **USUAL, output_config=form_of(Ticket.model_json_schema())
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 3 and "".join(pieces) == final.content[0].text
    Ticket.model_validate_json(final.content[0].text)
    assert final.usage.input_tokens > 0 and final.usage.output_tokens > 0


def called() -> None:
    wanted = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "weather"}}
    answer = client.messages.create(**USUAL, **wanted)
    (use,) = [block for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == "tool_use" and set(use.input) == {"city", "days"}
    with client.messages.stream(**USUAL, **wanted) as stream:
        final = stream.get_final_message()
    (use,) = final.content
    assert use.type == "tool_use" and 1 <= use.input["days"] <= 9
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    text = {"type": "text", "text": "And now?", "cache_control": {"type": "ephemeral"}}
    again = [*ASKED, {"role": "assistant", "content": final.content}]
    again.append({"role": "user", "content": [result, text]})
    usual = {**USUAL, "messages": again, "max_tokens": 5}
    after = client.messages.create(**usual, tools=[WEATHER], system="Be short.")
    assert after.stop_reason in ("max_tokens", "end_turn", "tool_use")


def counted() -> None:
    found = client.messages.count_tokens(model="smollm2", messages=ASKED)
    assert found.input_tokens == client.messages.create(**USUAL).usage.input_tokens


def refused() -> None:
    form = form_of({"type": "integer", "minimum": 3, "maximum": 2})
    try:
        client.messages.create(**USUAL, output_config=form)
    except anthropic.BadRequestError as error:
        assert error.body["error"]["type"] == "invalid_request_error"
        assert "output_config.format.schema" in error.body["error"]["param"]
    else:
        raise AssertionError("an unsatisfiable schema was not refused")
    assert [model.id for model in client.models.list()] == ["smollm2"]
    assert client.models.retrieve("smollm2").display_name


for check in (parsed, streamed, called, counted, refused):
    check()
