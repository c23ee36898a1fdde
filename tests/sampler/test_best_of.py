"""What wins, what never does, and what is reported; its law is tested in ``tests/exact``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

import condit
from condit import AWRS, BestOf, Masked, NgramModel
from condit.errors import ArgumentError, UnknownNameError
from condit.prefer.base import Preference
from condit.sampler.base import Problem, Sampler, State
from condit.sampler.best_of import BestOfState, kl_bound, kl_of_yes_or_no
from condit.sampler.law import BaseLaw
from condit.sampler.trie import Trie
from condit.trace import StepInfo

LETTERS = condit.regex("(ab|ba|c)+")


class Preferring(Preference):
    def __init__(self, score: Callable[[str], float]) -> None:
        self.score = score

    def log_weights(self, texts: Sequence[str]) -> list[float]:
        return [self.score(text) for text in texts]


LONG = Preferring(len)
LEVEL = Preferring(lambda _: -2.0)


@pytest.fixture
def problem(letters: NgramModel) -> Problem:
    return Problem(letters, tuple(letters.encode("ab")), LETTERS, lanes=5, max_tokens=6)


def run(sampler: Sampler, problem: Problem, seed: int = 0) -> tuple[State, list[StepInfo]]:
    rng = np.random.default_rng(seed)
    state = sampler.init(problem, rng)
    infos = []
    while not state.done:
        state, info = sampler.step(rng, state)
        infos.append(info)
    return state, infos


def test_the_most_preferred_candidate_wins(problem: Problem, letters: NgramModel) -> None:
    state, infos = run(BestOf(of=4, kernel="masked"), replace(problem, preference=LONG), 1)
    # The same noise gives the same candidates without a choice.
    candidates, _ = run(Masked(), replace(problem, lanes=20), 1)
    lengths = np.array(
        [
            len(letters.decode(lane.tokens)) if lane.log_weight > -math.inf else -1
            for lane in candidates.lanes
        ]
    ).reshape(5, 4)
    for lane, group in zip(state.lanes, lengths, strict=True):
        assert len(letters.decode(lane.tokens)) == group.max()
        assert lane.log_preference == group.max()
        assert lane.log_weight == 0
    assert [lane.origin for lane in state.lanes] == [0, 1, 2, 3, 4]
    drawn = [(each.lane, each.attempt) for each in infos[0].draws]
    assert drawn == [(number // 4, number) for number in range(20)]
    assert infos[-1].note.endswith("of 20 candidates could be chosen from")
    assert state.steps == len(infos)


def test_the_first_of_equals_wins(problem: Problem) -> None:
    state, _ = run(BestOf(of=4, kernel="masked"), replace(problem, preference=LEVEL))
    candidates, _ = run(Masked(), replace(problem, lanes=20))
    groups = [candidates.lanes[first : first + 4] for first in range(0, 20, 4)]
    for lane, group in zip(state.lanes, groups, strict=True):
        assert lane.tokens == next(x.tokens for x in group if x.log_weight > -math.inf)


def test_lanes_do_not_depend_on_their_number(problem: Problem) -> None:
    for asked in (problem, replace(problem, preference=LONG)):
        few, _ = run(BestOf(of=3), replace(asked, lanes=2), 3)
        many, _ = run(BestOf(of=3), replace(asked, lanes=6), 3)
        assert [x.tokens for x in few.lanes] == [x.tokens for x in many.lanes[:2]]


@pytest.mark.parametrize("kernel", ["awrs", "masked", "learned", AWRS(looks=3)])
def test_without_a_preference_the_first_valid_candidate_wins(
    problem: Problem, letters: NgramModel, kernel: str
) -> None:
    state, infos = run(BestOf(of=6, kernel=kernel), problem, 2)
    assert isinstance(state, BestOfState)
    valid = [x.log_weight > -math.inf for x in state.candidates.lanes]
    assert valid == [x.finish_reason == "stop" for x in state.candidates.lanes]
    assert 0 < sum(valid) < 30
    assert (state.attempts, state.accepted) == (30, sum(valid))
    for index, lane in enumerate(state.lanes):
        group = slice(6 * index, 6 * index + 6)
        if any(valid[group]):
            first = state.candidates.lanes[group][valid[group].index(True)]
            assert lane.tokens == first.tokens
            assert LETTERS.accepts(letters.decode(lane.tokens))
            assert lane.log_weight == lane.log_preference == 0
        else:
            assert lane.finish_reason == "rejected"
            assert lane.log_weight == -math.inf
    filled = sum(lane.log_weight > -math.inf for lane in state.lanes)
    share = sum(valid) / 30
    assert state.log_evidence + math.log(filled / 5) == pytest.approx(math.log(share))
    assert state.log_evidence_error == pytest.approx(math.sqrt((1 - share) / share / 29), rel=1e-6)
    assert infos[-1].note == f"{sum(valid)} of 30 candidates are valid"


def test_a_free_candidate_stops_where_it_cannot_become_valid(
    problem: Problem, letters: NgramModel
) -> None:
    hopeless = replace(problem, constraint=condit.regex("(cb){3}"))
    state, infos = run(BestOf(of=20), hopeless, 1)
    assert state.log_evidence == -math.inf
    assert state.notes["kl"] == 0
    assert state.log_evidence_error is None
    for lane in state.lanes:
        assert lane.finish_reason == "rejected"
        assert "cbcbcb".startswith(letters.decode(lane.tokens))
    # That a token was refused is an estimate of the mass that was allowed.
    drawn = [
        (each.token, each.log_allowed)
        for info in infos
        for each in info.draws
        if each.token is not None
    ]
    assert {weight for _, weight in drawn} == {0.0, -math.inf}
    assert sum(weight == -math.inf for _, weight in drawn) == 100
    assert sum(info.checks for info in infos) <= len(drawn)


def test_a_text_that_takes_the_whole_budget_can_win(problem: Problem) -> None:
    constraint = condit.choice(["c", "cab", "ca"])
    state, _ = run(BestOf(of=300), replace(problem, constraint=constraint, max_tokens=1))
    assert {tuple(lane.tokens) for lane in state.lanes} == {(2,)}
    assert {lane.finish_reason for lane in state.lanes} == {"stop"}


def test_what_is_in_vain_never_wins(problem: Problem, letters: NgramModel) -> None:
    # Without a grasp of the budget most candidates of (ab){2,} meet it unfinished.
    tight = replace(problem, constraint=condit.regex("(ab){2,}"), max_tokens=3, preference=LONG)
    state, _ = run(BestOf(of=8, kernel="masked"), tight)
    assert isinstance(state, BestOfState)
    assert "length" in {lane.finish_reason for lane in state.candidates.lanes}
    assert {lane.finish_reason for lane in state.lanes} == {"stop"}

    none, _ = run(BestOf(of=4), replace(tight, max_tokens=1))
    assert {(lane.finish_reason, lane.log_weight) for lane in none.lanes} == {("length", -math.inf)}
    assert none.log_evidence == -math.inf

    never = Preferring(lambda text: -math.inf if "c" in text else 0.0)
    some, _ = run(BestOf(of=8), replace(problem, preference=never))
    for lane in some.lanes:
        assert lane.log_weight == -math.inf or "c" not in letters.decode(lane.tokens)

    nothing = Preferring(lambda _: -math.inf)
    refused, _ = run(BestOf(of=4), replace(problem, preference=nothing, max_tokens=12))
    assert {lane.log_weight for lane in refused.lanes} == {-math.inf}
    assert "rejected" in {lane.finish_reason for lane in refused.lanes}


def test_a_preference_alone_is_enough(problem: Problem) -> None:
    state, _ = run(BestOf(of=4), replace(problem, constraint=None, preference=LONG))
    assert {lane.log_weight for lane in state.lanes} == {0.0}
    assert {lane.finish_reason for lane in state.lanes} <= {"stop", "length"}
    assert state.attempts == 0
    assert state.notes == {"kl_bound": kl_bound(4)}


def test_free_candidates_teach_the_memory_nothing(problem: Problem) -> None:
    trie = Trie()
    run(BestOf(of=4, kernel="learned"), replace(problem, trie=trie))
    assert trie.nodes == 0
    run(BestOf(of=4, kernel="learned"), replace(problem, trie=trie, preference=LONG))
    assert trie.nodes > 0


def test_divergences() -> None:
    assert kl_bound(1) == 0
    assert kl_bound(4) == pytest.approx(math.log(4) - 3 / 4)
    # s = 3/4 of a half: 3/4 log 3/2 + 1/4 log 1/2
    assert kl_of_yes_or_no(2, 0.5) == pytest.approx(0.75 * math.log(1.5) - 0.25 * math.log(2))
    assert kl_of_yes_or_no(1, 0.3) == pytest.approx(0)
    assert kl_of_yes_or_no(5, 0.0) == kl_of_yes_or_no(5, 1.0) == 0
    assert kl_of_yes_or_no(3, 1e-300) == pytest.approx(0)
    # Enough candidates: a yes for sure, so that the law is the target.
    assert kl_of_yes_or_no(10_000, 0.01) == pytest.approx(-math.log(0.01))


def test_it_is_reported(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", LETTERS, n=3, max_tokens=6, sampler=BestOf(of=6), seed=0
    )
    assert result.report.guarantee is condit.Guarantee.PROPOSAL
    assert result.report.attempts == 18
    assert result.report.notes["kl_bound"] == pytest.approx(kl_bound(6))
    assert result.report.notes["kl"] <= kl_bound(6)
    assert len({sample.log_weight for sample in result.samples if sample.valid}) == 1
    share = result.report.accepted / 18
    assert result.log_evidence == pytest.approx(math.log(share))


def test_what_cannot_be_asked_for(problem: Problem, rng: np.random.Generator) -> None:
    with pytest.raises(ArgumentError, match="nothing to be best by"):
        BestOf().init(replace(problem, constraint=None), rng)
    with pytest.raises(ArgumentError, match="temperature 0"):
        BestOf().init(replace(problem, law=BaseLaw(temperature=0)), rng)
    with pytest.raises(ArgumentError, match="of must be 1 or more"):
        BestOf(of=0)
    with pytest.raises(UnknownNameError, match="did you mean 'masked'"):
        BestOf(kernel="maskd")
    with pytest.raises(ArgumentError, match="'smc' does not draw single tokens"):
        BestOf(kernel="smc")
