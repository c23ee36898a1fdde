"""Rejection: draw whole texts until one is valid (guaranteed generation; Kim et al. 2024).

Texts are drawn from a proposal ``a'`` without the constraint ``C``, and the valid ones are kept.
They follow ``g' ∝ a' 1[C]``; the mass of valid texts under ``a'`` is the acceptance rate ``AR``.

With the model itself as proposal, draws are exact and ``Z = AR``. The same model under another
prompt, or another model, may be accepted more often. Then accepted texts are scored by the model
``p``, too, and have the weight ``p(x)φ(x) / a'(x)``. So weighted averages are those of the target
``g = pφ 1[C] / Z``, and ``Z = AR E_g'[pφ / a']``. The report has these divergences, in nats:

    KL(g‖a') = E_g[log pφ / a'] - log Z          KL(g‖g') = KL(g‖a') + log AR

with averages over ``g`` by self-normalised weights. Texts that the proposal cannot draw are
missing: ``top_k`` and ``top_p`` cut the proposal, too. An attempt ends as soon as the matcher
refuses a token, as the whole text would be rejected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import PrefixModel, Prompt
from condit.model.load import load
from condit.model.reader import Reader
from condit.report import Guarantee
from condit.sampler.attempts import AttemptsSampler, AttemptsState, Trial, empty_lanes
from condit.sampler.base import Findings, Problem
from condit.sampler.law import TokenLaw
from condit.sampler.local import take
from condit.sampler.walk import require_temperature
from condit.trace import Drawn
from condit.vocabulary import Vocabulary
from condit.weights import log_share, relative_error


@dataclass
class Proposed(Trial):
    """An attempt; its weight is ``p / a'`` once it has ended.

    Attributes:
        law: the proposal's next-token distribution; ``None`` before the next forward.
        log_proposal: natural logarithm of ``a'`` of its tokens (and end).
    """

    law: TokenLaw | None = None
    log_proposal: float = 0.0


@dataclass
class RejectionState(AttemptsState[Proposed]):
    """Attempts at drawing from the proposal.

    Attributes:
        reader: the proposal.
        vocabulary: the model's, with the end tokens of proposal and model.
        target: the problem's model after its prompt; ``None`` if that is the proposal.
        notes: divergences, in nats.
    """

    reader: Reader = field(kw_only=True)
    vocabulary: Vocabulary = field(kw_only=True)
    target: Reader | None = None
    notes: dict[str, float] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Numbers of attempts, the error of the evidence, and divergences."""
        return replace(super().findings(), notes=self.notes)


@dataclass(frozen=True)
class Rejection(AttemptsSampler[RejectionState]):
    """Draws texts from a proposal until enough are valid.

    Without ``prompt`` and ``model`` draws are exact and equally weighted. Else they follow the
    proposal restricted to valid texts, and are weighted. The evidence is unbiased for two draws or
    more; from one draw it is too high on average.

    Attributes:
        width: how many attempts run at a time; they share the model's forwards.
        attempts: how many attempts may be made for each draw asked for, on average.
        prompt: what the proposal is prompted with: text, chat messages or token ids; by default
            the problem's own prompt.
        model: the proposal, or what ``condit.load`` takes; by default the problem's own model.
            Its tokens must have the same bytes.

    Raises:
        ArgumentError: ``width`` or ``attempts`` is less than 1.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.EXACT
    prompt: Prompt | None = None
    model: PrefixModel | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt is not None or self.model is not None:
            object.__setattr__(self, "guarantee", Guarantee.PROPOSAL)

    @property
    def heals(self) -> bool:
        """Not with a prompt of its own, which ends in another way than the problem's."""
        return self.prompt is None

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
        target = None
        if self.guarantee is not Guarantee.EXACT:
            target = problem.model.reader(problem.prompt)
        return RejectionState(
            problem,
            empty_lanes(problem, rng),
            [reader] if target is None else [reader, target],
            Proposed(problem.bind(), rng, law=first_law),
            reader=reader,
            vocabulary=vocabulary,
            target=target,
        )

    def walk(self, state: RejectionState, trial: Proposed) -> bool:
        """Draw one token if its distribution is known; the next one needs the model."""
        if trial.law is not None:
            _draw(state, trial, trial.law)
            trial.law = None
        return trial.finish_reason is None

    def forward(self, state: RejectionState, waiting: Sequence[Proposed]) -> int:
        """One forward of the proposal for all attempts."""
        rows = state.reader.read([tuple(trial.tokens) for trial in waiting])
        for trial, logits in zip(waiting, rows, strict=True):
            trial.law = state.problem.law.at(logits, state.vocabulary)
        return 0

    def conclude(self, state: RejectionState, trial: Proposed) -> None:
        """Give a valid text the weight ``p / a'``."""
        if trial.accepted:
            trial.log_probability = _log_target(state, trial)
            trial.log_weight = trial.log_probability - trial.log_proposal

    def update_evidence(self, state: RejectionState) -> None:
        """The evidence: the mean weight of accepted attempts, times the share of them."""
        accepted, lanes = state.accepted, len(state.lanes)
        log_weights = np.array([w for w in state.log_weights[:accepted] if w > -math.inf])
        if not log_weights.size:
            return
        log_rate = log_share(accepted, state.attempts, lanes)
        # Lanes that stay empty have weight 0: the others make up for them.
        state.log_evidence = log_rate + math.log(lanes / accepted)
        state.log_evidence_error = relative_error(log_weights.tolist(), draws=state.attempts)
        if state.target is not None:
            ratios = log_weights - np.logaddexp.reduce(log_weights) + math.log(accepted)
            divergence = float(np.exp(ratios) @ ratios) / accepted
            state.notes |= {"kl_to_proposal": divergence - log_rate, "kl_to_draws": divergence}
            state.notes["log_acceptance_rate"] = log_rate


def _shared_vocabulary(proposal: PrefixModel, target: PrefixModel) -> Vocabulary:
    ours, theirs = target.vocabulary, proposal.vocabulary
    if ours.bytes != theirs.bytes:
        raise ArgumentError(
            f"{proposal.name} cannot propose texts for {target.name}: its tokens do not have the "
            f"same bytes ({len(theirs)} and {len(ours)} tokens). Take a model with the same "
            "tokenizer, or the same model under another prompt"
        )
    return Vocabulary(ours.bytes, ours.end, ours.ends | theirs.ends)


def _draw(state: RejectionState, trial: Proposed, law: TokenLaw) -> None:
    """Draw one token; reject the attempt if it is refused.

    Allowed (1) or not (0) is an unbiased estimate of the allowed mass, and recorded as that.
    """
    problem, number = state.problem, trial.number
    token = law.draw(trial.rng)
    assert token is not None  # nothing is ever taken out of this law
    log_mass = law.log_probability(token)
    drawn = Drawn(
        None,
        number,
        token,
        log_mass,
        0.0,
        trial.log_weight,
        prompt_bytes=problem.bytes_of_prompt(token, trial.tokens, len(trial.tokens)),
    )
    if trial.matcher is not None:
        state.checks += 1
        if not trial.matcher.allows(token):
            trial.reject("length" if len(trial.tokens) == problem.max_tokens else "rejected")
            state.draws.append(drawn._replace(log_allowed=-math.inf, log_weight=-math.inf))
            return
        trial.matcher.advance(token)
    trial.log_proposal += log_mass
    take(trial, token, problem)
    state.draws.append(drawn._replace(log_weight=trial.log_weight))


def _log_target(state: RejectionState, trial: Proposed) -> float:
    """Natural logarithm of ``p`` of a finished text, by one forward."""
    if state.target is None:
        return trial.log_proposal
    problem, vocabulary = state.problem, state.problem.model.vocabulary
    tokens = tuple(trial.tokens)
    drawn = (*tokens, vocabulary.end) if trial.finish_reason == "stop" else tokens
    rows = state.target.read([tokens[:place] for place in range(len(drawn))])
    laws = (problem.law.at(row, vocabulary) for row in rows)
    return math.fsum(law.log_probability(token) for law, token in zip(laws, drawn, strict=True))
