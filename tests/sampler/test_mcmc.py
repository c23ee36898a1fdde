"""What Markov chains do beside being right: settings, records, forwards, and lanes in vain."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import condit
from condit import MCMC, NgramModel
from condit.constraint.base import Constraint
from condit.errors import ArgumentError, BudgetError, UnknownNameError
from condit.prefer.score import prefer
from condit.report import Guarantee
from condit.sampler.base import Problem
from condit.sampler.mcmc import PROPOSALS, Chain, ChainsState
from condit.trace import StepInfo


def problem_of(
    model: NgramModel, constraint: Constraint | None, lanes: int = 4, max_tokens: int = 6
) -> Problem:
    prompt = tuple(model.encode_prompt("ab"))
    return Problem(model, prompt, constraint, lanes, max_tokens, finish=True)


def run(sampler: MCMC, problem: Problem, seed: int = 0) -> tuple[ChainsState, list[StepInfo]]:
    rng = np.random.default_rng(seed)
    state, infos = sampler.init(problem, rng), []
    while not state.done:
        state, info = sampler.step(rng, state)
        infos.append(info)
    assert isinstance(state, ChainsState)
    return state, infos


def test_settings_are_checked_when_it_is_made(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="moves must be 0 or more, not -1"):
        MCMC(moves=-1)
    with pytest.raises(ArgumentError, match="tries must be 1 or more, not 0"):
        MCMC(tries=0)
    with pytest.raises(UnknownNameError, match="did you mean 'uniform'"):
        MCMC(proposal="unifrom")
    with pytest.raises(ArgumentError, match="mcmc draws by mass, which temperature 0"):
        condit.generate(letters, "ab", condit.regex("a+"), sampler=MCMC(), temperature=0)
    assert MCMC.guarantee is Guarantee.LIMIT


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_it_is_a_sampler_like_others(proposal: str, letters: NgramModel) -> None:
    sampler = MCMC(moves=3, proposal=proposal)
    asked = {"n": 6, "max_tokens": 6, "sampler": sampler, "seed": 3}
    result = condit.generate(letters, "ab", condit.regex("(ab|ba|c)+"), **asked)
    assert all(sample.valid and sample.finish_reason == "stop" for sample in result.samples)
    assert len(set(result.log_weights)) == 1
    assert result.ess == pytest.approx(6)
    assert result.log_evidence == pytest.approx(result.log_weights[0])
    for sample in result.samples:
        tokens = [*sample.tokens, letters.vocabulary.end]
        context = letters.encode_prompt("ab")
        row = [letters.logits([*context, *tokens[:k]])[token] for k, token in enumerate(tokens)]
        assert sample.log_probability == pytest.approx(sum(row), abs=1e-4)
    again = condit.generate(letters, "ab", condit.regex("(ab|ba|c)+"), **asked)
    assert again.samples == result.samples
    more = condit.generate(letters, "ab", condit.regex("(ab|ba|c)+"), **{**asked, "n": 9})
    texts = [sample.tokens for sample in result.samples]
    assert texts == [sample.tokens for sample in more.samples[:6]]


def test_every_move_is_recorded(letters: NgramModel) -> None:
    state, infos = run(MCMC(moves=5), problem_of(letters, condit.regex("(ab|ba|c)+")))
    moves = [ended for info in infos for ended in info.ends if ended.attempt is not None]
    assert len(moves) == state.attempts == 4 * 5
    assert sorted(move.attempt for move in moves) == list(range(20))
    assert 0 < sum(move.accepted for move in moves) == state.accepted < 20
    for info in infos:
        assert {drawn.lane for drawn in info.draws} <= {0, 1, 2, 3}


def test_without_a_constraint_moves_are_draws_of_the_model(letters: NgramModel) -> None:
    state, infos = run(MCMC(moves=4, proposal="restart"), problem_of(letters, None, 8, 3))
    assert state.accepted == state.attempts == 32
    assert state.log_evidence == 0
    assert {lane.finish_reason for lane in state.lanes} == {"stop", "length"}
    assert all(len(lane.tokens) == 3 for lane in state.lanes if lane.finish_reason == "length")
    assert all(info.masks == info.checks == 0 for info in infos)


def test_what_is_kept_is_not_forwarded_again(letters: NgramModel) -> None:
    """One chain alone, so that it cannot profit from others."""
    problem = problem_of(letters, condit.regex("(abc){3}"), lanes=1, max_tokens=12)
    state, infos = run(MCMC(moves=20), problem)
    drawn = sum(each.token is not None for info in infos for each in info.draws)
    moves = [ended for info in infos for ended in info.ends if ended.attempt is not None]
    proposed = sum(len(move.tokens) + 1 for move in moves)
    assert drawn < proposed
    # What is drawn is forwarded, but for ends; and once a move the token before what is redrawn.
    assert state.positions_forwarded - len(problem.prompt) <= drawn


def test_forwards_serve_all_chains(letters: NgramModel) -> None:
    problem = problem_of(letters, condit.regex("(abc){3}"), lanes=16, max_tokens=12)
    _, infos = run(MCMC(moves=2, proposal="restart"), problem)
    # Three texts of at most 10 tokens (the end included), one after the other.
    assert len(infos) <= 3 * 10


def test_a_preference_for_never_moves_there(letters: NgramModel) -> None:
    never = prefer(lambda text: -math.inf if len(text) == 2 else 0.0)
    problem = dataclasses.replace(
        problem_of(letters, condit.regex("[ab]{1,3}"), 12), preference=never
    )
    state, _ = run(MCMC(moves=4), problem)
    texts = [letters.decode(lane.tokens) for lane in state.lanes]
    assert len(set(texts)) > 1
    assert not any(len(text) == 2 for text in texts)
    assert len(state.first_log_weights) > 12  # first draws that it rules out are made again
    assert state.log_evidence < 0


def test_a_lane_may_run_out_of_tries(letters: NgramModel) -> None:
    problem = dataclasses.replace(problem_of(letters, condit.regex("(abc)+"), 12, 3), finish=False)
    state, _ = run(MCMC(moves=1, tries=2), problem)
    dead = [lane for lane in state.lanes if lane.finish_reason != "stop"]
    assert 0 < len(dead) < 12
    for lane in dead:
        assert (lane.finish_reason, lane.log_weight, len(lane.tokens)) == ("length", -math.inf, 3)
    assert state.attempts == 12 - len(dead)
    # Samples weigh as much as all tries together say.
    weights = [math.exp(weight) for weight in state.first_log_weights]
    evidence = math.exp(state.log_evidence) * (12 - len(dead)) / 12
    assert evidence == pytest.approx(sum(weights) / len(weights))


def test_nothing_fits_into_the_budget(letters: NgramModel) -> None:
    with pytest.raises(BudgetError, match=r"max_tokens=2 is too small.*takes 6 tokens"):
        condit.generate(
            letters, "ab", condit.regex("(abc){3}"), n=2, max_tokens=2, sampler=MCMC(tries=3)
        )


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_a_text_of_which_everything_is_forced(proposal: str) -> None:
    model = NgramModel.train(["x"], vocabulary=condit.Vocabulary.of(["x", "y"]))
    problem = Problem(model, (0,), condit.regex("xyx"), 2, 5)
    state, _ = run(MCMC(moves=3, proposal=proposal), problem)
    assert [lane.tokens for lane in state.lanes] == [[0, 1, 0]] * 2
    assert state.accepted == 6
    assert all(isinstance(lane, Chain) and len(lane.text.places) == 4 for lane in state.lanes)
