"""The laws of samplers: statistical tests against a problem whose posterior is known."""

from __future__ import annotations

import math

import numpy as np

from condit.report import Guarantee
from condit.sampler.base import Sampler, State
from condit.testing.laws import BrokenLawError, p_values_of_means, require
from condit.testing.worlds import KnownWorld
from condit.weights import log_mean_exp


def check_sampler(
    sampler: Sampler,
    world: KnownWorld,
    *,
    runs: int = 2000,
    lanes: int = 4,
    seed: int = 0,
    false_alarm: float = 1e-6,
) -> None:
    """Check that seeds repeat draws, that every text is valid, and what the sampler guarantees.

    Over independent runs, by what the sampler guarantees:

    - weighted: the mean of ``Ẑ`` is ``Z``, and for each text ``x`` the mean of its unnormalised
      weight ``(1/n) Σ_i w_i 1[x_i = x]`` is ``p(x)``: both are exact at any number of lanes;
    - exact: the mean share of draws that are ``x`` is ``p(x)/Z``;
    - search: the evidence is never more than ``Z``;
    - else only validity is checked.

    Args:
        sampler: the sampler; its weights must be at most 1, as those of the built-in ones are.
        world: a world that can be enumerated.
        runs: independent runs.
        lanes: lanes in each.
        seed: of the first run; the others follow.
        false_alarm: the chance that a correct sampler fails, over all texts together.

    Raises:
        BrokenLawError: what is wrong, with the estimate, the truth and the p-value.
    """
    _check_repeats(sampler, world, lanes, seed)
    exact = sampler.guarantee is Guarantee.EXACT
    texts = {tokens: column for column, tokens in enumerate(world.probabilities, start=1)}
    truth = np.array([world.evidence, *world.probabilities.values()])
    if exact:
        truth = np.array([1.0, *(truth[1:] / world.evidence)])
    estimates = np.zeros((runs, len(truth)))
    for run in range(runs):
        state = run_to_the_end(sampler, world, lanes, seed + run)
        log_weights = [lane.log_weight + state.log_evidence for lane in state.lanes]
        estimates[run, 0] = 1.0 if exact else math.exp(log_mean_exp(log_weights))
        for lane, log_weight in zip(state.lanes, log_weights, strict=True):
            if log_weight == -math.inf:
                require(not exact, f"{sampler}: a lane is left without a draw")
                continue
            column = texts.get(tuple(lane.tokens))
            if column is None:
                text = world.model.decode(lane.tokens)
                raise BrokenLawError(f"{sampler}: {text!r} was drawn, but is not valid")
            estimates[run, column] += (1.0 if exact else math.exp(log_weight)) / lanes
    if sampler.guarantee is Guarantee.SEARCH:
        highest = float(estimates[:, 0].max())
        require(
            highest <= world.evidence * (1 + 1e-6),
            f"{sampler}: the evidence is {highest:.6g}, and there is only {world.evidence:.6g}",
        )
    if not exact and sampler.guarantee is not Guarantee.WEIGHTED:
        return
    p_values = p_values_of_means(estimates, truth)
    worst = int(p_values.argmin())
    named = ["the evidence", *(repr(world.model.decode(tokens)) for tokens in texts)]
    require(
        p_values[worst] >= false_alarm / len(truth),
        f"{sampler}: {named[worst]} should weigh {truth[worst]:.6g}, and weighs "
        f"{estimates[:, worst].mean():.6g} on average over {runs} runs "
        f"(p-value {p_values[worst]:.2g} in {len(truth)} tests)",
    )


def run_to_the_end(sampler: Sampler, world: KnownWorld, lanes: int, seed: int) -> State:
    """Run a sampler with a random generator of this seed until it is done; the last state."""
    rng = np.random.default_rng(seed)
    state: State = sampler.init(world.problem(lanes), rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return state


def _check_repeats(sampler: Sampler, world: KnownWorld, lanes: int, seed: int) -> None:
    first, second = (
        [
            (lane.tokens, lane.log_weight, lane.finish_reason)
            for lane in run_to_the_end(sampler, world, lanes, seed).lanes
        ]
        for _ in range(2)
    )
    require(first == second, f"{sampler} draws differently with the same seed {seed}")
