"""Expressions made of automata, against ``regex.fullmatch``."""

from __future__ import annotations

from itertools import product

import pytest
import regex  # type: ignore[import-untyped]
from evaluate import matches

from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.elimination import plain_expression
from condit.constraint.regular.expression import NOTHING, nodes
from condit.constraint.regular.pattern import Pattern
from condit.constraint.regular.python_reader import read

_TEXTS = ["".join(each) for size in range(6) for each in product("abc", repeat=size)]


@pytest.mark.parametrize(
    "pattern",
    [
        "a|bc*",
        "a(?:(?!bc).)*bc",
        "(?=.*a)(?!.*cc)[abc]{2,4}",
        "(?:a|ab)(?<!b)c?",
        "(?>a|ab)c|[ab]++b?",
        r"(a|bb?)[ac]*\1",
        r"([bc])?b\1?(?(1)a|b)",
        r"(?i)(A)\1b",
        r"\ba+\b|(?<=^)b$",
        "(?:ab){e<=1}",
    ],
)
def test_an_expression_has_the_texts_of_its_automaton(pattern: str) -> None:
    found = plain_expression(Automaton(read(pattern)))
    compiled = regex.compile(pattern, regex.V1)
    assert found is not None
    assert not any(node.asks for node in nodes([found]))
    meaning = Pattern(found)
    wrong = [each for each in _TEXTS if matches(meaning, each) != bool(compiled.fullmatch(each))]
    assert not wrong


def test_what_has_no_text_is_nothing() -> None:
    assert plain_expression(Automaton(read("a(?<!a)"))) == NOTHING


@pytest.mark.parametrize(
    "pattern", [r"(.)\1", r"([^a])?b\1", r"(?:a(?R)?b)", "(?=.*a)(?=.*b)[a-z]{80}"]
)
def test_what_would_be_large_is_not_said(pattern: str) -> None:
    assert plain_expression(Automaton(read(pattern))) is None
