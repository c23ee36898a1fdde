"""Problems small enough to enumerate: every text, its exact probability, and the exact evidence.

For a real model and a constraint with few texts see `condit.testing.FiniteWorld`.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol

import numpy as np

from condit.constraint.base import Constraint, Matcher
from condit.model.base import Model, as_float32
from condit.sampler.base import Problem
from condit.sampler.law import BaseLaw
from condit.vocabulary import Vocabulary


class KnownWorld(Protocol):
    """A problem whose exact posterior is known; samplers are tested against one."""

    @property
    def model(self) -> Model:
        """The model."""

    @property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        """``p`` (linear) of every valid token sequence, the end token's factor included."""

    @property
    def evidence(self) -> float:
        """``Z``: the mass of all valid texts."""

    def problem(self, lanes: int) -> Problem:
        """The problem of drawing ``lanes`` texts in this world."""


def remembering(constraint: Constraint) -> Constraint:
    """The same constraint with cached matchers and verdicts, for thousands of runs in a test.

    All matchers for a vocabulary are copies of one. Only for small problems: the caches are not
    bounded, and copies share the engine's lexer.
    """
    remembered = copy.copy(constraint)

    @cache
    def root(vocabulary: Vocabulary) -> Matcher:
        return constraint.bind(vocabulary)

    # Constraints are frozen dataclasses: write to the instance's dictionary.
    vars(remembered)["bind"] = lambda vocabulary: root(vocabulary).copy()
    vars(remembered)["accepts"] = cache(constraint.accepts)
    return remembered


@dataclass(frozen=True)
class World:
    """A model, a prompt and a constraint, with few enough token sequences to list them all.

    Attributes:
        model: a model with a small vocabulary.
        constraint: what texts must satisfy.
        prompt: the text before.
        max_tokens: the longest text, in tokens.
        law: the base law.
    """

    model: Model
    constraint: Constraint
    prompt: str
    max_tokens: int
    law: BaseLaw = field(default_factory=BaseLaw)

    def problem(self, lanes: int) -> Problem:
        """The problem of drawing ``lanes`` texts in this world."""
        prompt = tuple(self.model.encode_prompt(self.prompt))
        return Problem(self.model, prompt, self._constraint, lanes, self.max_tokens, self.law)

    @cached_property
    def _constraint(self) -> Constraint:
        return remembering(self.constraint)

    @cached_property
    def probabilities(self) -> dict[tuple[int, ...], float]:
        """``p`` of every valid token sequence (end included), by the oracle and without a matcher.

        Sequences that spell the same text are listed apart: each has its own mass.
        """
        vocabulary = self.model.vocabulary
        text_tokens = [token for token, spelled in enumerate(vocabulary.bytes) if spelled]
        found = {}
        for length in range(self.max_tokens + 1):
            for tokens in itertools.product(text_tokens, repeat=length):
                try:
                    text = vocabulary.spell(tokens).decode()
                except UnicodeDecodeError:
                    continue
                if self.constraint.accepts(text):
                    found[tokens] = self._probability(tokens)
        return {tokens: mass for tokens, mass in found.items() if mass > 0}

    @property
    def evidence(self) -> float:
        """``Z``: the mass of all valid texts."""
        return math.fsum(self.probabilities.values())

    def next_token(self, prefix: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The base law after ``prefix`` as probabilities, by a plain softmax in 64 bits."""
        prompt = self.model.encode_prompt(self.prompt)
        row = self._logits([*prompt, *prefix])
        ends = sorted(self.model.vocabulary.ends)
        weights = np.exp(row - row.max())
        together = weights[ends].sum()
        weights[ends] = 0
        weights[self.model.vocabulary.end] = together
        probabilities: np.ndarray[tuple[int], np.dtype[np.float64]] = weights / weights.sum()
        return probabilities

    def _logits(self, tokens: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        row: np.ndarray[tuple[int], np.dtype[np.float64]] = as_float32(
            self.model.start(tokens).logits[0]
        ).astype(np.float64)
        return row / self.law.temperature

    def _probability(self, tokens: tuple[int, ...]) -> float:
        sequence = (*tokens, self.model.vocabulary.end)
        return math.prod(
            float(self.next_token(sequence[:place])[token]) for place, token in enumerate(sequence)
        )
