"""Pydantic AI, by responses (its default) and by chat: outputs, tools, streams, errors."""

from __future__ import annotations

import asyncio
import os

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelHTTPError, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

PROVIDER = OpenAIProvider(base_url=f"{os.environ['CONDIT_URL']}/v1", api_key="none")
MODELS = [kind("smollm2", provider=PROVIDER) for kind in (OpenAIResponsesModel, OpenAIChatModel)]
ASKED = "Write a ticket about a broken printer."
SETTINGS = {"max_tokens": 80}


class Ticket(BaseModel):
    """A ticket."""

    title: str = Field(max_length=20)
    priority: int = Field(ge=1, le=5)


def parsed() -> None:
    for model in MODELS:
        for form in (Ticket, NativeOutput(Ticket), ToolOutput(Ticket, strict=True)):
            agent = Agent(model, output_type=form, instructions="Be short.", retries=0)
            answer = agent.run_sync(ASKED, model_settings=SETTINGS)
            assert isinstance(answer.output, Ticket)
            assert answer.usage.output_tokens > 0


def streamed() -> None:
    async def outputs(model: object) -> list[Ticket]:
        agent = Agent(model, output_type=NativeOutput(Ticket), retries=0)
        async with agent.run_stream(ASKED, model_settings=SETTINGS) as stream:
            return [each async for each in stream.stream_output(debounce_by=None)]

    async def both() -> None:
        for model in MODELS:
            assert isinstance((await outputs(model))[-1], Ticket)

    asyncio.run(both())


def called() -> None:
    asked: list[int] = []
    for model in MODELS:
        asked.clear()
        agent = Agent(model, output_type=ToolOutput(Ticket, name="answer"), retries=0)

        @agent.tool_plain
        def printer(floor: int) -> str:
            """Which printer stands on a floor."""
            asked.append(floor)
            return "the old one"

        # The model may call either tool; each call of ours goes back with its answer.
        try:
            answer = agent.run_sync(
                ASKED,
                model_settings={"max_tokens": 100},
                usage_limits=UsageLimits(request_limit=4),
            )
            assert isinstance(answer.output, Ticket)
        except Exception as error:
            if type(error).__name__ != "UsageLimitExceeded":
                raise
            assert asked


def refused() -> None:
    class Never(BaseModel):
        """None."""

        a: int = Field(ge=3, le=2)

    for model, field in zip(MODELS, ("text.format", "response_format.json_schema"), strict=True):
        try:
            Agent(model, output_type=NativeOutput(Never)).run_sync(ASKED)
        except ModelHTTPError as error:
            assert error.status_code == 400
            assert error.body["param"].startswith(f"{field}.schema"), error.body
        else:
            raise AssertionError("an unsatisfiable schema was not refused")


for check in (parsed, streamed, called, refused):
    check()
