"""Automata and the oracle against the definition, on random formulas; laws of the logic."""

from __future__ import annotations

import itertools
import random

import pytest
from formulas import NAMES, random_formula, satisfies

from condit.errors import ConstraintTooComplexError
from condit.regular.table import Table
from condit.temporal.automaton import difference
from condit.temporal.formula import Formula, negation
from condit.temporal.parser import parse
from condit.temporal.progression import compile_formula
from condit.temporal.semantics import holds

LETTERS = [frozenset(held) for size in range(4) for held in itertools.combinations(NAMES, size)]


def compiled(formula: Formula) -> Table:
    return compile_formula(formula, LETTERS, 4096)


def accepts(automaton: Table, trace: list[frozenset[str]]) -> bool:
    state = 0
    for names in trace:
        state = automaton[state][1][LETTERS.index(names)]
    return automaton[state][0]


def agree(seed: int, count: int) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        formula = random_formula(rng, rng.randrange(1, 9))
        automaton = compiled(formula)
        assert not automaton[0][0], f"{formula}: the empty trace"
        trace = [rng.choice(LETTERS) for _ in range(rng.randrange(1, 9))]
        want = satisfies(trace, 0, formula)
        shown = f"{formula} on {[sorted(names) for names in trace]}"
        assert accepts(automaton, trace) == want, f"the automaton is wrong: {shown}"
        assert holds(formula, trace) == want, f"the oracle is wrong: {shown}"


def test_some_random_formulas() -> None:
    agree(seed=1, count=500)


@pytest.mark.slow
def test_ten_thousand_random_formulas() -> None:
    agree(seed=2, count=10_000)


def test_all_short_traces_of_random_formulas() -> None:
    rng = random.Random(3)
    traces = [list(t) for size in (1, 2) for t in itertools.product(LETTERS, repeat=size)]
    for _ in range(30):
        formula = random_formula(rng, 4)
        automaton = compiled(formula)
        assert all(accepts(automaton, t) == satisfies(t, 0, formula) for t in traces), formula


def test_printing_and_reading_gives_the_same_formula() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        formula = random_formula(rng, rng.randrange(10), ("a", "b c", "G", "last", 'q"'))
        assert parse(str(formula)) == formula


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("!X a", "WX !a"),
        ("!F a", "G !a"),
        ("!(a U b)", "!a R !b"),
        ("!(a W b)", "!a M !b"),
        ("a U b", "b | (a & X(a U b))"),
        ("a R b", "b & (a | WX(a R b))"),
        ("G a", "a & WX G a"),
        ("a W b", "(a U b) | G a"),
        ("a M b", "b U (a & b)"),
        ("last", "WX false"),
        ("last", "!X true"),
        ("F(a & last)", "G F a"),
        ("F G a", "G F a"),
        ("F[2,3] a", "X X (a | X a)"),
        ("G[1,2] a", "WX (a & WX a)"),
        ("a U[1,2] b", "a & X (b | (a & X b))"),
        ("a U[0,] b", "a U b"),
        ("!(a R[1,3] b)", "!a U[1,3] !b"),
        ("G(a -> F[0,4] b)", "!F(a & G[0,4] !b)"),
        ("!Y a", "Z !a"),
        ("O a", "true S a"),
        ("!O a", "H !a"),
        ("a S b", "b | (a & Y(a S b))"),
        ("F(a & Y b)", "F(b & X a)"),
        ("G(a -> O b)", "!a W b"),
        ("F O X a", "F X a"),
        ("X Y a", "a & X true"),
        ("Y true", "false"),
    ],
)
def test_laws(one: str, other: str) -> None:
    first, second = compiled(parse(one)), compiled(parse(other))
    assert difference(first, second, lambda a, b: a != b) is None
    denied = compiled(negation(parse(one)))
    found = difference(denied, second, lambda a, b: a == b)
    assert found == []  # a formula and its negation agree on the empty trace alone


def test_deadlines_stay_small() -> None:
    assert len(compiled(parse("G(a -> F[0,200] b)"))) <= 204
    assert len(compiled(parse("F(a & F[0,60] b)"))) <= 64


def test_too_many_states_are_an_error_that_names_the_clause() -> None:
    with pytest.raises(
        ConstraintTooComplexError, match=r"clause G \(a -> X X X X b\) .* 10 states"
    ):
        compile_formula(parse("G(a -> X X X X b)"), LETTERS, 10)
    assert len(compiled(parse("G(a -> X X X X b)"))) > 10
