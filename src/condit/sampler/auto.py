"""The sampler that picks a sampler, from what is known before the first token.

The choice depends on the problem and on what a memory has learned about it, never on a clock: the
same seed gives the same draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from condit.constraint.base import Strength
from condit.model.base import Model
from condit.report import Guarantee
from condit.sampler.awrs import AWRS
from condit.sampler.base import Findings, Lane, Problem, Sampler, State
from condit.sampler.beam import Beam
from condit.sampler.exact import Exact
from condit.sampler.learned import Learned
from condit.sampler.local import Kernel
from condit.sampler.masked import Masked
from condit.sampler.smc import SMC
from condit.sampler.trie_attempts import TrieAttemptsState
from condit.trace import StepInfo
from condit.weights import log_mean_exp, relative_error

SHORT = 32
"""Texts of at most this many tokens are drawn exactly first: a rejected attempt costs little."""

WIDTH = 8
"""The most attempts that run side by side; one more than texts are asked for, if that is less."""

ATTEMPTS = 100
"""The most attempts for each draw; those along known prefixes need no forwards."""

MOST_ON_PROBATION = 24
"""The most attempts that decide whether exact sampling goes on."""

ACCEPTANCE = 0.2
"""Exact sampling goes on if at least this share of attempts is accepted."""


_ONE_OF = f"of {WIDTH} lanes one is drawn by weight, as a single lane would be biased"


class Choice(NamedTuple):
    """A sampler, and why.

    Attributes:
        sampler: the sampler.
        reason: why, in words.
        on_probation: whether its first attempts decide if it goes on; see ``trie_attempts.py``.
        runner_up: what would have been the next best, and why it was not chosen; ``""``: nothing.
        one_of: how many lanes are grown for the one text that is wanted, which is then drawn from
            them by weight; 0: as many as are wanted.
    """

    sampler: Sampler
    reason: str
    on_probation: bool = False
    runner_up: str = ""
    one_of: int = 0

    @property
    def said(self) -> str:
        """Reason and runner-up."""
        return self.reason + (f"; runner-up: {self.runner_up}" if self.runner_up else "")


@dataclass
class AutoState(State):
    """A run of the sampler that was picked, and what an exact run before it has left.

    Attributes:
        chosen: the sampler.
        reason: why it was picked.
        run: its state; the lanes here are those of the run.
        exact: the run of exact sampling, as long as SMC has not replaced it.
        before_switch: the findings of that run when SMC replaced it.
        exact_draws: the draws that it had made.
        log_evidence_exact: natural logarithm of its estimate of the evidence.
        resamplings: how many times lanes were resampled.
        overrides: fields of ``findings`` that differ from those of the run.
    """

    chosen: Sampler
    reason: str
    run: State[Any]
    exact: TrieAttemptsState | None = None
    before_switch: Findings | None = None
    exact_draws: list[Lane] = field(default_factory=list)
    log_evidence_exact: float = -math.inf
    resamplings: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Those of the run; attempts are those of the exact run, if SMC replaced one."""
        found = replace(self.run.findings(), chosen=self.chosen, reason=self.reason)
        if self.before_switch is not None:
            before = self.before_switch
            found = replace(found, attempts=before.attempts, accepted=before.accepted)
        return replace(found, **self.overrides)

    def sync(self) -> None:
        """Copy lanes, evidence and step count from the run."""
        self.lanes, self.log_evidence = self.run.lanes, self.run.log_evidence
        self.steps = self.run.steps


@dataclass(frozen=True)
class Auto(Sampler[AutoState]):
    """Picks a sampler, and says which and why in ``result.sampler`` and ``result.reason``.

    The guarantee is that of the sampler that made the draws: see ``result.report.guarantee``.

    Where `Exact` may be cheap it runs first. Whether it goes on depends on how many of its first
    attempts are accepted, a number that is independent of the texts drawn. If too few are, `SMC`
    with the learned kernel goes on from the same trie, and exact draws made so far are kept.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT

    @property
    def takes_insertions(self) -> bool:
        """Yes: it then picks a sampler that does."""
        return True

    def init(self, problem: Problem, rng: np.random.Generator) -> AutoState:
        """The state of the sampler that is picked."""
        choice = choose(problem)
        wanted = replace(problem, lanes=choice.one_of or problem.lanes)
        run = choice.sampler.init(wanted, rng)
        state = AutoState(problem, run.lanes, run.models, choice.sampler, choice.said, run)
        if choice.on_probation:
            state.exact = run
            run.begin_probation(probation(problem.lanes))
        return state

    def step(self, rng: np.random.Generator, state: AutoState) -> tuple[AutoState, StepInfo]:
        """One step of the sampler that was picked; SMC replaces it where exact draws are rare."""
        first = state.steps == 0
        state.run, info = state.chosen.step(rng, state.run)
        state.resamplings += info.ancestors is not None
        state.sync()
        if first:
            info = info._replace(note=f"{state.chosen}: {state.reason}")
        if state.exact is not None and _too_few_accepted(state.exact):
            _switch_to_smc(state, state.exact, rng)
            info = info._replace(note=f"{state.chosen}: {state.reason}")
        elif state.exact_draws and state.done:
            _add_exact_draws(state)
        if state.done and len(state.lanes) > state.problem.lanes:
            _draw_one(rng, state)
        return state, info


def probation(lanes: int) -> int:
    """How many attempts decide whether exact sampling goes on, if ``lanes`` draws are wanted."""
    return 4 if lanes == 1 else min(max(8, 2 * lanes), MOST_ON_PROBATION)


def choose(problem: Problem) -> Choice:
    """The sampler for ``problem``, and why in words; see "Which sampler?" in the documentation."""
    # A model that only gives logits after prefixes has no lanes that could fork. Text is put in
    # where lanes do, and such a model is then refused by the sampler.
    forks = isinstance(problem.model, Model) or problem.insert is not None or bool(problem.stops)
    if problem.law.temperature == 0:
        search = AWRS() if forks else Beam(width=max(problem.lanes, WIDTH))
        return Choice(search, "at temperature 0 there is one text to find, and nothing to weigh")
    if problem.insert is not None and (problem.constraint or problem.preference) is not None:
        return _several(problem, "text is put in between the draws of lanes")
    if problem.constraint is None and problem.preference is None:
        free: Sampler = Masked() if forks else Exact()
        return Choice(free, "without a constraint every draw of the model is a draw")
    if problem.preference is not None and problem.preference.partial:
        return _several(problem, "the preference can be resampled for as texts grow")
    if problem.constraint is None:
        free = Masked() if forks else Learned()
        return Choice(free, "finished texts are weighted by the preference")
    matcher = problem.bind()
    assert matcher is not None
    if matcher.strength is Strength.FINAL:
        return Choice(Exact(), "only finished texts can be judged, so whole texts are tried")
    exact = Exact(width=min(problem.lanes + 1, WIDTH), attempts=ATTEMPTS)
    length = problem.longest
    if length <= SHORT:
        why = f"texts have at most {length} tokens, so trying until draws are exact is cheap"
        return Choice(exact, why, on_probation=True, runner_up="smc, if too few are accepted")
    acceptance = expected_acceptance(problem)
    if acceptance >= ACCEPTANCE:
        why = f"what the memory knows makes about {acceptance:.0%} of attempts exact draws"
        return Choice(exact, why, on_probation=True, runner_up="smc, if too few are accepted")
    return _several(problem, _why_smc(problem, acceptance))


def _several(problem: Problem, reason: str) -> Choice:
    """Resampled lanes; where one text is wanted, it is drawn from several, by weight."""
    learns = problem.trie is not None or not isinstance(problem.model, Model)
    by_token = problem.insert is not None or problem.stops
    kernel: str | Kernel = "learned" if learns and not by_token else "awrs"
    matcher = problem.bind()
    if kernel == "awrs" and matcher is not None and not matcher.has_masks:
        kernel = AWRS(mask_after=None)  # a mask would be made by asking about every token
    one_of = WIDTH if problem.lanes == 1 else 0
    if one_of:
        reason += f"; {_ONE_OF}"
    return Choice(SMC(kernel), reason, runner_up=f"{kernel}, never resampled", one_of=one_of)


def expected_acceptance(problem: Problem) -> float:
    """The share of attempts that exact sampling should have accepted now; 0 where unknown."""
    trie = problem.trie
    if trie is None or trie.log_evidence is None or trie.log_bound == -math.inf:
        return 0.0
    return math.exp(min(trie.log_evidence - trie.log_bound, 0.0))


def _why_smc(problem: Problem, acceptance: float) -> str:
    if problem.trie is None:
        return "lanes are compared at the boundaries of the texts' structure"
    why = "what the memory knows is their look-ahead"
    if acceptance > 0:
        why += f", and makes about {acceptance:.1%} of whole attempts exact draws, too few"
    return why


def _too_few_accepted(exact: TrieAttemptsState) -> bool:
    """Whether too few of the attempts on probation were accepted; decided once."""
    if exact.judged or exact.done or exact.attempts < exact.probation:
        return False
    exact.judged = True
    return exact.accepted < ACCEPTANCE * exact.probation


def _switch_to_smc(state: AutoState, exact: TrieAttemptsState, rng: np.random.Generator) -> None:
    """Replace exact sampling by SMC over the same trie."""
    # Exact draws are kept, unless there is a preference: SMC lanes weigh by it from their first
    # token, so the mean weight without it, which these draws would need, is not known.
    state.before_switch = exact.findings()
    if state.problem.preference is None:
        state.exact_draws = exact.lanes[: exact.accepted]
        state.log_evidence_exact = exact.log_evidence
    wanted, lanes = len(exact.lanes), len(exact.lanes) - len(state.exact_draws)
    if wanted == 1:
        lanes = WIDTH
    problem = replace(state.problem, trie=exact.walk.trie, lanes=lanes)
    run = Learned().resume(problem, rng, exact.walk.reader)
    run.steps = exact.steps
    state.reason = (
        f"{exact.accepted} of {exact.attempts} attempts at exact draws were accepted, too few for "
        f"the {wanted} asked for; resampled lanes go on with what was learned"
    )
    if wanted == 1:
        state.reason += f"; {_ONE_OF}"
    state.chosen, state.run, state.exact = SMC(kernel="learned"), run, None
    state.sync()


def _add_exact_draws(state: AutoState) -> None:
    """Put the exact draws before the lanes of SMC, which have ended.

    Given their number they are draws from the target, so each should weigh ``Z``. It weighs the
    mean weight of the SMC lanes, whose expectation is ``Z`` whatever the draws are: weights stay
    unbiased.
    """
    kept, lanes = state.exact_draws, state.lanes
    log_mean = log_mean_exp(state.log_weights)
    if log_mean == -math.inf:
        # No SMC lane is valid. Whether that happens may depend on the exact draws.
        state.overrides["guarantee"] = Guarantee.LIMIT
        state.log_evidence, log_mean = state.log_evidence_exact, 0.0
    else:
        state.overrides["log_evidence_error"] = relative_error(
            state.log_weights, [lane.origin for lane in lanes], state.resamplings
        )
    for lane in lanes:
        lane.origin += len(kept)
    for origin, lane in enumerate(kept):
        lane.origin, lane.log_weight = origin, log_mean
    state.lanes, state.exact_draws = [*kept, *lanes], []


def _draw_one(rng: np.random.Generator, state: AutoState) -> None:
    """Leave one of the lanes, drawn by weight, which then weighs their mean.

    So its weight stays proper: ``E[Ẑ f(x)]`` over draw and run is that of the weighted lanes.
    """
    log_mean = log_mean_exp(state.log_weights)
    if log_mean == -math.inf:
        return  # all of them tell what went wrong
    state.overrides["log_evidence_error"] = relative_error(
        state.log_weights, [lane.origin for lane in state.lanes], state.resamplings
    )
    shares = np.exp(np.array(state.log_weights) - log_mean)
    chosen = state.lanes[int(rng.choice(len(shares), p=shares / shares.sum()))]
    chosen.log_weight, chosen.origin = log_mean, 0
    state.lanes = [chosen]
