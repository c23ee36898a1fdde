"""Formulas made in Python are those of the text notation."""

from __future__ import annotations

import random

import pytest
from formulas import NAMES, random_formula

import condit
from condit import temporal
from condit.errors import ArgumentError, CompileError
from condit.temporal import F, G, M, O, R, S, U, W, X, event, iff, last, true
from condit.temporal.formula import Formula
from condit.temporal.parser import parse

a, b, c = map(event, NAMES)


@pytest.mark.parametrize(
    ("made", "written"),
    [
        (G(a >> X(b)) & F(c), "G (a -> X b) & F c"),
        (a >> (b >> c), "a -> (b -> c)"),
        ((a & b) & (c & last), "a & b & c & last"),
        (~(a | b) ^ ~~c, "!(a | b) xor c"),
        (F[0, 5](a) & G[2, None](~b), "F[0,5] a & G[2,] !b"),
        (U[1, 3](a, R(b, c)), "a U[1,3] (b R c)"),
        (W(M(a, b), S(b, O("c & a"))), "(a M b) W (b S O (c & a))"),
        (iff("a -> b", true), "(a -> b) <-> true"),
        (event("call me") & event("X"), '"call me" & "X"'),
    ],
)
def test_made_as_written(made: Formula, written: str) -> None:
    assert str(made) == written
    assert parse(str(made)) == made


def test_random_formulas_are_rebuilt() -> None:
    rng = random.Random(3)
    for _ in range(300):
        formula = random_formula(rng, rng.randrange(9))
        assert rebuilt(formula) == formula
        assert parse(str(rebuilt(formula))) == formula


def rebuilt(formula: Formula) -> Formula:
    inner = [rebuilt(each) for each in formula.arguments]
    match formula.operator:
        case "name":
            return event(formula.name)
        case "!":
            return ~inner[0]
        case "&" | "|":
            whole = inner[0]
            for each in inner[1:]:
                whole = whole & each if formula.operator == "&" else whole | each
            return whole
        case "->":
            return inner[0] >> inner[1]
        case "xor":
            return inner[0] ^ inner[1]
        case "<->":
            return iff(*inner)
        case "true" | "false" | "last" as constant:
            return getattr(temporal, constant)
    operator = getattr(temporal, formula.operator)
    return (operator[formula.bounds] if formula.bounds else operator)(*inner)


def test_specifications_take_them() -> None:
    events = {"a": "a", "b": "b", "c": "c"}
    spec = condit.ltlf([G(a >> X(b)), "F c"], events)
    assert spec == condit.ltlf("G(a -> X b) & F c", events)
    assert condit.ltlf(F(c), events).equivalent("F c")
    assert spec.implies(F(b | c))


@pytest.mark.parametrize("bounds", [(3, 2), (-1, 2), (0, 10**6), (True, 2), 3, (1, 2, 3)])
def test_bounds_that_are_none(bounds: object) -> None:
    with pytest.raises(ArgumentError, match="F"):
        F[bounds]  # type: ignore[index]


def test_what_is_no_formula() -> None:
    with pytest.raises(ArgumentError, match="X takes no bounds: F, G, U, R do"):
        X[1, 2]
    with pytest.raises(ArgumentError, match="for and, or, not"):
        G(a) and F(b)
    with pytest.raises(ArgumentError, match="3 is no formula"):
        G(3)  # type: ignore[arg-type]
    with pytest.raises(CompileError, match="does not parse"):
        G("a ->")
    with pytest.raises(TypeError):
        a & 3  # type: ignore[operator]
    deep = a
    for _ in range(200):
        deep = X(deep)
    with pytest.raises(CompileError, match="more than 150 deep"):
        condit.ltlf(deep, {"a": "a"})
