"""Specifications whose automaton is too large to be written down: clauses side by side."""

from __future__ import annotations

import pickle
import random

import pytest
from formulas import NAMES, random_formula

import condit
from condit.errors import ConstraintTooComplexError, UnsatisfiableError
from condit.temporal.joint import JointAutomaton
from condit.temporal.semantics import holds
from condit.temporal.specification import Ltlf
from condit.vocabulary import Vocabulary


def deadlines(count: int, steps: int) -> Ltlf:
    """So many clauses, each of which says that an event follows another in so many steps."""
    names = [f"{kind}{number}" for kind in "ab" for number in range(count)]
    clauses = [f"G(a{n} -> F[0,{steps}] b{n})" for n in range(count)]
    return condit.ltlf(clauses, {name: f"{name};" for name in names})


def test_side_by_side_is_the_automaton() -> None:
    """What may come, what may end, and completions: of random clauses, at random states."""
    rng = random.Random(5)
    dead_ends = 0
    for _ in range(60):
        clauses = [str(random_formula(rng, rng.randrange(1, 5))) for _ in range(4)]
        spec = condit.ltlf(clauses, {name: name for name in NAMES})
        whole = spec.automaton
        tables = [each.table for each in spec.clause_automata]
        joint = JointAutomaton(spec.events, tables, clauses, 4096)
        assert joint.is_live() == whole.is_live()
        row: list[str] = []
        place, state = 0, 0
        while joint.allowed(place) and len(row) < 12:
            assert joint.allowed(place) == whole.allowed(state)
            assert joint.may_end(place) == whole.may_end(state)
            more = joint.completion(place)
            assert more is not None
            assert holds(spec.formula, [frozenset((each,)) for each in (*row, *more)])
            dead_ends += len(whole.allowed(state)) < len(NAMES)
            row.append(rng.choice(joint.allowed(place)))
            place = joint.following(place, row[-1]) or 0
            state = whole.run(row)
        assert joint.allowed(place) == whole.allowed(state)
    assert dead_ends > 40  # the walks met what is forbidden


def test_no_more_is_begun_than_can_be_ended_in_time() -> None:
    """A ninth deadline may not begin while eight are left, and no clause alone says so."""
    spec = deadlines(12, 8)
    with pytest.raises(ConstraintTooComplexError):
        _ = spec.automaton
    monitor = spec.monitor()
    for number in range(8):
        assert f"a{number}" in monitor.allowed
        monitor.advance(f"a{number}")
    # After the eighth, b0 is due in one step, b1 in two and so on.
    assert monitor.allowed == ("b0",)
    assert monitor.completion == tuple(f"b{n}" for n in range(8))
    assert not monitor.may_end
    for event in monitor.completion:
        monitor.advance(event)
    assert monitor.may_end


def test_many_deadlines_are_kept_in_text() -> None:
    spec = deadlines(12, 8)
    model = condit.load("ngram")
    result = condit.generate(model, "", spec, max_tokens=40, n=2, seed=1)
    for sample in result.samples:
        assert spec.validate(sample.text)
    assert pickle.loads(pickle.dumps(spec)).accepts("a0;b0;")
    assert spec.accepts("a0;b0;")
    assert not spec.accepts("a0;")
    assert spec.implies("a3 -> F[0,8] b3")
    assert spec.implies("F b1").counterexample is not None


def test_contradictions_are_named() -> None:
    spec = deadlines(12, 8)
    own = dict(zip(spec.events, spec.parts, strict=True))
    with pytest.raises(UnsatisfiableError) as caught:
        (spec & condit.ltlf("F a3 & G !b3", own)).bind(Vocabulary.of_bytes())
    assert "clause 4, G (a3 -> F[0,8] b3); clause 13, F a3; clause 14, G !b3" in str(caught.value)


def test_only_so_many_steps_for_so_many_events() -> None:
    """No order need be tried to see that nine events do not happen in eight steps."""
    names = [f"e{number}" for number in range(9)]
    clauses = [*(f"F {name}" for name in names), "F[0,7] last"]
    spec = condit.ltlf(clauses, dict(zip(names, names, strict=True)), most_states=100)
    with pytest.raises(UnsatisfiableError, match=r"clause 1, F e0.*clause 10"):
        spec.bind(Vocabulary.of_bytes())


def test_a_search_that_is_too_long_names_clauses() -> None:
    """Each event asks for another: no row ends, but that shows only when all were tried."""
    names = [f"e{number}" for number in range(9)]
    clauses = [f"F e{n} & G(e{n} -> X !e{(n + 1) % 9})" for n in range(9)]
    spec = condit.ltlf(clauses, dict(zip(names, names, strict=True)), most_states=100)
    with pytest.raises(ConstraintTooComplexError, match=r"more than 100 states.*clause 2, G \(e0"):
        spec.bind(Vocabulary.of_bytes())
