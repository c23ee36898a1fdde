"""Ollama's ``/api/chat`` and ``/api/generate``, with what its clients ask before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from condit.model.base import Prompt
from condit.serve.engine import Engine
from condit.serve.growth import CallEnds, Growth, MoreText
from condit.serve.job import Delta, Done, Job
from condit.serve.messages import Message, answer_text, call_text, with_tools
from condit.serve.openai.tools import tools_of
from condit.serve.options import ConditOptions
from condit.serve.replies import counts, finish_reason, own_field
from condit.serve.request_errors import RequestError, invalid
from condit.serve.specification import ANY_JSON_OBJECT, Specification, all_of, named
from condit.serve.tools import Call, Choice
from condit.version import __version__

_CHANGES = {"repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "min_p": 0.0}
"""Options that would change the texts and that there are not, with what changes nothing."""


class OllamaRequest(BaseModel):
    """What both requests have."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str | None = None
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    stream: bool = True
    condit: ConditOptions | None = None

    def to_job(self, engine: Engine, prompt: Prompt, choice: Choice | None = None) -> Job:
        """What is to be drawn.

        Raises:
            RequestError: something in it cannot be done.
        """
        own, options = self.condit or ConditOptions(), self.options
        for name, usual in _CHANGES.items():
            if options.get(name, usual) != usual:
                raise invalid(f"options.{name} is not supported: leave it out", f"options.{name}")
        stop = options.get("stop") or ()
        predict, seed = options.get("num_predict"), options.get("seed")
        for name, number in (("num_predict", predict), ("seed", seed)):
            if number is not None and type(number) is not int:
                raise invalid(f"options.{name} must be a whole number", f"options.{name}")
        stops = [stop] if isinstance(stop, str) else stop
        if not isinstance(stops, list | tuple) or any(
            not isinstance(each, str) or not each for each in stops
        ):
            raise invalid("options.stop must be texts, none of them empty", "options.stop")
        wanted = all_of([*self._format(), *named(own.constraint)])
        try:
            top_k = int(options.get("top_k") or 0)
            return Job(
                prompt=prompt,
                specification=wanted if choice is None else choice.specification(wanted),
                max_tokens=engine.limit(prompt, predict if predict and predict > 0 else None),
                seed=seed,
                temperature=float(options.get("temperature", 1.0)),
                top_k=top_k if top_k > 0 else None,
                top_p=float(options.get("top_p", 1.0)),
                stop=tuple(stops),
                sampler=own.sampler,
                n_lanes=own.n_lanes,
                prefer=own.preference(),
                instruct=own.instruct,
                heal=own.heal,
                stream=self.stream,
                trace=own.trace,
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise invalid(f"options: {error}", "options") from error

    def _format(self) -> list[Specification]:
        if not self.format:
            return []
        if self.format == "json":
            return [Specification.of("json_schema", ANY_JSON_OBJECT, "format")]
        if isinstance(self.format, str):
            raise invalid(f"format: {self.format!r} is neither 'json' nor a schema", "format")
        return [Specification.of("json_schema", self.format, "format")]


class GenerateRequest(OllamaRequest):
    """The body of ``/api/generate``."""

    prompt: str = ""
    system: str | None = None
    raw: bool = False
    images: list[Any] | None = None


class ChatRequest(OllamaRequest):
    """The body of ``/api/chat``."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None


def routes(engine: Engine) -> APIRouter:
    """Ollama's routes."""
    # Clients of Ollama may leave out that a body is JSON; LiteLLM does.
    router = APIRouter(tags=["Ollama"], strict_content_type=False)

    @router.post("/api/generate", summary="Go on from a prompt", response_model=None)
    async def generate(body: GenerateRequest) -> Response:
        engine.check_model(_name(body.model))
        if body.images:
            raise invalid("images: this model reads text alone", "images", "unsupported_content")
        prompt: Prompt = body.prompt
        if not body.raw:
            system = [{"role": "system", "content": body.system}] if body.system else []
            prompt = [*system, {"role": "user", "content": body.prompt}]
        answer = _Answer(engine, body.to_job(engine, prompt), Choice(()), chat=False)
        return await _answered(engine, answer, body.stream)

    @router.post("/api/chat", summary="Answer chat messages", response_model=None)
    async def chat(body: ChatRequest) -> Response:
        engine.check_model(_name(body.model))
        choice = Choice(tools_of(body.tools or [], "tools"))
        prompt = with_tools(_messages(body.messages), choice.tools)
        answer = _Answer(engine, body.to_job(engine, prompt, choice), choice, chat=True)
        return await _answered(engine, answer, body.stream)

    @router.get("/api/tags", summary="The model that is served")
    async def tags() -> dict[str, Any]:
        return {"models": [_model(engine)]}

    @router.get("/api/ps", summary="The model that is loaded")
    async def loaded() -> dict[str, Any]:
        return {"models": [{**_model(engine), "size_vram": 0}]}

    @router.post("/api/show", summary="The model")
    async def show() -> dict[str, Any]:
        context = {"condit.context_length": engine.model.context}
        details = _model(engine)["details"]
        return {"details": details, "model_info": context, "capabilities": ["completion", "tools"]}

    @router.get("/api/version", summary="The version")
    async def version() -> dict[str, str]:
        return {"version": __version__}

    return router


def _name(name: str | None) -> str | None:
    return None if name is None else name.removesuffix(":latest")


def _model(engine: Engine) -> dict[str, Any]:
    return {
        "name": engine.name,
        "model": engine.name,
        "modified_at": datetime.fromtimestamp(engine.created, UTC).isoformat(),
        "size": 0,
        "digest": "",
        "details": {"format": "condit", "family": engine.name, "families": [engine.name]},
    }


def _messages(given: list[dict[str, Any]]) -> list[Message]:
    if not given:
        raise invalid("messages is empty: give at least one message", "messages")
    said: list[Message] = []
    for place, message in enumerate(given):
        role, content = message.get("role"), message.get("content") or ""
        where = f"messages[{place}]"
        if role not in ("system", "user", "assistant", "tool"):
            raise invalid(f"{where}.role: there is no role {role!r}", f"{where}.role")
        if message.get("images"):
            raise invalid(f"{where}.images: this model reads text alone", f"{where}.images")
        if not isinstance(content, str):
            raise invalid(f"{where}.content must be a text", f"{where}.content")
        if role == "tool":
            said.append({"role": "user", "content": answer_text(content)})
            continue
        calls = [
            call_text(str(each["name"]), json.dumps(each.get("arguments", {})))
            for call in message.get("tool_calls") or ()
            if isinstance(each := call.get("function"), dict) and "name" in each
        ]
        pieces = [*([content] if content else []), *calls]
        said.append({"role": role, "content": "\n".join(pieces)})
    return said


async def _answered(engine: Engine, answer: _Answer, stream: bool) -> Response:
    if not stream:
        return JSONResponse(answer.whole(await engine.complete(answer.job)))
    events = engine.draw(answer.job)
    first = await anext(events)

    async def lines() -> AsyncIterator[bytes]:
        async with aclosing(events):
            try:
                for line in answer.of(first):
                    yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
                async for event in events:
                    for line in answer.of(event):
                        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
            except RequestError as error:
                yield json.dumps({"error": error.message}).encode() + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


class _Answer:
    """An answer, whole or line by line."""

    def __init__(self, engine: Engine, job: Job, choice: Choice, *, chat: bool) -> None:
        self.job = job
        self._engine = engine
        self._chat = chat
        self._growth = Growth(bool(choice.tools))

    def whole(self, done: Done) -> dict[str, Any]:
        """The answer to a job that has ended."""
        calls = []
        text = ""
        for news in self._growth.end(done.choices[0].text):
            if isinstance(news, MoreText):
                text += news.text
            elif isinstance(news, CallEnds):
                calls.append(news.call)
        return {**self._line(text, calls), **self._last(done)}

    def of(self, event: Delta | Done) -> list[dict[str, Any]]:
        """The lines of an event."""
        ended = isinstance(event, Done)
        found = (
            self._growth.end(event.choices[0].text)
            if isinstance(event, Done)
            else self._growth.add(event.text)
        )
        lines = []
        for news in found:
            if isinstance(news, MoreText):
                lines.append({**self._line(news.text, []), "done": False})
            elif isinstance(news, CallEnds):
                lines.append({**self._line("", [news.call]), "done": False})
        if ended and isinstance(event, Done):
            lines.append({**self._line("", []), **self._last(event)})
        return lines

    def _line(self, text: str, calls: list[Call]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        head = {"model": self._engine.name, "created_at": now}
        if not self._chat:
            return {**head, "response": text}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"function": {"name": call.name, "arguments": json.loads(call.arguments)}}
                for call in calls
            ]
        return {**head, "message": message}

    def _last(self, done: Done) -> dict[str, Any]:
        prompt, completion = counts(done)
        nanoseconds = round(done.result.stats.seconds * 1e9)
        return {
            "done": True,
            "done_reason": finish_reason(done.choices[0]),
            "total_duration": nanoseconds,
            "load_duration": 0,
            "prompt_eval_count": prompt,
            "prompt_eval_duration": 0,
            "eval_count": completion,
            "eval_duration": nanoseconds,
            "condit": own_field(self.job, done, []),
        }
