"""``generate``: weighted texts from one continuous batch of vLLM, as results of Condit."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from condit.constraint.base import Constraint
from condit.errors import ArgumentError, ModelError
from condit.report import Guarantee, Report
from condit.result import Result, Sample, Stats
from condit.weights import (
    effective_groups,
    effective_sample_size,
    largest_share,
    log_mean_exp,
    relative_error,
)
from condit_vllm.processor import TEXTS
from condit_vllm.request import FIELD, KEY, constraint_of, specification_of
from condit_vllm.text import vocabulary_of

OPTIONS: dict[str, Any] = {
    "logits_processors": ["condit_vllm:ConditLogitsProcessor"],
    "worker_extension_cls": "condit_vllm.WeightsExtension",
}
"""What ``vllm.LLM`` needs: ``LLM(model, **OPTIONS)``."""


class WeightsExtension:
    """Gives vLLM's workers a method that hands weights back."""

    def condit_weights(self, keys: Sequence[str] | str) -> dict[str, list[dict[str, Any]]]:
        """What is known of the texts of some keys, which are forgotten.

        Args:
            keys: the ``condit_key`` of requests; one, or several.

        Returns:
            for each key a record for each text: see ``Text.record``.
        """
        wanted = [keys] if isinstance(keys, str) else keys
        return {key: [text.record() for text in TEXTS.pop(key, [])] for key in wanted}


def generate(
    llm: Any,
    prompts: Sequence[Any],
    constraint: Mapping[str, Any] | str,
    *,
    n: int = 1,
    max_tokens: int = 256,
    temperature: float = 1.0,
    seed: int | None = None,
) -> list[Result]:
    """Draw ``n`` weighted texts for each prompt.

    >>> generate(llm, ["2 + 2 = "], {"regex": "[0-9]+"}, n=8)[0].log_evidence  # doctest: +SKIP

    Args:
        llm: a ``vllm.LLM`` that was made with `OPTIONS`.
        prompts: what ``llm.generate`` takes: texts, or ``{"prompt_token_ids": [...]}``.
        constraint: as ``extra_args`` takes it, such as ``{"json": schema}``.
        n: how many texts of each prompt.
        max_tokens: the most tokens of a text, its end not counted.
        temperature: divides the logits; at 0 there are no weights.
        seed: the same seed gives the same draws, as far as vLLM does.

    Returns:
        a result for each prompt. A text that was cut by ``max_tokens`` is not one of the
        constraint: its finish reason is ``"length"``, and its weight is 0.

    Raises:
        ArgumentError: an argument is out of range.
        ConditError: the constraint cannot be made.
        ModelError: a text could not be drawn; or vLLM does not call the processor.
    """
    from vllm import SamplingParams

    if isinstance(prompts, str) or n < 1 or max_tokens < 1:
        raise ArgumentError("prompts must be a list, and n and max_tokens 1 or more")
    meant = constraint_of(specification_of(constraint))
    began, sequence = time.perf_counter(), np.random.SeedSequence(seed)
    keys = [uuid.uuid4().hex for _ in range(n * len(prompts))]
    seeds = sequence.generate_state(len(keys), np.uint32).tolist()
    settings = [
        SamplingParams(
            temperature=temperature,
            max_tokens=max_tokens + 1,
            seed=own,
            detokenize=False,
            extra_args={FIELD: constraint, KEY: key},
        )
        for key, own in zip(keys, seeds, strict=True)
    ]
    asked = [prompt for prompt in prompts for _ in range(n)]
    outputs = llm.generate(asked, settings, use_tqdm=False)
    records = _records(llm, keys)
    seconds, made = time.perf_counter() - began, []
    for first in range(0, len(keys), n):
        drawn = [
            (output.outputs[0], records[key])
            for output, key in zip(outputs[first : first + n], keys[first : first + n], strict=True)
        ]
        prompt_tokens = len(outputs[first].prompt_token_ids or ())
        entropy = int(sequence.entropy)  # type: ignore[arg-type]
        made.append(_result(llm, drawn, meant, temperature, entropy, prompt_tokens, seconds))
    return made


def _records(llm: Any, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The record of the text of each key."""
    if any(key in TEXTS for key in keys):
        found = [WeightsExtension().condit_weights(keys)]  # the engine is in this process
    else:
        try:
            found = llm.collective_rpc("condit_weights", args=(keys,))
        except Exception as error:
            raise ModelError(f"vLLM was started without {OPTIONS}: {error}") from error
    # Of several workers those that sample know the texts, and all of them know the same.
    records = {key: known[-1] for each in found for key, known in each.items() if known}
    if missing := set(keys) - set(records):
        raise ModelError(
            f"vLLM has not called Condit's processor for {len(missing)} of {len(keys)} texts: give "
            f"it {OPTIONS} when it starts, and no speculative decoding"
        )
    return records


def _result(
    llm: Any,
    drawn: Sequence[tuple[Any, dict[str, Any]]],
    constraint: Constraint,
    temperature: float,
    seed: int,
    prompt_tokens: int,
    seconds: float,
) -> Result:
    ends = {token for _, record in drawn for token in record["ends"]}
    size = llm.model_config.get_vocab_size()
    vocabulary = vocabulary_of(llm.get_tokenizer(), size, min(ends), frozenset(ends))
    samples, steps = [], []
    for index, (output, record) in enumerate(drawn):
        tokens, masses = list(output.token_ids), record["log_allowed"]
        if record["error"]:
            raise ModelError(record["error"])
        if len(masses) != len(tokens) or None in masses:
            raise ModelError(f"of {len(tokens)} tokens drawn, vLLM has shown {len(masses)}")
        ended = output.finish_reason == "stop" and tokens[-1] in ends
        written = tuple(tokens[:-1] if ended else tokens)
        text = vocabulary.decode(written)
        valid = ended and constraint.accepts(text)
        steps += masses
        log_weight = 0.0 if temperature == 0 else math.fsum(masses)
        samples.append(
            Sample(
                text=text,
                tokens=written,
                log_weight=log_weight if valid else -math.inf,
                log_probability=record["log_probability"] + (record["log_end"] if ended else 0.0),
                finish_reason="stop" if valid else "dead_end" if ended else "length",
                value=constraint.value(text) if valid else None,
                lineage=index,
            )
        )
    weights, texts = [s.log_weight for s in samples], [s.text for s in samples]
    valid_texts = {s.tokens: s.log_probability for s in samples if s.valid}
    log_evidence = math.nan if temperature == 0 else log_mean_exp(weights)
    report = Report(
        guarantee=Guarantee.SEARCH if temperature == 0 else Guarantee.WEIGHTED,
        draws=len(samples),
        valid=sum(s.valid for s in samples),
        distinct=len({s.text for s in samples if s.valid}),
        effective_texts=effective_groups(weights, texts),
        heaviest=largest_share(weights, texts),
        lineages=sum(s.valid for s in samples),
        ess=effective_sample_size(weights),
        kish_ess=effective_sample_size(weights),
        log_evidence=log_evidence,
        log_evidence_error=None if temperature == 0 else relative_error(weights),
        log_lower_bound=float(np.logaddexp.reduce([-math.inf, *valid_texts.values()])),
        log_upper_bound=None,
        attempts=0,
        accepted=0,
        masked_mass=float(np.mean(-np.expm1(steps))),
        kl_to_model=-log_evidence,
    )
    stats = Stats(seconds, prompt_tokens, len(steps), 0, 0, 0, 0, 0, 0, len(steps), 0)
    return Result(
        samples=tuple(samples),
        sampler="vLLM under a mask",
        seed=seed,
        stats=stats,
        report=report,
        greedy=temperature == 0,
        _rng=np.random.default_rng(seed),
    )
