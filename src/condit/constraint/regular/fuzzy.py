"""Texts that are nearly those of an expression: fuzzy matching, as the ``regex`` module has it.

How it is written in a pattern is in ``fuzzy_bounds.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import END, START, Alternation, Look, Node

Bounds = tuple[int, int | None]
"""The least and the most of something; ``None`` for no most."""


@dataclass(frozen=True, eq=False)
class Fuzzy(Node):
    """A text that differs from one of ``item`` by a number of errors within bounds.

    There may be an error wherever a ``One`` does not match: a wrong character stands in its place
    (a substitution) or before it (an insertion; it is tried again behind), or it is passed over
    (a deletion). Insertions may also stand at the end, and before an ``is_place`` that does not
    hold; all other conditions on places hold of the text as it is, without errors. A
    ``Backreference`` is as many ``One`` as the text that was captured, errors included. The errors
    of a ``Fuzzy`` within the item are within its own bounds first, and then count here too.

    Attributes:
        item: what the text is nearly.
        substitutions: how many there may be.
        insertions: how many there may be.
        deletions: how many there may be.
        errors: how many there may be of the three kinds together.
        costs: what a substitution, an insertion and a deletion cost.
        most_cost: what all errors may cost together; ``None`` for no bound.
        wrong: the characters that may be substituted or inserted.
    """

    item: Node
    substitutions: Bounds
    insertions: Bounds
    deletions: Bounds
    errors: Bounds
    costs: tuple[int, int, int]
    most_cost: int | None
    wrong: Characters

    @cached_property
    def asks(self) -> bool:
        """Always: a character is only passed over where the next one of the text is another."""
        return True

    @staticmethod
    def is_place(node: Node) -> bool:
        r"""Whether it is an anchor or a boundary, before which there may be insertions.

        Not so lookaround that is written as such.
        """
        if isinstance(node, Look):
            return node in (START, END)
        return not node.longest and node.looks and isinstance(node, Alternation)

    def allows(self, substitutions: int, insertions: int, deletions: int) -> bool:
        """Whether these numbers of errors, and perhaps more, are within the upper bounds."""
        counts = (substitutions, insertions, deletions)
        pairs = [
            *zip(counts, (self.substitutions, self.insertions, self.deletions), strict=True),
            (sum(counts), self.errors),
        ]
        cost = sum(count * each for count, each in zip(counts, self.costs, strict=True))
        return all(most is None or count <= most for count, (_, most) in pairs) and (
            self.most_cost is None or cost <= self.most_cost
        )

    def suffices(self, substitutions: int, insertions: int, deletions: int) -> bool:
        """Whether these numbers of errors are within all bounds."""
        return (
            self.allows(substitutions, insertions, deletions)
            and substitutions >= self.substitutions[0]
            and insertions >= self.insertions[0]
            and deletions >= self.deletions[0]
            and substitutions + insertions + deletions >= self.errors[0]
        )

    def counted(self, substitutions: int, insertions: int, deletions: int) -> tuple[int, int, int]:
        """The numbers, as far as they make a difference to ``allows`` and ``suffices``."""
        bounds = (self.substitutions, self.insertions, self.deletions)
        if self.most_cost is not None or self.errors[1] is not None:
            return substitutions, insertions, deletions
        least = max(self.errors[0], *(low for low, _ in bounds))
        counts = (substitutions, insertions, deletions)
        kept = [
            min(count, least) if most is None else count
            for count, (_, most) in zip(counts, bounds, strict=True)
        ]
        return kept[0], kept[1], kept[2]

    def _measure(self) -> tuple[float, float, bool]:
        # Of a text of that length deletions alone take away.
        mosts = [most for most in (self.deletions[1], self.errors[1]) if most is not None]
        shortest = max(0, self.item.shortest - min(mosts)) if mosts else 0
        mosts = [most for most in (self.insertions[1], self.errors[1]) if most is not None]
        longest = self.item.longest + min(mosts) if mosts else inf
        return shortest, longest, not shortest
