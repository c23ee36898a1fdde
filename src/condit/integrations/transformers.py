"""A constraint in ``model.generate`` of ``transformers``, with the weight of every text.

``ConditLogitsProcessor`` masks the scores of each row, and adds up the mass that it refuses: the
log weight of a text, with which averages over draws are averages under ``p(x | C)``. ``generate``
does the rest as well: the budget, the settings that weights depend on, and the texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache

from condit.constraint.base import Constraint, Matcher
from condit.errors import ArgumentError, RefusedTokenError
from condit.model.base import Prompt
from condit.model.transformers import TransformersModel, require_transformers
from condit.result import Sample
from condit.sampler.base import Problem
from condit.sampler.kernels import allowed_tokens
from condit.weights import log_mean_exp

require_transformers()

import torch  # noqa: E402
from transformers import LogitsProcessor, LogitsProcessorList  # noqa: E402

_MOST_STATES = 4096
"""Texts whose state is kept; others are read again from their beginning."""

_SETTINGS = ("num_beams", "repetition_penalty", "no_repeat_ngram_size", "min_p", "typical_p")
"""Settings of ``generate`` under which what is drawn is not what is weighed."""


@dataclass
class State:
    """A text as far as it is written.

    Attributes:
        matcher: what may follow; ``None`` after the end, or after a refused token.
        log_weight: natural logarithm of the mass that was allowed, over all its tokens.
        log_probability: natural logarithm of the probability of its tokens without the constraint.
        ended: whether it has its end.
        row: the law of the next token without the constraint, in natural logarithms.
        log_allowed: natural logarithm of the mass that is allowed there.
    """

    matcher: Matcher | None
    log_weight: float = 0.0
    log_probability: float = 0.0
    ended: bool = False
    row: Any = None
    log_allowed: float = 0.0


class ConditLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Allows only tokens after which a text can still satisfy a constraint.

    Works in ``model.generate(..., logits_processor=LogitsProcessorList([processor]))``, with
    sampling, greedily, with beams, and with any number of rows, all of which have the same
    constraint. Make a new one for each call.

    Args:
        model: of ``transformers``.
        tokenizer: its tokenizer.
        constraint: what every text must satisfy.
        max_new_tokens: the same as ``generate`` gets. Texts end within them.
        temperature: the same as ``generate`` gets: scores are divided by it after this processor.

    Raises:
        ArgumentError: ``max_new_tokens`` or ``temperature`` is out of range.
        BudgetError: the shortest text found has more tokens.
        ConditError: the constraint does not fit the tokenizer.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        constraint: Constraint,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
    ) -> None:
        if max_new_tokens < 1:
            raise ArgumentError(f"max_new_tokens must be 1 or more, not {max_new_tokens}")
        if not temperature > 0:
            raise ArgumentError(
                f"temperature must be over 0, not {temperature}: greedily, give 1 and "
                "do_sample=False; weights have no meaning then"
            )
        self._constraint = constraint
        self._wrapped = TransformersModel(model, tokenizer, type(model).__name__)
        self._vocabulary = self._wrapped.vocabulary
        self._temperature = temperature
        # The end is one of the tokens that ``generate`` counts, and not of those counted here.
        self._problem = Problem(self._wrapped, (0,), constraint, 1, max_new_tokens - 1, finish=True)
        self._states: LRUCache[tuple[int, ...], State] = LRUCache(_MOST_STATES)
        self._start = State(self._problem.bind())
        self._prompt_length: int | None = None

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores, shape ``(rows, columns)``, with ``-inf`` for what is not allowed."""
        if self._prompt_length is None:
            self._prompt_length = input_ids.shape[1]
        scores = scores.clone()
        for row, tokens in enumerate(input_ids[:, self._prompt_length :].tolist()):
            state = self._state(tuple(tokens))
            if state.matcher is None:
                continue
            if state.row is None:
                law = torch.log_softmax(scores[row].float() / self._temperature, dim=-1)
                state.row = law.cpu().numpy()
            allowed = allowed_tokens(state.matcher)
            # All ends mean the same.
            allowed[list(self._vocabulary.ends)] = allowed[self._vocabulary.end]
            inside = state.row[: len(allowed)][allowed]
            state.log_allowed = float(np.logaddexp.reduce(inside)) if len(inside) else -math.inf
            refused = torch.ones(scores.shape[1], dtype=torch.bool)
            refused[: len(allowed)] = torch.from_numpy(~allowed)
            scores[row, refused.to(scores.device)] = -math.inf
        return scores

    def _state(self, tokens: tuple[int, ...]) -> State:
        """The state after the tokens of a row, its padding behind the end included."""
        if not tokens:
            return self._start
        if (known := self._states.get(tokens)) is not None:
            return known
        before = self._state(tokens[:-1])
        state = self._after(before, tokens[-1])
        self._states[tokens] = state
        return state

    def _after(self, before: State, token: int) -> State:
        if before.matcher is None:
            return State(None, before.log_weight, before.log_probability, before.ended)
        log_probability = log_weight = -math.inf
        if before.row is not None:
            log_probability = before.log_probability + float(before.row[token])
            log_weight = before.log_weight + before.log_allowed
        if token in self._vocabulary.ends:
            fits = before.matcher.allows(self._vocabulary.end)
            return State(None, log_weight if fits else -math.inf, log_probability, ended=fits)
        matcher = before.matcher.copy()
        try:
            matcher.advance(token)
        except RefusedTokenError:
            return State(None, -math.inf, log_probability)
        return State(matcher, log_weight, log_probability)

    def samples(self, sequences: Any) -> tuple[Sample, ...]:
        """What ``generate`` has returned as texts with their weights.

        Args:
            sequences: token ids, shape ``(rows, prompt and text)``.
        """
        found: list[Sample] = []
        for row, tokens in enumerate(sequences[:, self._prompt_length or 0 :].tolist()):
            state, text_tokens = self._state(tuple(tokens)), self._text(tokens)
            text = self._vocabulary.decode(text_tokens)
            valid = state.ended and self._problem.accepts(text_tokens)
            found.append(
                Sample(
                    text=text,
                    tokens=tuple(text_tokens),
                    log_weight=state.log_weight if valid else -math.inf,
                    log_probability=state.log_probability,
                    finish_reason="stop" if valid else "dead_end" if state.ended else "length",
                    value=self._constraint.value(text) if valid else None,
                    lineage=row,
                )
            )
        return tuple(found)

    def _text(self, tokens: Sequence[int]) -> list[int]:
        """The tokens before the end."""
        ends = (place for place, token in enumerate(tokens) if token in self._vocabulary.ends)
        return list(tokens[: next(ends, len(tokens))])


@dataclass(frozen=True)
class Generated:
    """What ``generate`` has drawn.

    Attributes:
        sequences: as ``model.generate`` returns them, shape ``(rows, prompt and text)``.
        samples: a text with its weight for each row.
    """

    sequences: Any
    samples: tuple[Sample, ...]

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of the unbiased estimate of the mass of valid texts."""
        return log_mean_exp([sample.log_weight for sample in self.samples])


def generate(
    model: Any,
    tokenizer: Any,
    prompt: Prompt,
    constraint: Constraint,
    *,
    n: int = 1,
    max_new_tokens: int = 256,
    temperature: float = 1.0,
    **options: Any,
) -> Generated:
    """Draw ``n`` weighted texts by ``model.generate``.

    >>> generate(model, tokenizer, "2 + 2 = ", condit.regex("[0-9]+"))  # doctest: +SKIP

    Args:
        model: of ``transformers``.
        tokenizer: its tokenizer.
        prompt: text, chat messages, or token ids.
        constraint: what every text must satisfy.
        n: how many texts.
        max_new_tokens: the most tokens of a text, its end counted.
        temperature: divides the logits.
        options: passed to ``model.generate``; none that changes the law that is drawn from.

    Raises:
        ArgumentError: an option would change the law, so that weights were wrong.
        ConditError: as of `ConditLogitsProcessor`.
    """
    for name in _SETTINGS:
        if name in options:
            raise ArgumentError(
                f"{name} changes what is drawn, so that weights were wrong: leave it out, or use "
                "ConditLogitsProcessor with model.generate yourself"
            )
    processor = ConditLogitsProcessor(
        model, tokenizer, constraint, max_new_tokens=max_new_tokens, temperature=temperature
    )
    tokens = torch.tensor([processor._wrapped.encode_prompt(prompt)], device=model.device)
    sequences = model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        num_return_sequences=n,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        logits_processor=LogitsProcessorList([processor]),
        pad_token_id=processor._vocabulary.end,
        **options,
    )
    return Generated(sequences, processor.samples(sequences))
