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
from condit.sampler.base import Guarantee, Problem, Sampler, State, StepInfo
from condit.sampler.budget import outline
from condit.sampler.exact import Exact
from condit.sampler.learned import Learned
from condit.sampler.local import bind
from condit.sampler.masked import Masked
from condit.sampler.smc import SMC

SHORT = 32
"""Texts of at most this many tokens are drawn exactly first: an attempt in vain costs little."""

PATIENCE = 2
"""Exact sampling gets this many times the forwards that resampled lanes need at most."""

ATTEMPTS = 100
"""And so many attempts for each draw, as attempts along known prefixes need no forwards."""

ENOUGH = 24
"""After so many attempts their acceptance tells whether more of them are worth it."""

LEAST = 0.1
"""Below this share, they are not."""

ACCEPTANCE = 0.2
"""Exact draws are worth it for longer texts too where this share of attempts is accepted."""


class Choice(NamedTuple):
    """A sampler, and why."""

    sampler: Sampler
    reason: str


@dataclass(frozen=True)
class Auto(Sampler):
    """Picks a sampler from what is known, says why, and turns to another where it must.

    What is promised about the draws is what the sampler that made them promises; see
    ``result.report.guarantee``.

    Exact sampling comes first where it is cheap. Where it does not find enough draws within the
    forwards that resampled lanes would need ``PATIENCE`` times, those go on with what it learned.
    """

    guarantee: ClassVar[Guarantee] = Guarantee.LIMIT

    def init(self, problem: Problem, rng: np.random.Generator) -> State:
        """The state of the sampler that is picked."""
        choice = choose(problem)
        state = choice.sampler.init(problem, rng)
        state.chosen, state.reason = choice
        return state

    def step(self, rng: np.random.Generator, state: State) -> tuple[State, StepInfo]:
        """A step of the sampler that was picked; at its end maybe the turn to another."""
        chosen = state.chosen
        assert chosen is not None
        first = state.steps == 0
        state, info = chosen.step(rng, state)
        if first:
            info = info._replace(note=f"{chosen}: {state.reason}")
        if isinstance(state, AttemptsState) and _in_vain(state):
            state = _turn(state, rng)
            info = info._replace(note=f"{state.chosen}: {state.reason}")
        return state, info


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
    length = longest(problem)
    if length <= SHORT:
        return Choice(
            Exact(attempts=ATTEMPTS),
            f"texts have at most {length} tokens, so trying until draws are exact is cheap",
        )
    acceptance = expected_acceptance(problem)
    if acceptance >= ACCEPTANCE:
        return Choice(
            Exact(attempts=ATTEMPTS),
            f"what the memory knows makes about {acceptance:.0%} of attempts exact draws",
        )
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
    """Whether exact sampling has not found enough draws, and should not go on."""
    if isinstance(state.chosen, Exact) and state.chosen.attempts != ATTEMPTS:
        return False  # it was not picked for being cheap: there is nothing to turn to
    if state.accepted == len(state.lanes) or state.trie.log_bound == -math.inf:
        return False  # it is done, or nobody can find anything
    hopeless = state.attempts >= ENOUGH and state.accepted < LEAST * state.attempts
    return state.done or hopeless or state.steps >= PATIENCE * longest(state.problem)


def _turn(state: AttemptsState, rng: np.random.Generator) -> State:
    """Go on with resampled lanes where exact sampling has not found enough draws."""
    problem = replace(state.problem, trie=state.trie)
    turned = Learned().resume(problem, rng, state.reader)
    turned.chosen = SMC(kernel="learned")
    turned.attempts, turned.accepted, turned.steps = state.attempts, state.accepted, state.steps
    turned.reason = (
        f"{state.accepted} of {state.attempts} attempts at exact draws were accepted, "
        f"fewer than the {len(state.lanes)} asked for; resampled lanes go on with what was learned"
    )
    return turned
