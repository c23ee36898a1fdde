"""LiteLLM, as OpenAI's, Anthropic's and Ollama's provider: parse, streams, tools, errors."""

from __future__ import annotations

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from pydantic import BaseModel, Field

URL = os.environ["CONDIT_URL"]
ASKED = [{"role": "user", "content": "Write a ticket about a broken printer."}]
OPENAI = {"model": "openai/smollm2", "api_base": f"{URL}/v1", "api_key": "none"}
OTHERS = (
    {"model": "hosted_vllm/smollm2", "api_base": f"{URL}/v1", "api_key": "none"},
    {"model": "ollama_chat/smollm2", "api_base": URL},
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of the next days.",
        "parameters": {
            "type": "object",
            "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["days"],
            "additionalProperties": False,
        },
    },
}


class Ticket(BaseModel):
    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


def ask(to: dict = OPENAI, **options: object) -> object:
    usual = {"messages": ASKED, "max_tokens": 60, "num_retries": 0, "max_retries": 0}
    return litellm.completion(**{**usual, **to, **options})


def parsed() -> None:
    for to in (OPENAI, *OTHERS):
        answer = ask(to, response_format=Ticket)
        Ticket.model_validate_json(answer.choices[0].message.content)
        assert answer.usage.completion_tokens > 0


def streamed() -> None:
    for to in (OPENAI, *OTHERS):
        options = {"include_usage": True}
        pieces = list(ask(to, response_format=Ticket, stream=True, stream_options=options))
        said = [piece.choices[0].delta.content or "" for piece in pieces if piece.choices]
        Ticket.model_validate_json("".join(said))
        assert any(getattr(piece, "usage", None) for piece in pieces), to


def called() -> None:
    answer = ask(tools=[WEATHER], tool_choice="required")
    for call in answer.choices[0].message.tool_calls:
        assert 1 <= json.loads(call.function.arguments)["days"] <= 9
    pieces = list(ask(tools=[WEATHER], tool_choice="required", stream=True))
    whole = litellm.stream_chunk_builder(pieces)
    assert whole.choices[0].finish_reason == "tool_calls"
    for call in whole.choices[0].message.tool_calls:
        assert 1 <= json.loads(call.function.arguments)["days"] <= 9


def responded() -> None:
    answer = litellm.responses(input="Hello", max_output_tokens=16, **OPENAI)
    assert answer.usage.output_tokens > 0
    pieces = list(litellm.responses(input="Hello", max_output_tokens=16, stream=True, **OPENAI))
    assert pieces[-1].type in ("response.completed", "response.incomplete")


def refused() -> None:
    schema = {"type": "integer", "minimum": 3, "maximum": 2}
    form = {"type": "json_schema", "json_schema": {"name": "never", "schema": schema}}
    try:
        ask(response_format=form)
    except litellm.BadRequestError as error:
        assert error.status_code == 400 and "maximum" in str(error), error
    else:
        raise AssertionError("an unsatisfiable schema was not refused")


for check in (parsed, streamed, called, responded, refused):
    check()
