"""``/v1/responses``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from condit.serve.formats import ResponseFormat
from condit.serve.growth import CallBegins, CallEnds, Growth, MoreArguments, MoreText, News
from condit.serve.host import Host
from condit.serve.job import Delta, Done, Event, Job
from condit.serve.messages import Message, answer, call, prompt_of, text_of
from condit.serve.openai.tools import ToolChoice, choice_of, tools_of
from condit.serve.options import ConditOptions, Sampling, limited
from condit.serve.policies import constrained
from condit.serve.replies import counts, finish_reason, identifier, own_field, token_logprobs
from condit.serve.request_errors import RequestError, invalid
from condit.serve.scoring import Scored
from condit.serve.tools import Call, Choice


class TextConfig(BaseModel):
    """``text``: the form of the answer."""

    model_config = ConfigDict(extra="allow")

    format: ResponseFormat | None = None


class ResponsesRequest(Sampling):
    """The body of a request."""

    says_format = "text: {format: ...}"

    input: str | list[dict[str, Any]]
    instructions: str | None = None
    max_output_tokens: int | None = None
    text: TextConfig | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: ToolChoice = None
    parallel_tool_calls: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    include: list[str] | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    background: bool | None = None

    def choice(self) -> Choice:
        """The tools that may be called."""
        tools = tools_of(self.tools or [], "tools")
        several = self.parallel_tool_calls is not False
        return choice_of(tools, self.tool_choice, several, "tool_choice")

    def job(self, engine: Host, choice: Choice) -> Job:
        """What is to be drawn.

        Raises:
            RequestError: something in it cannot be done.
        """
        for name in ("previous_response_id", "conversation", "prompt", "background"):
            if getattr(self, name):
                raise invalid(
                    f"{name}: this server keeps no responses: send the whole input each time",
                    name,
                    "unsupported_parameter",
                )
        self.one_text()
        form = None if self.text is None else self.text.format
        wanted = None if form is None else form.specification("text.format", flat=True)
        own, placed = self.condit or ConditOptions(), self._messages()
        said = [message for message, _ in placed]
        otherwise = self.specification(wanted)
        places = [place for _, place in placed]
        specification = constrained(choice, own.policy, said, places, otherwise)
        prompt = prompt_of(said, choice.tools, engine.model, own.instruct)
        tells = "message.output_text.logprobs" in (self.include or ())
        job = replace(
            self.drawn(prompt, specification, own),
            stream=bool(self.stream),
            logprobs=(self.top_logprobs or 0) if tells or self.top_logprobs else None,
        )
        return limited(job, engine, {"max_output_tokens": self.max_output_tokens}, "input")

    def _messages(self) -> list[tuple[Message, str]]:
        """The messages, and what the request calls them."""
        said: list[tuple[Message, str]] = []
        if self.instructions:
            said.append(({"role": "system", "content": self.instructions}, "instructions"))
        if isinstance(self.input, str):
            return [*said, ({"role": "user", "content": self.input}, "input")]
        if not self.input:
            raise invalid("input is empty: give a text or at least one item", "input")
        return [
            *said,
            *(
                (message, f"input[{place}]")
                for place, item in enumerate(self.input)
                if (message := _said(item, f"input[{place}]")) is not None
            ),
        ]


def _said(item: Mapping[str, Any], param: str) -> Message | None:
    """An item of the input as a message; ``None``: it is none for the model."""
    kind = item.get("type", "message")
    if kind == "message":
        role = {"developer": "system"}.get(str(item.get("role")), item.get("role"))
        if role not in ("system", "user", "assistant"):
            raise invalid(f"{param}.role: there is no role {role!r}", f"{param}.role")
        return {"role": role, "content": text_of(item.get("content"), f"{param}.content")}
    try:
        if kind in ("function_call", "custom_tool_call"):
            custom = kind == "custom_tool_call"
            held = item["input" if custom else "arguments"]
            made = call(item["name"], held, custom=custom, id=item.get("call_id"))
            return {"role": "assistant", "content": "", "tool_calls": [made]}
        if kind in ("function_call_output", "custom_tool_call_output"):
            return answer(text_of(item["output"], f"{param}.output"), id=item.get("call_id"))
    except KeyError as error:
        where = f"{param}.{error.args[0]}"
        raise invalid(f"{where} is missing", where) from error
    if kind == "reasoning":
        return None
    raise invalid(f"{param}: an item of type {kind!r} is not supported", f"{param}.type")


@dataclass
class _Item:
    """One item of the output: a message, or a call."""

    id: str
    call: Call | None = None
    call_id: str = field(default_factory=lambda: identifier("call_"))
    text: str = ""
    logprobs: list[Any] = field(default_factory=list)

    def to_dict(self, status: str) -> dict[str, Any]:
        if self.call is None:
            part = [_part(self.text, self.logprobs)] if status != "in_progress" else []
            head = {"type": "message", "role": "assistant", "id": self.id}
            return {**head, "status": status, "content": part}
        what = "input" if self.call.custom else "arguments"
        kind = "custom_tool_call" if self.call.custom else "function_call"
        head = {"type": kind, "id": self.id, "call_id": self.call_id, "name": self.call.name}
        return {**head, what: self.text, "status": status}


def _part(text: str, logprobs: Sequence[Any] = ()) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}


def _told_format(body: ResponsesRequest) -> dict[str, Any]:
    form = None if body.text is None else body.text.format
    if form is None:
        return {"type": "text"}
    return form.model_dump(by_alias=True, exclude_unset=True)


class Answer:
    """A response, whole or as the events of its growth."""

    def __init__(self, body: ResponsesRequest, job: Job, choice: Choice, engine: Host) -> None:
        self._body = body
        self._job = job
        self._choice = choice
        self._engine = engine
        self._id = identifier("resp_")
        self._created = engine.created_now()
        self._growth = Growth(bool(choice.tools))
        self._items: list[_Item] = []
        self._number = 0
        self._waiting: Scored = ()
        self._told = 0

    def whole(self, done: Done) -> dict[str, Any]:
        """The response to a job that has ended."""
        self._scores_of(done)
        list(self._grown(self._growth.end(done.choices[0].text)))
        list(self._closed(done))
        return self._ended(done)

    def _scores_of(self, done: Done) -> None:
        """The scores that were not told yet."""
        self._waiting = done.scored[0][self._told :] if done.scored else ()

    def _scored(self) -> list[Any]:
        """Those that are told now."""
        told = token_logprobs(self._waiting, self._engine.model.vocabulary)
        self._told += len(told)
        self._waiting = ()
        return told

    async def of(self, events: AsyncIterator[Event]) -> AsyncIterator[dict[str, Any] | str]:
        """The events of its growth."""
        yield self._event("response.created", response=self._response("in_progress"))
        yield self._event("response.in_progress", response=self._response("in_progress"))
        try:
            async for event in events:
                if isinstance(event, Delta):
                    self._waiting += event.scored
                    for told in self._grown(self._growth.add(event.text)):
                        yield told
                    continue
                self._scores_of(event)
                for told in self._grown(self._growth.end(event.choices[0].text)):
                    yield told
                for told in self._closed(event):
                    yield told
                cut = finish_reason(event.choices[0], self._job) == "length"
                kind = "response.incomplete" if cut else "response.completed"
                yield self._event(kind, response=self._ended(event))
        except RequestError as error:
            failed = self._response("failed")
            failed["error"] = {"code": error.code or "server_error", "message": error.message}
            yield self._event("response.failed", response=failed)

    def _grown(self, news: Iterator[News]) -> Iterator[dict[str, Any]]:
        for each in news:
            if isinstance(each, MoreText):
                yield from self._text(each.text)
            elif isinstance(each, CallBegins):
                prefix = "ctc_" if each.call.custom else "fc_"
                yield from self._begin(_Item(identifier(prefix), each.call))
            elif isinstance(each, MoreArguments):
                item, place = self._call(each.place)
                item.text += each.text
                what = "custom_tool_call_input" if each.custom else "function_call_arguments"
                yield self._event(
                    f"response.{what}.delta", item_id=item.id, output_index=place, delta=each.text
                )
            elif isinstance(each, CallEnds):
                item, place = self._call(each.place)
                item.call = each.call
                self._scored()  # the tokens of calls are told nowhere
                yield from self._call_done(item, place)

    def _text(self, more: str) -> Iterator[dict[str, Any]]:
        if not self._items or self._items[-1].call is not None:
            item = _Item(identifier("msg_"))
            yield from self._begin(item)
            where = {"item_id": item.id, "output_index": len(self._items) - 1, "content_index": 0}
            yield self._event("response.content_part.added", **where, part=_part(""))
        item = self._items[-1]
        item.text += more
        logprobs = self._scored()
        item.logprobs += logprobs
        where = {"item_id": item.id, "output_index": len(self._items) - 1, "content_index": 0}
        yield self._event("response.output_text.delta", **where, delta=more, logprobs=logprobs)

    def _begin(self, item: _Item) -> Iterator[dict[str, Any]]:
        yield from self._message_done("completed")
        self._items.append(item)
        place = len(self._items) - 1
        told = item.to_dict("in_progress")
        yield self._event("response.output_item.added", output_index=place, item=told)

    def _call(self, number: int) -> tuple[_Item, int]:
        """The item of a call, and its place in the output."""
        places = [place for place, item in enumerate(self._items) if item.call is not None]
        return self._items[places[number]], places[number]

    def _call_done(self, item: _Item, place: int) -> Iterator[dict[str, Any]]:
        custom = item.call is not None and item.call.custom
        what = "custom_tool_call_input" if custom else "function_call_arguments"
        given = {"input" if custom else "arguments": item.text}
        where = {"item_id": item.id, "output_index": place}
        yield self._event(f"response.{what}.done", **where, **given)
        told = item.to_dict("completed")
        yield self._event("response.output_item.done", output_index=place, item=told)

    def _message_done(self, status: str) -> Iterator[dict[str, Any]]:
        """The end of the last item, if it is a message."""
        if not self._items or self._items[-1].call is not None:
            return
        item, place = self._items[-1], len(self._items) - 1
        where = {"item_id": item.id, "output_index": place, "content_index": 0}
        told = list(item.logprobs)
        yield self._event("response.output_text.done", **where, text=item.text, logprobs=told)
        part = _part(item.text, item.logprobs)
        yield self._event("response.content_part.done", **where, part=part)
        whole = item.to_dict(status)
        yield self._event("response.output_item.done", output_index=place, item=whole)

    def _closed(self, done: Done) -> Iterator[dict[str, Any]]:
        """The end of what is still open."""
        sample = done.choices[0]
        if not self._items:
            yield from self._text("")
        item, place = self._items[-1], len(self._items) - 1
        status = "incomplete" if finish_reason(sample, self._job) == "length" else "completed"
        if item.call is not None:
            if not item.call.complete:
                told = item.to_dict("incomplete")
                yield self._event("response.output_item.done", output_index=place, item=told)
            return
        item.logprobs += self._scored()
        yield from self._message_done(status)

    def _ended(self, done: Done) -> dict[str, Any]:
        cut = finish_reason(done.choices[0], self._job) == "length"
        response = self._response("incomplete" if cut else "completed")
        if cut:
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        last = len(self._items) - 1
        response["output"] = [
            item.to_dict("incomplete" if cut and place == last else "completed")
            for place, item in enumerate(self._items)
        ]
        prompt, completion = counts(done)
        response["usage"] = {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        }
        response["condit"] = own_field(self._job, done, self._body.ignored())
        return response

    def _response(self, status: str) -> dict[str, Any]:
        body = self._body
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "model": self._engine.name,
            "output": [],
            "parallel_tool_calls": self._choice.several,
            "previous_response_id": None,
            "store": False,
            "temperature": self._job.temperature,
            "text": {"format": _told_format(body)},
            "tool_choice": body.tool_choice or "auto",
            "tools": body.tools or [],
            "top_p": self._job.top_p,
            "truncation": "disabled",
            "usage": None,
            "metadata": (body.model_extra or {}).get("metadata") or {},
        }

    def _event(self, kind: str, **more: Any) -> dict[str, Any]:
        number, self._number = self._number, self._number + 1
        return {"event:": kind, "type": kind, "sequence_number": number, **more}
