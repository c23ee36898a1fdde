"""Anthropic's ``/v1/messages``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from condit.errors import ConditError
from condit.serve.engine import Engine
from condit.serve.events import sse
from condit.serve.growth import CallBegins, CallEnds, Growth, MoreArguments, MoreText, News
from condit.serve.job import Delta, Done, Event, Job
from condit.serve.messages import Message, answer_text, call_text, text_of, with_tools
from condit.serve.options import ConditOptions, ResponseFormat
from condit.serve.replies import counts, identifier, own_field
from condit.serve.request_errors import RequestError, invalid, of_error
from condit.serve.specification import Specification, all_of, named
from condit.serve.tools import Choice, Tool, read


class OutputConfig(BaseModel):
    """``output_config``: the form of the answer."""

    model_config = ConfigDict(extra="allow")

    format: ResponseFormat | None = None


class MessagesRequest(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str | None = None
    messages: list[dict[str, Any]]
    max_tokens: int
    system: str | list[dict[str, Any]] | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    output_config: OutputConfig | None = None
    output_format: ResponseFormat | None = None
    condit: ConditOptions | None = None
    seed: int | None = Field(default=None, description="Condit's own.")

    def choice(self) -> Choice:
        """The tools that may be called."""
        tools = tuple(_tool(each, f"tools[{at}]") for at, each in enumerate(self.tools or ()))
        wanted = self.tool_choice or {"type": "auto"}
        several = not wanted.get("disable_parallel_tool_use", False)
        kind = wanted.get("type")
        if kind == "none":
            return Choice(())
        if kind == "tool":
            those = tuple(tool for tool in tools if tool.name == wanted.get("name"))
            if not those:
                what = f"tool_choice.name: no tool is called {wanted.get('name')!r}"
                raise invalid(what, "tool_choice.name")
            return Choice(those, required=True, several=False)
        if kind not in ("auto", "any"):
            raise invalid(f"tool_choice.type: {kind!r} is unknown", "tool_choice.type")
        if kind == "any" and not tools:
            raise invalid("tool_choice: a call is required, but there are no tools", "tool_choice")
        return Choice(tools, required=kind == "any", several=several)

    def job(self, choice: Choice) -> Job:
        """What is to be drawn.

        Raises:
            RequestError: something in it cannot be done.
        """
        own = self.condit or ConditOptions()
        form, where = self.output_format, "output_format"
        if self.output_config is not None and self.output_config.format is not None:
            form, where = self.output_config.format, "output_config.format"
        found: list[Specification] = []
        if form is not None and (wanted := form.specification(where)) is not None:
            found.append(wanted)
        stops = tuple(self.stop_sequences or ())
        if any(not stop for stop in stops):
            what = "stop_sequences: an empty text would end every text"
            raise invalid(what, "stop_sequences")
        return Job(
            prompt=with_tools(self._messages(), choice.tools),
            specification=choice.specification(all_of([*found, *named(own.constraint)])),
            max_tokens=self.max_tokens,
            seed=self.seed,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_k=self.top_k if self.top_k and self.top_k > 0 else None,
            top_p=1.0 if self.top_p is None else self.top_p,
            stop=stops,
            sampler=own.sampler,
            n_lanes=own.n_lanes,
            prefer=own.preference(),
            instruct=own.instruct,
            stream=bool(self.stream),
            trace=own.trace,
        )

    def _messages(self) -> list[Message]:
        if not self.messages:
            raise invalid("messages is empty: give at least one message", "messages")
        said: list[Message] = []
        if self.system:
            said.append({"role": "system", "content": text_of(self.system, "system")})
        for place, message in enumerate(self.messages):
            said.append(_said(message, f"messages[{place}]"))
        return said


class CountRequest(MessagesRequest):
    """The body of a request that asks for the length of its prompt alone."""

    max_tokens: int = 1


def _tool(given: Mapping[str, Any], param: str) -> Tool:
    name, schema = given.get("name"), given.get("input_schema")
    if given.get("type", "custom") != "custom":
        what = f"{param}: a tool of type {given['type']!r} runs at Anthropic, not here"
        raise invalid(what, f"{param}.type", "unsupported_tool")
    if not isinstance(name, str) or not name:
        raise invalid(f"{param}.name: {name!r} is no name of a tool", f"{param}.name")
    if not isinstance(schema, Mapping):
        raise invalid(f"{param}.input_schema must be a JSON Schema", f"{param}.input_schema")
    return Tool(name, given.get("description") or "", schema, param=f"{param}.input_schema")


def _said(message: Mapping[str, Any], param: str) -> Message:
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise invalid(f"{param}.role: there is no role {role!r}", f"{param}.role")
    if not isinstance(content, list):
        return {"role": role, "content": text_of(content, f"{param}.content")}
    pieces = []
    for place, part in enumerate(content):
        where = f"{param}.content[{place}]"
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "tool_use":
            arguments = json.dumps(part.get("input", {}), ensure_ascii=False)
            pieces.append(call_text(str(part.get("name")), arguments))
        elif kind == "tool_result":
            pieces.append(answer_text(text_of(part.get("content"), f"{where}.content")))
        elif kind not in ("thinking", "redacted_thinking"):
            pieces.append(text_of([part], where))
    return {"role": role, "content": "\n".join(pieces)}


def routes(engine: Engine) -> APIRouter:
    """The routes of messages."""
    router = APIRouter(tags=["Anthropic"])

    @router.post("/v1/messages", summary="Answer messages", response_model=None)
    async def messages(body: MessagesRequest) -> Response:
        engine.check_model(body.model)
        choice = body.choice()
        job = body.job(choice)
        answer = _Answer(body, job, choice, engine)
        if not body.stream:
            return JSONResponse(answer.whole(await engine.complete(job)))
        return await sse(
            engine.draw(job), answer.of, lambda error: {"event:": "error", **error_of(error)}
        )

    @router.post("/v1/messages/count_tokens", summary="Count the tokens of messages")
    async def count_tokens(body: CountRequest) -> dict[str, int]:
        engine.check_model(body.model)
        prompt = body.job(body.choice()).prompt
        try:
            return {"input_tokens": engine.length(prompt)}
        except ConditError as error:
            raise of_error(error) from error

    return router


class _Answer:
    """A message, whole or as the events of its growth."""

    def __init__(self, body: MessagesRequest, job: Job, choice: Choice, engine: Engine) -> None:
        self._body = body
        self._job = job
        self._choice = choice
        self._engine = engine
        self._growth = Growth(bool(choice.tools))
        self._head = {
            "id": identifier("msg_"),
            "type": "message",
            "role": "assistant",
            "model": engine.name,
        }
        self._blocks = 0
        self._open = False

    def whole(self, done: Done) -> dict[str, Any]:
        """The message of a job that has ended."""
        sample = done.choices[0]
        text, calls = read(sample.text) if self._choice.tools else (sample.text, ())
        content: list[dict[str, Any]] = []
        if text or not calls:
            content.append({"type": "text", "text": text})
        for call in calls:
            if call.complete:
                given = json.loads(call.arguments)
                use = {"type": "tool_use", "id": identifier("toolu_"), "name": call.name}
                content.append({**use, "input": given})
        return {
            **self._head,
            "content": content,
            **self._reason(done, bool(calls)),
            "usage": self._usage(done),
            "condit": self._own(done),
        }

    async def of(self, events: AsyncIterator[Event]) -> AsyncIterator[dict[str, Any] | str]:
        """The events of its growth."""
        started = False
        async for event in events:
            if not started:
                started = True
                prompt = len(self._engine.model.encode_prompt(self._job.prompt))
                usage = {"input_tokens": prompt, "output_tokens": 0}
                empty: dict[str, Any] = {"content": [], "stop_reason": None, "usage": usage}
                empty["stop_sequence"] = None
                yield _event("message_start", message={**self._head, **empty})
            if isinstance(event, Delta):
                for told in self._grown(self._growth.add(event.text)):
                    yield told
                continue
            for told in self._grown(self._growth.end(event.choices[0].text)):
                yield told
            for told in self._closed():
                yield told
            reason = self._reason(event, bool(self._growth.calls))
            own, usage = self._own(event), self._usage(event)
            yield _event("message_delta", delta=reason, usage=usage, condit=own)
            yield _event("message_stop")

    def _grown(self, news: Iterator[News]) -> Iterator[dict[str, Any]]:
        for each in news:
            if isinstance(each, MoreText):
                if not self._open:
                    yield from self._begin({"type": "text", "text": ""})
                yield self._delta({"type": "text_delta", "text": each.text})
            elif isinstance(each, CallBegins):
                use = {"type": "tool_use", "id": identifier("toolu_"), "name": each.call.name}
                yield from self._begin({**use, "input": {}})
            elif isinstance(each, MoreArguments):
                yield self._delta({"type": "input_json_delta", "partial_json": each.text})
            elif isinstance(each, CallEnds):
                yield from self._closed()

    def _begin(self, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self._closed()
        self._open = True
        yield _event("content_block_start", index=self._blocks, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> dict[str, Any]:
        return _event("content_block_delta", index=self._blocks, delta=delta)

    def _closed(self) -> Iterator[dict[str, Any]]:
        if self._open:
            self._open = False
            yield _event("content_block_stop", index=self._blocks)
            self._blocks += 1

    def _reason(self, done: Done, calls: bool) -> dict[str, Any]:
        """Why the text ended, and by which stop sequence."""
        sample = done.choices[0]
        if sample.finish_reason != "stop":
            return {"stop_reason": "max_tokens", "stop_sequence": None}
        written = self._engine.model.decode(sample.tokens)
        stop = next((each for each in self._job.stop if each in written), None)
        if stop is not None:
            return {"stop_reason": "stop_sequence", "stop_sequence": stop}
        return {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}

    def _usage(self, done: Done) -> dict[str, int]:
        prompt, completion = counts(done)
        return {"input_tokens": prompt, "output_tokens": completion}

    def _own(self, done: Done) -> dict[str, Any]:
        known = {"metadata", "service_tier", "thinking", "betas", "container", "cache_control"}
        return own_field(self._job, done, sorted(set(self._body.model_extra or {}) - known))


def _event(kind: str, **more: Any) -> dict[str, Any]:
    return {"event:": kind, "type": kind, **more}


def error_of(error: RequestError) -> dict[str, Any]:
    """An error as Anthropic answers it, and the field at fault where there is one."""
    kinds = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}
    kinds |= {429: "rate_limit_error", 400: "invalid_request_error", 503: "overloaded_error"}
    told = {"type": kinds.get(error.status, "api_error"), "message": error.message}
    if error.param is not None:
        told["param"] = error.param
    return {"type": "error", "error": told}
