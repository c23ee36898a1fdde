"""``/v1/completions``: text, or token ids, and what comes after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from condit.serve.host import Host
from condit.serve.job import Delta, Done, Event, Job
from condit.serve.openai.chat import StreamOptions
from condit.serve.options import ResponseFormat, Sampling
from condit.serve.replies import finish_reason, identifier, own_field, token_text, usage
from condit.serve.request_errors import invalid
from condit.serve.scoring import Scored
from condit.vocabulary import Vocabulary

_MOST_PROMPTS = 128


class CompletionRequest(Sampling):
    """The body of a request."""

    prompt: str | list[str] | list[int] | list[list[int]]
    logprobs: Annotated[int, Field(ge=0, le=20)] | bool | None = None
    echo: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None

    def prompts(self) -> list[str | list[int]]:
        """Each prompt.

        Raises:
            RequestError: there is none, or more than a request may have.
        """
        given = self.prompt
        if isinstance(given, str) or (given and isinstance(given[0], int)):
            return [given]
        if not 1 <= len(given) <= _MOST_PROMPTS:
            raise invalid(f"prompt: give 1 to {_MOST_PROMPTS} of them, not {len(given)}", "prompt")
        return list(given)  # type: ignore[arg-type]

    def jobs(self, engine: Host) -> list[Job]:
        """What is to be drawn, for each prompt.

        Raises:
            RequestError: something in it cannot be done.
        """
        self.refuse_unsupported()
        wanted = None if self.response_format is None else self.response_format.specification()
        told = self.logprobs is not None and self.logprobs is not False
        job = replace(
            self.drawn("", self.specification(wanted)),
            logprobs=int(self.logprobs or 0) if told else None,
            echo=bool(self.echo),
        )
        # OpenAI's limit is 16 where none is given.
        most = 16 if self.max_tokens is None else self.max_tokens
        return [replace(job, prompt=prompt, max_tokens=most) for prompt in self.prompts()]


def head(host: Host) -> dict[str, Any]:
    """What every chunk of an answer repeats."""
    return {
        "id": identifier("cmpl-"),
        "object": "text_completion",
        "created": host.created_now(),
        "model": host.name,
    }


def answer(
    head: dict[str, Any], jobs: list[Job], all_done: list[Done], ignored: list[str], engine: Host
) -> dict[str, Any]:
    """The answer to jobs that have ended."""
    choices: list[dict[str, Any]] = []
    for job, done in zip(jobs, all_done, strict=True):
        for index, sample in enumerate(done.choices):
            choices.append(
                {
                    "index": len(choices),
                    "text": _echoed(job, engine) + sample.text,
                    "logprobs": _logprobs(job, done, index, engine.model.vocabulary),
                    "finish_reason": finish_reason(sample),
                }
            )
    used = [usage(done) for done in all_done]
    own = [own_field(job, done, ignored) for job, done in zip(jobs, all_done, strict=True)]
    return {
        **head,
        "choices": choices,
        "usage": {name: sum(each[name] for each in used) for name in used[0]},
        "condit": own[0] if len(own) == 1 else own,
    }


def _echoed(job: Job, engine: Host) -> str:
    if not job.echo:
        return ""
    return job.prompt if isinstance(job.prompt, str) else engine.model.decode(job.prompt)  # type: ignore[arg-type]


def _logprobs(job: Job, done: Done, index: int, vocabulary: Vocabulary) -> dict[str, Any] | None:
    """Probabilities as completions answer them: lists, one entry a token."""
    if job.logprobs is None:
        return None
    scored: Scored = (*(done.scored_prompt or ()), *done.scored[index])
    texts, offsets, at = [], [], 0
    for each in scored:
        text, _ = token_text(vocabulary, each.token)
        texts.append(text)
        offsets.append(at)
        at += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [each.log_probability for each in scored],
        "top_logprobs": [
            {token_text(vocabulary, token)[0]: value for token, value in reversed(each.top)} or None
            for each in scored
        ],
        "text_offset": offsets,
    }


class Stream:
    """The chunks of an answer that is sent as it grows."""

    def __init__(
        self, head: dict[str, Any], job: Job, tells: bool, ignored: list[str], engine: Host
    ) -> None:
        self._head = head
        self._job = job
        self._tells_usage = tells
        self._ignored = ignored
        self._engine = engine
        self._sent = [""] * job.n

    async def of(self, events: AsyncIterator[Event]) -> AsyncIterator[dict[str, Any] | str]:
        """The chunks of these events, and ``[DONE]``."""
        if self._job.echo:
            for index in range(self._job.n):
                yield self._chunk(index, _echoed(self._job, self._engine))
        async for event in events:
            if isinstance(event, Delta):
                self._sent[event.index] += event.text
                yield self._chunk(event.index, event.text)
                continue
            for chunk in self._end(event):
                yield chunk
        yield "[DONE]"

    def _end(self, done: Done) -> list[dict[str, Any]]:
        vocabulary = self._engine.model.vocabulary
        chunks = [
            self._chunk(
                index,
                sample.text.removeprefix(self._sent[index]),
                finish_reason(sample),
                _logprobs(self._job, done, index, vocabulary),
            )
            for index, sample in enumerate(done.choices)
        ]
        own = own_field(self._job, done, self._ignored)
        if self._tells_usage:
            chunks.append({**self._head, "choices": [], "usage": usage(done), "condit": own})
        else:
            chunks[-1]["condit"] = own
        return chunks

    def _chunk(
        self, index: int, text: str, reason: str | None = None, logprobs: Any = None
    ) -> dict[str, Any]:
        choice = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
        more = {"usage": None} if self._tells_usage else {}
        return {**self._head, "choices": [choice], **more}
