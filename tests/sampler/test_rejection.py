"""What rejection does beside being right: settings, proposals, records, and giving up."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import condit
from condit import NgramModel, Rejection, Vocabulary
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, PromptTooLongError, RejectedError
from condit.prefer.score import prefer
from condit.report import Guarantee
from condit.sampler.base import Problem
from condit.sampler.rejection import RejectionState
from condit.trace import StepInfo
from condit.weights import log_share, relative_error


def problem_of(
    model: NgramModel, constraint: Constraint | None, lanes: int = 4, max_tokens: int = 6
) -> Problem:
    prompt = tuple(model.encode_prompt("ab"))
    return Problem(model, prompt, constraint, lanes, max_tokens, finish=True)


def run(
    sampler: Rejection, problem: Problem, seed: int = 0
) -> tuple[RejectionState, list[StepInfo]]:
    rng = np.random.default_rng(seed)
    state, infos = sampler.init(problem, rng), []
    while not state.done:
        state, info = sampler.step(rng, state)
        infos.append(info)
    assert isinstance(state, RejectionState)
    return state, infos


def test_settings_are_checked(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="width must be 1 or more, not 0"):
        Rejection(width=0)
    with pytest.raises(ArgumentError, match="attempts must be 1 or more, not -3"):
        Rejection(attempts=-3)
    with pytest.raises(ArgumentError, match="rejection draws by mass, which temperature 0"):
        condit.generate(letters, "ab", condit.regex("a+"), sampler="rejection", temperature=0)


def test_the_promise_depends_on_the_proposal(letters: NgramModel) -> None:
    assert Rejection.guarantee is Rejection().guarantee is Guarantee.EXACT
    assert Rejection(prompt="a").guarantee is Guarantee.PROPOSAL
    assert Rejection(model=letters).guarantee is Guarantee.PROPOSAL
    assert dataclasses.replace(Rejection(prompt="a"), prompt=None).guarantee is Guarantee.EXACT


def test_a_proposal_must_have_the_same_tokens(letters: NgramModel) -> None:
    other = NgramModel.train(["ab"], vocabulary=Vocabulary.of(["a", "b", "c", "ab", "bc", "d"]))
    problem = problem_of(letters, condit.regex("a+"))
    with pytest.raises(ArgumentError, match="do not have the same bytes"):
        Rejection(model=other).init(problem, np.random.default_rng())
    with pytest.raises(ArgumentError, match=r"ngram cannot propose texts for ngram.*257 and 7"):
        Rejection(model="ngram").init(problem, np.random.default_rng())


def test_the_proposal_has_a_context_of_its_own() -> None:
    model = condit.load("ngram")
    small = condit.load("ngram")
    small.context = 20
    with pytest.raises(PromptTooLongError, match="set max_tokens to 8 or less"):
        condit.generate(
            model, "Yes", condit.regex("[a-z]"), max_tokens=9,
            sampler=Rejection(model=small, prompt="123456789 12"),
        )  # fmt: skip


def test_it_is_a_sampler_like_others(letters: NgramModel) -> None:
    asked = {"n": 6, "max_tokens": 6, "sampler": "rejection", "seed": 3}
    result = condit.generate(letters, "ab", condit.regex("(ab|ba|c)+"), **asked)
    assert all(sample.valid and sample.finish_reason == "stop" for sample in result.samples)
    assert len(set(result.log_weights)) == 1
    report = result.report
    assert report.accepted == 6
    assert report.attempts > 6
    assert result.log_evidence == pytest.approx(math.log(5 / (report.attempts - 1)))
    assert report.kl_to_model == pytest.approx(-result.log_evidence)
    assert report.notes == {}
    again = condit.generate(letters, "ab", condit.regex("(ab|ba|c)+"), **asked)
    assert again.samples == result.samples


@pytest.mark.parametrize("name", ["same prompt", "same prompt as token ids", "same model"])
def test_the_model_as_its_own_proposal_weighs_nothing(name: str, letters: NgramModel) -> None:
    problem = problem_of(letters, condit.regex("(ab|ba|c)+"))
    sampler = {
        "same prompt": Rejection(prompt="ab"),
        "same prompt as token ids": Rejection(prompt=problem.prompt),
        "same model": Rejection(model=letters),
    }[name]
    exact, _ = run(Rejection(), problem)
    weighted, _ = run(sampler, problem)
    assert [lane.tokens for lane in weighted.lanes] == [lane.tokens for lane in exact.lanes]
    assert weighted.log_weights == pytest.approx([0] * 4, abs=1e-5)
    assert weighted.log_evidence == exact.log_evidence
    assert weighted.notes["kl_to_draws"] == pytest.approx(0, abs=1e-5)
    assert weighted.notes["kl_to_proposal"] == pytest.approx(-exact.log_evidence, abs=1e-5)


def test_the_target_is_told_in_results(letters: NgramModel) -> None:
    result = condit.generate(
        letters, "ab", condit.regex("(ab|ba|c)+"), n=5, sampler=Rejection(prompt="c"), seed=1
    )
    assert result.report.guarantee is Guarantee.PROPOSAL
    assert set(result.report.notes) == {"kl_to_proposal", "kl_to_draws", "log_acceptance_rate"}
    for sample in result.samples:
        tokens = [*sample.tokens, letters.vocabulary.end]
        context = letters.encode_prompt("ab")
        row = [letters.logits([*context, *tokens[:k]])[token] for k, token in enumerate(tokens)]
        assert sample.log_probability == pytest.approx(sum(row), abs=1e-4)


def test_without_a_constraint_everything_is_accepted(letters: NgramModel) -> None:
    for sampler in (Rejection(), Rejection(prompt="c")):
        state, _ = run(sampler, problem_of(letters, None, 12, 3))
        assert state.attempts == state.accepted == 12
        assert state.log_evidence == 0
        assert {lane.finish_reason for lane in state.lanes} == {"stop", "length"}
        cut = [lane for lane in state.lanes if lane.finish_reason == "length"]
        assert all(len(lane.tokens) == 3 for lane in cut)


def test_attempts_are_recorded_and_dropped_early(letters: NgramModel) -> None:
    problem = problem_of(letters, condit.regex("(abc){1,2}"), lanes=3)
    state, infos = run(Rejection(width=4), problem)
    attempts = [ended for info in infos for ended in info.ends]
    numbers = sorted(ended.attempt for ended in attempts)
    assert numbers[: state.attempts] == list(range(state.attempts))
    assert sum(attempt.accepted for attempt in attempts) >= state.accepted == 3
    matcher = problem.constraint.bind(letters.vocabulary)
    for attempt in attempts:
        further = matcher.copy()
        for token in attempt.tokens:  # no refused token was kept
            further.advance(token)
    # What is refused at the first token is never forwarded.
    drawn = sum(len(attempt.tokens) for attempt in attempts)
    assert state.positions_forwarded <= len(problem.prompt) + drawn
    assert len(infos) < state.attempts / 4


def test_a_text_that_meets_the_budget_unfinished_is_refused(letters: NgramModel) -> None:
    problem = dataclasses.replace(problem_of(letters, condit.regex("c[ab]*"), 5, 2), finish=False)
    state, infos = run(Rejection(), problem)
    cut = [a for info in infos for a in info.ends if a.reason == "length"]
    assert cut
    assert all(len(attempt.tokens) == 2 for attempt in cut)
    assert all(len(lane.tokens) <= 2 for lane in state.lanes)


def test_it_gives_up(letters: NgramModel) -> None:
    problem = problem_of(letters, condit.regex("abcabcabc"), 2, 9)
    state, _ = run(Rejection(attempts=5), problem)
    assert (state.attempts, state.accepted) == (10, 0)
    assert all(lane.finish_reason == "rejected" for lane in state.lanes)
    assert all(lane.log_weight == -math.inf for lane in state.lanes)
    with pytest.raises(RejectedError, match="none of 10 attempts was accepted"):
        condit.generate(
            letters, "ab", condit.regex("abcabcabc"), n=2, sampler=Rejection(attempts=5), seed=0
        )


def test_some_lanes_stay_empty(letters: NgramModel) -> None:
    problem = problem_of(letters, condit.regex("c[ab]*"), 40)
    state, _ = run(Rejection(attempts=2), problem)
    assert 0 < state.accepted < 40
    assert state.attempts == 80
    reasons = [lane.finish_reason for lane in state.lanes]
    assert reasons == ["stop"] * state.accepted + ["rejected"] * (40 - state.accepted)
    mean = sum(math.exp(w + state.log_evidence) for w in state.log_weights) / 40
    assert mean == pytest.approx(state.accepted / 80)


def test_a_preference_is_weighed_at_the_end(letters: NgramModel) -> None:
    preference = prefer(len, -0.5)
    problem = problem_of(letters, condit.regex("(ab|ba|c)+"))
    plain, _ = run(Rejection(), problem)
    state, _ = run(Rejection(), dataclasses.replace(problem, preference=preference))
    assert [lane.tokens for lane in state.lanes] == [lane.tokens for lane in plain.lanes]
    expected = [-0.5 * len(letters.decode(lane.tokens)) for lane in state.lanes]
    assert state.log_weights == pytest.approx(expected)
    assert [lane.log_preference for lane in state.lanes] == pytest.approx(expected)


def test_shares_and_errors() -> None:
    assert log_share(3, 9, wanted=3) == pytest.approx(math.log(2 / 8))
    assert log_share(3, 9, wanted=4) == pytest.approx(math.log(3 / 9))
    assert log_share(1, 9, wanted=1) == pytest.approx(math.log(1 / 9))
    assert log_share(3, 3, wanted=3) == 0
    weights = np.array([0.5, 0.2, 0.1, 0, 0, 0])
    error = weights.std(ddof=1) / weights.mean() / math.sqrt(6)
    assert relative_error(np.log([0.5, 0.2, 0.1]).tolist(), draws=6) == pytest.approx(error)
    assert relative_error([0.0]) is None
