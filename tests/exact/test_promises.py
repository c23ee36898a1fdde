"""What a result promises holds for its draws *given* that it promises it.

Each check is a bet that is fair if the draws have the law that was promised (see
``condit.testing.laws``): a correct sampler fails it with a chance of at most 1e-6.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from table_model import END, TableModel

import condit
from condit import Auto, Exact, Guarantee
from condit.constraint.base import Constraint
from condit.sampler.auto import probation
from condit.sampler.base import Problem, State
from condit.sampler.trie import Trie
from condit.testing.laws import p_values_of_means
from condit.trace import StepInfo

LENGTH = 6
SURVIVE = 0.73
"""How much of the mass goes on at each letter of a long text."""


def short_or_long(text: str) -> dict[str, float]:
    """One short text, or a long one that is mostly spoilt on the way."""
    if not text:
        return {"S": 0.1, "X": 0.9}
    if text == "S" or len(text) == LENGTH + 1:
        return {END: 1.0}
    return {"a": 0.6 * SURVIVE, "b": 0.4 * SURVIVE, "#": 1 - SURVIVE}


MODEL = TableModel(["S", "X", "a", "b", "#"], short_or_long)
CONSTRAINT = condit.regex("S|X[ab]{6}")
MASSES = {
    "S": 0.1,
    "Xa": 0.9 * 0.6 * SURVIVE**LENGTH,
    "Xb": 0.9 * 0.4 * SURVIVE**LENGTH,
}
"""Mass of the short text, and of the long ones by their first letter."""
EVIDENCE = math.fsum(MASSES.values())
TRUTH = np.array([EVIDENCE, *MASSES.values()])


def problem_of(
    lanes: int, model: TableModel = MODEL, constraint: Constraint = CONSTRAINT
) -> Problem:
    return Problem(model, (model.vocabulary.end,), constraint, lanes, LENGTH + 1, trie=Trie())


def run(sampler: condit.Sampler, problem: Problem, seed: int) -> State:
    rng = np.random.default_rng(seed)
    state = sampler.init(problem, rng)
    while not state.done:
        state, _ = sampler.step(rng, state)
    return state


def weights(state: State) -> np.ndarray:
    """The mean weight, and that of each kind of text: on average their masses."""
    found = np.zeros(len(TRUTH))
    for lane in state.lanes:
        weight = math.exp(lane.log_weight + state.log_evidence) / len(state.lanes)
        if weight:
            text = MODEL.decode(lane.tokens)
            found[0] += weight
            found[1 + list(MASSES).index(text[:2])] += weight
    return found


def draws(state: State, lanes: int) -> np.ndarray:
    """Shares of each kind of text among the first draws."""
    found = np.zeros(len(MASSES))
    for lane in state.lanes[:lanes]:
        found[list(MASSES).index(MODEL.decode(lane.tokens)[:2])] += 1 / lanes
    return found


@pytest.mark.parametrize(
    ("lanes", "most_bytes"),
    [
        pytest.param(1, 2**28, id="one draw", marks=pytest.mark.slow),
        pytest.param(3, 1, id="three, no memory", marks=pytest.mark.slow),
        pytest.param(8, 2**28, id="eight"),
    ],
)
def test_auto_keeps_whatever_it_promises(lanes: int, most_bytes: int) -> None:
    """Draws that are called exact are, and weights of all others are unbiased, turn or no turn."""
    exact, weighted, kept = [], [], []
    for seed in range(180):
        problem = replace(problem_of(lanes), trie=Trie(most_bytes))
        state = run(Auto(), problem, seed)
        assert state.chosen is not None
        promised = state.findings().guarantee or state.chosen.guarantee
        if promised is Guarantee.EXACT:
            assert state.findings().accepted == lanes
            exact.append(draws(state, lanes))
        elif promised is Guarantee.WEIGHTED:
            weighted.append(weights(state))
            if state.findings().accepted:
                kept.append(draws(state, state.findings().accepted))
        else:
            assert promised is Guarantee.LIMIT  # no lane got through: only those found before
            assert state.findings().accepted
    assert min(len(exact), len(weighted)) > 45
    shares = TRUTH[1:] / EVIDENCE
    assert p_values_of_means(np.array(exact), shares).min() > 1e-7
    most = 4.0
    assert p_values_of_means(np.array(weighted) / most, TRUTH / most).min() > 1e-7
    if lanes > 1:
        assert len(kept) > 18
        assert p_values_of_means(np.array(kept), shares).min() > 1e-7


@pytest.mark.slow
def test_deciding_by_steps_would_be_noticed() -> None:
    """Runs that are done soon have drawn short texts."""
    soon = []
    for seed in range(400):
        state = run(Exact(width=1), problem_of(8), seed)
        if state.steps <= 29:
            soon.append(draws(state, 8))
    assert 80 < len(soon) < 320
    assert p_values_of_means(np.array(soon), TRUTH[1:] / EVIDENCE).min() < 1e-7


def teacher(text: str) -> dict[str, float]:
    """Who has been to T knows how little is to be found there, and finds more from then on."""
    return {"": {"S": 0.2, "T": 0.8}, "S": {END: 1.0}, "T": {"a": 0.1, "b": 0.9}}.get(
        text, {END: 1.0}
    )


def test_a_memory_is_no_bias() -> None:
    """What earlier calls have learned decides how later ones go on, and not what they draw."""
    trie, exact = Trie(), []
    for seed in range(150):
        state = run(Auto(), replace(problem_of(3), trie=trie), seed)
        assert state.chosen is not None
        if (state.findings().guarantee or state.chosen.guarantee) is Guarantee.EXACT:
            exact.append(draws(state, 3))
    assert len(exact) > 100
    assert p_values_of_means(np.array(exact), TRUTH[1:] / EVIDENCE).min() > 1e-6


@pytest.mark.parametrize("width", [1, 3])
def test_a_draw_that_there_is_is_exact_however_few_attempts_there_may_be(width: int) -> None:
    """With four attempts for two draws: the first, if any; and the second, if any."""
    model = TableModel(["S", "T", "a", "b"], teacher)
    problem = problem_of(2, model, condit.regex("S|Ta"))
    first, second = [], []
    for seed in range(600):
        sampler = Exact(width, attempts=2, beginnings=0)
        state = run(sampler, replace(problem, trie=Trie()), seed)
        texts = [model.decode(lane.tokens) for lane in state.lanes[: state.findings().accepted]]
        first += [[float(text == "Ta")] for text in texts[:1]]
        second += [[float(text == "Ta")] for text in texts[1:]]
    share = np.array([0.08 / 0.28])
    assert min(len(first), len(second)) > 100
    assert p_values_of_means(np.array(first), share).min() > 5e-7
    assert p_values_of_means(np.array(second), share).min() > 5e-7


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("steady", [True, False], ids=["on probation", "as they come"])
def test_acceptance_at_one_bound_says_nothing_about_the_draws(steady: bool, width: int) -> None:
    """Given that the first two attempts were accepted: both are draws from the target.

    With bounds that come down in between they are not: after T the second is surely accepted.
    """
    model = TableModel(["S", "T", "a", "b"], teacher)
    problem = problem_of(2, model, condit.regex("S|Ta"))
    found = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        sampler = Exact(width, beginnings=0)
        state = sampler.init(replace(problem, trie=Trie()), rng)
        assert state.walk.trie.log_bound == pytest.approx(0)
        if steady:
            state.begin_probation(2)
        while state.attempts < 2:
            state, _ = sampler.step(rng, state)
        if state.attempts == state.findings().accepted == 2:
            texts = [model.decode(lane.tokens) for lane in state.lanes]
            found.append([texts[0] == "Ta", texts[1] == "Ta", texts == ["Ta", "Ta"]])
    assert len(found) > 60
    share = 0.08 / 0.28
    p_value = p_values_of_means(np.array(found, dtype=float), np.array([share, share, share**2]))
    if steady or width == 4:  # attempts that begin together begin at one bound anyhow
        assert p_value.min() > 1e-7
    else:
        assert p_value.min() < 1e-7


def test_the_turn_is_decided_once_and_by_counts() -> None:
    assert [probation(lanes) for lanes in (1, 2, 4, 6, 8, 100)] == [4, 8, 8, 12, 16, 24]
    turned = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        state = Auto().init(problem_of(8), rng)
        bounds: list[float] = []
        while not state.done:
            state, info = Auto().step(rng, state)
            tried = [ended for ended in info.ends if ended.attempt is not None]
            bounds += [each.log_bound for each in sorted(tried, key=lambda each: each.attempt)]
        turned += state.before_switch is not None
        if state.before_switch is not None:
            assert state.findings().attempts == probation(8)
            assert state.findings().accepted < 0.2 * probation(8)
        # On probation all begin at the bound of the beginning, however much is known by then.
        assert len(set(bounds[: probation(8)])) == 1
        assert bounds[0] == pytest.approx(0)
    assert 0 < turned < 40


def test_draws_that_were_found_stay_beside_the_lanes() -> None:
    for seed in range(40):
        result = condit.generate(
            MODEL, "", CONSTRAINT, n=8, max_tokens=LENGTH + 1, sampler="auto", seed=seed
        )
        if result.report.guarantee is not Guarantee.WEIGHTED:
            continue
        found = result.report.accepted
        assert f"{found} of 16 attempts" in result.reason
        assert len(result.samples) == 8
        # They weigh what lanes weigh on average.
        mean = np.exp(result.log_weights[found:]).mean()
        assert np.exp(result.log_weights[:found]) == pytest.approx(mean)
        assert math.exp(result.log_evidence) == pytest.approx(mean)
        assert [sample.lineage for sample in result.samples[:found]] == list(range(found))
        assert result.report.lineages >= found


def test_draws_that_were_found_are_not_lost_with_the_lanes() -> None:
    """Where no lane gets through, they are all there is, and not called more than that."""
    said = set()
    for seed in range(100):
        state = run(Auto(), problem_of(2), seed)
        said.add(state.findings().guarantee)
        if state.findings().guarantee is Guarantee.LIMIT:
            assert state.lanes[0].log_weight == 0
            assert state.lanes[1].log_weight == -math.inf
    assert None in said


def test_a_run_that_is_broken_off_promises_nothing() -> None:
    """Where it stops may depend on its draws, so those that there are may be the short ones."""

    class StopError(condit.ConditError):
        pass

    def stop(info: StepInfo) -> None:
        if info.step == 5:
            raise StopError("enough")

    for sampler in ("exact", "smc", "masked", "rejection", "auto"):
        with pytest.raises(StopError) as raised:
            condit.generate(
                MODEL, "", CONSTRAINT, n=8, max_tokens=7, sampler=sampler, seed=3, on_step=stop
            )
        result = raised.value.result
        assert result is not None
        assert result.report.guarantee is Guarantee.LIMIT
        for sample in result.samples:
            assert not sample.valid or CONSTRAINT.accepts(sample.text)
