"""Rejection and best of N where a server draws whole texts: `condit.RemoteModel`.

Constraint and preference judge finished texts. Nothing is drawn token by token here, and no logits
are known; a text's tokens are its bytes. A text that the server cut at ``max_tokens`` has not
ended, so under a constraint it is rejected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from condit.errors import ArgumentError
from condit.model.base import PrefixModel
from condit.model.remote import DrawnText, RemoteModel
from condit.report import Guarantee
from condit.sampler.attempts import AttemptsSampler, AttemptsState, Trial, empty_lanes
from condit.sampler.auto import Auto
from condit.sampler.base import Lane, Problem, Sampler, State, ended_as
from condit.sampler.best_of import BestOf, BestOfState, kl_bound
from condit.sampler.rejection import Rejection
from condit.sampler.walk import require_temperature
from condit.trace import StepInfo
from condit.weights import log_share, relative_error

_TOGETHER = 16
"""The most texts of one request."""


@dataclass
class Server:
    """What asks the server, and counts.

    Attributes:
        model: the server.
        problem: what to draw.
        positions_forwarded: tokens of texts so far, as far as the server tells them.
        forwards: how many requests.
    """

    model: RemoteModel
    problem: Problem
    positions_forwarded: int = 0
    forwards: int = 0

    def draw(self, n: int, rng: np.random.Generator) -> list[DrawnText]:
        """``n`` texts."""
        law, problem = self.problem.law, self.problem
        drawn: list[DrawnText] = []
        while len(drawn) < n:
            drawn += self.model.draw(
                bytes(problem.prompt).decode(errors="replace"),
                min(n - len(drawn), _TOGETHER),
                max_tokens=problem.max_tokens,
                temperature=law.temperature,
                top_k=law.top_k,
                top_p=law.top_p,
                seed=int(rng.integers(2**31)),
            )
            self.forwards += 1
        self.positions_forwarded += sum(text.tokens for text in drawn)
        return drawn

    def fill(self, lane: Lane, drawn: DrawnText) -> None:
        """Make a lane the text; one that is not of the target has weight 0."""
        lane.tokens = list(drawn.text.encode())
        lane.log_probability = drawn.log_probability
        lane.finish_reason, lane.log_weight = "stop" if drawn.ended else "length", 0.0
        if self.problem.constraint is None:
            return
        if not drawn.ended:
            lane.log_weight = -math.inf
        elif not self.problem.accepts(lane.tokens):
            lane.finish_reason, lane.log_weight = "rejected", -math.inf


@dataclass
class Answered(Trial):
    """An attempt, which is a whole text as soon as the server has answered."""

    answer: DrawnText | None = None


@dataclass
class WholeTextsState(AttemptsState[Answered]):
    """Attempts at whole texts.

    Attributes:
        server: what draws them.
        rng: gives the seed of each request.
    """

    server: Server = field(kw_only=True)
    rng: np.random.Generator = field(kw_only=True)


@dataclass(frozen=True)
class WholeTexts(AttemptsSampler[WholeTextsState]):
    """Draws whole texts until enough are valid; exact draws, as `Rejection` without a proposal."""

    guarantee: ClassVar[Guarantee] = Guarantee.EXACT

    @property
    def heals(self) -> bool:
        """No: the server's tokens are not known."""
        return False

    def init(self, problem: Problem, rng: np.random.Generator) -> WholeTextsState:
        """No attempts yet; nothing is asked here.

        Raises:
            ArgumentError: temperature 0, or a bias of tokens, which are the server's own.
        """
        server = _server(problem, "rejection")
        lanes = empty_lanes(problem, rng)
        root = Answered(None, rng)
        return WholeTextsState(problem, lanes, [server], root, server=server, rng=rng)

    def walk(self, state: WholeTextsState, trial: Answered) -> bool:
        """End the attempt if its text is there."""
        if trial.answer is None:
            return True
        state.server.fill(trial, trial.answer)
        return False

    def forward(self, state: WholeTextsState, waiting: Sequence[Answered]) -> int:
        """Texts for all attempts that wait."""
        texts = state.server.draw(len(waiting), state.rng)
        for trial, text in zip(waiting, texts, strict=True):
            trial.answer = text
        return 0

    def update_evidence(self, state: WholeTextsState) -> None:
        """The share of valid texts, times the mean weight of the preference."""
        accepted, lanes = state.accepted, len(state.lanes)
        log_weights = [weight for weight in state.log_weights[:accepted] if weight > -math.inf]
        if log_weights:
            state.log_evidence = log_share(accepted, state.attempts, lanes)
            state.log_evidence += math.log(lanes / accepted)
            state.log_evidence_error = relative_error(log_weights, draws=state.attempts)


@dataclass(frozen=True)
class BestOfWholeTexts(BestOf):
    """The best of several whole texts, as `BestOf`."""

    @property
    def needs(self) -> type[PrefixModel]:
        """No decoder, whatever the kernel, which is not used."""
        return PrefixModel

    @property
    def heals(self) -> bool:
        """No: the server's tokens are not known."""
        return False

    def init(self, problem: Problem, rng: np.random.Generator) -> BestOfState:
        """No candidates yet; nothing is asked here.

        Raises:
            ArgumentError: there is nothing to be best by; temperature 0; or a bias of tokens.
        """
        server = _server(problem, "best_of")
        if problem.preference is None and problem.constraint is None:
            raise ArgumentError(
                "there is nothing to be best by: best_of needs a preference or a constraint"
            )
        many = replace(problem, lanes=problem.lanes * self.of, preference=None)
        candidates = State(many, [Lane(None, rng) for _ in range(many.lanes)], [server])
        lanes = [Lane(None, rng, origin=index) for index in range(problem.lanes)]
        state = BestOfState(problem, lanes, [server], candidates)
        state.notes["kl_bound"] = kl_bound(self.of)
        return state

    def step(self, rng: np.random.Generator, state: BestOfState) -> tuple[BestOfState, StepInfo]:
        """Draw all candidates, and choose."""
        (server,), candidates = state.models, state.candidates.lanes
        if not isinstance(server, Server):
            raise ArgumentError("the state is not one of this sampler's init")
        for lane, drawn in zip(candidates, server.draw(len(candidates), rng), strict=True):
            server.fill(lane, drawn)
        note = self._choose(state)
        state.steps += 1
        ends = (
            ended_as(lane, index=number // self.of, attempt=number)
            for number, lane in enumerate(candidates)
        )
        return state, StepInfo(
            step=state.steps - 1,
            draws=(),
            ends=tuple(ends),
            effective_sample_size=float(len(state.lanes)),
            checks=0,
            masks=0,
            note=note,
        )


def of_whole_texts(sampler: Sampler, model: RemoteModel) -> Sampler:
    """The same sampler for texts that a server draws.

    Raises:
        ArgumentError: it needs logits.
    """
    if isinstance(sampler, Auto):
        return WholeTexts()
    if isinstance(sampler, Rejection) and sampler.prompt is None and sampler.model is None:
        return WholeTexts(sampler.width, sampler.attempts)
    if isinstance(sampler, BestOf):
        return BestOfWholeTexts(sampler.of)
    what = "a proposal" if isinstance(sampler, Rejection) else "logits"
    raise ArgumentError(
        f"{sampler} needs {what}, and {model.name} is behind a server that gives whole texts: use "
        "rejection, best_of or auto; for every other sampler load the model here"
    )


def _server(problem: Problem, who: str) -> Server:
    require_temperature(problem, who)
    if problem.law.bias:
        raise ArgumentError(
            f"logit_bias names tokens, and those of {problem.model.name} are not known here"
        )
    if not isinstance(problem.model, RemoteModel):
        raise ArgumentError(f"{who} of whole texts needs a RemoteModel, not {problem.model!r}")
    return Server(problem.model, problem)
