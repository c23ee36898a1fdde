"""Rows in the shape of OpenAI's batch files: a body means here what it means over HTTP.

::

    {"custom_id": "a7", "method": "POST", "url": "/v1/chat/completions",
     "body": {"messages": [{"role": "user", "content": "A date?"}], "max_tokens": 16}}

Bodies are read, and replies written, by the protocols of the server (`condit.serve.openai`), which
need nothing of what makes a server. What a body does not say is as the batch says it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from condit.batches.constraints import ConstraintCache
from condit.batches.rows import Row
from condit.batches.seeds import seed_of
from condit.batches.settings import Settings
from condit.constraint.base import Constraint
from condit.errors import ConditError
from condit.model.base import Model, Prompt
from condit.plugins import unknown
from condit.serve.draw import draw, preference_of, sampler_for
from condit.serve.job import Done, Job
from condit.serve.openai import chat, completions
from condit.serve.openai.responses import Answer, ResponsesRequest
from condit.serve.options import Sampling
from condit.serve.request_errors import RequestError, invalid, of_constraint, of_validation
from condit.serve.specification import Specification

Body = dict[str, Any]
"""The body of a row, or of its reply."""

_ENVELOPE = ("custom_id", "method", "url", "body")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")

_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What Python raises for something of a wrong shape inside of what a constraint is made of."""

Request = TypeVar("Request", bound=Sampling)


@dataclass(frozen=True)
class Question:
    """What a row asks for.

    Attributes:
        jobs: what is to be drawn: more than one where the row has several prompts.
        reply: makes the body of the reply of what the jobs came to.
    """

    jobs: Sequence[Job]
    reply: Callable[[Sequence[Done]], Body]


class BatchHost:
    """Whoever draws, as the protocols see it.

    Args:
        model: what draws.
        settings: the batch's.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self.name = settings.model
        self.model = model
        self._max_tokens = settings.max_tokens

    def limit(self, prompt: Prompt, wanted: int | None, field: str = "messages") -> int:
        """The most tokens of a text: what is wanted, or else the batch's, if the context has it."""
        if wanted is not None or self.model.context is None:
            return self._max_tokens if wanted is None else wanted
        left = self.model.context - len(self.model.encode_prompt(prompt))
        return max(1, min(self._max_tokens, left))

    def created_now(self) -> int:
        """The time of an answer, in seconds since 1970."""
        return int(time.time())


def reply_to(
    row: Row, model: Model, settings: Settings, constraints: ConstraintCache, most_lanes: int
) -> Body:
    """The body of the reply to a row, once all is drawn.

    Args:
        row: the row.
        model: what draws.
        settings: the batch's: of what the body does not say.
        constraints: keeps what was compiled.
        most_lanes: the most texts that a job may draw.

    Raises:
        RowError: something around the body is wrong.
        RequestError: the body is refused, as the server would.
        ConditError: there is no text.
    """
    host = BatchHost(model, settings)
    question = question_of(row, host, settings)
    done = []
    for place, job in enumerate(question.jobs):
        _check(job, most_lanes)
        if place and row.fields["body"].get("seed") is None:
            # Equal seeds would make the texts of the prompts depend on each other.
            job = replace(job, seed=seed_of(settings.seed, f"{row.id}\n{place}"))
        wanted = job.specification
        made = settings.constraint if wanted is None else _constraint(wanted, constraints)
        drawn = draw(
            model,
            job if job.heal is not None else replace(job, heal=settings.heal),
            made,
            sampler=sampler_for(job, settings.sampler),
            prefer=preference_of(job, model) or settings.prefer,
            drafts=settings.drafts,
            instruct=settings.instruct,
        )
        done.append(drawn)
    return question.reply(done)


def question_of(row: Row, host: BatchHost, settings: Settings) -> Question:
    """What a row asks for.

    Raises:
        RowError: something around the body is wrong.
        RequestError: something in the body cannot be done; the message names it.
    """
    _check_envelope(row)
    body = row.fields["body"]
    if body.get("stream"):
        raise invalid("stream: a batch answers whole texts: leave it out", "stream")
    named = body.get("model")
    if named and named != settings.model and not settings.any_model:
        raise RequestError(
            404,
            f"it asks for the model {named!r}, and this batch runs {settings.model}: leave out "
            "model, or let the batch answer rows for any model (any_model, --any-model)",
            param="model",
            code="model_not_found",
        )
    url = row.fields.get("url", "/v1/chat/completions")
    return _PROTOCOLS[url](_with_settings(body, url, row, settings), host)


def _check_envelope(row: Row) -> None:
    fields = row.fields
    for name in fields:
        if name not in _ENVELOPE:
            raise row.error(unknown("field of a row for OpenAI's API", name, _ENVELOPE), name)
    if (url := fields.get("url", "/v1/chat/completions")) not in _PROTOCOLS:
        known = ", ".join(_PROTOCOLS)
        raise row.error(f"url is {url!r}: what is answered here is {known}", "url")
    if fields.get("method", "POST") != "POST":
        raise row.error(f"method is {fields['method']!r}: write POST", "method")
    if not isinstance(fields.get("body"), dict):
        raise row.error("body is missing, or no object", "body")


def _with_settings(body: Mapping[str, Any], url: str, row: Row, settings: Settings) -> Body:
    """The body with what the batch says, where it does not say it itself."""
    usual: Body = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop": list(settings.stop) or None,
        "seed": seed_of(settings.seed, row.id),
    }
    if all(body.get(name) is None for name in _LIMITS) and url == "/v1/completions":
        usual["max_tokens"] = settings.max_tokens
    if url != "/v1/responses":
        usual["n"] = settings.n
    elif settings.n > 1:
        usual["condit"] = {"n_lanes": settings.n}
    said = {name: value for name, value in body.items() if value is not None}
    return usual | said


def _read(kind: type[Request], body: Body) -> Request:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise of_validation(error.errors()) from error


def _chat(body: Body, host: BatchHost) -> Question:
    asked = _read(chat.ChatRequest, body)
    choice = asked.choice()
    job = asked.job(host, choice)

    def reply(done: Sequence[Done]) -> Body:
        head = chat.Head(host.name, host.created_now())
        return chat.answer(head, job, done[0], choice, asked.ignored(), host)

    return Question([job], reply)


def _completions(body: Body, host: BatchHost) -> Question:
    asked = _read(completions.CompletionRequest, body)
    jobs = asked.jobs(host)

    def reply(done: Sequence[Done]) -> Body:
        head = completions.head(host)
        return completions.answer(head, jobs, list(done), asked.ignored(), host)

    return Question(jobs, reply)


def _responses(body: Body, host: BatchHost) -> Question:
    asked = _read(ResponsesRequest, body)
    choice = asked.choice()
    job = asked.job(host, choice)

    def reply(done: Sequence[Done]) -> Body:
        return Answer(asked, job, choice, host).whole(done[0])

    return Question([job], reply)


_PROTOCOLS: dict[str, Callable[[Body, BatchHost], Question]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completions,
    "/v1/responses": _responses,
}


def _check(job: Job, most_lanes: int) -> None:
    for name, number in (("n", job.n), ("condit.n_lanes", job.lanes)):
        if not 1 <= number <= most_lanes:
            raise invalid(
                f"{name} must be from 1 to {most_lanes}, not {number}: ask for fewer texts, or let "
                "the batch draw more for one row (most_lanes, --most-lanes)",
                name,
                "out_of_range",
            )
    if job.lanes < job.n:
        raise invalid(
            f"condit.n_lanes={job.lanes} is less than n={job.n}", "condit.n_lanes", "out_of_range"
        )


def _constraint(wanted: Specification, constraints: ConstraintCache) -> Constraint:
    try:
        return constraints.made(("a body's", *wanted.key), wanted.build)
    except ConditError as error:
        raise of_constraint(error, wanted.param) from error
    except _MALFORMED as error:
        raise invalid(
            f"what {wanted.param} holds is no constraint ({type(error).__name__}: "
            f"{str(error)[:200]}): see condit constraints for what each kind is made of",
            wanted.param,
            "invalid_constraint",
        ) from error
