"""Texts of several constraints, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.free import warn_of_unlimited
from condit.constraint.algebra.labels import label_of, listed, wanted
from condit.constraint.algebra.layout import Layout
from condit.constraint.algebra.literal import as_constraint
from condit.constraint.algebra.regular import trees_of
from condit.constraint.base import Constraint, Matcher
from condit.constraint.regular.expression import Node, concatenation
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary


def then(*parts: Constraint | str, separator: Constraint | str | None = None) -> Then:
    """A text of each part, one right after the other.

    A text may be read as parts in several ways; it is one text all the same. Its value is a tuple
    of the values of the parts (the text itself where a part has no type), without those that are
    fixed texts. Of several readings, each part in turn takes as much as it can.

    >>> from condit import regex
    >>> then("id ", regex("[0-9]+"), "-", regex("[a-z]+")).value("id 12-ab")
    ('12', 'ab')

    Args:
        parts: constraints; a string stands for itself.
        separator: what stands between every two of them, and has no value.

    Raises:
        ArgumentError: there is no part, or one is neither a constraint nor a text.
    """
    if not parts:
        raise ArgumentError("then: give at least one constraint or text")
    made = [as_constraint(part, "then") for part in parts]
    if separator is None:
        return Then(tuple(made))
    between = as_constraint(separator, "then")
    spread = [each for part in made for each in (between, part)][1:]
    return Then(tuple(spread), silent=frozenset(range(1, len(spread), 2)))


@dataclass(frozen=True)
class Then(Chained):
    """Texts of several parts in a row; made by ``then`` and ``a + b``.

    Attributes:
        parts: the constraints.
        silent: the numbers of parts that have no value.
        joined: whether ``+`` made it, which adds further parts instead of nesting.
    """

    parts: tuple[Constraint, ...]
    silent: frozenset[int] = frozenset()
    joined: bool = False

    @property
    def layout(self) -> Layout:
        """One part after the other."""
        return Layout.in_a_row(len(self.parts))

    @cached_property
    def tree(self) -> Node | None:
        """All parts as one regular expression; ``None`` where they are not regular."""
        trees = trees_of(self.parts)
        return None if trees is None else concatenation(*trees)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """See ``Chained.bind``.

        Warns:
            UnlimitedTextWarning: free text without a limit stands before what is no regular
                expression.
        """
        if self.tree is None:
            warn_of_unlimited(self.parts)
        return super().bind(vocabulary)

    def label(self, part: int) -> str:
        """What a part is called in messages; separators are not counted."""
        name = label_of(self.parts[part])
        if part in self.silent:
            return f"the separator, {name}"
        number = part + 1 - sum(each < part for each in self.silent)
        return f"part {number}, {name}"

    def value(self, text: str) -> tuple[object, ...]:
        """The values of the parts, in order."""
        return self.values(text)

    def is_silent(self, part: int) -> bool:
        """Whether a part is a fixed text or a separator."""
        return part in self.silent or super().is_silent(part)

    def longest(self) -> int | None:
        """The sum of the parts'."""
        sizes = [part.longest() for part in self.parts]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def describe(self) -> str:
        """The parts in order, as an instruction to a model."""
        sentence = "the following, one right after the other:"
        return listed(sentence, [wanted(part) for part in self.parts])
