"""Markov chain Monte Carlo over valid texts: Metropolis-Hastings (Gonzalez et al. 2025).

Each lane is a chain. Its first text is a valid masked draw. A move picks a position ``i`` of the
text ``x`` with probability ``h(x[:i]) / H(x)``, where ``H(x) = Σ_i h(x[:i])``, keeps ``x[:i]``, and
redraws the rest by the local law ``m(t|u) = p(t|u) 1[t in the outline] / S(u)``, where the outline
is a superset of the allowed tokens (see ``Matcher.outline``) and ``S(u)`` its mass. The end token
has a position, too. So a text ``x'`` that shares its first ``s`` tokens with ``x`` is proposed with
probability

    q(x'|x) = Σ_{i ≤ s} h(x[:i]) / H(x) · Π_{k ≥ i} m(x'_k | x'_{<k})

and accepted with probability ``min(1, p(x')φ(x')q(x|x') / (p(x)φ(x)q(x'|x)))``, so the target is
the stationary law. As ``h`` depends on the kept prefix alone, the sums for both directions differ
only in ``H`` and in the tokens after ``s``. So the ratio is ``v(x') / v(x)``, with

    v(x) = φ(x) / H(x) · Π_k S(x_{<k})

With a superset the mass ``S(u)`` is known without checking every token. A draft that draws a
refused token, or does not become valid, is a rejected move, which leaves ``q`` between valid texts
unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from condit.constraint.base import outlined
from condit.constraint.budgeted import Budgeted
from condit.errors import ArgumentError, UnknownNameError
from condit.model.base import Logits
from condit.model.reader import Reader
from condit.plugins import unknown
from condit.report import Guarantee
from condit.sampler.base import Findings, Lane, Problem, Sampler, State, ended_as
from condit.sampler.kernels import Draw, draw_by_rejection
from condit.sampler.law import TokenLaw
from condit.sampler.local import finish, meet_budget, weigh_preference
from condit.sampler.walk import require_temperature
from condit.trace import Drawn, Ended, StepInfo
from condit.weights import effective_sample_size, log_share, relative_error

PROPOSALS = ("restart", "uniform", "entropy")
_COUNTED_APART = 4096
"""Tokens that ``_entropy`` counts one by one."""


class Place(NamedTuple):
    """One token of a text (the end included), with what a later move needs of its position.

    Attributes:
        token: the token.
        log_probability: natural logarithm of ``p(t|u)``.
        log_mass: natural logarithm of ``S(u)``.
        start_weight: ``h(u)``: moves start here with probability in proportion to it.
    """

    token: int
    log_probability: float
    log_mass: float
    start_weight: float


@dataclass
class Draft(Lane):
    """A text as it is drawn; its weight is 0 if it ends without being valid.

    Attributes:
        places: its tokens, and its end.
        kept: so many of them are of the text before it.
    """

    places: list[Place] = field(default_factory=list)
    kept: int = 0

    def append(self, place: Place, end: int | None = None) -> None:
        """Append a token; the ``end`` token gets a place, but is no part of the text."""
        self.places.append(place)
        self.log_probability += place.log_probability
        if self.matcher is not None:
            self.matcher.advance(place.token)
        if place.token != end:
            self.tokens.append(place.token)

    @property
    def valid(self) -> bool:
        """Whether it has ended as a text of the target."""
        return self.finish_reason is not None and self.log_weight > -math.inf


@dataclass
class Chain(Lane):
    """A lane: the current text of a chain, and the draft of the proposed one.

    Attributes:
        draft: the text that is being drawn.
        text: the current text of the chain; ``None`` until a first draw is valid.
        tries: how many first draws have ended.
        moves: how many moves have ended.
        number: number of the move under way, counted over all chains.
    """

    draft: Draft = field(kw_only=True)
    text: Draft | None = None
    tries: int = 0
    moves: int = 0
    number: int = 0

    def move_to(self, text: Draft) -> None:
        """Make ``text`` the current text of the chain."""
        self.text, self.tokens, self.log_weight = text, text.tokens, 0.0
        self.log_probability, self.log_preference = text.log_probability, text.log_preference


@dataclass
class ChainsState(State[Chain]):
    """Chains that share the model's forwards.

    Attributes:
        reader: the model.
        root: the matcher at the empty text.
        first_log_weights: log weights of all first draws, ``-inf`` for those not valid.
        begun: how many moves have begun.
        attempts: how many moves have ended.
        accepted: how many of them were accepted.
        log_evidence_error: standard error of the evidence, relative to it, where it is known.
    """

    reader: Reader
    root: Budgeted | None
    first_log_weights: list[float] = field(default_factory=list)
    begun: int = 0
    attempts: int = 0
    accepted: int = 0
    log_evidence_error: float | None = None

    def findings(self) -> Findings:
        """Numbers of moves, and the error of the evidence."""
        return Findings(self.attempts, self.accepted, self.log_evidence_error)


@dataclass(frozen=True)
class MCMC(Sampler[ChainsState]):
    """Independent Markov chains, equally weighted; their law approaches the target with each move.

    The evidence is estimated from the weights of all first draws: unbiased for two lanes or more,
    unless a lane runs out of tries.

    Attributes:
        moves: how many moves each chain makes; 0: the result is the masked first draws.
        proposal: ``h``, where moves start to redraw: ``"restart"``, at the first token;
            ``"uniform"``, at any token, the end included; ``"entropy"``, in proportion to the
            entropy of the local law.
        tries: how many first draws a chain may make until one is valid.

    Raises:
        ArgumentError: ``moves`` is negative, or ``tries`` less than 1.
        UnknownNameError: no such proposal.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT
    moves: int = 10
    proposal: str = "uniform"
    tries: int = 100

    def __post_init__(self) -> None:
        for name, least in (("moves", 0), ("tries", 1)):
            if getattr(self, name) < least:
                raise ArgumentError(f"{name} must be {least} or more, not {getattr(self, name)}")
        if self.proposal not in PROPOSALS:
            raise UnknownNameError(unknown("proposal", self.proposal, PROPOSALS))

    def init(self, problem: Problem, rng: np.random.Generator) -> ChainsState:
        """Chains that have drawn nothing; the prompt is forwarded here.

        Raises:
            ArgumentError: temperature 0, where no mass is defined.
        """
        require_temperature(problem, "mcmc")
        root, reader = problem.bind(), problem.model.reader(problem.prompt)
        state = ChainsState(problem, [], [reader], reader, root)
        for origin, lane_rng in enumerate(rng.spawn(problem.lanes)):
            draft = _draft(root, lane_rng)
            # Partial results show the first draft until there is a text.
            chain = Chain(None, lane_rng, draft.tokens, -math.inf, origin=origin, draft=draft)
            state.lanes.append(chain)
        return state

    def step(self, rng: np.random.Generator, state: ChainsState) -> tuple[ChainsState, StepInfo]:
        """Draw one token in every chain that still moves, after one forward for all."""
        moving = [chain for chain in state.lanes if chain.finish_reason is None]
        rows = state.reader.read([tuple(chain.draft.tokens) for chain in moving])
        drafts = [chain.draft for chain in moving]
        kept = [each.kept if len(each.places) == each.kept else None for each in drafts]
        grown = [
            (chain, self._grow(state, chain, logits))
            for chain, logits in zip(moving, rows, strict=True)
        ]
        ended = [chain for chain in moving if chain.draft.finish_reason is not None]
        weigh_preference(state.problem, [chain.draft for chain in ended])
        draws = tuple(
            _drawn(state, chain, draw)._replace(kept=stays)
            for (chain, draw), stays in zip(grown, kept, strict=True)
        )
        ends = tuple(self._settle(state, chain) for chain in ended)
        _update_evidence(state)
        state.steps += 1
        info = StepInfo(
            step=state.steps - 1,
            draws=draws,
            ends=ends,
            effective_sample_size=effective_sample_size(state.log_weights),
            checks=sum(draw.checks for _, draw in grown),
            masks=sum(draw.masks for _, draw in grown),
        )
        return state, info

    def _grow(self, state: ChainsState, chain: Chain, logits: Logits) -> Draw:
        """Draw the next token of the draft."""
        draft, problem = chain.draft, state.problem
        end = problem.model.vocabulary.end
        law = problem.law.at(logits, problem.model.vocabulary)
        allowed, whole = outlined(draft.matcher)
        mass = 1.0 if allowed is None else law.restrict(allowed)
        log_mass = math.log(mass) + law.log_scale if mass > 0 else -math.inf
        start_weight = float(self.proposal == "uniform" or not draft.places)
        if self.proposal == "entropy":
            start_weight = _entropy(law, log_mass) if mass > 0 else 0.0
        asked = None if whole or mass == 0 else draft.matcher
        if asked is not None and chain.text is None:
            draw = draw_by_rejection(law, asked, draft.rng)
        else:
            draw = Draw(law.draw(draft.rng) if mass > 0 else None, log_mass, int(asked is not None))
            if asked is not None and not (draw.token is not None and asked.allows(draw.token)):
                draw = draw._replace(log_weight=-math.inf)
        draft.log_weight += draw.log_weight
        token = draw.token
        log_probability = law.log_probability(token) if token is not None else -math.inf
        if token is None or draw.log_weight == -math.inf:
            draft.finish_reason = "dead_end"
        else:
            place = Place(token, log_probability, log_mass, start_weight)
            draft.append(place, end)
            if token == end:
                finish(draft, problem)
            elif len(draft.tokens) == problem.max_tokens:
                meet_budget(draft, end)
        masks = int(allowed is not None)
        return Draw(token, draw.log_weight, draw.checks, masks, log_probability)

    def _settle(self, state: ChainsState, chain: Chain) -> Ended:
        """Accept or reject a draft that has ended, and begin the next one."""
        draft = chain.draft
        accepted, number = draft.valid, None
        if chain.text is None:
            chain.tries += 1
            state.first_log_weights.append(draft.log_weight)
            if draft.valid:
                chain.move_to(draft)
            elif len(draft.tokens) > len(chain.tokens):
                chain.tokens = draft.tokens
        else:
            chain.moves += 1
            state.attempts += 1
            log_toss = math.log1p(-chain.rng.random())
            accepted = accepted and log_toss <= log_value(draft) - log_value(chain.text)
            if accepted:
                state.accepted += 1
                chain.move_to(draft)
            number = chain.number
        if chain.text is None and chain.tries < self.tries:
            chain.draft = _draft(state.root, chain.rng)
        elif chain.text is not None and chain.moves < self.moves:
            kept = chain.text.places[: _pick_start(chain.text.places, chain.rng)]
            chain.draft, chain.number = _draft(state.root, chain.rng, kept), state.begun
            state.begun += 1
        else:
            chain.finish_reason = (chain.text or draft).finish_reason
        return ended_as(draft, index=chain.origin, attempt=number, accepted=accepted)


def _drawn(state: ChainsState, chain: Chain, draw: Draw) -> Drawn:
    """The trace record of a token of a draft; a first draft has no number."""
    number = chain.number if chain.text is not None else None
    draft = chain.draft
    appended = draft.tokens[-1:] == [draw.token] and draw.log_weight > -math.inf
    place = len(draft.tokens) - appended
    return Drawn(
        chain.origin,
        number,
        draw.token,
        draw.log_probability,
        draw.log_weight,
        draft.log_weight,
        prompt_bytes=state.problem.bytes_of_prompt(draw.token, draft.tokens, place),
    )


def _draft(root: Budgeted | None, rng: np.random.Generator, kept: Sequence[Place] = ()) -> Draft:
    """A draft that begins with ``kept``, none of which is the end."""
    draft = Draft(root.copy() if root is not None else None, rng, kept=len(kept))
    for place in kept:
        draft.append(place)
    return draft


def _pick_start(places: Sequence[Place], rng: np.random.Generator) -> int:
    """A position ``i`` with probability ``h(x[:i]) / H(x)``; 0 where every token is forced."""
    upto = np.cumsum([place.start_weight for place in places])
    if upto[-1] == 0:
        return 0
    # Rounding may point past the last position that can be picked.
    target = min(rng.random() * upto[-1], math.nextafter(upto[-1], 0))
    return int(upto.searchsorted(target, side="right"))


def log_value(text: Draft) -> float:
    """Natural logarithm of ``v(x)``; where every token is forced, ``H(x)`` counts as 1."""
    start_weight = math.fsum(place.start_weight for place in text.places)
    log_masses = math.fsum(place.log_mass for place in text.places)
    return text.log_preference + log_masses - (math.log(start_weight) if start_weight > 0 else 0.0)


def _entropy(law: TokenLaw, log_mass: float) -> float:
    """Entropy of the local law in nats; all but the heaviest tokens count as one."""
    _, log_masses, log_rest = law.heaviest(_COUNTED_APART, 1.0)
    logs = np.array([*log_masses, log_rest]) - log_mass
    logs = logs[logs > -np.inf]
    return max(0.0, -float(np.exp(logs) @ logs))


def _update_evidence(state: ChainsState) -> None:
    """The evidence: the mean weight of the valid first draws, times the share of valid ones."""
    tried, lanes = len(state.first_log_weights), len(state.lanes)
    valid = [log_weight for log_weight in state.first_log_weights if log_weight > -math.inf]
    if valid:
        # Lanes that stay empty have weight 0: the others make up for them.
        log_mean = float(np.logaddexp.reduce(valid)) - 2 * math.log(len(valid)) + math.log(lanes)
        state.log_evidence = log_mean + log_share(len(valid), tried, lanes)
        state.log_evidence_error = relative_error(valid, draws=tried)
