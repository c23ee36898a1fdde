"""Where valid texts have few beginnings, all are read at once, and draws cost nothing more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from table_model import END, TableModel
from test_unbiased import letters_world, world_of

import condit
from condit import Exact, NgramModel, Vocabulary
from condit.constraint.base import Constraint
from condit.errors import ArgumentError
from condit.sampler.law import BaseLaw
from condit.testing import World, check_sampler
from condit.testing.samplers import run_to_the_end

LETTERS = ["a", "b", "c", "ab", "bc", "a"]


def model() -> NgramModel:
    texts = ["abcab", "bca", "aabbcc", "cab", "abab", "ca"]
    return NgramModel.train(texts, vocabulary=Vocabulary.of(LETTERS), order=3, smoothing=1.5)


WORLDS = {
    "choice": lambda: World(model(), condit.choice("ab", "b", "abc"), "ab", 3),
    "choice, cut by the budget": lambda: World(model(), condit.choice("ab", "b", "abc"), "ab", 2),
    "regex": lambda: World(model(), condit.regex("c?[ab]"), "ab", 3),
    "top-k": lambda: World(model(), condit.choice("ab", "c", "bc"), "ab", 3, BaseLaw(top_k=3)),
    "schema": lambda: world_of("schema"),
}


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "top-k"])
@pytest.mark.parametrize("width", [1, 8])
def test_every_attempt_is_accepted_and_the_bound_is_the_evidence(name: str, width: int) -> None:
    world = WORLDS[name]()
    sampler = Exact(width)
    check_sampler(sampler, world, runs=100, lanes=2)
    state = run_to_the_end(sampler, world, 50, seed=1)
    assert state.attempts == state.accepted == 50
    assert state.findings().log_bound == pytest.approx(math.log(world.evidence), abs=1e-6)
    assert state.log_evidence == pytest.approx(math.log(world.evidence), abs=1e-6)
    # The prompt is one forward, all beginnings another, and that is all.
    assert state.forwards == 2


@pytest.mark.parametrize("name", [name for name in WORLDS if name.startswith("choice")])
def test_the_heaviest_are_read_where_not_all_can_be(name: str) -> None:
    world = WORLDS[name]()
    check_sampler(Exact(width=2, beginnings=1), world, runs=150, lanes=2)
    state = run_to_the_end(Exact(beginnings=1), world, 60, seed=1)
    assert state.attempts < 120  # half of the bound was known to be valid


def test_the_heaviest_of_many_spellings() -> None:
    """A long option and a short one: more spellings than are read, and few forwards."""
    world = World(model(), condit.choice("abcabcabcabc", "cab"), "ab", 12)
    problem = world.problem(20)
    rng = np.random.default_rng(0)
    state = Exact().init(problem, rng)
    assert 1 < state.forwards < 8
    assert state.walk.trie.nodes < 80
    while not state.done:
        state, _ = Exact().step(rng, state)
    assert state.accepted == 20


def test_what_the_law_leaves_out_is_left_out() -> None:
    world = WORLDS["top-k"]()
    state = run_to_the_end(Exact(), world, 300, seed=1)
    found = {world.model.decode(lane.tokens) for lane in state.lanes}
    assert found <= {"ab", "c", "bc"}
    assert state.accepted == 300


@pytest.mark.parametrize(
    "constraint",
    [condit.regex("[abc]{1,3}"), condit.regex("(ab|ba|c)*")],
    ids=["many", "unbounded"],
)
def test_many_beginnings_are_not_read(constraint: Constraint) -> None:
    state = run_to_the_end(Exact(width=1, beginnings=8), letters_world(constraint), 1, seed=0)
    assert state.positions_forwarded < 8


def test_options_without_mass_are_no_harm() -> None:
    def says(text: str) -> dict[str, float]:
        return {"": {"y": 0.5, "n": 0.5}, "y": {"e": 1.0}, "ye": {"s": 1.0}}.get(text, {END: 1.0})

    table = TableModel(["y", "e", "s", "n", "o", "q"], says)
    options = condit.choice("yes", "no", "q")
    result = condit.generate(table, "", options, n=20, max_tokens=4, sampler="exact", seed=0)
    assert {sample.text for sample in result.samples} == {"yes"}
    assert result.log_evidence == pytest.approx(math.log(0.5))
    assert result.report.log_upper_bound == pytest.approx(math.log(0.5))


def test_a_memory_that_knows_more_is_left_alone() -> None:
    memory = condit.Memory()
    options = condit.choice("ab", "b", "abc")
    for seed in range(3):
        result = condit.generate(
            model(), "ab", options, n=4, max_tokens=3, sampler="exact", memory=memory, seed=seed
        )
        assert result.report.accepted == 4
    same = model()
    first = condit.generate(same, "ab", options, n=4, max_tokens=3, memory=memory, seed=0)
    again = condit.generate(same, "ab", options, n=4, max_tokens=3, memory=memory, seed=1)
    assert first.stats.forwards == 2
    assert again.stats.forwards == 1  # the prompt
    assert again.report.attempts == 4


def test_bad_settings() -> None:
    with pytest.raises(ArgumentError, match="beginnings must be 0 or more"):
        Exact(beginnings=-1)
