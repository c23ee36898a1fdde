"""Ollama's Python client: chat and generate with a format, streams, tools, errors."""

from __future__ import annotations

import os

import ollama
from pydantic import BaseModel, Field

client = ollama.Client(host=os.environ["CONDIT_URL"])
ASKED = [{"role": "user", "content": "Write a ticket about a broken printer."}]
OPTIONS = {"num_predict": 60, "seed": 1, "temperature": 1.0}
USUAL = {"model": "smollm2", "messages": ASKED, "options": OPTIONS}


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


def weather(days: int, sunny: bool) -> str:
    """The weather of the next days.

    Args:
        days: How many.
        sunny: Whether it is.
    """
    return "sunny"


def parsed() -> None:
    answer = client.chat(**USUAL, format=Ticket.model_json_schema(), keep_alive="5m")
    Ticket.model_validate_json(answer.message.content)
    assert answer.done and answer.done_reason == "stop" and answer.eval_count > 0
    answer = client.generate(
        model="smollm2",
        prompt=ASKED[0]["content"],
        format=Ticket.model_json_schema(),
        options=ollama.Options(num_predict=60, num_ctx=2048),
    )
    Ticket.model_validate_json(answer.response)


def streamed() -> None:
    pieces = list(client.chat(**USUAL, format=Ticket.model_json_schema(), stream=True))
    assert len(pieces) > 3 and pieces[-1].done and pieces[-1].eval_count > 0
    Ticket.model_validate_json("".join(piece.message.content for piece in pieces))
    pieces = list(client.generate(model="smollm2", prompt="Hello", options=OPTIONS, stream=True))
    assert pieces[-1].done


def called() -> None:
    asked = {**USUAL, "options": {**OPTIONS, "num_predict": 30}}
    answer = client.chat(**asked, tools=[weather])
    for call in answer.message.tool_calls or ():
        assert set(call.function.arguments) <= {"days", "sunny"}
    call = {"function": {"name": "weather", "arguments": {"days": 1, "sunny": True}}}
    said = [
        *ASKED,
        ollama.Message(role="assistant", tool_calls=[call]),
        ollama.Message(role="tool", content="sunny", tool_name="weather"),
    ]
    for piece in client.chat(**{**asked, "messages": said}, tools=[weather], stream=True):
        last = piece
    assert last.done


def refused() -> None:
    try:
        client.chat(**USUAL, format={"type": "integer", "minimum": 3, "maximum": 2})
    except ollama.ResponseError as error:
        assert error.status_code == 400 and error.error
    else:
        raise AssertionError("an unsatisfiable schema was not refused")
    try:
        client.chat(**{**USUAL, "model": "other"})
    except ollama.ResponseError as error:
        assert error.status_code == 404


def listed() -> None:
    assert [model.model for model in client.list().models] == ["smollm2"]
    assert "completion" in client.show("smollm2").capabilities
    assert client.ps().models[0].model == "smollm2"


for check in (parsed, streamed, called, refused, listed):
    check()
