"""Anthropic's ``/v1/messages``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from condit.errors import ConditError
from condit.model.base import Prompt
from condit.serve.engine import Engine
from condit.serve.events import sse
from condit.serve.formats import ResponseFormat
from condit.serve.growth import CallBegins, CallEnds, Growth, MoreArguments, MoreText, News
from condit.serve.job import Delta, Done, Event, Job
from condit.serve.messages import Message, answer, call, prompt_of, text_of
from condit.serve.options import ConditOptions, Sampling, limited, texts_that_end
from condit.serve.policies import constrained
from condit.serve.replies import counts, finish_reason, identifier, own_field
from condit.serve.request_errors import RequestError, invalid, of_error
from condit.serve.specification import Specification
from condit.serve.tools import Choice, Tool, different


class OutputConfig(BaseModel):
    """``output_config``: the form of the answer."""

    model_config = ConfigDict(extra="allow")

    format: ResponseFormat | None = None


class MessagesRequest(Sampling):
    """The body of a request; what Anthropic's protocol does not have is Condit's own."""

    says_format = "output_config: {format: ...}"

    messages: list[dict[str, Any]]
    max_tokens: int
    system: str | list[dict[str, Any]] | None = None
    stop_sequences: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    output_config: OutputConfig | None = None
    output_format: ResponseFormat | None = None

    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return super().stops() + texts_that_end(self.stop_sequences, "stop_sequences")

    def choice(self) -> Choice:
        """The tools that may be called."""
        found = tuple(_tool(each, f"tools[{at}]") for at, each in enumerate(self.tools or ()))
        tools = different(found, "tools")
        wanted = self.tool_choice or {"type": "auto"}
        several = not wanted.get("disable_parallel_tool_use", False)
        kind = wanted.get("type")
        if kind == "none":
            return Choice((), declared=tools)
        if kind == "tool":
            those = tuple(tool for tool in tools if tool.name == wanted.get("name"))
            if not those:
                what = f"tool_choice.name: no tool is called {wanted.get('name')!r}"
                raise invalid(what, "tool_choice.name")
            return Choice(those, required=True, several=False, declared=tools)
        if kind not in ("auto", "any"):
            raise invalid(f"tool_choice.type: {kind!r} is unknown", "tool_choice.type")
        if kind == "any" and not tools:
            raise invalid("tool_choice: a call is required, but there are no tools", "tool_choice")
        return Choice(tools, required=kind == "any", several=several, declared=tools)

    def job(self, engine: Engine, choice: Choice) -> Job:
        """What is to be drawn.

        Raises:
            RequestError: something in it cannot be done.
        """
        self.one_text()
        form, where = self.output_format, "output_format"
        if self.output_config is not None and self.output_config.format is not None:
            form, where = self.output_config.format, "output_config.format"
        wanted = None if form is None else form.specification(where, flat=True)
        own, placed = self.condit or ConditOptions(), self._messages()
        said, places = [each for each, _ in placed], [place for _, place in placed]
        otherwise = self.specification(wanted)
        specification = constrained(choice, own.policy, said, places, otherwise)
        prompt = self._prompt(engine, choice, own, wanted, said)
        job = replace(self.drawn(prompt, specification, own), stream=bool(self.stream))
        return limited(job, engine, {"max_tokens": self.max_tokens})

    def _prompt(
        self,
        engine: Engine,
        choice: Choice,
        own: ConditOptions,
        wanted: Specification | None,
        said: list[Message],
    ) -> Prompt:
        """The messages; of an answer that was begun (prefill) the tokens up to its end."""
        model = engine.model
        prompt = prompt_of(said, choice.tools, model, own.instruct)
        if said[-1]["role"] != "assistant":
            return prompt
        begun = said[-1]["content"]
        where = f"messages[{len(self.messages) - 1}]"
        if len(said) == 1 or "tool_calls" in said[-1]:
            what = "comes first" if len(said) == 1 else "calls a tool"
            raise invalid(f"{where} is the last and {what}: end with the user's", where)
        if choice.required or own.policy or self.specification(wanted) is not None:
            raise invalid(
                f"{where}: an answer that was begun has no constraint, which is of whole texts: "
                "end with the user's message, or leave out the format",
                where,
            )
        if begun != begun.rstrip():
            what = f"{where}: an answer that was begun cannot end with white space: leave it out"
            raise invalid(what, where)
        try:
            engine.length(prompt)  # refuses what would take long to encode
            before = prompt_of(said[:-1], choice.tools, model, own.instruct)
            return [*model.encode_prompt(before), *model.encode(begun)]
        except ConditError as error:
            raise of_error(error) from error

    def _messages(self) -> list[tuple[Message, str]]:
        """The messages, and what the request calls them."""
        if not self.messages:
            raise invalid("messages is empty: give at least one message", "messages")
        said: list[tuple[Message, str]] = []
        if self.system:
            said.append(({"role": "system", "content": text_of(self.system, "system")}, "system"))
        for place, message in enumerate(self.messages):
            where = f"messages[{place}]"
            said += [(each, where) for each in _said(message, where)]
        return said


class CountRequest(MessagesRequest):
    """The body of a request that asks for the length of its prompt alone."""

    max_tokens: int = 1


def _tool(given: Mapping[str, Any], param: str) -> Tool:
    name, schema = given.get("name"), given.get("input_schema")
    if (kind := given.get("type")) not in (None, "custom"):
        what = f"{param}: a tool of type {kind!r} is Anthropic's own: give its input_schema"
        raise invalid(what, f"{param}.type", "unsupported_tool")
    if not isinstance(name, str) or not name:
        raise invalid(f"{param}.name: {name!r} is no name of a tool", f"{param}.name")
    if not isinstance(schema, Mapping):
        raise invalid(f"{param}.input_schema must be a JSON Schema", f"{param}.input_schema")
    return Tool(name, given.get("description") or "", schema, param=f"{param}.input_schema")


def _said(message: Mapping[str, Any], param: str) -> list[Message]:
    """A message: the answers of tools that it holds, and then its text and calls."""
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise invalid(f"{param}.role: there is no role {role!r}", f"{param}.role")
    if not isinstance(content, list):
        return [{"role": role, "content": text_of(content, f"{param}.content")}]
    answers: list[Message] = []
    calls: list[Message] = []
    texts: list[str] = []
    for place, part in enumerate(content):
        where = f"{param}.content[{place}]"
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "tool_use":
            calls.append(call(str(part.get("name")), part.get("input", {}), id=part.get("id")))
        elif kind == "tool_result":
            text = text_of(part.get("content") or "", f"{where}.content")
            answers.append(answer(text, id=part.get("tool_use_id")))
        elif kind not in ("thinking", "redacted_thinking"):
            texts.append(text_of([part], where))
    said = {"role": role, "content": "\n".join(texts), **({"tool_calls": calls} if calls else {})}
    return [*answers, said] if texts or calls or not answers else answers


def routes(engine: Engine) -> APIRouter:
    """The routes of messages."""
    router = APIRouter(tags=["Anthropic"])

    @router.post("/v1/messages", summary="Answer messages", response_model=None)
    async def messages(body: MessagesRequest) -> Response:
        engine.check_model(body.model)
        choice = body.choice()
        job = body.job(engine, choice)
        answer = _Answer(body, job, choice, engine)
        if not body.stream:
            return JSONResponse(answer.whole(await engine.complete(job)))
        return await sse(
            engine.draw(job), answer.of, lambda error: {"event:": "error", **error_of(error)}
        )

    @router.post("/v1/messages/count_tokens", summary="Count the tokens of messages")
    async def count_tokens(body: CountRequest) -> dict[str, int]:
        engine.check_model(body.model)
        prompt = body.job(engine, body.choice()).prompt
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
        blocks: list[dict[str, Any]] = []
        for news in self._growth.end(done.choices[0].text):
            if isinstance(news, MoreText):
                blocks.append({"type": "text", "text": news.text})
            elif isinstance(news, CallEnds):
                given = json.loads(news.call.arguments)
                blocks.append({**_use(news.call.name), "input": given})
        return {
            **self._head,
            "content": blocks or [{"type": "text", "text": ""}],
            **self._reason(done),
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
            reason = self._reason(event)
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
                yield from self._begin({**_use(each.call.name), "input": {}})
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

    def _reason(self, done: Done) -> dict[str, Any]:
        """Why the text ended, and by which stop sequence."""
        sample = done.choices[0]
        if finish_reason(sample, self._job) != "stop":
            return {"stop_reason": "max_tokens", "stop_sequence": None}
        written = self._engine.model.decode(sample.tokens)
        found = [(at, stop) for stop in self._job.stop if (at := written.find(stop)) >= 0]
        if found:
            return {"stop_reason": "stop_sequence", "stop_sequence": min(found)[1]}
        called = bool(self._growth.calls)
        return {"stop_reason": "tool_use" if called else "end_turn", "stop_sequence": None}

    def _usage(self, done: Done) -> dict[str, int]:
        prompt, completion = counts(done)
        return {"input_tokens": prompt, "output_tokens": completion}

    def _own(self, done: Done) -> dict[str, Any]:
        return own_field(self._job, done, self._body.ignored())


def _use(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": identifier("toolu_"), "name": name}


def _event(kind: str, **more: Any) -> dict[str, Any]:
    return {"event:": kind, "type": kind, **more}


def error_of(error: RequestError) -> dict[str, Any]:
    """An error as Anthropic answers it, and the field at fault where there is one."""
    kinds = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}
    kinds |= {403: "permission_error", 504: "timeout_error"}
    kinds |= {429: "rate_limit_error", 400: "invalid_request_error", 503: "overloaded_error"}
    told = {"type": kinds.get(error.status, "api_error"), "message": error.message}
    if error.param is not None:
        told["param"] = error.param
    return {"type": "error", "error": told}
