"""Instructor over OpenAI's client: its modes, partial objects, lists, errors."""

from __future__ import annotations

import os

import instructor
import openai
from instructor.core import InstructorRetryException
from pydantic import BaseModel, Field

plain = openai.OpenAI(base_url=f"{os.environ['CONDIT_URL']}/v1", max_retries=0)
ASKED = [{"role": "user", "content": "Write a ticket about a broken printer."}]
USUAL = {"model": "smollm2", "messages": ASKED, "max_tokens": 80, "max_retries": 0}


class Ticket(BaseModel):
    """A ticket."""

    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


def parsed() -> None:
    for mode in ("TOOLS", "TOOLS_STRICT", "JSON_SCHEMA", "RESPONSES_TOOLS"):
        client = instructor.from_openai(plain, mode=getattr(instructor.Mode, mode))
        ticket, raw = client.chat.completions.create_with_completion(**USUAL, response_model=Ticket)
        assert isinstance(ticket, Ticket), mode
        assert raw.usage.total_tokens > 0


def streamed() -> None:
    client = instructor.from_openai(plain, mode=instructor.Mode.TOOLS)
    partial = list(client.chat.completions.create_partial(**USUAL, response_model=Ticket))
    assert len(partial) > 3 and 1 <= partial[-1].priority <= 5


def refused() -> None:
    class Never(BaseModel):
        """None."""

        a: int = Field(ge=3, le=2)

    client = instructor.from_openai(plain, mode=instructor.Mode.TOOLS)
    try:
        client.chat.completions.create(**USUAL, response_model=Never)
    except (openai.BadRequestError, InstructorRetryException) as error:
        while not isinstance(error, openai.BadRequestError):
            error = error.__cause__ or error.__context__
        assert error.param.startswith("tools[0].function.parameters"), error.param
    else:
        raise AssertionError("an unsatisfiable schema was not refused")


for check in (parsed, streamed, refused):
    check()
