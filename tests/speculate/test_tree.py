"""Which guesses are made: allowed ones, the most probable first, as many as pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import condit
from condit.speculate.cost import ForwardCost, rising
from condit.speculate.recycling import forget, table_of
from condit.speculate.settings import Drafts
from condit.speculate.tree import Frontier, Guesser
from condit.speculate.trust import Trust, trust_of


@pytest.fixture
def model() -> condit.NgramModel:
    """A model of bytes about which nothing has been learned."""
    return condit.NgramModel.train(["abab"])


def teach(model: condit.NgramModel, context: tuple[int, ...], **logits: float) -> None:
    row = np.full(len(model.vocabulary), -20.0, dtype=np.float32)
    for letter, value in logits.items():
        row[ord(letter)] = value
    table_of(model).learn([context], [row])


def guesser(model: condit.NgramModel, **drafts: Any) -> Guesser:
    made = Guesser(model, [0, 1], 1.0, Drafts(**drafts))
    made.cost = ForwardCost()
    return made


def frontier(model: condit.NgramModel, pattern: str | None, text: str, room: int = 9) -> Frontier:
    matcher = None
    if pattern is not None:
        matcher = condit.regex(pattern).bind(model.vocabulary)
        for value in text.encode():
            matcher.advance(value)
    return Frontier(tuple(text.encode()), matcher, room)


def paths(place: Frontier) -> set[str]:
    spelled: list[str] = []
    for guess in place.guesses:
        spelled.append((spelled[guess.parent] if guess.parent >= 0 else "") + chr(guess.token))
    return set(spelled)


def test_a_forced_chain_is_followed_to_its_end(model: condit.NgramModel) -> None:
    place = frontier(model, "hello", "h")
    guesser(model).grow([place])
    assert paths(place) == {"e", "el", "ell", "ello"}
    assert [guess.parent for guess in place.guesses] == [-1, 0, 1, 2]


def test_the_budget_bounds_the_depth(model: condit.NgramModel) -> None:
    place = frontier(model, "hello", "h", room=2)
    guesser(model).grow([place])
    assert paths(place) == {"e", "el"}


def test_what_the_constraint_refuses_leaves_its_share_to_the_others(
    model: condit.NgramModel,
) -> None:
    teach(model, (ord("x"),), a=5.0, b=4.0, c=1.0)
    free, bound = frontier(model, None, "x"), frontier(model, "x[bc].*", "x")
    guesser(model).grow([free])
    guesser(model).grow([bound])
    assert {"a", "b"} <= paths(free)
    assert "b" in paths(bound)
    assert not any(path.startswith("a") for path in paths(bound))
    share = {chr(guess.token): guess.worth for guess in free.guesses if guess.parent < 0}
    among = {chr(guess.token): guess.worth for guess in bound.guesses if guess.parent < 0}
    assert among["b"] > 2 * share["b"]


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_nothing_is_guessed_where_nothing_allowed_has_mass(temperature: float) -> None:
    """Successors that were seen with a weight of exp(-inf), or one that rounds to 0."""
    vocabulary = condit.Vocabulary.of(["a", "b", "c", "d"])
    model = condit.NgramModel.train(["abcd"], vocabulary=vocabulary)
    matcher = condit.regex("[bcd]*").bind(vocabulary)

    def guessed(row: list[float], matcher: condit.Matcher | None) -> tuple[int, ...]:
        table_of(model).learn([(0,)], [np.array(row, dtype=np.float32)])
        place = Frontier((0,), matcher, 9)
        drafts = Drafts(forced=False, lookup=False, positions=1)
        Guesser(model, [0, 1], temperature, drafts).grow([place])
        return tuple(guess.token for guess in place.guesses)

    for low in (-np.inf, -3000.0):
        assert guessed([0.0, low, low, low, low], matcher) == ()
        assert guessed([0.0, low, low, low, low], None) == (0,)
        assert guessed([0.0, low, -1.0, low, low], matcher) == (2,)
    assert guessed([-np.inf] * 5, None) == ()


def test_a_forward_too_fast_for_the_clock_is_not_counted() -> None:
    cost = ForwardCost()
    for _ in range(32):
        cost.record(4, 0.0)
    assert cost.of(4) > 0


def test_the_end_is_never_guessed(model: condit.NgramModel) -> None:
    row = np.full(len(model.vocabulary), -20.0, dtype=np.float32)
    row[model.vocabulary.end] = 9.0
    table_of(model).learn([(ord("x"),)], [row])
    place = frontier(model, "x+", "x")
    guesser(model).grow([place])
    assert model.vocabulary.end not in [guess.token for guess in place.guesses]


def test_lanes_share_one_budget(model: condit.NgramModel) -> None:
    places = [frontier(model, "h" * 30, "h") for _ in range(3)]
    guesser(model, positions=7).grow(places)
    assert sum(len(place.guesses) for place in places) == 7
    urgent = [frontier(model, "h" * 30, "h") for _ in range(2)]
    urgent[1].urgency = 0.1
    guesser(model, positions=7).grow(urgent)
    assert len(urgent[0].guesses) == 7
    assert not urgent[1].guesses


def test_guesses_stop_where_they_do_not_pay(model: condit.NgramModel) -> None:
    teach(model, (ord("x"),), a=3.0, b=3.0, c=3.0, d=3.0)
    cheap, dear = guesser(model), guesser(model)
    for positions in range(1, 17):
        for _ in range(2):
            cheap.cost.record(positions, 1.0 + 0.001 * positions)
            dear.cost.record(positions, float(positions))
    here, there = frontier(model, None, "x"), frontier(model, None, "x")
    cheap.grow([here])
    dear.grow([there])
    assert len(here.guesses) >= 4
    assert not there.guesses


def test_failed_guesses_are_made_less_often(model: condit.NgramModel) -> None:
    trust = trust_of(model, 1.0, True)
    assert trust is trust_of(model, 1.1, True)
    assert trust is not trust_of(model, 0.0, True)
    assert trust is not trust_of(model, 1.0, False)
    assert trust.factor == 1.0
    for _ in range(100):
        trust.expect(2.0)
    low = trust.factor
    assert low < 0.1
    for _ in range(100):
        trust.expect(0.0)
    assert trust.factor > 3 * low  # forgotten in time
    for _ in range(100):
        trust.expect(1.0)
        trust.accept(1)
    assert trust.factor > 0.9
    assert Trust().factor == 1.0


def test_nothing_known_means_no_guess(model: condit.NgramModel) -> None:
    forget(model)
    place = frontier(model, "[a-z]{30}", "q")
    guesser(model).grow([place])
    assert place.guesses == []


def test_an_engine_at_its_limit_makes_no_guesses(
    model: condit.NgramModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = frontier(model, "hello", "h")

    def broken(*_: object) -> bytes:
        raise condit.ConditError("a limit of the engine")

    monkeypatch.setattr(type(place.matcher), "forced_text", broken)
    guesser(model).grow([place])
    assert place.guesses == []


def test_the_cost_rises_through_the_medians() -> None:
    cost = ForwardCost()
    assert cost.of(1) < cost.of(2) < cost.of(40)
    for positions, seconds in [(1, 40), (4, 39), (6, 42), (8, 50), (16, 70)]:
        for noise in (-1, 0, 0, 0, 0, 0, 0, 30):
            cost.record(positions, seconds + noise)
    assert cost.of(1) == cost.of(2) == pytest.approx(39.5)
    assert cost.of(6) == pytest.approx(42)
    assert cost.of(12) == pytest.approx(60)
    assert cost.of(32) > cost.of(16) == pytest.approx(70)
    cost.record(0, 1.0)
    cost.record(5000, 1.0)
    assert cost.of(16) == pytest.approx(70)


def test_pools_of_neighbours_that_fall() -> None:
    assert rising([(1, 3, 1), (2, 1, 1), (3, 5, 2)]) == [(1.5, 2.0), (3, 5)]
    assert rising([(1, 2, 1), (2, 2, 3)]) == [(1.75, 2.0)]
    assert rising([]) == []
