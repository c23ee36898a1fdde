"""`FiniteWorld`: every text of a finite language with its exact probability under a real model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.model.base import Model, Prompt
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.testing.recorded import RecordedModel
from condit.testing.walk import Walk, walk
from condit.testing.worlds import remembering
from condit.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class FiniteWorld:
    """A prompt, a constraint with finitely many texts, and a model's distributions along all texts.

    The model is replaced by a table of its next-token distributions, over fewer tokens: those that
    the constraint ever allows, the most probable others, and one token without bytes that holds the
    mass of all the rest. So all probabilities of allowed tokens are those of the model.

    Attributes:
        model: gives what was recorded; its prompt is a single token in place of the real one.
        constraint: what texts must satisfy.
        max_tokens: the longest text, in tokens; longer ones (spellings too) are not in the world.
        allowed: which tokens may follow each recorded prefix, shape of ``model.table``.
        ids: the real model's id of each token but the last, shape ``(vocabulary - 1,)``.
        law: the base law over the table, which already contains the law given to ``walk``.
    """

    model: RecordedModel
    constraint: Constraint
    max_tokens: int
    allowed: NDArray[np.bool_]
    ids: NDArray[np.int64]
    law: BaseLaw = field(default_factory=BaseLaw)

    @classmethod
    def walk(
        cls,
        model: Model,
        constraint: Constraint,
        prompt: Prompt,
        max_tokens: int,
        *,
        law: BaseLaw | None = None,
        others: int = 512,
        limit: int = 20_000,
    ) -> FiniteWorld:
        """Forward every prefix that the constraint allows after ``prompt``, once.

        Args:
            model: the real model. Use 32-bit weights where rounding must not depend on what is
                forwarded together.
            constraint: a constraint that allows finitely many token sequences.
            prompt: the text, token ids or messages before.
            max_tokens: the longest text, the end token not counted.
            law: the base law; its temperature only.
            others: how many tokens that are never allowed have an entry of their own.
            limit: the most prefixes. While it runs, rows of the whole vocabulary are kept on disk,
                four bytes an entry.

        Raises:
            ArgumentError: there are more than ``limit`` prefixes; the law has top-k, top-p or
                temperature 0.
            BrokenLawError: the matcher and the oracle differ on whether a text is complete.
            UnsatisfiableError: no text that satisfies the constraint is short enough.
        """
        law = law or BaseLaw()
        if law.top_k is not None or law.top_p < 1 or law.temperature == 0:
            raise ArgumentError("only the temperature of a base law can be recorded, and not 0")
        seen = walk(
            model,
            constraint,
            prompt,
            max_tokens,
            temperature=law.temperature,
            others=others,
            limit=limit,
        )
        return cls(_recorded(model, prompt, seen), constraint, max_tokens, seen.allowed, seen.ids)

    def problem(self, lanes: int) -> Problem:
        """The problem of drawing ``lanes`` texts in this world."""
        prompt = (self.model.rest,)
        return Problem(self.model, prompt, self._constraint, lanes, self.max_tokens, self.law)

    @cached_property
    def _constraint(self) -> Constraint:
        return remembering(self.constraint)

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        """``p`` of every valid token sequence, end included; spellings of a text have one each."""
        return dict(self._finished(self._log_laws))

    @property
    def evidence(self) -> float:
        """``Z``: the mass of all valid texts."""
        return math.fsum(self.probabilities.values())

    @property
    def posterior(self) -> dict[tuple[int, ...], float]:
        """``p(x) / Z`` of every valid token sequence."""
        return _normalised(self.probabilities)

    @cached_property
    def masked_law(self) -> dict[tuple[int, ...], float]:
        """The exact distribution of plain masked decoding: ``Π p(t|u) / Z_u``, normalised.

        ``Z_u`` is the allowed mass at each prefix. At ``max_tokens`` the end is taken with
        probability 1 where it is allowed; a draw that may not end there gives no text.
        """
        logits = np.where(self.allowed, self._log_laws, -np.inf)
        for prefix, row in self.model.rows.items():
            if len(prefix) == self.max_tokens:
                logits[row] = -np.inf
                logits[row, self.model.vocabulary.end] = 0.0
        return _normalised(dict(self._finished(_log_normalised(logits))))

    @cached_property
    def _log_laws(self) -> NDArray[np.float64]:
        """The table as log-probabilities."""
        return _log_normalised(self.model.table)

    def _finished(self, log_laws: NDArray[np.float64]) -> Iterator[tuple[tuple[int, ...], float]]:
        """The probability of each text that has any, as the product of laws along it."""
        end = self.model.vocabulary.end
        reached: dict[tuple[int, ...], float] = {(): 0.0}
        for prefix, row in self.model.rows.items():  # shortest first: parents before children
            if prefix:
                parent = prefix[:-1]
                step = float(log_laws[self.model.rows[parent], prefix[-1]])
                reached[prefix] = reached[parent] + step
            if self.allowed[row, end]:
                mass = math.exp(reached[prefix] + float(log_laws[row, end]))
                if mass > 0:
                    yield prefix, mass


def _recorded(model: Model, prompt: Prompt, seen: Walk) -> RecordedModel:
    whole = model.vocabulary
    end = int(np.flatnonzero(seen.ids == whole.end)[0])
    vocabulary = Vocabulary([*(whole.bytes[token] for token in seen.ids.tolist()), b""], end)
    return RecordedModel(model.name, vocabulary, prompt, seen.prefixes, seen.logits)


def _log_normalised(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows of log-probabilities; a row of ``-inf`` stays as it is."""
    rows = logits.astype(np.float64)
    total = np.logaddexp.reduce(rows, axis=1, keepdims=True)
    normalised: NDArray[np.float64] = rows - np.where(np.isfinite(total), total, 0.0)
    return normalised


def _normalised(masses: dict[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    total = math.fsum(masses.values())
    return {tokens: mass / total for tokens, mass in masses.items()}
