"""The base law: the model's next-token distribution after temperature, top-k and top-p.

These settings are part of the *model* here: they define the law ``p(t | u)`` of the next token
``t`` after the prefix ``u``, before any constraint. Drawing from it is in ``token_law.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.errors import ArgumentError
from condit.model.base import Logits, as_float32, of_vocabulary
from condit.sampler.logit_row import LogitRow, on_processor
from condit.sampler.token_law import TokenLaw
from condit.sampler.truncation import most_probable, nucleus
from condit.vocabulary import Vocabulary

__all__ = ["BaseLaw", "TokenLaw"]


@dataclass(frozen=True)
class BaseLaw:
    """The settings that turn logits into the base law.

    Attributes:
        temperature: divides the logits; 1 is the model itself. At 0 the most probable allowed
            token is taken, and weights are not defined (reported as equal).
        top_k: keep the ``k`` most probable tokens (ties with the last are kept); ``None``: all.
        top_p: then keep the fewest most probable tokens whose mass reaches ``p``; 1: all.
        bias: pairs of a token and what is added to its logit, before all else.

    Raises:
        ArgumentError: a value out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    bias: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise ArgumentError(f"temperature must be 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"top_k must be 1 or more, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ArgumentError(f"top_p must be over 0 and at most 1, not {self.top_p}")
        for token, added in self.bias:
            if math.isnan(added) or added == math.inf:
                raise ArgumentError(
                    f"logit_bias: {added} for token {token} is no number to add to a logit"
                )

    def at(self, logits: Logits, vocabulary: Vocabulary) -> TokenLaw:
        """The base law for one row of logits, shape ``(vocabulary,)`` or wider.

        Columns beyond the vocabulary are ignored. The row may not be copied: do not change it
        while the law is in use.

        Raises:
            ModelError: the logits hold NaN, no finite number, or fewer numbers than tokens.
        """
        logits = of_vocabulary(logits, vocabulary)
        if self.bias:
            logits = self._biased(as_float32(logits), vocabulary)
        row = LogitRow(logits, self.temperature or 1.0, tuple(vocabulary.ends), vocabulary.end)
        greedy = self.temperature == 0
        if (self.top_k is None or self.top_k >= len(row)) and self.top_p == 1:
            return TokenLaw(row, greedy)
        values = row.read()
        tokens = np.arange(len(row)) if self.top_k is None else most_probable(values, self.top_k)
        if self.top_p < 1:
            tokens = tokens[nucleus(values[tokens], self.top_p)]
        return TokenLaw(row, greedy, tokens)

    def _biased(self, logits: NDArray[np.float32], vocabulary: Vocabulary) -> NDArray[np.float32]:
        """A copy of the row with the biases added."""
        logits = logits.copy()
        for token, added in self.bias:
            if not 0 <= token < len(vocabulary):
                raise ArgumentError(
                    f"logit_bias: there is no token {token}: the vocabulary has {len(vocabulary)}"
                )
            logits[token] += added
        return logits

    def at_many(self, rows: Sequence[Logits], vocabulary: Vocabulary) -> Iterator[TokenLaw]:
        """The base law of each row, exactly as ``at`` gives it, made one at a time.

        Rows on a device are copied to the CPU together. Drop each law before asking for the next:
        its memory is then reused, which keeps it in the processor's cache.

        Raises:
            ModelError: the logits of a row hold NaN, or no finite number.
        """
        for row in on_processor(rows):
            yield self.at(row, vocabulary)
