"""Rejection: draw whole texts until one is valid (guaranteed generation; Kim et al. 2024).

Texts come from a proposal ``a'`` that knows nothing of the constraint, and the valid ones are kept.
They follow ``g' ∝ a' 1[C]``; the mass of valid texts under ``a'`` is the acceptance rate ``AR``.

With the model itself as proposal, draws are exact and ``Z = AR``. The same model under another
prompt, or another model, may be accepted more often. Then accepted texts are read under the target
``p``, too, and weigh ``p(x)φ(x) / a'(x)``. So weighted averages are those of the target
``g = pφ 1[C] / Z``, and ``Z = AR E_g'[pφ / a']``. How far apart the laws are, in nats, is

    KL(g‖a') = E_g[log pφ / a'] - log Z          KL(g‖g') = KL(g‖a') + log AR

with averages over ``g`` by self-normalised weights. Texts that the proposal never draws are lost:
``top_k`` and ``top_p`` cut the proposal, too. Attempts are dropped as soon as the matcher refuses a
token, as the whole is then sure to be refused; the oracle judges finished texts. Draws are accepted
attempts in the order in which they began: that in which they end would favour short texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import Decoder, Model, Prompt
from condit.model.load import load
from condit.model.reader import PrefixReader
from condit.sampler.base import Guarantee, Lane, Problem, Sampler, State, StepInfo, attempt_of
from condit.sampler.base import effective_sample_size as size_of
from condit.sampler.law import TokenLaw
from condit.sampler.local import bind, record, take, weigh_preference
from condit.sampler.walk import require_temperature
from condit.vocabulary import Vocabulary


@dataclass
class Trial(Lane):
    """An attempt; its weight is ``p / a'`` once it has ended, 0 where it is refused.

    Attributes:
        number: counted from 0, in the order in which attempts begin.
        log_proposal: natural logarithm of ``a'`` of its tokens (and end).
    """

    number: int = 0
    log_proposal: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether it has ended as a text that the target gives mass to."""
        return self.finish_reason is not None and self.log_weight > -math.inf


@dataclass
class RejectionState(State):
    """Attempts under way, and the ones that ended while an earlier one had not.

    Attributes:
        reader: the proposal.
        vocabulary: the tokens; what ends a text for the proposal or the target is an end.
        root: what attempts are copied from.
        first_law: the proposal's law of the first token.
        target: the problem's model after its prompt; ``None`` where that is the proposal.
        running: the attempts under way.
        ended: attempts that ended and are not settled yet, by number.
        begun: how many attempts have begun; ``attempts`` is how many are settled.
        found: how many of those that ended were accepted; ``accepted`` is how many are settled.
        longest: the longest text that was refused.
    """

    reader: PrefixReader
    vocabulary: Vocabulary
    root: Trial
    first_law: TokenLaw
    target: Decoder | None
    running: list[Trial] = field(default_factory=list)
    ended: dict[int, Trial] = field(default_factory=dict)
    begun: int = 0
    found: int = 0
    longest: list[int] = field(default_factory=list)

    @property
    def positions_forwarded(self) -> int:
        """Token positions that both models have computed so far, prompts included."""
        target = self.target.positions_forwarded if self.target is not None else 0
        return self.reader.positions_forwarded + target

    @property
    def forwards(self) -> int:
        """How many times both models have been called for them."""
        return self.reader.forwards + (self.target.forwards if self.target is not None else 0)


@dataclass(frozen=True)
class Rejection(Sampler):
    """Draws from a proposal, as often as it takes.

    Without ``prompt`` and ``model`` its draws are exact and equally weighted. Else they follow the
    proposal restricted to valid texts, and are weighted. The evidence is unbiased for two draws or
    more; from one draw it is too high on average.

    Attributes:
        width: how many attempts are under way at a time; they share the model's forwards.
        attempts: how many attempts may be made for each draw asked for, on average.
        prompt: what the proposal is prompted with: text, chat messages or token ids; by default
            the problem's own prompt.
        model: the proposal, or what ``condit.load`` takes; by default the problem's own model.
            Its tokens must have the same bytes.

    Raises:
        ArgumentError: ``width`` or ``attempts`` is less than 1.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.EXACT
    width: int = 8
    attempts: int = 1000
    prompt: Prompt | None = None
    model: Model | str | None = None

    def __post_init__(self) -> None:
        for name in ("width", "attempts"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.prompt is not None or self.model is not None:
            object.__setattr__(self, "guarantee", Guarantee.PROPOSAL)

    def init(self, problem: Problem, rng: np.random.Generator) -> RejectionState:
        """No attempts yet; the prompts are forwarded here.

        Raises:
            ArgumentError: temperature 0, where no mass is defined; or the proposal's tokens are
                not those of the model.
            PromptTooLongError: the proposal's prompt and the budget do not fit in its context.
        """
        require_temperature(problem, "rejection")
        proposal, prompt = problem.model, list(problem.prompt)
        if self.model is not None:
            proposal = load(self.model) if isinstance(self.model, str) else self.model
        if self.prompt is not None:
            prompt = proposal.encode_prompt(self.prompt)
        vocabulary = _shared_vocabulary(proposal, problem.model)
        proposal.check_fits(len(prompt), problem.max_tokens)
        reader = proposal.reader(prompt)
        first_law = problem.law.at(reader.read([()])[0], vocabulary)
        target = None if self.guarantee is Guarantee.EXACT else problem.model.start(problem.prompt)
        root = Trial(bind(problem), rng)
        state = RejectionState(problem, [], reader, vocabulary, root, first_law, target)
        for origin, noise in enumerate(rng.spawn(problem.lanes)):
            state.lanes.append(Lane(None, noise, log_weight=-math.inf, origin=origin))
        return state

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """Begin attempts, then draw one token in each after one forward for all."""
        assert isinstance(state, RejectionState)
        ended: list[Trial] = []
        checks = 0
        while len(state.running) < self.width and self._may_begin(state):
            trial = state.root.copy_to(rng.spawn(1)[0])
            trial.number = state.begun
            state.begun += 1
            state.running.append(trial)
            # The first token costs no forward: where it is refused there is room at once.
            checks += _extend(state, trial, state.first_law)
            ended += _take_ended(state)
        _settle(state)
        if state.running and not state.done:
            rows = state.reader.read([tuple(trial.tokens) for trial in state.running])
            for trial, logits in zip(state.running, rows, strict=True):
                law = state.problem.law.at(logits, state.vocabulary)
                checks += _extend(state, trial, law)
            ended += _take_ended(state)
            _settle(state)
        if not state.running and not self._may_begin(state):
            for lane in state.lanes[state.accepted :]:
                lane.tokens, lane.finish_reason = list(state.longest), "rejected"
        attempts = tuple(attempt_of(trial.number, trial, trial.accepted) for trial in ended)
        return state, record(state, ())._replace(checks=(checks,), attempts=attempts)

    def _may_begin(self, state: RejectionState) -> bool:
        return state.found < len(state.lanes) and state.begun < self.attempts * len(state.lanes)


def log_share(accepted: int, tried: int, wanted: int) -> float:
    """Natural logarithm of the share of tries that are accepted, as an estimate.

    Where they went on until ``wanted`` were accepted, the last one was sure to be: it is left out,
    which makes the share unbiased (Haldane 1945), unless it is the only one.
    """
    if accepted == wanted and wanted > 1:
        return math.log((accepted - 1) / (tried - 1))
    return math.log(accepted / tried)


def relative_error(log_weights: Sequence[float], tried: int) -> float | None:
    """Standard error of the mean weight of tries, relative to it; those left out weigh 0.

    ``None`` where it cannot be told: from one try, or where all weigh 0.
    """
    size = size_of(log_weights)
    if tried < 2 or size == 0:
        return None
    return math.sqrt(max(tried / size - 1, 0.0) / (tried - 1))


def _shared_vocabulary(proposal: Model, target: Model) -> Vocabulary:
    ours, theirs = target.vocabulary, proposal.vocabulary
    if ours.bytes != theirs.bytes:
        raise ArgumentError(
            f"{proposal.name} cannot propose texts for {target.name}: its tokens do not have the "
            f"same bytes ({len(theirs)} and {len(ours)} tokens). Take a model with the same "
            "tokenizer, or the same model under another prompt"
        )
    return Vocabulary(ours.bytes, ours.end, ours.ends | theirs.ends)


def _extend(state: RejectionState, trial: Trial, law: TokenLaw) -> int:
    """Draw one token; returns how many tokens the matcher was asked about."""
    problem = state.problem
    token = law.draw(trial.rng)
    assert token is not None  # nothing is ever taken out of this law
    if trial.matcher is not None:
        left = problem.max_tokens - len(trial.tokens)
        if not trial.matcher.allows(token):
            trial.finish_reason = "length" if left == 0 else "rejected"
            trial.log_weight = -math.inf
            return 1
        trial.matcher.advance(token)
    trial.log_proposal += law.log_probability(token)
    take(trial, token, problem)
    return int(trial.matcher is not None)


def _take_ended(state: RejectionState) -> list[Trial]:
    """Move attempts that have ended out of the way, and weigh those that are valid."""
    ended = [trial for trial in state.running if trial.finish_reason is not None]
    state.running = [trial for trial in state.running if trial.finish_reason is None]
    for trial in ended:
        state.ended[trial.number] = trial
        if trial.accepted:
            trial.log_probability = _log_target(state, trial)
            trial.log_weight = trial.log_probability - trial.log_proposal
            state.found += trial.accepted
    return ended


def _log_target(state: RejectionState, trial: Trial) -> float:
    """Natural logarithm of ``p`` of a finished text, by one forward."""
    if state.target is None:
        return trial.log_proposal
    problem, vocabulary = state.problem, state.problem.model.vocabulary
    rows = [state.target.logits[0], *state.target.advance([trial.tokens])[0]]
    state.target.rewind([0])
    drawn = [*trial.tokens, vocabulary.end] if trial.finish_reason == "stop" else trial.tokens
    laws = (problem.law.at(row, vocabulary) for row in rows[: len(drawn)])
    return math.fsum(law.log_probability(token) for law, token in zip(laws, drawn, strict=True))


def _settle(state: RejectionState) -> None:
    """Count attempts in the order in which they began, and fill lanes with accepted ones."""
    filled = state.accepted
    while state.attempts in state.ended and state.accepted < len(state.lanes):
        trial = state.ended.pop(state.attempts)
        state.attempts += 1
        if trial.accepted:
            lane = state.lanes[state.accepted]
            lane.tokens, lane.finish_reason = trial.tokens, trial.finish_reason
            lane.log_weight, lane.log_probability = trial.log_weight, trial.log_probability
            state.accepted += 1
        elif len(trial.tokens) > len(state.longest):
            state.longest = trial.tokens
    weigh_preference(state.problem, state.lanes[filled : state.accepted])
    _sum_up(state)


def _sum_up(state: RejectionState) -> None:
    accepted, lanes = state.accepted, len(state.lanes)
    log_weights = np.array([w for w in state.log_weights[:accepted] if w > -math.inf])
    if not log_weights.size:
        return
    log_rate = log_share(accepted, state.attempts, lanes)
    # Lanes that stay empty have weight 0: the others make up for them.
    state.log_evidence = log_rate + math.log(lanes / accepted)
    state.log_evidence_error = relative_error(log_weights.tolist(), state.attempts)
    if state.target is not None:
        ratios = log_weights - np.logaddexp.reduce(log_weights) + math.log(accepted)
        divergence = float(np.exp(ratios) @ ratios) / accepted
        state.notes |= {"kl_to_proposal": divergence - log_rate, "kl_to_draws": divergence}
        state.notes["log_acceptance_rate"] = log_rate
