"""LangChain's ChatOpenAI: structured output by all its methods, streams, tools, errors."""

from __future__ import annotations

import os

import openai
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel, Field

URL = f"{os.environ['CONDIT_URL']}/v1"
ASKED = "Write a ticket about a broken printer."


class Ticket(BaseModel):
    """A ticket."""

    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


@tool
def weather(days: int, sunny: bool) -> str:
    """The weather of the next days."""
    return "sunny"


def chat(**options: object) -> ChatOpenAI:
    usual = {"model": "smollm2", "base_url": URL, "max_retries": 0, "max_tokens": 60, "seed": 1}
    return ChatOpenAI(**{**usual, **options})


def structured() -> None:
    for method in ("json_schema", "function_calling"):
        for strict in (None, True):
            model = chat().with_structured_output(Ticket, method=method, strict=strict)
            assert isinstance(model.invoke(ASKED), Ticket), method
    model = chat().with_structured_output(Ticket.model_json_schema(), include_raw=True)
    told = model.invoke(ASKED)
    Ticket.model_validate(told["parsed"])
    assert told["raw"].usage_metadata["output_tokens"] > 0
    by_responses = chat(use_responses_api=True, seed=None).with_structured_output(Ticket)
    assert isinstance(by_responses.invoke(ASKED), Ticket)
    assert isinstance(list(chat().with_structured_output(Ticket).stream(ASKED))[-1], Ticket)


def streamed() -> None:
    for model in (chat(stream_usage=True), chat(use_responses_api=True, seed=None)):
        pieces = list(model.stream(ASKED))
        whole = pieces[0]
        for piece in pieces[1:]:
            whole = whole + piece
        assert whole.text and whole.usage_metadata["output_tokens"] > 0


def called() -> None:
    for model in (chat(), chat(use_responses_api=True, seed=None)):
        bound = model.bind_tools([weather], tool_choice="weather", strict=True)
        answer = bound.invoke(ASKED)
        (call,) = answer.tool_calls
        assert set(call["args"]) == {"days", "sunny"}
        again = [("user", ASKED), answer, ToolMessage("sunny", tool_call_id=call["id"])]
        assert model.bind_tools([weather]).invoke(again, max_tokens=16).usage_metadata


def completed() -> None:
    model = OpenAI(model="smollm2", base_url=URL, max_retries=0, max_tokens=8)
    assert isinstance(model.invoke("The capital of France is"), str)


def refused() -> None:
    class Never(BaseModel):
        a: int = Field(ge=3, le=2)

    try:
        chat().with_structured_output(Never).invoke(ASKED)
    except openai.BadRequestError as error:
        assert error.param.startswith("response_format.json_schema.schema"), error.param
    else:
        raise AssertionError("an unsatisfiable schema was not refused")


for check in (structured, streamed, called, completed, refused):
    check()
