"""The base law: the model's distribution of one next token, ready to be drawn from.

Temperature, top-k and top-p belong to the *model* here, not to the constraint: they define the law
``p(t | u)`` that draws are faithful to, and they act before any constraint is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import Logits, of_vocabulary
from condit.sampler.logit_row import LogitRow, on_processor
from condit.sampler.token_law import TokenLaw
from condit.sampler.truncation import most_probable, nucleus
from condit.vocabulary import Vocabulary

__all__ = ["BaseLaw", "TokenLaw"]


@dataclass(frozen=True)
class BaseLaw:
    """What turns logits into the base law.

    Attributes:
        temperature: divides the logits; 1 is the model itself. At 0 the most probable allowed
            token is taken, and weights are not defined (reported as equal).
        top_k: keep the ``k`` most probable tokens (ties with the last are kept); ``None``: all.
        top_p: then keep the fewest most probable tokens whose mass reaches ``p``; 1: all.

    Raises:
        ArgumentError: a value out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise ArgumentError(f"temperature must be 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"top_k must be 1 or more, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ArgumentError(f"top_p must be over 0 and at most 1, not {self.top_p}")

    def at(self, logits: Logits, vocabulary: Vocabulary) -> TokenLaw:
        """The law of the next token for one row of logits, shape ``(vocabulary,)`` or wider.

        What pads the row beyond the vocabulary has no mass. The row is not copied as long as it
        need not be: leave it alone while the law is in use.

        Raises:
            ModelError: the logits hold NaN, no finite number, or fewer numbers than tokens.
        """
        logits = of_vocabulary(logits, vocabulary)
        row = LogitRow(logits, self.temperature or 1.0, tuple(vocabulary.ends), vocabulary.end)
        greedy = self.temperature == 0
        if (self.top_k is None or self.top_k >= len(row)) and self.top_p == 1:
            return TokenLaw(row, greedy)
        values = row.read()
        tokens = np.arange(len(row)) if self.top_k is None else most_probable(values, self.top_k)
        if self.top_p < 1:
            tokens = tokens[nucleus(values[tokens], self.top_p)]
        return TokenLaw(row, greedy, tokens)

    def at_many(self, rows: Sequence[Logits], vocabulary: Vocabulary) -> Iterator[TokenLaw]:
        """The law of each row, one after the other: each as ``at`` has it, whatever the others are.

        Rows on a device are brought over together. Laws are made as they are asked for: let go of
        one before the next, and all share the memory of one, which then stays in the cache.

        Raises:
            ModelError: the logits of a row hold NaN, or no finite number.
        """
        for row in on_processor(rows):
            yield self.at(row, vocabulary)
