"""Responses as OpenAI's client uses them, of the embedded model."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


WEATHER = {
    "type": "function",
    "name": "weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
ASKED = {"model": "smollm2", "input": "A ticket about a printer.", "max_output_tokens": 40}


def test_parse_gives_an_object_of_the_type(served):
    response = served.client().responses.parse(**ASKED, text_format=Ticket)
    assert isinstance(response.output_parsed, Ticket)
    assert response.status == "completed"
    assert response.usage.output_tokens > 5


def test_a_stream_tells_each_event_once_and_in_order(served):
    with served.client().responses.stream(**ASKED, text_format=Ticket) as stream:
        events = list(stream)
        response = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert response.output_parsed.priority in range(1, 6)


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_is_called(served, stream):
    asked = {**ASKED, "tools": [WEATHER], "tool_choice": "required"}
    if stream:
        with served.client().responses.stream(**asked) as events:
            response = events.get_final_response()
    else:
        response = served.client().responses.create(**asked)
    call = response.output[0]
    assert call.type == "function_call"
    assert set(json.loads(call.arguments)) == {"city"}


def test_a_text_that_was_cut_is_incomplete(served):
    response = served.client().responses.create(**{**ASKED, "max_output_tokens": 3})
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
