"""How formulas are read: precedence, other ways to write operators, and errors."""

from __future__ import annotations

import pytest

from condit.errors import CompileError
from condit.temporal.parser import parse
from condit.temporal.progression import compile_formula


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a -> b -> c", "a -> (b -> c)"),
        ("a <-> b -> c", "a <-> (b -> c)"),
        ("a | b -> c", "(a | b) -> c"),
        ("a xor b | c", "a xor (b | c)"),
        ("a | b & c", "a | (b & c)"),
        ("a & b U c", "a & (b U c)"),
        ("a U b U c", "a U (b U c)"),
        ("a U b R c", "a U (b R c)"),
        ("!a U b", "(!a) U b"),
        ("X a U b", "(X a) U b"),
        ("G a & b", "(G a) & b"),
        ("F X !a", "F (X (!a))"),
        ("(a & b) & c", "a & b & c"),
        ("!!a", "a"),
        ("not a and b or c", "(!a & b) | c"),
        ("a && b || ~c", "(a & b) | !c"),
        ("a => b", "a -> b"),
        ("a <=> b ^ c", "a <-> (b xor c)"),
        ("N a", "WX a"),
        ("end", "last"),
        ("F[2..5] a U[1:] b", "F[2,5] a U[1,] b"),
        ('Fa & G & "X"'.replace("& G ", ""), 'Fa & "X"'),
        ('"a"', "a"),
        ("notes | ending | truest", '"notes" | "ending" | "truest"'),
    ],
)
def test_precedence(written: str, meant: str) -> None:
    assert parse(written) == parse(meant)


@pytest.mark.parametrize(
    ("written", "position", "said"),
    [
        ("", 0, "ends too early"),
        ("G(a -> ", 7, r"ends too early .* expected a name, !, X, F, G or the like, \("),
        ("G(a -> b", 8, r"expected .*\)"),
        ("a b", 2, "unexpected 'b'.* expected ->.* the end"),
        ("a & & b", 4, "unexpected '&'"),
        ("a $ b", 2, r"unexpected '\$'"),
        ("F[5,2] a", 1, "last step is before the first"),
        ("F[2] a", 1, r"are no bounds; write \[2,5\]"),
        ("X[2,5] a", 1, "X takes no bounds"),
        ("F[0,9999999] a", 1, "at most 100000 steps"),
        ('"\\q"', 0, "no JSON string"),
        ("U a", 0, "unexpected 'U'"),
    ],
)
def test_errors_say_where_and_what_was_expected(written: str, position: int, said: str) -> None:
    with pytest.raises(CompileError, match=said) as raised:
        parse(written)
    assert raised.value.position == position


@pytest.mark.parametrize("text", ["(" * 20_000 + "a" + ")" * 20_000, "X " * 20_000 + "a"])
def test_deep_formulas_are_no_crash(text: str) -> None:
    if text.startswith("("):
        assert str(parse(text)) == "a"
        return
    with pytest.raises(CompileError, match="150 deep"):
        parse(text)


def test_formulas_as_deep_as_may_be_are_compiled() -> None:
    formula = parse("X " * 149 + "a")
    assert len(compile_formula(formula, [frozenset("a"), frozenset()], 4096)) == 152
    assert parse(str(formula)) == formula
