"""The game: checked against a search over all strategies' outcomes, and its counterexamples."""

from __future__ import annotations

import random

import pytest

import condit
from condit.behave.agent import Agent
from condit.behave.game import Game
from condit.behave.tools import OUTCOMES, tool
from condit.errors import UnrealizableError, UnsatisfiableError
from condit.temporal.ltlf import ltlf


def attractor(game: Game) -> set[int]:
    """States from which an end can be forced, by rounds of the definition."""
    found = {state for state in game.after if game.may_end(state)}
    while True:
        more = {
            state
            for state, choices in game.after.items()
            for event, after in choices.items()
            if event not in game.uncertain and set(after) <= found
        }
        if more <= found:
            return found
        found |= more


def worst(game: Game, state: int, choice: dict[int, str]) -> int:
    """The most choices that a strategy makes before it ends."""
    if state not in choice:
        return 0
    after = game.after[state][choice[state]]
    return 1 + max(worst(game, each, choice) for each in after)


def test_winning_states_and_plans_of_random_games() -> None:
    rng, names = random.Random(0), ["a", "b", "t", *OUTCOMES]
    winning = 0
    for _ in range(300):
        clauses = []
        for _ in range(rng.randint(1, 3)):
            one, two = rng.choice(names), rng.choice(names)
            form = rng.choice(["F {}", "G({} -> X {})", "G({} -> F {})", "!{} U {}", "G !{}"])
            clauses.append(form.format(one, two))
        spec = ltlf([*clauses, "G(t -> X (observe | error | timeout))"], {n: n for n in names})
        if not spec.automaton.live:
            continue
        uncertain = {"b"} if rng.random() < 0.3 else set()
        game = Game(spec.automaton, {"t": OUTCOMES}, ("a", "b", "t"), uncertain)
        assert game.winning == attractor(game)
        costs = {"a": (1.0, 5.0), "b": (1.0, 1.0), "t": (2.0, 1.0)}
        for plan in game.plans(costs):
            assert set(plan.needed) == game.winning
            for state in game.winning:
                assert worst(game, state, dict(plan.choice)) <= plan.needed[state][0]
        if 0 in game.winning:
            winning += 1
            assert game.offered(0) or game.may_end(0)
        else:
            events, why = game.counterexample()
            assert why
            assert all(each in names for each in events)
    assert 30 < winning < 290


def always_fails() -> str:
    raise ValueError


def test_an_agent_that_waits_for_a_tool_to_succeed_is_refused() -> None:
    with pytest.raises(UnrealizableError) as raised:
        Agent("F observe & F answer", {"answer": "x"}, {"look": always_fails})
    assert raised.value.counterexample[-2:] == ("look", "error")
    assert "without end" in str(raised.value)


def test_outcomes_that_are_not_events_of_their_own_make_it_possible() -> None:
    look = tool(always_fails, name="look", outcomes=("observe",))
    agent = Agent("F observe & F answer & G(answer -> last)", {"answer": "x"}, [look])
    run = agent.run(condit.load("ngram"), "go ", seed=0, max_events=8).best
    assert run.satisfied
    observed = run.last("observe")
    assert observed is not None
    assert observed.text == "error: ValueError"


def test_clauses_that_contradict_each_other_are_named() -> None:
    with pytest.raises(UnsatisfiableError, match="clause 1, F a; clause 2, G !a"):
        Agent(["F a", "G !a"], {"a": "x", "b": "y"})


def test_no_event_is_offered_after_which_a_tool_could_make_the_end_impossible() -> None:
    agent = Agent(
        "F answer & G(error -> G !answer)",
        {"answer": "x", "think": "y"},
        {"look": always_fails},
    )
    assert "look" not in agent.game.offered(0)
    after = agent.specification.automaton.run(["answer"])
    assert "look" in agent.game.offered(after)
