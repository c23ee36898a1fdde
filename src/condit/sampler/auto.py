"""Which sampler, when none is named: from what is known before the first token.

The choice depends on the problem and on what a memory has learned about it, never on a clock: the
same seed gives the same draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from condit.constraint.base import Matcher, Strength
from condit.sampler.attempts import AttemptsState
from condit.sampler.awrs import AWRS
from condit.sampler.base import Guarantee, Problem, Sampler, State, StepInfo, log_mean_exp
from condit.sampler.budget import outline
from condit.sampler.exact import Exact
from condit.sampler.learned import Learned
from condit.sampler.lineages import relative_error
from condit.sampler.local import bind
from condit.sampler.masked import Masked
from condit.sampler.smc import SMC
from condit.sampler.walk import TrieState

SHORT = 32
"""Texts of at most this many tokens are drawn exactly first: an attempt in vain costs little."""

WIDTH = 8
"""Attempts are made side by side, one more than there are texts to find, and at most so many."""

ATTEMPTS = 100
"""Attempts for each draw at most, as attempts along known prefixes need no forwards."""

MOST_ON_PROBATION = 24
"""So many attempts tell whether more of them are worth it."""

ACCEPTANCE = 0.2
"""Exact draws are worth it where this share of attempts is accepted."""


class Choice(NamedTuple):
    """A sampler, and why.

    Attributes:
        sampler: the sampler.
        reason: why, in words.
        on_probation: whether its first attempts decide if it goes on.
    """

    sampler: Sampler
    reason: str
    on_probation: bool = False


@dataclass(frozen=True)
class Auto(Sampler):
    """Picks a sampler from what is known, says why, and turns to another where it must.

    What is promised about the draws is what the sampler that made them promises; see
    ``result.report.guarantee``.

    Exact sampling comes first where it is cheap. Its first attempts decide whether it goes on: by
    how many of them are accepted, which is independent of what they are. If they are too few,
    resampled lanes go on with what was learned, and the draws that were found stay. Whatever is
    promised in the end, draws have the law that was promised.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT

    def init(self, problem: Problem, rng: np.random.Generator) -> State:
        """The state of the sampler that is picked."""
        choice = choose(problem)
        state = choice.sampler.init(problem, rng)
        state.chosen, state.reason = choice.sampler, choice.reason
        if choice.on_probation and isinstance(state, AttemptsState):
            state.begin_probation(probation(problem.lanes))
        return state

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """A step of the sampler that was picked; maybe the turn to another, or its end."""
        chosen = state.chosen
        assert chosen is not None
        first = state.steps == 0
        state, info = chosen.step(rng, state)
        if first:
            info = info._replace(note=f"{chosen}: {state.reason}")
        if isinstance(state, AttemptsState):
            if _in_vain(state):
                state = _turn(state, rng)
                info = info._replace(note=f"{state.chosen}: {state.reason}")
        elif isinstance(state, TrieState) and state.kept and state.done:
            _join(state)
        return state, info


def probation(lanes: int) -> int:
    """How many attempts decide whether exact sampling goes on, for so many draws."""
    return 4 if lanes == 1 else min(max(8, 2 * lanes), MOST_ON_PROBATION)


def choose(problem: Problem) -> Choice:
    """The sampler for ``problem``, and why in words; see "Which sampler?" in the documentation."""
    if problem.law.temperature == 0:
        return Choice(AWRS(), "at temperature 0 there is one text to find, and nothing to weigh")
    if problem.constraint is None and problem.preference is None:
        return Choice(Masked(), "without a constraint every draw of the model is a draw")
    if problem.preference is not None and problem.preference.partial:
        return Choice(_smc(problem), "the preference can be resampled for as texts grow")
    if problem.constraint is None:
        return Choice(Masked(), "finished texts are weighted by the preference")
    matcher = bind(problem)
    assert matcher is not None
    if matcher.strength is Strength.FINAL:
        return Choice(Exact(), "only finished texts can be judged, so whole texts are tried")
    exact = Exact(width=min(problem.lanes + 1, WIDTH), attempts=ATTEMPTS)
    length = longest(problem)
    if length <= SHORT:
        why = f"texts have at most {length} tokens, so trying until draws are exact is cheap"
        return Choice(exact, why, on_probation=True)
    acceptance = expected_acceptance(problem)
    if acceptance >= ACCEPTANCE:
        why = f"what the memory knows makes about {acceptance:.0%} of attempts exact draws"
        return Choice(exact, why, on_probation=True)
    if problem.lanes == 1 and problem.trie is None:
        kernel = AWRS(mask_after=None) if outline(matcher)[0] is None else AWRS()
        return Choice(kernel, "a single lane cannot be resampled: draw more, or ask for exact")
    return Choice(_smc(problem, matcher), _why_smc(problem, acceptance))


def longest(problem: Problem) -> float:
    """A bound on the tokens of a text: from the budget, or from the constraint where it has one."""
    most = problem.constraint.longest() if problem.constraint is not None else None
    return min(problem.max_tokens, math.inf if most is None else most)


def expected_acceptance(problem: Problem) -> float:
    """The share of attempts that exact sampling should have accepted now; 0 where unknown."""
    trie = problem.trie
    if trie is None or trie.log_evidence is None or trie.log_bound == -math.inf:
        return 0.0
    return math.exp(min(trie.log_evidence - trie.log_bound, 0.0))


def _smc(problem: Problem, matcher: Matcher | None = None) -> Sampler:
    if problem.trie is None and matcher is not None and outline(matcher)[0] is None:
        # Without a mask there is little to learn from one run, and much to ask for one.
        return SMC(kernel=AWRS(mask_after=None))
    return SMC(kernel="learned")


def _why_smc(problem: Problem, acceptance: float) -> str:
    why = f"texts may have {problem.max_tokens} tokens, so few whole attempts would be accepted"
    if problem.trie is not None and acceptance > 0:
        why += f" (about {acceptance:.1%} by what the memory knows)"
    return why


def _in_vain(state: AttemptsState) -> bool:
    """Whether too few of the attempts on probation were accepted; decided once."""
    if state.judged or state.done or state.attempts < state.probation:
        return False
    state.judged = True
    return state.accepted < ACCEPTANCE * state.probation


def _turn(state: AttemptsState, rng: np.random.Generator) -> State:
    """Go on with resampled lanes where exact sampling has not found enough draws."""
    # Draws that were found stay. A preference is in the lanes' weights from the beginning, so
    # there what all lanes weigh without it is not known, and the draws have to go.
    kept = state.lanes[: state.accepted] if state.problem.preference is None else []
    lanes = len(state.lanes) - len(kept)
    problem = replace(state.problem, trie=state.trie, lanes=lanes)
    turned = Learned().resume(problem, rng, state.reader)
    turned.chosen = SMC(kernel="learned")
    turned.attempts, turned.accepted, turned.steps = state.attempts, state.accepted, state.steps
    turned.kept, turned.log_evidence_kept = kept, state.log_evidence
    going_on = "one lane goes" if lanes == 1 else "resampled lanes go"
    turned.reason = (
        f"{state.accepted} of {state.attempts} attempts at exact draws were accepted, too few for "
        f"the {len(state.lanes)} asked for; {going_on} on with what was learned"
    )
    return turned


def _join(state: TrieState) -> None:
    """Put the exact draws that were found before the turn beside the lanes, which have ended.

    Given how many there are, they are draws from the target, so each should weigh ``Z``. It weighs
    what lanes weigh on average, which is ``Z`` on average whatever the draws are. So weights stay
    unbiased for every text.
    """
    kept, lanes = state.kept, state.lanes
    log_mean = log_mean_exp(state.log_weights)
    if log_mean == -math.inf:
        # Nothing but these draws came through: that they are all there is may depend on them.
        state.guarantee = Guarantee.LIMIT
        state.log_evidence, log_mean = state.log_evidence_kept, 0.0
    else:
        state.log_evidence_error = relative_error(
            state.log_weights, [lane.origin for lane in lanes], state.resamplings
        )
    for lane in lanes:
        lane.origin += len(kept)
    for origin, lane in enumerate(kept):
        lane.origin, lane.log_weight = origin, log_mean
    state.lanes, state.kept = [*kept, *lanes], []
    state.problem = replace(state.problem, lanes=len(state.lanes))
