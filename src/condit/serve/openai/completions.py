"""``/v1/completions``: text, or token ids, and what comes after it."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from condit.serve.formats import ResponseFormat
from condit.serve.host import Host
from condit.serve.job import Delta, Done, Event, Job, echo_of
from condit.serve.openai.streams import Streamed
from condit.serve.options import ConditOptions, limited
from condit.serve.replies import finish_reason, identifier, own_field, usage
from condit.serve.request_errors import invalid
from condit.serve.scoring import Scored, TokenScore
from condit.vocabulary import Vocabulary

_MOST_PROMPTS = 128


class CompletionRequest(Streamed):
    """The body of a request."""

    prompt: str | list[str] | list[int] | list[list[int]]
    logprobs: Annotated[int, Field(ge=0, le=20)] | bool | None = None
    echo: bool | None = None
    response_format: ResponseFormat | None = None

    @property
    def draws_nothing(self) -> bool:
        """Whether only the prompt and its probabilities are asked for."""
        return self.max_tokens == 0 and bool(self.echo)

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
        form = self.response_format
        wanted = None if form is None else form.specification("response_format")
        specification = self.specification(wanted)
        if self.condit is not None and self.condit.policy is not None:
            raise invalid("condit.policy: there are no tools here", "condit.policy")
        told = self.logprobs is not None and self.logprobs is not False
        job = replace(
            self.drawn("", specification, self.condit or ConditOptions()),
            n=1 if self.n is None else self.n,
            stream=bool(self.stream),
            logprobs=int(self.logprobs or 0) if told else None,
            echo=bool(self.echo),
        )
        # OpenAI's limit is 16 where none is given.
        most = 16 if self.max_tokens is None else self.max_tokens
        if self.draws_nothing:
            # A token is drawn, as there is no run without, and left out of the answer.
            job, most = replace(job, specification=None, stream=False), 1
        job = limited(job, engine, {"max_tokens": most}, "prompt")
        return [replace(job, prompt=prompt) for prompt in self.prompts()]

    def without_text(self, done: Done) -> Done:
        """The end of a job, with no text where only the prompt is asked for."""
        if not self.draws_nothing:
            return done
        empty = [replace(each, text="", tokens=(), finish_reason="length") for each in done.choices]
        return replace(done, choices=tuple(empty), scored=tuple(() for _ in done.scored))


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
            scored = (*(done.scored_prompt or ()), *(done.scored[index] if done.scored else ()))
            told = None if job.logprobs is None else logprobs(scored, engine.model.vocabulary)
            choices.append(
                {
                    "index": len(choices),
                    "text": (echo_of(job.prompt, engine.model) if job.echo else "") + sample.text,
                    "logprobs": told,
                    "finish_reason": finish_reason(sample, job),
                }
            )
    own = _own(jobs, all_done, ignored)
    return {**head, "choices": choices, "usage": _usage(all_done), "condit": own}


def _usage(all_done: list[Done]) -> dict[str, Any]:
    used = [usage(done) for done in all_done]
    return {name: sum(each[name] for each in used) for name in used[0]}


def _own(jobs: list[Job], all_done: list[Done], ignored: list[str]) -> Any:
    """Condit's field: of one prompt, or a list of those of several."""
    own = [own_field(job, done, ignored) for job, done in zip(jobs, all_done, strict=True)]
    return own[0] if len(own) == 1 else own


def logprobs(scored: Scored, vocabulary: Vocabulary, before: bytes = b"") -> dict[str, Any]:
    """Probabilities as completions answer them: lists, one entry a token.

    Args:
        scored: the tokens.
        vocabulary: how they are spelled.
        before: the bytes before them, which were told already.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    at, offsets = len(decoder.decode(before)), []
    for each in scored:
        offsets.append(at)
        at += len(decoder.decode(vocabulary.bytes[each.token]))
    return {
        "tokens": [_name(vocabulary, each.token) for each in scored],
        "token_logprobs": [each.log_probability for each in scored],
        "top_logprobs": [
            # The token itself is told in any case.
            {_name(vocabulary, token): value for token, value in _alternatives(each)} or None
            for each in scored
        ],
        "text_offset": offsets,
    }


def _alternatives(each: TokenScore) -> list[tuple[int, float]]:
    if each.log_probability is None:
        return []
    told = list(each.top)
    if each.token not in {token for token, _ in told}:
        told.append((each.token, each.log_probability))
    return told


def _name(vocabulary: Vocabulary, token: int) -> str:
    """A token as text, or its bytes, as OpenAI writes them, so that different ones differ."""
    spelled = vocabulary.bytes[token]
    try:
        return spelled.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in spelled)


class Stream:
    """The chunks of an answer that is sent as it grows; each prompt has ``n`` choices in turn."""

    def __init__(
        self, head: dict[str, Any], jobs: list[Job], tells: bool, ignored: list[str], engine: Host
    ) -> None:
        self._head = head
        self._jobs = jobs
        self._tells_usage = tells
        self._ignored = ignored
        self._engine = engine
        choices = sum(job.n for job in jobs)
        self._sent = [""] * choices
        self._scored: list[Scored] = [()] * choices
        self._done: dict[int, Done] = {}

    async def of(
        self, events: AsyncIterator[tuple[int, Event]]
    ) -> AsyncIterator[dict[str, Any] | str]:
        """The chunks of these events, each with the place of its job, and ``[DONE]``."""
        async for place, event in events:
            first = place * self._jobs[0].n
            if isinstance(event, Delta):
                self._sent[first + event.index] += event.text
                yield self._chunk(first + event.index, event.text, event.scored)
                continue
            for chunk in self._end(place, first, event):
                yield chunk
        yield "[DONE]"

    def _end(self, place: int, first: int, done: Done) -> list[dict[str, Any]]:
        job, chunks = self._jobs[place], []
        before = echo_of(job.prompt, self._engine.model) if job.echo else ""
        for index, sample in enumerate(done.choices, first):
            scored: Scored = ()
            if done.scored:
                told = len(self._scored[index]) - len(done.scored_prompt or ())
                scored = done.scored[index - first][told:]
            rest = (before + sample.text).removeprefix(self._sent[index])
            chunks.append(self._chunk(index, rest, scored, finish_reason(sample, job)))
        self._done[place] = done
        if len(self._done) < len(self._jobs):
            return chunks
        all_done = [self._done[place] for place in range(len(self._jobs))]
        own = _own(self._jobs, all_done, self._ignored)
        if self._tells_usage:
            used = _usage(all_done)
            chunks.append({**self._head, "choices": [], "usage": used, "condit": own})
        else:
            chunks[-1]["condit"] = own
        return chunks

    def _chunk(
        self, index: int, text: str, scored: Scored, reason: str | None = None
    ) -> dict[str, Any]:
        vocabulary = self._engine.model.vocabulary
        told = None
        if scored:
            before = b"".join(vocabulary.bytes[each.token] for each in self._scored[index])
            told = logprobs(scored, vocabulary, before)
            self._scored[index] += scored
        choice = {"index": index, "text": text, "logprobs": told, "finish_reason": reason}
        more = {"usage": None} if self._tells_usage else {}
        return {**self._head, "choices": [choice], **more}
