"""Rewrites a Lark grammar so that lark compiles it in linear time; the texts stay the same.

lark writes out each alternative of a rule: ``A? B? C?`` becomes eight of them, and twenty-four
optional parts sixteen million. It also compares each part of an alternative with all before it. So
choices that would multiply get a rule of their own, and long sequences are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import prod
from typing import Any

from condit.errors import ConstraintTooComplexError
from condit.foreign.lark import LarkGrammar, NonTerminal, Tree

_MOST = 64
"""Alternatives that one alternative as it was written may become."""
_LONGEST = 64
"""Parts of a sequence at most; longer ones are cut."""
_MOST_OF_TEMPLATE = 4096
"""Alternatives of a template, whose parts may name its parameters and so cannot be moved."""

_Tree = Tree[Any]


def name_choices(grammar: LarkGrammar) -> None:
    """Rewrite the rules of ``grammar`` in place, so that lark's work is about linear in them.

    Raises:
        ConstraintTooComplexError: a template has too many choices side by side.
    """
    known = {str(name) for name, *_ in grammar.rule_defs}
    added: list[Any] = []
    for name, parameters, tree, options in grammar.rule_defs:
        names = (each for number in count() if (each := f"__{name}_part_{number}") not in known)
        rules = _Parts(names, multiply=bool(parameters))
        if rules.rewrite(tree) > _MOST_OF_TEMPLATE and parameters:
            raise ConstraintTooComplexError(
                f"the template {str(name)!r} has too many choices side by side. Give some of them "
                "a rule of their own"
            )
        added += [(part, (), body, options) for part, body in rules.found]
    grammar.rule_defs.extend(added)


class _Parts:
    """Rewrites one rule.

    Attributes:
        found: the names and trees of the parts that became rules.
    """

    def __init__(self, names: Iterator[str], *, multiply: bool) -> None:
        self.found: list[tuple[str, _Tree]] = []
        self._names = names
        self._multiply = multiply
        self._counts: dict[int, int] = {}

    def rewrite(self, tree: _Tree) -> int:
        """Rewrite ``tree``; returns an upper bound on its alternatives. Templates are only counted.

        Without recursion, as groups may be nested as deep as lark can read them.
        """
        for part in tree.iter_subtrees():
            self._counts[id(part)] = self._count(part)
        return self._counts[id(tree)]

    def _of(self, part: object) -> int:
        return self._counts.get(id(part), 1)

    def _count(self, tree: _Tree) -> int:
        match tree.data:
            case "expansions":
                return sum(map(self._of, tree.children))
            case "expansion":
                return self._sequence(tree)
            case "alias":
                return self._of(tree.children[0])
            case "maybe":
                return self._of(tree.children[0]) + 1
            case "expr":
                return self._repeat(tree)
        return 1

    def _sequence(self, tree: _Tree) -> int:
        alternatives = prod(map(self._of, tree.children))
        if self._multiply:
            return min(alternatives, _MOST_OF_TEMPLATE + 1)
        if alternatives > _MOST:
            tree.children = [
                self._named(each) if self._of(each) > 1 else each for each in tree.children
            ]
            alternatives = 1
        while len(tree.children) > _LONGEST:
            starts = range(0, len(tree.children), _LONGEST)
            pieces = [tree.children[start : start + _LONGEST] for start in starts]
            # Choices stay where they multiply with as few others.
            tree.children = [self._named(Tree("expansion", piece)) for piece in pieces]
            alternatives = 1
        return alternatives

    def _repeat(self, tree: _Tree) -> int:
        inner, sign, *bounds = tree.children
        alternatives = self._of(inner)
        if sign == "?":
            return alternatives + 1
        if sign != "~":
            return 2 if sign == "*" else 1
        least, most = int(str(bounds[0])), int(str(bounds[-1]))
        if alternatives > 1 and not self._multiply:
            tree.children[0] = self._named(inner)
            alternatives = 1
        if alternatives == 1:
            return max(most - least + 1, 1)
        # Two alternatives, up to 13 times, are more than the most.
        return (
            _MOST_OF_TEMPLATE + 1
            if most > 12
            else sum(alternatives**times for times in range(least, most + 1))
        )

    def _named(self, part: _Tree) -> _Tree:
        """A reference to a new rule for ``part``."""
        name = next(self._names)
        body = (
            part
            if part.data == "expansions"
            else Tree(
                "expansions", [part if part.data == "expansion" else Tree("expansion", [part])]
            )
        )
        self.found.append((name, body))
        return Tree("value", [NonTerminal(name)])
