"""What every sampler works on and leaves behind, and the two verbs that make one: init and step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self

import numpy as np
from typing_extensions import TypeVar

from condit.constraint.base import Constraint, Strength
from condit.constraint.budgeted import Budgeted
from condit.errors import ArgumentError
from condit.model.base import Model, PrefixModel
from condit.prefer.base import Preference
from condit.report import Guarantee
from condit.sampler.law import BaseLaw
from condit.sampler.trie import Trie
from condit.speculate.settings import Drafts
from condit.trace import Ended, FinishReason, StepInfo

Insert = Callable[[str], str | None]
"""Says, of a text as far as it is drawn, what is to be put in behind it; ``None``: nothing."""


@dataclass(frozen=True)
class Problem:
    """Draw ``lanes`` texts from ``model`` after ``prompt``, under ``constraint``.

    The target is the base law ``p`` restricted to texts that satisfy the constraint and have at
    most ``max_tokens`` tokens, the end token not counted. Without a constraint it is ``p`` cut at
    ``max_tokens``. With ``finish``, tokens after which no text is known to fit are refused: see
    ``condit.constraint.budgeted`` for what that does to the target.

    A preference multiplies the target by its ``φ``. A trie is what earlier runs of the *same*
    problem have learned (see ``condit.sampler.memory``); samplers that learn go on from there.
    What ``insert`` puts in has no probability and counts for no budget.
    """

    model: PrefixModel
    prompt: tuple[int, ...]
    constraint: Constraint | None
    lanes: int
    max_tokens: int
    law: BaseLaw = field(default_factory=BaseLaw)
    finish: bool = False
    preference: Preference | None = None
    trie: Trie | None = None
    drafts: Drafts | None = None
    insert: Insert | None = None
    _bound: dict[object, Budgeted] = field(default_factory=dict, repr=False, compare=False)

    def bind(self) -> Budgeted | None:
        """What constraint and budget allow, at the empty text; ``None`` without a constraint.

        Compiled once, also for problems made of this one by ``dataclasses.replace``.

        Raises:
            VocabularyError: no token can begin a valid text.
            BudgetError: lanes are to finish, and the shortest text found has too many tokens.
        """
        if self.constraint is None:
            return None
        key = (id(self.constraint), self.max_tokens, self.finish, self.insert)
        if key not in self._bound:
            self._bound[key] = self._bind(self.constraint)
        return self._bound[key].copy()

    def _bind(self, constraint: Constraint) -> Budgeted:
        matcher, longest = constraint.bind(self.model.vocabulary), constraint.longest()
        exact = matcher.strength is Strength.EXACT and self.insert is None
        # Where no text can be too long there is nothing to see to.
        fits = exact and longest is not None and longest <= self.max_tokens
        if not self.finish or fits:
            return Budgeted(matcher, self.max_tokens)
        return Budgeted.of(matcher, self.max_tokens, more_is_given=self.insert is not None)


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
        given: which tokens were put in by the caller, as ranges of their places.
    """

    matcher: Budgeted | None
    rng: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    log_weight: float = 0.0
    log_probability: float = 0.0
    log_preference: float = 0.0
    finish_reason: FinishReason | None = None
    origin: int = 0
    given: tuple[range, ...] = ()

    @property
    def drawn(self) -> int:
        """How many of its tokens were drawn."""
        return len(self.tokens) - sum(map(len, self.given))

    def copy_to(self, rng: np.random.Generator) -> Self:
        """A lane in the same place, with noise of its own."""
        matcher = self.matcher.copy() if self.matcher is not None else None
        return replace(self, matcher=matcher, rng=rng, tokens=list(self.tokens))


def ended_as(
    lane: Lane,
    *,
    index: int | None = None,
    attempt: int | None = None,
    accepted: bool = True,
    log_bound: float = 0.0,
) -> Ended:
    """The trace record of a text that has ended.

    Args:
        lane: the text; one without weight is never accepted.
        index: which lane it grows in.
        attempt: the number of the attempt.
        accepted: whether the sampler took it.
        log_bound: natural logarithm of the bound on ``Z`` when it began, where one is kept.
    """
    taken = accepted and lane.log_weight > -math.inf
    reason = lane.finish_reason or "rejected"
    return Ended(index, attempt, tuple(lane.tokens), reason, taken, lane.log_weight, log_bound)


class Forwarding(Protocol):
    """What computes logits, and counts: a decoder, or a reader of prefixes."""

    @property
    def positions_forwarded(self) -> int:
        """Token positions computed so far, prompts included."""

    @property
    def forwards(self) -> int:
        """How many times the model was called for them."""


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


@dataclass(frozen=True)
class Findings:
    """What a sampler has to say of its run beside the lanes, for the report.

    Attributes:
        attempts: whole texts tried so far, where they may be refused.
        accepted: how many of them were taken.
        log_evidence_error: standard error of the evidence, relative to it, where the sampler knows
            better than the weights of its lanes do; else ``None``.
        log_bound: natural logarithm of a mass that ``Z`` cannot exceed, where one is known.
        notes: further numbers by name: divergences in nats, for one.
        drafts: what drafts did.
        guarantee: what is promised about the draws, where that is not what the sampler promises.
        chosen: the sampler that was picked, where another one picks.
        reason: why it was.
    """

    attempts: int = 0
    accepted: int = 0
    log_evidence_error: float | None = None
    log_bound: float | None = None
    notes: dict[str, float] = field(default_factory=dict)
    drafts: DraftCounts = field(default_factory=DraftCounts)
    guarantee: Guarantee | None = None
    chosen: Sampler | None = None
    reason: str = "it was asked for"


LaneT = TypeVar("LaneT", bound=Lane, default=Lane)


@dataclass
class State(Generic[LaneT]):
    """Where a run stands. A step consumes it: the decoder in it is not copied.

    Attributes:
        problem: what is asked.
        lanes: one for each draw asked for.
        models: what computes logits for it.
        log_evidence: the sum over resamplings of the log mean weight that each replaced; samplers
            that do not weigh keep their whole estimate of ``log Z`` here.
        steps: how many steps have been made.
    """

    problem: Problem
    lanes: list[LaneT]
    models: Sequence[Forwarding]
    log_evidence: float = field(default=0.0, kw_only=True)
    steps: int = field(default=0, kw_only=True)

    def findings(self) -> Findings:
        """What there is to say of the run so far."""
        return Findings()

    @property
    def positions_forwarded(self) -> int:
        """Token positions that models have computed so far, prompts included."""
        return sum(model.positions_forwarded for model in self.models)

    @property
    def forwards(self) -> int:
        """How many times models have been called for them."""
        return sum(model.forwards for model in self.models)

    @property
    def done(self) -> bool:
        """Whether every lane has ended."""
        return all(lane.finish_reason is not None for lane in self.lanes)

    @property
    def log_weights(self) -> list[float]:
        """Natural logarithm of each lane's weight since the last resampling."""
        return [lane.log_weight for lane in self.lanes]


StateT = TypeVar("StateT", bound="State[Any]", default=Any)
"""The kind of state that a sampler's steps pass on."""


class Sampler(ABC, Generic[StateT]):
    """A way to make draws. Implementations are frozen dataclasses, registered by name."""

    guarantee: ClassVar[Guarantee] = Guarantee.WEIGHTED

    @property
    def needs(self) -> type[PrefixModel]:
        """What it asks of a model: logits after prefixes, or as a `Model` lanes that fork."""
        return PrefixModel

    @property
    def takes_insertions(self) -> bool:
        """Whether ``Problem.insert`` may put text in between its draws."""
        return False

    @abstractmethod
    def init(self, problem: Problem, rng: np.random.Generator) -> StateT:
        """Lanes at the end of the prompt, which is forwarded here."""

    @abstractmethod
    def step(self, rng: np.random.Generator, state: StateT) -> tuple[StateT, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is consumed."""


def decoding(model: PrefixModel, who: object) -> Model:
    """``model``, as one that gives a decoder.

    Raises:
        ArgumentError: it only gives logits after prefixes; the message names who needs more.
    """
    if isinstance(model, Model):
        return model
    raise ArgumentError(
        f"{who} forks lanes of a decoder, and {model.name} only gives logits after prefixes: use "
        "auto, exact, learned, SMC(kernel='learned'), mcmc, rejection, asap or beam"
    )
