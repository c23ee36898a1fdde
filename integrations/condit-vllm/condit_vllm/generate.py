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
from condit.integrations.draws import result_of_draws
from condit.integrations.written import vocabulary_of
from condit.result import Result, Sample
from condit_vllm.processor import MOST_TEXTS, TEXTS
from condit_vllm.request import FIELD, KEY, constraint_of, specification_of

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
            for each key a record for each text: see ``WrittenText.record``.
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
        seed: the same seed gives the same draws, as far as vLLM does. By default vLLM's own, of its
            start, decides, and ``result.seed`` is 0.

    Returns:
        a result for each prompt. A text that was cut by ``max_tokens`` is not one of the
        constraint: its finish reason is ``"length"``, and its weight is 0.

    Raises:
        ArgumentError: an argument is out of range.
        ConditError: the constraint cannot be made.
        ModelError: a text could not be drawn; or vLLM does not call the processor.
    """
    from vllm import SamplingParams

    if isinstance(prompts, str) or min(n, max_tokens) < 1 or n * len(prompts) > MOST_TEXTS:
        raise ArgumentError(
            f"prompts must be a list, n and max_tokens 1 or more, and {MOST_TEXTS} texts the most"
        )
    meant, greedy = constraint_of(specification_of(constraint)), temperature == 0
    began = time.perf_counter()
    keys = [uuid.uuid4().hex for _ in range(n * len(prompts))]
    sequence = np.random.SeedSequence(seed)
    seeds = [None if seed is None else int(own) for own in sequence.generate_state(len(keys))]
    common = {"temperature": temperature, "max_tokens": max_tokens + 1, "detokenize": False}
    settings = [
        SamplingParams(**common, seed=own, extra_args={FIELD: constraint, KEY: key})
        for key, own in zip(keys, seeds, strict=True)
    ]
    asked = [prompt for prompt in prompts for _ in range(n)]
    outputs = llm.generate(asked, settings, use_tqdm=False)
    records = _records(llm, keys)
    seconds, results = time.perf_counter() - began, []
    pairs = [(each.outputs[0], records[key]) for each, key in zip(outputs, keys, strict=True)]
    for first in range(0, len(keys), n):
        drawn = pairs[first : first + n]
        samples = [_sample(llm, *each, meant, greedy, place) for place, each in enumerate(drawn)]
        results.append(
            result_of_draws(
                samples,
                [mass for _, record in drawn for mass in record["log_allowed"] if mass is not None],
                sampler="vLLM, masked",
                seed=seed or 0,
                prompt_tokens=len(outputs[first].prompt_token_ids or ()),
                seconds=seconds,
                greedy=greedy,
            )
        )
    return results


def _records(llm: Any, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The record of the text of each key."""
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


def _sample(
    llm: Any, output: Any, record: Any, constraint: Constraint, greedy: bool, lineage: int
) -> Sample:
    """A text that vLLM has drawn, with its weight."""
    tokens, log_allowed, ends = list(output.token_ids), record["log_allowed"], record["ends"]
    dead_end = bool(record["error"]) and log_allowed[-1:] == [None]
    if record["error"] and not dead_end:
        raise ModelError(record["error"])
    if len(log_allowed) != len(tokens) or None in log_allowed[: -1 if dead_end else None]:
        raise ModelError(f"of {len(tokens)} tokens drawn, vLLM has shown {len(log_allowed)}")
    size = llm.model_config.get_vocab_size()
    vocabulary = vocabulary_of(llm.get_tokenizer(), size, ends[0], frozenset(ends))
    ended = tokens[-1] in ends
    written = tuple(tokens[:-1] if ended else tokens)
    text = vocabulary.decode(written)
    valid = ended and not dead_end and constraint.accepts(text)
    known = math.nan if record["log_probability"] is None else record["log_probability"]
    return Sample(
        text=text,
        tokens=written,
        log_weight=(0.0 if greedy else math.fsum(log_allowed)) if valid else -math.inf,
        log_probability=known + (record["log_end"] if valid else 0.0),
        finish_reason="stop" if valid else "dead_end" if ended else "length",
        value=constraint.value(text) if valid else None,
        lineage=lineage,
    )
