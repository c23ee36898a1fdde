"""Constraints as context-free rules over regular expressions, to reason about their texts.

The rules of a constraint derive all of its texts, and perhaps more: what cannot be said in rules,
such as conditions in Python, is left out. So a text that the rules do not derive is surely none.
Nothing is drawn by them; ``common.py`` asks what they have in common with an automaton.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from condit.constraint.algebra.engine_rules import Row, Symbol, read_engine_rules
from condit.constraint.algebra.free import Free
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.regular import tree_of
from condit.constraint.base import Constraint
from condit.constraint.regular.expression import (
    ANYTHING,
    Backreference,
    Call,
    Capture,
    Conditional,
    Node,
    nodes,
)


class Rules:
    """The rules of one constraint.

    Attributes:
        start: what its texts derive from; an expression where there are no rules.
        alternatives: for each rule the rows of symbols that it stands for.
    """

    def __init__(self, constraint: Constraint) -> None:
        self.alternatives: dict[str, list[Row]] = {}
        self.start = self._symbol(constraint)

    def _symbol(self, constraint: Constraint) -> Symbol:
        if isinstance(constraint, Free):
            constraint = replace(constraint, max_tokens=None)  # tokens are no matter of the text
        tree = tree_of(constraint)
        if tree is not None:
            return tree if is_followed(tree) else ANYTHING
        grammar = getattr(constraint, "engine_grammar", None)
        if isinstance(grammar, str):
            return self._of_engine(grammar)
        layout, parts = getattr(constraint, "layout", None), getattr(constraint, "parts", None)
        if not isinstance(parts, tuple):
            parts = (getattr(constraint, "typed", None),)  # what a function checks
        elif isinstance(layout, Layout):
            return self._of_layout(layout.rough, parts)
        # Of constraints that hold at once, one alone is a superset.
        symbols = [self._symbol(each) for each in parts if isinstance(each, Constraint)]
        return next((each for each in symbols if each != ANYTHING), ANYTHING)

    def _of_engine(self, grammar: str) -> Symbol:
        prefix = f"{len(self.alternatives)}."
        read = read_engine_rules(grammar, prefix)
        if read is None:
            return ANYTHING
        self.alternatives |= read
        return f"{prefix}start"

    def _of_layout(self, layout: Layout, parts: Sequence[Constraint]) -> Symbol:
        symbols = {part: self._symbol(parts[part]) for part in layout.parts}
        name = f"{len(self.alternatives)}.place"
        for place, steps in enumerate(layout.steps):
            rows: list[Row] = [(symbols[step.part], f"{name}{step.after}") for step in steps]
            self.alternatives[f"{name}{place}"] = [*rows, ()] if place in layout.ends else rows
        return f"{name}0"


def is_followed(tree: Node) -> bool:
    """Whether its automaton tells characters apart by classes alone, whatever was captured."""
    return not any(isinstance(each, _FOLLOWING_TEXT) for each in nodes([tree]))


_FOLLOWING_TEXT = (Capture, Backreference, Conditional, Call)
