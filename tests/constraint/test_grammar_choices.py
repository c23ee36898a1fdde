"""Choices that lark would multiply: the texts stay what they are, at any number of them."""

import re
from itertools import product

import pytest

from condit import Vocabulary, grammar
from condit.errors import CompileError, ConstraintTooComplexError

SAME = [
    ('start: "a"? "b"? "a"? "b"? "a"? "b"? "a"?', "a?b?a?b?a?b?a?"),
    ('start: ["a"] ["b"] ["a"] ["b"] ["a"] ["b"] ["a"]', "a?b?a?b?a?b?a?"),
    ('start: "a"* "b"* "a"* "b"* "a"* "b"* "a"*', "a*b*a*b*a*b*a*"),
    ('start: ("a" | "b" "b")~3..7', "(a|bb){3,7}"),
    ('start: ("a"? "b"~0..2)~0..7 -> all\n | "aa"+', "(a?b{0,2}){0,7}|(aa)+"),
    (
        'start: (x | y) (x | y) (x | y) (x | y) (x | y) (x | y) (x | y)\nx: "a"\ny: "b"?',
        "(a|b?){7}",
    ),
    ('start: (("a" | "b" ("a" | "b"))? "a"?)+ ("a" | "b")~2', "((a|b[ab])?a?)+[ab]{2}"),
    ('start: pair{"a"} pair{"b"}\npair{p}: p ("b" | p)?', "a[ab]?bb?"),
]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(SAME)))
def test_the_texts_are_the_same(index):
    text, expression = SAME[index]
    constraint = grammar(text)
    for length in range(8):
        for letters in product("ab", repeat=length):
            word = "".join(letters)
            assert constraint.accepts(word) == bool(re.fullmatch(expression, word)), word


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ['"x{}"?', '"x{}"*', '["x{}"]', '("x{}" | "y{}")', '("x{}" | "y{}")~1..3', '"x{}"']
)
def test_many_side_by_side_compile(part):
    # As alternatives they would be 2 to the power of 100, most of them.
    parts = [part.replace("{}", f"{number:03}") for number in range(100)]
    constraint = grammar(f"start: {' '.join(parts)}")
    text = "".join(f"x{number:03}" for number in range(100))
    assert constraint.accepts(text)
    assert not constraint.accepts(text + "x000")
    matcher = constraint.bind(Vocabulary.of_bytes())
    for byte in text.encode():
        matcher.advance(byte)
    assert matcher.allows(matcher.vocabulary.end)


def test_a_repeated_choice_compiles():
    constraint = grammar('start: ("a" | "b" | "c")~30')
    assert constraint.accepts("abc" * 10)
    assert not constraint.accepts("abc" * 9 + "ab")


def test_a_template_with_too_many_choices_is_refused_by_name():
    with pytest.raises(ConstraintTooComplexError, match="template 'many' has too many choices"):
        grammar('start: many{"a"}\nmany{p}: ' + " ".join(["p?"] * 40))


def test_a_range_upside_down_is_refused_as_before():
    with pytest.raises(CompileError, match="Bad Range"):
        grammar('start: ("a" | "b")~3..2')
