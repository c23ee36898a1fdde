"""Ollama's ``/api/chat`` and ``/api/generate``, with what its clients ask before."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from condit.model.base import Prompt
from condit.serve import other_fields
from condit.serve.engine import Engine
from condit.serve.growth import CallEnds, Growth, MoreText
from condit.serve.job import Delta, Done, Job
from condit.serve.messages import Message, chat, prompt_of
from condit.serve.openai.tools import tools_of
from condit.serve.options import ConditOptions, SamplingOptions, limited
from condit.serve.policies import constrained
from condit.serve.replies import counts, finish_reason, own_field, token_logprobs
from condit.serve.request_errors import RequestError, invalid
from condit.serve.scoring import Scored
from condit.serve.specification import ANY_JSON_OBJECT, Specification, all_of, named
from condit.serve.tools import Call, Choice
from condit.version import __version__

_OF_THE_MACHINE = {
    *("num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "numa", "use_mmap"),
    *("use_mlock", "low_vram", "f16_kv", "vocab_only", "repeat_last_n", "penalize_newline"),
    *("mirostat_tau", "mirostat_eta"),
}
"""Options that have no bearing on what is drawn here."""


class Options(SamplingOptions):
    """``options``: how texts are drawn."""

    prefix: ClassVar[str] = "options."

    num_predict: int | None = Field(default=None, description="0 or less: no limit is set.")


class OllamaRequest(BaseModel):
    """What both requests have."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str | None = None
    format: str | dict[str, Any] | None = None
    options: Options | None = None
    stream: bool | None = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    images: list[Any] | None = None
    condit: ConditOptions | None = None

    @property
    def streams(self) -> bool:
        """Whether the answer comes line by line, as it does unless it is said not to."""
        return self.stream is not False

    def job(
        self,
        engine: Engine,
        prompt: Prompt,
        field: str,
        choice: Choice,
        messages: Sequence[Message] = (),
    ) -> Job:
        """What is to be drawn.

        Args:
            engine: knows limits.
            prompt: the prompt.
            field: what the request calls it.
            choice: the tools that may be called.
            messages: those before, if it is a chat.

        Raises:
            RequestError: something in it cannot be done.
        """
        own, options = self.condit or ConditOptions(), self.options or Options()
        other_fields.refuse(self.model_extra, "format")
        other_fields.refuse(options.model_extra, "format", "options.")
        if self.think:
            raise invalid(f"think: {engine.name!r} does not support thinking", "think")
        if self.images:
            raise invalid("images: this model reads text alone", "images", "unsupported_content")
        otherwise = all_of([*self._format(), *named(own.constraint)])
        places = [f"messages[{place}]" for place in range(len(messages))]
        wanted = constrained(choice, own.policy, messages, places, otherwise)
        tells = self.logprobs or self.top_logprobs
        job = replace(
            options.drawn(prompt, wanted, own),
            stream=self.streams,
            logprobs=(self.top_logprobs or 0) if tells else None,
        )
        most = options.num_predict if options.num_predict and options.num_predict > 0 else None
        return limited(job, engine, {"options.num_predict": most}, field)

    def ignored(self) -> list[str]:
        """Fields that nothing is known of."""
        options = set(other_fields.unknown(self.options.model_extra if self.options else None))
        return [
            *other_fields.unknown(self.model_extra),
            *(f"options.{name}" for name in sorted(options - _OF_THE_MACHINE)),
        ]

    def _format(self) -> list[Specification]:
        if self.format is None or self.format == "":
            return []
        if self.format == "json":
            return [Specification.of("json_schema", ANY_JSON_OBJECT, "format")]
        if isinstance(self.format, str):
            raise invalid(f"format: {self.format!r} is neither 'json' nor a schema", "format")
        return [Specification.of("json_schema", self.format, "format")]


class GenerateRequest(OllamaRequest):
    """The body of ``/api/generate``."""

    prompt: str | None = None
    system: str | None = None
    raw: bool | None = None
    suffix: str | None = None
    template: str | None = None
    context: list[int] | None = None

    def refuse(self, engine: Engine) -> None:
        """Raise `RequestError` for what would make another prompt of it."""
        if self.suffix:
            raise invalid(f"suffix: {engine.name!r} does not support insert", "suffix")
        for name in ("template", "context"):
            if getattr(self, name):
                raise invalid(f"{name} is not supported: leave it out", name)


class ChatRequest(OllamaRequest):
    """The body of ``/api/chat``."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None


class ShowRequest(BaseModel):
    """The body of ``/api/show``."""

    model: str | None = None
    name: str | None = None


def routes(engine: Engine) -> APIRouter:
    """Ollama's routes."""
    # Clients of Ollama may leave out that a body is JSON; LiteLLM does.
    router = APIRouter(tags=["Ollama"], strict_content_type=False)

    @router.post("/api/generate", summary="Go on from a prompt", response_model=None)
    async def generate(body: GenerateRequest) -> Response:
        engine.check_model(_name(body.model))
        body.refuse(engine)
        text = body.prompt or ""
        if not text and not body.system:
            return _loaded(engine, body, {"response": ""})
        prompt: Prompt = text
        if not body.raw:
            system = [{"role": "system", "content": body.system}] if body.system else []
            prompt = [*system, {"role": "user", "content": text}]
        job = body.job(engine, prompt, "prompt", Choice(()))
        return await _answered(engine, _Answer(engine, body, job, Choice(())))

    @router.post("/api/chat", summary="Answer chat messages", response_model=None)
    async def chat_messages(body: ChatRequest) -> Response:
        engine.check_model(_name(body.model))
        if not body.messages:
            return _loaded(engine, body, {"message": {"role": "assistant", "content": ""}})
        tools = tools_of(body.tools or [], "tools")
        choice = Choice(tools, declared=tools)
        instruct = body.condit is not None and body.condit.instruct
        said = [{**each, "content": each.get("content") or ""} for each in body.messages]
        messages = chat(said)
        prompt = prompt_of(messages, choice.tools, engine.model, instruct)
        job = body.job(engine, prompt, "messages", choice, messages)
        return await _answered(engine, _Answer(engine, body, job, choice))

    @router.get("/api/tags", summary="The model that is served")
    async def tags() -> dict[str, Any]:
        return {"models": [_model(engine)]}

    @router.get("/api/ps", summary="The model that is loaded")
    async def loaded() -> dict[str, Any]:
        more = {"size_vram": 0, "context_length": engine.model.context}
        return {"models": [{**_model(engine), **more}]}

    @router.post("/api/show", summary="The model")
    async def show(body: ShowRequest) -> dict[str, Any]:
        engine.check_model(_name(body.model or body.name))
        context = {"general.architecture": "condit", "condit.context_length": engine.model.context}
        model = _model(engine)
        return {
            "details": model["details"],
            "model_info": context,
            "modified_at": model["modified_at"],
            "template": engine.model.chat_template,
            "capabilities": ["completion", "tools"],
        }

    @router.get("/api/version", summary="The version")
    async def version() -> dict[str, str]:
        return {"version": __version__}

    @router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def running() -> Response:
        return PlainTextResponse("Condit is running")

    return router


def _loaded(engine: Engine, body: OllamaRequest, empty: dict[str, Any]) -> Response:
    """The answer to a request without a prompt, by which a model is loaded or let go."""
    reason = "unload" if (body.model_extra or {}).get("keep_alive") in (0, "0") else "load"
    now = datetime.now(UTC).isoformat()
    head = {"model": engine.name, "created_at": now}
    return JSONResponse({**head, **empty, "done": True, "done_reason": reason})


def _name(name: str | None) -> str | None:
    return None if name is None else name.removesuffix(":latest")


def _model(engine: Engine) -> dict[str, Any]:
    return {
        "name": engine.name,
        "model": engine.name,
        "modified_at": datetime.fromtimestamp(engine.created, UTC).isoformat(),
        "size": 0,
        "digest": "",
        "details": {
            "parent_model": "",
            "format": "condit",
            "family": engine.name,
            "families": [engine.name],
            "parameter_size": "",
            "quantization_level": "",
        },
    }


async def _answered(engine: Engine, answer: _Answer) -> Response:
    if not answer.job.stream:
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

    def __init__(self, engine: Engine, body: OllamaRequest, job: Job, choice: Choice) -> None:
        self.job = job
        self._began = time.perf_counter()
        self._engine = engine
        self._body = body
        self._growth = Growth(bool(choice.tools))
        self._waiting: Scored = ()
        self._told = 0

    def whole(self, done: Done) -> dict[str, Any]:
        """The answer to a job that has ended."""
        calls = []
        text = ""
        self._waiting = done.scored[0] if done.scored else ()
        for news in self._growth.end(done.choices[0].text):
            if isinstance(news, MoreText):
                text += news.text
            elif isinstance(news, CallEnds):
                calls.append(news.call)
        return {**self._line(text, calls), **self._last(done)}

    def of(self, event: Delta | Done) -> list[dict[str, Any]]:
        """The lines of an event."""
        if isinstance(event, Delta):
            self._waiting += event.scored
            found = self._growth.add(event.text)
        else:
            self._waiting = event.scored[0][self._told :] if event.scored else ()
            found = self._growth.end(event.choices[0].text)
        lines = []
        for news in found:
            if isinstance(news, MoreText):
                lines.append({**self._line(news.text, []), "done": False})
            elif isinstance(news, CallEnds):
                lines.append({**self._line("", [news.call]), "done": False})
        if isinstance(event, Done):
            lines.append({**self._line("", []), **self._last(event)})
        return lines

    def _line(self, text: str, calls: list[Call]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        head: dict[str, Any] = {"model": self._engine.name, "created_at": now}
        if self._waiting:
            head["logprobs"] = token_logprobs(self._waiting, self._engine.model.vocabulary)
            self._told += len(self._waiting)
            self._waiting = ()
        if not isinstance(self._body, ChatRequest):
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
            "done_reason": finish_reason(done.choices[0], self.job),
            "total_duration": round((time.perf_counter() - self._began) * 1e9),
            "load_duration": 0,
            "prompt_eval_count": prompt,
            "prompt_eval_duration": 0,
            "eval_count": completion,
            "eval_duration": nanoseconds,
            "condit": own_field(self.job, done, self._body.ignored()),
        }
