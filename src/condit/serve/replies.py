"""Parts of answers that several protocols share: usage, probabilities, and Condit's own field."""

from __future__ import annotations

import secrets
from typing import Any

from condit.report import finite_or_none
from condit.result import Sample
from condit.serve.job import Done, Job
from condit.serve.scoring import Scored, TokenScore
from condit.serve.tools import END
from condit.vocabulary import Vocabulary


def identifier(prefix: str) -> str:
    """A fresh name for an answer."""
    return f"{prefix}{secrets.token_hex(12)}"


def counts(done: Done) -> tuple[int, int]:
    """Tokens of the prompt, and of the texts that are answered."""
    return len(done.prompt_tokens), sum(len(choice.tokens) for choice in done.choices)


def usage(done: Done) -> dict[str, Any]:
    """Tokens as OpenAI's chat and completions count them."""
    prompt, completion = counts(done)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def finish_reason(sample: Sample, job: Job) -> str:
    """``"stop"`` for a text that is whole; ``"length"`` for one that was cut in any way.

    Free text that may hold calls or tags could have ended anywhere. So where it has as many tokens
    as it may, nobody knows that it is whole.
    """
    if sample.finish_reason != "stop":
        return "length"
    is_free = job.specification is not None and job.specification.kind == "tags"
    whole = len(sample.tokens) < job.max_tokens or sample.text.endswith(END)
    return "stop" if whole or not is_free else "length"


def own_field(job: Job, done: Done, ignored: list[str]) -> dict[str, Any]:
    """The field ``condit`` of an answer: weights, evidence, report, and what was not understood."""
    whole = done.result.to_dict()
    choices = [
        {
            "log_weight": finite_or_none(sample.log_weight),
            "log_probability": finite_or_none(sample.log_probability),
            "valid": sample.valid,
        }
        for sample in done.choices
    ]
    field: dict[str, Any] = {
        "sampler": whole["sampler"],
        "reason": whole["reason"],
        "seed": whole["seed"],
        "choices": choices,
        "log_evidence": whole["log_evidence"],
        "ess": whole["ess"],
        "stats": whole["stats"],
    }
    if job.n_lanes is not None:
        field["samples"] = whole["samples"]
        field["report"] = whole["report"]
    if job.trace:
        field["trace"] = done.result.trace_lines()
    if job.logprobs is not None:
        field["constrained"] = _constrained(done)
    if ignored:
        field["ignored"] = ignored
    return field


def _constrained(done: Done) -> list[list[dict[str, Any]]]:
    """For each lane and token its probability in the base law, and the mass that was allowed."""
    lanes: list[list[dict[str, Any]]] = [[] for _ in done.result.samples]
    for info in done.result.trace:
        for drawn in info.draws:
            if drawn.lane is None or drawn.token is None or drawn.lane >= len(lanes):
                continue
            allowed, chosen = drawn.log_allowed, drawn.log_probability
            lanes[drawn.lane].append(
                {
                    "token": drawn.token,
                    "log_probability": finite_or_none(chosen),
                    "log_allowed": finite_or_none(allowed),
                    "log_probability_constrained": finite_or_none(chosen - allowed),
                }
            )
    return lanes


def token_logprobs(scored: Scored, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Probabilities as OpenAI's chat and responses answer them, and Ollama."""

    def entry(token: int, log_probability: float | None) -> dict[str, Any]:
        spelled = vocabulary.bytes[token]
        text = spelled.decode(errors="replace")
        return {"token": text, "logprob": log_probability, "bytes": list(spelled)}

    def of(each: TokenScore) -> dict[str, Any]:
        top = [entry(*pair) for pair in each.top]
        return {**entry(each.token, each.log_probability), "top_logprobs": top}

    return [of(each) for each in scored]
