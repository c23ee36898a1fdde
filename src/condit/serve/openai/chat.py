"""``/v1/chat/completions``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from condit.serve.formats import ResponseFormat
from condit.serve.growth import CallBegins, Growth, MoreArguments, MoreText, News
from condit.serve.host import Host
from condit.serve.job import Delta, Done, Event, Job
from condit.serve.messages import chat, prompt_of
from condit.serve.openai.streams import Streamed
from condit.serve.openai.tools import ToolChoice, calls_of, choice_of, tools_of
from condit.serve.options import ConditOptions, limited
from condit.serve.policies import constrained
from condit.serve.replies import finish_reason, identifier, own_field, token_logprobs, usage
from condit.serve.request_errors import invalid
from condit.serve.scoring import Scored
from condit.serve.tools import Call, Choice, read
from condit.vocabulary import Vocabulary


class ChatRequest(Streamed):
    """The body of a request."""

    messages: list[dict[str, Any]]
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: ToolChoice = None
    parallel_tool_calls: bool | None = None
    functions: Any = None
    function_call: Any = None

    def choice(self) -> Choice:
        """The tools that may be called."""
        if self.functions is not None or self.function_call is not None:
            raise invalid("functions are not supported any more: use tools", "functions")
        tools = tools_of(self.tools or [], "tools")
        several = self.parallel_tool_calls is not False
        return choice_of(tools, self.tool_choice, several, "tool_choice")

    def job(self, engine: Host, choice: Choice) -> Job:
        """What is to be drawn.

        Raises:
            RequestError: something in it cannot be done.
        """
        if self.top_logprobs and not self.logprobs:
            raise invalid("top_logprobs needs logprobs: true", "top_logprobs")
        form = self.response_format
        wanted = None if form is None else form.specification("response_format")
        own, said = self.condit or ConditOptions(), chat(self.messages)
        places = [f"messages[{place}]" for place in range(len(said))]
        otherwise = self.specification(wanted)
        specification = constrained(choice, own.policy, said, places, otherwise)
        prompt = prompt_of(said, choice.tools, engine.model, own.instruct)
        job = replace(
            self.drawn(prompt, specification, own),
            n=1 if self.n is None else self.n,
            stream=bool(self.stream),
            logprobs=(self.top_logprobs or 0) if self.logprobs else None,
        )
        limits = {"max_tokens": self.max_tokens}
        if self.max_completion_tokens is not None:
            limits = {"max_completion_tokens": self.max_completion_tokens}
        return limited(job, engine, limits)


@dataclass(frozen=True)
class Head:
    """What every chunk of an answer repeats."""

    model: str
    created: int
    id: str = field(default_factory=lambda: identifier("chatcmpl-"))

    def of(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """An answer or a chunk of it."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "condit",
            "choices": choices,
            **more,
        }


def answer(
    head: Head, job: Job, done: Done, choice: Choice, ignored: list[str], engine: Host
) -> dict[str, Any]:
    """The answer to a job that has ended."""
    choices = []
    for index, sample in enumerate(done.choices):
        texts, calls = read(sample.text) if choice.tools else ((sample.text,), ())
        text = "".join(texts)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if calls:
            message |= {"content": text or None, "tool_calls": calls_of(calls)}
        scored = done.scored[index] if done.scored else None
        choices.append(
            {
                "index": index,
                "message": message,
                "logprobs": _logprobs(scored, engine.model.vocabulary),
                "finish_reason": _reason(finish_reason(sample, job), calls),
            }
        )
    own = own_field(job, done, ignored)
    return head.of("chat.completion", choices, usage=usage(done), condit=own)


def _logprobs(scored: Scored | None, vocabulary: Vocabulary) -> dict[str, Any] | None:
    if scored is None:
        return None
    return {"content": token_logprobs(scored, vocabulary), "refusal": None}


def _reason(reason: str, calls: Sequence[Call]) -> str:
    return "tool_calls" if calls and reason == "stop" else reason


def _delta(news: News) -> dict[str, Any] | None:
    """The delta of a chunk; ``None``: nothing to tell."""
    if isinstance(news, MoreText):
        return {"content": news.text}
    if isinstance(news, CallBegins):
        (said,) = calls_of([news.call])
        return {"tool_calls": [{"index": news.place, **said}]}
    if isinstance(news, MoreArguments):
        more = {"custom": {"input": news.text}} if news.custom else {}
        more = more or {"function": {"arguments": news.text}}
        return {"tool_calls": [{"index": news.place, **more}]}
    return None


class Stream:
    """The chunks of an answer that is sent as it grows."""

    def __init__(
        self,
        head: Head,
        job: Job,
        choice: Choice,
        tells_usage: bool,
        ignored: list[str],
        engine: Host,
    ) -> None:
        self._head = head
        self._job = job
        self._tells_usage = tells_usage
        self._ignored = ignored
        self._engine = engine
        self._growths = [Growth(bool(choice.tools)) for _ in range(job.n)]
        self._waiting: list[Scored] = [()] * job.n
        self._told = [0] * job.n

    async def of(self, events: AsyncIterator[Event]) -> AsyncIterator[dict[str, Any] | str]:
        """The chunks of these events, and ``[DONE]``."""
        for index in range(self._job.n):
            yield self._chunk(index, {"role": "assistant", "content": ""})
        async for event in events:
            if isinstance(event, Delta):
                self._waiting[event.index] += event.scored
                for news in self._growths[event.index].add(event.text):
                    if delta := _delta(news):
                        yield self._chunk(event.index, delta)
                continue
            for chunk in self._end(event):
                yield chunk
        yield "[DONE]"

    def _end(self, done: Done) -> list[dict[str, Any]]:
        chunks = []
        for index, sample in enumerate(done.choices):
            if done.scored:
                self._waiting[index] = done.scored[index][self._told[index] :]
            growth = self._growths[index]
            deltas = filter(None, map(_delta, growth.end(sample.text)))
            chunks += [self._chunk(index, delta) for delta in deltas]
            reason = _reason(finish_reason(sample, self._job), growth.calls)
            chunks.append(self._chunk(index, {}, reason))
        own = own_field(self._job, done, self._ignored)
        last = self._head.of("chat.completion.chunk", [], condit=own)
        if self._tells_usage:
            last["usage"] = usage(done)
            chunks.append(last)
        elif self._job.n_lanes is not None or self._job.trace:
            chunks.append(last)
        else:
            chunks[-1]["condit"] = own
        return chunks

    def _chunk(
        self, index: int, delta: dict[str, Any], reason: str | None = None
    ) -> dict[str, Any]:
        scored, self._waiting[index] = self._waiting[index], ()
        self._told[index] += len(scored)
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": _logprobs(scored or None, self._engine.model.vocabulary),
            "finish_reason": reason,
        }
        more = {"usage": None} if self._tells_usage else {}
        return self._head.of("chat.completion.chunk", [choice], **more)
