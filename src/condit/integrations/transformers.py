"""A constraint in ``model.generate`` of ``transformers``, with the weight of every text.

``ConditLogitsProcessor`` masks the scores of each row, and adds up the mass that it refuses: the
log weight of a text, with which averages over draws are averages under ``p(x | C)``. ``generate``
does the rest as well: the budget, the settings that weights depend on, and the texts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList  # noqa: E402

_OPTIONS = (
    "cache_config",
    "cache_implementation",
    "compile_config",
    "disable_compile",
    "prefill_chunk_size",
    "streamer",
    "synced_gpus",
    "use_cache",
)
"""Settings of ``model.generate`` that leave the law of texts as it is."""


@dataclass
class State:
    """A text as far as it is written.

    Attributes:
        matcher: what may follow; ``None`` after the end, or after a refused token.
        log_weight: natural logarithm of the mass that was allowed, over all its tokens.
        log_probability: natural logarithm of the probability of its tokens without the constraint.
        ended: whether it has its end.
        log_allowed: natural logarithm of the mass that is allowed next; ``None`` until known.
        log_end: natural logarithm of the probability that it ends here, likewise.
        row: the law of the next token without the constraint, in natural logarithms; dropped as
            soon as the next token is drawn.
        after: the state after each token that was drawn here.
    """

    matcher: Matcher | None
    log_weight: float = 0.0
    log_probability: float = 0.0
    ended: bool = False
    log_allowed: float | None = None
    log_end: float = -math.inf
    row: Any = None
    after: dict[int, State] = field(default_factory=dict)


class ConditLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Allows only tokens after which a text can still satisfy a constraint.

    Works in ``model.generate(..., logits_processor=LogitsProcessorList([processor]))`` with prompts
    that are token ids: with sampling, greedily, with beams, with several prompts padded on the
    left, and with several texts of each. All rows have the same constraint. Make a new one for each
    call.

    Weights have a meaning for sampling alone, and only if nothing changes the scores after this
    processor but the temperature: give ``top_k=0`` and ``top_p=1.0``, and none of ``min_p``,
    ``typical_p``, ``top_h``, ``epsilon_cutoff``, ``eta_cutoff`` and ``watermarking_config``.

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
        self._first = self._problem.bind()
        self._starts: dict[tuple[int, ...], State] = {}
        self._with_rows: list[State] = []
        self._prompt_length = 0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores, shape ``(rows, columns)``, with ``-inf`` for what is not allowed.

        A row for which no token has any mass gets the end token alone, and no weight.

        Raises:
            ArgumentError: the text before was never seen, as in assisted generation.
        """
        if not self._starts:
            self._prompt_length = input_ids.shape[1]
        scores = scores.clone()
        end, used = self._vocabulary.end, self._with_rows
        self._with_rows = []
        for row, tokens in enumerate(input_ids.tolist()):
            state = self._state(tokens)
            if state.matcher is None:
                continue
            allowed = allowed_tokens(state.matcher)
            if state.log_allowed is None:
                self._weigh(state, scores[row], allowed)
            if state.log_allowed == -math.inf:
                scores[row] = -math.inf
                scores[row, end] = 0.0
                continue
            # All ends mean the same.
            allowed[list(self._vocabulary.ends)] = allowed[end]
            refused = torch.ones(scores.shape[1], dtype=torch.bool)
            refused[: len(allowed)] = torch.from_numpy(~allowed)
            scores[row, refused.to(scores.device)] = -math.inf
        for state in used:
            state.row = None
        return scores

    def _weigh(self, state: State, scores: torch.Tensor, allowed: Any) -> None:
        """Note the law of the next token, and the mass of what is allowed of it."""
        law = torch.log_softmax(scores.float() / self._temperature, dim=-1).cpu().numpy()
        ends = sorted(self._vocabulary.ends)
        ending = np.logaddexp.reduce(law[ends])
        law[ends], law[self._vocabulary.end] = -math.inf, ending
        inside = law[: len(allowed)][allowed]
        state.log_allowed = float(np.logaddexp.reduce(inside)) if len(inside) else -math.inf
        state.log_end, state.row = float(ending), law
        self._with_rows.append(state)

    def _state(self, tokens: list[int]) -> State:
        """The state after a row's prompt and text, its padding behind the end included."""
        prompt = tuple(tokens[: self._prompt_length])
        state = self._starts.get(prompt)
        if state is None:
            state = self._starts[prompt] = State(self._first.copy() if self._first else None)
        for token in tokens[self._prompt_length :]:
            if state.matcher is None:
                break
            if token not in state.after:
                state.after[token] = self._after(state, state.matcher, token)
            state = state.after[token]
        return state

    def _after(self, before: State, matcher: Matcher, token: int) -> State:
        ends = token in self._vocabulary.ends
        if before.log_allowed is None or (before.row is None and not ends):
            raise ArgumentError(
                "generate has gone on from a text that this processor was not shown before: use it "
                "without assisted generation, and a new one for each call"
            )
        log_weight = before.log_weight + before.log_allowed
        if ends:
            fits = matcher.allows(self._vocabulary.end)
            log_probability = before.log_probability + before.log_end
            return State(None, log_weight if fits else -math.inf, log_probability, ended=True)
        log_probability = before.log_probability + float(before.row[token])
        matcher = matcher.copy()
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
        for row, tokens in enumerate(sequences.tolist()):
            state, text_tokens = self._state(tokens), self._text(tokens[self._prompt_length :])
            text = self._vocabulary.decode(text_tokens)
            accepted = state.ended and self._problem.accepts(text_tokens)
            valid = accepted and state.log_weight > -math.inf
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
        options: passed to ``model.generate``: ``use_cache``, ``streamer`` and others that leave the
            law of texts as it is. The model's own ``generation_config`` counts for nothing here.

    Raises:
        ArgumentError: an option may change the law, so that weights were wrong.
        ConditError: as of `ConditLogitsProcessor`.
    """
    for name in options:
        if name not in _OPTIONS:
            raise ArgumentError(
                f"{name} may change what is drawn, so that weights were wrong: leave it out (taken "
                f"are {', '.join(_OPTIONS)}), or use ConditLogitsProcessor with model.generate"
            )
    if n < 1:
        raise ArgumentError(f"n must be 1 or more, not {n}")
    processor = ConditLogitsProcessor(
        model, tokenizer, constraint, max_new_tokens=max_new_tokens, temperature=temperature
    )
    vocabulary = processor._vocabulary
    tokens = torch.tensor([processor._wrapped.encode_prompt(prompt)], device=model.device)
    # What the model's configuration asks for, such as a repetition penalty, would change the law.
    plain = copy.copy(model)
    plain.generation_config = GenerationConfig(
        eos_token_id=sorted(vocabulary.ends), pad_token_id=vocabulary.end
    )
    sequences = plain.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        num_return_sequences=n,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        logits_processor=LogitsProcessorList([processor]),
        **options,
    )
    return Generated(sequences, processor.samples(sequences))
