"""What every sampler works on and leaves behind, and the two verbs that make one: init and step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from condit.constraint.base import Constraint, Matcher
from condit.model.base import Decoder, Model
from condit.sampler.law import BaseLaw

FinishReason = Literal["stop", "length", "dead_end"]
"""Why a lane ended: it was finished and is valid; it met the budget unfinished; nothing allowed
had any mass (or the oracle refused the finished text)."""


@dataclass(frozen=True)
class Problem:
    """Draw ``lanes`` texts from ``model`` after ``prompt``, under ``constraint``.

    The target is the base law ``p`` restricted to texts that satisfy the constraint and have at
    most ``max_tokens`` tokens, the end token not counted. Without a constraint it is ``p`` cut at
    ``max_tokens``. With ``finish``, tokens that lead past the budget are refused near its end: see
    ``condit.sampler.budget`` for what that does to the target.
    """

    model: Model
    prompt: tuple[int, ...]
    constraint: Constraint | None
    lanes: int
    max_tokens: int
    law: BaseLaw = field(default_factory=BaseLaw)
    finish: bool = False


@dataclass
class Lane:
    """One text as it grows.

    Attributes:
        matcher: where the constraint stands; ``None`` without a constraint.
        rng: this lane's own noise, so that what a lane draws does not depend on its neighbours.
        tokens: the tokens so far, without the prompt and the end token.
        log_weight: natural logarithm of its weight since the last resampling.
        log_probability: natural logarithm of ``p`` of its tokens (and end), under the base law.
        finish_reason: why it ended, ``None`` while it grows.
    """

    matcher: Matcher | None
    rng: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    log_weight: float = 0.0
    log_probability: float = 0.0
    finish_reason: FinishReason | None = None

    def copy_to(self, rng: np.random.Generator) -> Lane:
        """A lane in the same place, with noise of its own."""
        return Lane(
            matcher=self.matcher.copy() if self.matcher is not None else None,
            rng=rng,
            tokens=list(self.tokens),
            log_weight=self.log_weight,
            log_probability=self.log_probability,
            finish_reason=self.finish_reason,
        )


@dataclass
class State:
    """Where a run stands. A step consumes it: the decoder in it is not copied.

    Attributes:
        log_evidence: the sum over resamplings of the log mean weight that each replaced.
        steps: how many steps have been made.
        zone: with how many tokens left a lane must begin to finish.
    """

    problem: Problem
    decoder: Decoder
    lanes: list[Lane]
    log_evidence: float = 0.0
    steps: int = 0
    zone: int = 0

    @property
    def done(self) -> bool:
        """Whether every lane has ended."""
        return all(lane.finish_reason is not None for lane in self.lanes)

    @property
    def log_weights(self) -> list[float]:
        """Natural logarithm of each lane's weight since the last resampling."""
        return [lane.log_weight for lane in self.lanes]


class StepInfo(NamedTuple):
    """The trace record of one step; every tuple has one entry a lane.

    Attributes:
        step: counted from 0.
        tokens: the token each lane drew; ``None`` where it had ended, or died now.
        local_log_weights: natural logarithm of each local weight: an unbiased estimate (exact for
            a mask) of the mass that the constraint allowed. 0 where nothing was drawn.
        checks: how many single tokens the matcher was asked about.
        masks: how many times the matcher was asked for a whole mask (0 or 1).
        effective_sample_size: of the weights after this step's draws, before any resampling.
        ancestors: which lane each lane was copied from, if this step resampled.
    """

    step: int
    tokens: tuple[int | None, ...]
    local_log_weights: tuple[float, ...]
    checks: tuple[int, ...]
    masks: tuple[int, ...]
    effective_sample_size: float
    ancestors: tuple[int, ...] | None = None


class Sampler(ABC):
    """A way to make draws. Implementations are frozen dataclasses, registered by name."""

    @abstractmethod
    def init(self, problem: Problem, rng: np.random.Generator) -> State:
        """Lanes at the end of the prompt, which is forwarded here."""

    @abstractmethod
    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed."""


def log_mean_exp(log_values: Sequence[float]) -> float:
    """Natural logarithm of the mean of ``exp(log_values)``; ``-inf`` if all are."""
    highest = max(log_values)
    if not math.isfinite(highest):
        return highest
    return highest + math.log(
        math.fsum(math.exp(value - highest) for value in log_values) / len(log_values)
    )


def effective_sample_size(log_weights: Sequence[float]) -> float:
    """``(Σw)² / Σw²`` (Kish 1965): between 1 and their number; 0 if every weight is 0."""
    highest = max(log_weights)
    if not math.isfinite(highest):
        return 0.0
    weights = [math.exp(value - highest) for value in log_weights]
    return math.fsum(weights) ** 2 / math.fsum(weight * weight for weight in weights)
