"""What every sampler works on and leaves behind, and the two verbs that make one: init and step."""

from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

import numpy as np

from condit.constraint.base import Constraint, Matcher
from condit.model.base import Model
from condit.sampler.law import BaseLaw

if TYPE_CHECKING:
    from condit.prefer.base import Preference
    from condit.sampler.trie import Trie
    from condit.speculate.settings import Drafts

FinishReason = Literal["stop", "length", "dead_end", "rejected"]
"""Why a lane ended: it was finished and is valid; it met the budget unfinished; nothing allowed
had any mass (or the oracle refused the finished text); no attempt for it was accepted."""


class Guarantee(enum.Enum):
    """What a sampler promises about its draws."""

    WEIGHTED = "weighted"
    """Weighted draws: at any number of lanes weights are unbiased, ``E[Ẑ] = Z``."""
    EXACT = "exact"
    """Independent draws from the target itself, with equal weights."""
    LIMIT = "limit"
    """Equally weighted draws whose law comes near the target as work goes on, and differs now."""
    PROPOSAL = "proposal"
    """Draws from another law than the target, which is named and whose distance is reported."""
    SEARCH = "search"
    """No draws: the best texts found. The evidence is a lower bound."""


@dataclass(frozen=True)
class Problem:
    """Draw ``lanes`` texts from ``model`` after ``prompt``, under ``constraint``.

    The target is the base law ``p`` restricted to texts that satisfy the constraint and have at
    most ``max_tokens`` tokens, the end token not counted. Without a constraint it is ``p`` cut at
    ``max_tokens``. With ``finish``, tokens after which no text is known to fit are refused: see
    ``condit.sampler.budget`` for what that does to the target.

    A preference multiplies the target by its ``φ``. A trie is what earlier runs of the *same*
    problem have learned (see ``condit.sampler.memory``); samplers that learn go on from there.
    """

    model: Model
    prompt: tuple[int, ...]
    constraint: Constraint | None
    lanes: int
    max_tokens: int
    law: BaseLaw = field(default_factory=BaseLaw)
    finish: bool = False
    preference: Preference | None = None
    trie: Trie | None = None
    drafts: Drafts | None = None


@dataclass
class Lane:
    """One text as it grows.

    Attributes:
        matcher: where the constraint stands; ``None`` without a constraint.
        rng: this lane's own noise, so that what a lane draws does not depend on its neighbours.
        tokens: the tokens so far, without the prompt and the end token.
        log_weight: natural logarithm of its weight since the last resampling.
        log_probability: natural logarithm of ``p`` of its tokens (and end), under the base law.
        log_preference: natural logarithm of ``φ`` of its text, as far as that is in its weight.
        finish_reason: why it ended, ``None`` while it grows.
        origin: which of the first lanes it descends from.
    """

    matcher: Matcher | None
    rng: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    log_weight: float = 0.0
    log_probability: float = 0.0
    log_preference: float = 0.0
    finish_reason: FinishReason | None = None
    origin: int = 0

    def copy_to(self, rng: np.random.Generator) -> Self:
        """A lane in the same place, with noise of its own."""
        matcher = self.matcher.copy() if self.matcher is not None else None
        return replace(self, matcher=matcher, rng=rng, tokens=list(self.tokens))


class DraftCounts(NamedTuple):
    """What drafts did for a run.

    Attributes:
        drafted: positions that were forwarded for guesses at next tokens.
        accepted: drawn tokens whose logits a guess had already paid for.
        forced: drawn tokens all of whose bytes the constraint left no choice about.
    """

    drafted: int = 0
    accepted: int = 0
    forced: int = 0


@dataclass
class State(ABC):
    """Where a run stands. A step consumes it: the decoder in it is not copied.

    Attributes:
        lanes: one for each draw asked for.
        log_evidence: the sum over resamplings of the log mean weight that each replaced; samplers
            that do not weigh keep their whole estimate of ``log Z`` here.
        steps: how many steps have been made.
        attempts: whole texts (or beginnings) tried so far, by samplers that may refuse them.
        accepted: how many of them were taken.
        log_evidence_error: standard error of ``log_evidence``, where the sampler knows better
            than the weights of its lanes do; else ``None``.
        notes: further numbers for the report, by name: divergences in nats, for one.
        chosen: the sampler that was picked, where ``auto`` did.
        reason: why it was.
        guarantee: what is promised about the draws, where that is not what the sampler promises.
        resamplings: how many times lanes were resampled.
    """

    problem: Problem
    lanes: list[Lane]
    log_evidence: float = field(default=0.0, kw_only=True)
    steps: int = field(default=0, kw_only=True)
    attempts: int = field(default=0, kw_only=True)
    accepted: int = field(default=0, kw_only=True)
    log_evidence_error: float | None = field(default=None, kw_only=True)
    notes: dict[str, float] = field(default_factory=dict, kw_only=True)
    chosen: Sampler | None = field(default=None, kw_only=True)
    reason: str = field(default="", kw_only=True)
    guarantee: Guarantee | None = field(default=None, kw_only=True)
    resamplings: int = field(default=0, kw_only=True)

    @property
    @abstractmethod
    def positions_forwarded(self) -> int:
        """Token positions that models have computed so far, prompts included."""

    @property
    @abstractmethod
    def forwards(self) -> int:
        """How many times models have been called for them."""

    @property
    def draft_counts(self) -> DraftCounts:
        """What drafts did so far, by samplers that make them."""
        return DraftCounts()

    @property
    def log_bound(self) -> float | None:
        """Natural logarithm of a mass that ``Z`` cannot exceed, where one is known."""
        return None

    @property
    def done(self) -> bool:
        """Whether every lane has ended."""
        return all(lane.finish_reason is not None for lane in self.lanes)

    @property
    def log_weights(self) -> list[float]:
        """Natural logarithm of each lane's weight since the last resampling."""
        return [lane.log_weight for lane in self.lanes]


class Attempt(NamedTuple):
    """The trace record of one attempt at a text.

    Attributes:
        number: counted from 0, in the order in which attempts began.
        tokens: as far as it got.
        outcome: ``"accepted"``, ``"refused"`` (by the constraint, or by the draw that makes up for
            what is known to be refused further on) or ``"length"``.
        log_bound: natural logarithm of the bound on ``Z`` when it began: it was accepted with
            probability ``Z / bound``. 0 where no bound is kept.
    """

    number: int
    tokens: tuple[int, ...]
    outcome: Literal["accepted", "refused", "length"]
    log_bound: float = 0.0


def attempt_of(number: int, lane: Lane, accepted: bool, log_bound: float = 0.0) -> Attempt:
    """The trace record of an attempt that has ended as ``lane``."""
    refused: Literal["length", "refused"] = (
        "length" if lane.finish_reason == "length" else "refused"
    )
    return Attempt(number, tuple(lane.tokens), "accepted" if accepted else refused, log_bound)


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
        attempts: the attempts that ended in this step, by samplers that may refuse them.
        note: what was decided in this step, in words, where something was.
    """

    step: int
    tokens: tuple[int | None, ...]
    local_log_weights: tuple[float, ...]
    checks: tuple[int, ...]
    masks: tuple[int, ...]
    effective_sample_size: float
    ancestors: tuple[int, ...] | None = None
    attempts: tuple[Attempt, ...] = ()
    note: str = ""


class Sampler(ABC):
    """A way to make draws. Implementations are frozen dataclasses, registered by name."""

    guarantee: ClassVar[Guarantee] = Guarantee.WEIGHTED

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
