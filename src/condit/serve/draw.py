"""Draws a job: one call of ``condit.generate``, and the probabilities that it asks for.

Which thread does it, and when, is up to the server and to batches.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Sequence

from condit.constraint.base import Constraint
from condit.errors import BudgetError
from condit.generate import generate
from condit.model.base import Model
from condit.plugins import find_source
from condit.prefer.base import Preference
from condit.prefer.source import PreferenceSource, make_preference
from condit.result import Result, Sample
from condit.sampler.base import Sampler
from condit.serve.job import Done, Job
from condit.serve.scoring import Scored, score, score_prompt
from condit.speculate.settings import Drafts
from condit.trace import StepInfo, Writer


def draw(
    model: Model,
    job: Job,
    constraint: Constraint | None,
    *,
    sampler: str | Sampler,
    prefer: Preference | None = None,
    drafts: bool | Drafts = True,
    instruct: bool | str = False,
    on_step: Callable[[StepInfo], None] | None = None,
    began: Callable[[Sequence[int], Scored | None], None] | None = None,
    told: Callable[[int], Scored | None] | None = None,
    trace: Writer | None = None,
) -> Done:
    """All that a job asks for.

    Args:
        model: what draws.
        job: what is wanted.
        constraint: its specification, compiled.
        sampler: what draws, whatever the job says: see `sampler_for`.
        prefer: its preference.
        drafts: as in ``condit.generate``.
        instruct: as there; of jobs that do not say it.
        on_step: as there.
        began: is given the tokens of the prompt and their scores, if they are asked for, before
            anything is drawn.
        told: if given, each lane is a choice as it is, as it was sent already; it gives the scores
            of a lane that were sent, if any were.
        trace: as in ``condit.generate``.

    Raises:
        ConditError: there is no answer. Texts that were cut are one.
    """
    instructed = job.instruct or instruct
    tokens = tuple(model.encode_prompt(job.prompt))
    echoed = None
    if job.echo and job.logprobs is not None:
        echoed = score_prompt(model, tokens, job.logprobs)
    if began is not None:
        began(tokens, echoed)
    try:
        result = generate(
            model,
            job.prompt,
            constraint,
            n=job.lanes,
            max_tokens=job.max_tokens,
            prefer=prefer,
            sampler=sampler,
            seed=_seed(job.seed),
            temperature=job.temperature,
            top_k=job.top_k,
            top_p=job.top_p,
            logit_bias=job.logit_bias or None,
            stop=job.stop,
            drafts=drafts,
            instruct=instructed if constraint is not None else False,
            # Probabilities are told of tokens as the prompt ends and the text begins.
            heal=job.heal if job.logprobs is None else False,
            on_step=on_step,
            trace=trace,
        )
    except BudgetError as error:
        if error.result is None or error.needed is not None:
            raise
        result = error.result  # every text was cut, which its finish reason says
    choices = _choices(result, job.n, as_they_are=told is not None)
    scored: tuple[Scored, ...] = ()
    if (top := job.logprobs) is not None:
        sent = [None if told is None else told(lane) for lane in range(len(choices))]
        scored = tuple(
            _scored(model, job, tokens, each, top, known)
            for each, known in zip(choices, sent, strict=True)
        )
    return Done(choices, result, scored, echoed, tokens)


def _seed(given: int | None) -> int:
    """As in ``condit.generate``; OpenAI's may be negative, too, and those of a generator not."""
    if given is None:
        return secrets.randbits(63)
    return given if 0 <= given < 2**128 else given % 2**64


def sampler_for(job: Job, usual: str | Sampler) -> str | Sampler:
    """The sampler a job names; else the usual one, if it weighs no more texts than it answers."""
    if job.sampler is not None:
        return job.sampler
    return "auto" if job.n_lanes is not None and job.n_lanes > job.n else usual


def preference_of(job: Job, model: Model) -> Preference | None:
    """The preference that a job names; the model that draws judges, and no other is loaded."""
    if job.prefer is None:
        return None
    name, argument = job.prefer
    make = find_source("preferences", name, PreferenceSource).make
    judge = {"model": model} if "model" in inspect.signature(make).parameters else {}
    return make_preference(name, argument, **judge)


def _scored(
    model: Model, job: Job, prompt: Sequence[int], sample: Sample, top: int, known: Scored | None
) -> Scored:
    ends = _ends(model, job, sample)
    if known and not ends and [each.token for each in known] == list(sample.tokens):
        return known
    return score(model, prompt, sample.tokens, top, ends)


def _ends(model: Model, job: Job, sample: Sample) -> Sequence[int]:
    """The tokens one of which ended a text, where its probability is told.

    Who has a prompt echoed for its probabilities (lm-eval) asks for one token more and leaves that
    one out: without the end, the last token of the prompt would be left out instead.
    """
    ended = job.echo and sample.finish_reason == "stop" and not job.stop
    return sorted(model.vocabulary.ends) if ended else ()


def _choices(result: Result, n: int, as_they_are: bool) -> tuple[Sample, ...]:
    """The texts that are answered: the lanes themselves, or as many draws of them by weight.

    Lanes that came to nothing are replaced by draws of the others.
    """
    samples = result.samples
    if len(samples) == n and (as_they_are or all(sample.valid for sample in samples)):
        return samples
    if not any(sample.valid for sample in samples):
        return (*samples[:n], *[result.best] * (n - len(samples)))
    return tuple(result.draw() for _ in range(n))
