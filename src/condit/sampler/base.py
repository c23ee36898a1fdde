"""The protocol of a sampler: ``init`` makes a state, ``step`` grows its lanes by a token each.

A *lane* is one text as it grows; in sequential Monte Carlo it is a particle. ``p`` is the base law:
the model's distribution of the next token, and so of texts, after temperature, top-k and top-p. No
sampler is here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self

import numpy as np
from typing_extensions import TypeVar

from condit.constraint.base import Constraint, Matcher, Strength
from condit.constraint.boundary import START, Boundary
from condit.constraint.budgeted import Budgeted
from condit.constraint.prefixed import Prefixed
from condit.errors import ArgumentError
from condit.model.base import Model, PrefixModel
from condit.prefer.base import Preference
from condit.report import Guarantee
from condit.sampler.law import BaseLaw
from condit.sampler.seam import Seam
from condit.sampler.trie import Trie
from condit.speculate.settings import Drafts
from condit.trace import Ended, FinishReason, StepInfo
from condit.vocabulary import Vocabulary

Insert = Callable[[str], str | None]
"""From the text of a lane so far to the text to append to it; ``None`` appends nothing."""


@dataclass(frozen=True)
class Problem:
    """What to draw: ``lanes`` texts from ``model`` after ``prompt``, under ``constraint``.

    The target is the base law ``p`` restricted to texts that satisfy the constraint and have at
    most ``max_tokens`` tokens, the end token not counted. Without a constraint it is ``p`` cut at
    ``max_tokens``. The *evidence* ``Z``, the target's normalising constant, is the mass of these
    texts under ``p``. With ``finish``, tokens after which no text is known to fit are refused: see
    ``condit.constraint.budgeted`` for what that does to the target.

    A preference multiplies the target by its weight ``φ``. ``trie`` holds what earlier runs of the
    *same* problem have learned (see ``condit.sampler.memory``). Text that ``insert`` appends has no
    probability and does not count against ``max_tokens``.

    With a ``seam``, the last tokens of the prompt were taken back: every text begins with the bytes
    of the seam, which the constraint, the preference and ``insert`` do not see. Probabilities and
    weights of lanes are those of the seam and the text together; ``max_tokens`` is for both.

    A text ends as soon as it holds one of ``stops``, which are given only without a constraint.
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
    seam: Seam | None = None
    stops: tuple[bytes, ...] = ()
    _bound: dict[object, Budgeted] = field(default_factory=dict, repr=False, compare=False)
    _accepted: dict[bytes, bool] = field(default_factory=dict, repr=False, compare=False)

    @property
    def longest(self) -> int:
        """The most tokens that a text may have, by the budget or by the constraint."""
        most = self.constraint.longest() if self.constraint is not None else None
        if most is None:
            return self.max_tokens
        return min(self.max_tokens, most + (len(self.seam.text) if self.seam else 0))

    @property
    def most_new_tokens(self) -> int:
        """``max_tokens`` without the tokens that were taken back from the prompt."""
        return self.max_tokens - (self.seam.tokens if self.seam else 0)

    def written(self, tokens: Sequence[int]) -> bytes:
        """The bytes of a text, without the seam; none until that is written."""
        spelled = self.model.vocabulary.spell(tokens)
        return spelled if self.seam is None else spelled[len(self.seam.text) :]

    def text(self, tokens: Sequence[int]) -> bytes:
        """The bytes of a text up to where the first of ``stops`` begins, without the seam."""
        text = self.written(tokens)
        places = (at for stop in self.stops if (at := text.find(stop)) >= 0)
        return text[: min(places, default=None)]

    def stopped(self, tokens: Sequence[int]) -> bool:
        """Whether the last token has completed one of ``stops``."""
        if not self.stops:
            return False
        # What came before it was asked about already.
        last = len(self.model.vocabulary.bytes[tokens[-1]])
        tail = last + max(map(len, self.stops)) - 1
        written = self.written(tokens)[-tail:]
        return any(stop in written for stop in self.stops)

    def bytes_of_prompt(self, token: int | None, tokens: Sequence[int], place: int) -> int:
        """How many bytes of ``token``, drawn after ``tokens[:place]``, belong to the seam."""
        if self.seam is None or token is None or place >= len(self.seam.text):
            return 0
        vocabulary = self.model.vocabulary
        rest = self.seam.text[len(vocabulary.spell(tokens[:place])) :]
        spelled = vocabulary.bytes[token]
        fits = rest.startswith(spelled) or spelled.startswith(rest)
        return min(len(rest), len(spelled)) if fits else 0

    def bind(self) -> Budgeted | None:
        """A matcher of constraint, seam and budget at the empty text.

        ``None`` if there is neither a constraint nor a seam.

        Compiled once, and shared with problems made from this one by ``dataclasses.replace``.

        Raises:
            VocabularyError: no token can begin a valid text.
            BudgetError: ``finish``, and the shortest text found has more than ``max_tokens``.
        """
        if self.constraint is None and self.seam is None:
            return None
        key = (id(self.constraint), self.max_tokens, self.finish, self.insert, self.seam)
        if key not in self._bound:
            self._bound[key] = self._bind()
        return self._bound[key].copy()

    def accepts(self, tokens: Sequence[int]) -> bool:
        """Whether the oracle takes a finished text, given by its tokens; each is judged once."""
        seam = b"" if self.seam is None else self.seam.text
        if not seam and self.constraint is None:
            return True
        spelled = self.model.vocabulary.spell(tokens)
        known = self._accepted.get(spelled)
        if known is None:
            text, constraint = spelled.removeprefix(seam), self.constraint
            try:
                known = spelled.startswith(seam)
                known = known and (constraint is None or constraint.accepts(text.decode()))
            except UnicodeDecodeError:
                known = False
            self._accepted[spelled] = known
        return known

    def _bind(self) -> Budgeted:
        constraint, seam, vocabulary = self.constraint, self.seam, self.model.vocabulary
        bind = None if constraint is None else partial(_bound, constraint)
        prefix = b"" if seam is None else seam.text
        if bind is not None and seam is None:
            matcher = bind(vocabulary)
        else:
            matcher = Prefixed.bind(bind, vocabulary, prefix)
        # Without a constraint only the seam must be written.
        longest = 0 if constraint is None else constraint.longest()
        exact = matcher.strength is Strength.EXACT and self.insert is None
        # Where no text can be too long the budget refuses nothing.
        fits = exact and longest is not None and len(prefix) + longest <= self.max_tokens
        if fits or not self.finish:
            return Budgeted(matcher, self.max_tokens)
        return Budgeted.of(
            matcher,
            self.max_tokens,
            more_is_given=self.insert is not None,
            prefix=prefix,
            prefix_tokens=self.max_tokens - self.most_new_tokens,
        )


def _bound(constraint: Constraint, vocabulary: Vocabulary) -> Matcher:
    matcher = constraint.bind(vocabulary)
    if not isinstance(matcher, Matcher):
        raise ArgumentError(
            f"{type(constraint).__name__}.bind must return a Matcher, not something of type "
            f"{type(matcher).__name__}; of a byte matcher, LiftedMatcher.bind(machine, "
            "vocabulary) makes one"
        )
    return matcher


@dataclass
class Lane:
    """One text as it grows: a particle, in sequential Monte Carlo.

    Attributes:
        matcher: the constraint's state after these tokens; ``None`` without a constraint.
        rng: the lane's own generator, so that its draws do not depend on other lanes.
        tokens: the tokens so far, without the prompt and the end token.
        log_weight: natural logarithm of its weight. Resampling gives lanes the mean of their group.
        log_probability: natural logarithm of ``p`` of its tokens (and end), under the base law.
        log_preference: natural logarithm of the factor ``φ`` that its weight has by now.
        finish_reason: why it ended, ``None`` while it grows.
        origin: index of the initial lane that it descends from by resampling.
        given: ranges of indices of tokens that the caller inserted (``Problem.insert``).
        boundary: the boundary that it has reached last, for samplers that compare lanes there.
        literal: the text of the constraint that it is in the middle of, for the same.
        waits: whether it stands at a boundary until other lanes have reached theirs.
        before: the lane as it left the boundary before, for samplers that go back there.
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
    boundary: Boundary = START
    literal: bytes = b""
    waits: bool = False
    before: Lane | None = None

    @property
    def grows(self) -> bool:
        """Whether the next step draws a token for it."""
        return self.finish_reason is None and not self.waits

    @property
    def drawn(self) -> int:
        """How many of its tokens were drawn, that is, not inserted."""
        return len(self.tokens) - (sum(map(len, self.given)) if self.given else 0)

    def copy_to(self, rng: np.random.Generator) -> Self:
        """A copy of the lane that draws from ``rng``."""
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
    """The counters of what computes logits: a decoder, or a reader of prefixes."""

    @property
    def positions_forwarded(self) -> int:
        """Token positions computed so far, prompts included."""

    @property
    def forwards(self) -> int:
        """How many forwards that took."""


class DraftCounts(NamedTuple):
    """What drafts did in a run.

    Attributes:
        drafted: positions that were forwarded for guessed tokens.
        accepted: tokens drawn from logits that the forward of a guess had given.
        forced: drawn tokens of which the constraint forced every byte.
    """

    drafted: int = 0
    accepted: int = 0
    forced: int = 0


@dataclass(frozen=True)
class Findings:
    """What the report needs of a run beside its lanes.

    Attributes:
        attempts: whole texts tried so far, by samplers that may reject them.
        accepted: how many of them were accepted.
        log_evidence_error: standard error of the evidence, divided by it (linear); ``None``: to be
            estimated from the weights of lanes.
        log_bound: natural logarithm of an upper bound on ``Z``, if one is known.
        notes: further numbers by name, such as divergences in nats.
        drafts: what drafts did.
        guarantee: of the draws, if it differs from ``Sampler.guarantee``.
        chosen: the sampler that made the draws, if another one picked it.
        reason: why that sampler.
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
    """A run between two steps. A step modifies it, as its decoder cannot be copied.

    Attributes:
        problem: what to draw.
        lanes: one for each draw asked for.
        models: the decoders and readers that compute logits for it.
        log_evidence: the part of ``log Z`` that is not in the lanes' weights (their log mean is
            added to it): all of it, of samplers with equal weights; else 0.
        steps: how many steps have been made.
    """

    problem: Problem
    lanes: list[LaneT]
    models: Sequence[Forwarding]
    log_evidence: float = field(default=0.0, kw_only=True)
    steps: int = field(default=0, kw_only=True)

    def findings(self) -> Findings:
        """Numbers for the report, from the run so far."""
        return Findings()

    @property
    def positions_forwarded(self) -> int:
        """Token positions that models have computed so far, prompts included."""
        return sum(model.positions_forwarded for model in self.models)

    @property
    def forwards(self) -> int:
        """How many forwards that took."""
        return sum(model.forwards for model in self.models)

    @property
    def done(self) -> bool:
        """Whether every lane has ended."""
        return all(lane.finish_reason is not None for lane in self.lanes)

    @property
    def log_weights(self) -> list[float]:
        """Natural logarithm of each lane's weight, in lane order."""
        return [lane.log_weight for lane in self.lanes]


StateT = TypeVar("StateT", bound="State[Any]", default=Any)
"""The state that a sampler's steps take and return."""


class Sampler(ABC, Generic[StateT]):
    """A way to make draws. Implementations are frozen dataclasses, registered by name."""

    guarantee: ClassVar[Guarantee] = Guarantee.WEIGHTED

    @property
    def needs(self) -> type[PrefixModel]:
        """The least it needs: logits after prefixes (`PrefixModel`), or a decoder (`Model`)."""
        return PrefixModel

    @property
    def takes_insertions(self) -> bool:
        """Whether it can insert text between draws (``Problem.insert``)."""
        return False

    @property
    def heals(self) -> bool:
        """Whether the problem may have a seam (``Problem.seam``)."""
        return True

    @abstractmethod
    def init(self, problem: Problem, rng: np.random.Generator) -> StateT:
        """The state before the first token; forwards the prompt."""

    @abstractmethod
    def step(self, rng: np.random.Generator, state: StateT) -> tuple[StateT, StepInfo]:
        """Grow every lane that has not ended by one token. ``state`` is modified."""


def decoding(model: PrefixModel, who: object) -> Model:
    """``model``, checked to be one that has a decoder.

    Raises:
        ArgumentError: it only gives logits after prefixes; the message names ``who`` needs more.
    """
    if isinstance(model, Model):
        return model
    raise ArgumentError(
        f"{who} forks lanes of a decoder, and {model.name} only gives logits after prefixes: use "
        "auto, exact, learned, SMC(kernel='learned'), mcmc, rejection, asap or beam, none of which "
        "takes insert="
    )
