"""Limits of length: in characters, words or lines (``at_most.py``), and in tokens."""

from __future__ import annotations

from dataclasses import dataclass

from condit.constraint.algebra.at_most import AtMost
from condit.constraint.algebra.labels import label_of, wanted
from condit.constraint.algebra.literal import as_constraint
from condit.constraint.algebra.plan import Enforcement, plan_of
from condit.constraint.algebra.together import AllOf
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.budgeted import Budgeted
from condit.errors import ArgumentError
from condit.vocabulary import Vocabulary


def within(
    part: Constraint | str,
    *,
    tokens: int | None = None,
    chars: int | None = None,
    words: int | None = None,
    lines: int | None = None,
) -> Constraint:
    """The texts of a constraint that are not too long.

    Characters, words and lines are a matter of the text, and its oracle counts them. Tokens are a
    matter of how it is drawn: a token is allowed only if an ending is known after it that fits.

    >>> from condit import regex
    >>> within(regex("[a-z ]*"), words=2).accepts("one two three")
    False

    Args:
        part: the constraint; a string stands for itself.
        tokens: the most tokens, the end token not counted.
        chars: the most characters.
        words: the most words: runs of characters without ASCII spaces between them. Where there
            are so many, no blanks but up to two newlines may follow: a model that may not go on
            would write blanks to no end.
        lines: the most lines; each newline begins one.

    Raises:
        ArgumentError: no limit is given, or one is no whole number of at least 1.
    """
    made = as_constraint(part, "within")
    limits = {"tokens": tokens, "chars": chars, "words": words, "lines": lines}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    for name, limit in given.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ArgumentError(f"within: {name}={limit!r}: give a whole number of at least 1")
    if not given:
        raise ArgumentError("within: give tokens=, chars=, words= or lines=")
    counted = tuple(AtMost(limit, name) for name, limit in given.items() if name != "tokens")
    limited = AllOf((made, *counted)) if counted else made
    return limited if tokens is None else FewTokens(limited, tokens)


@dataclass(frozen=True)
class FewTokens(Constraint):
    """Texts of a constraint drawn in so many tokens at most.

    Attributes:
        part: the constraint.
        most: how many.
    """

    part: Constraint
    most: int

    @property
    def parts(self) -> tuple[Constraint, ...]:
        """The constraint."""
        return (self.part,)

    @property
    def plan(self) -> tuple[Enforcement, ...]:
        """Where the part is enforced."""
        return plan_of(self, (self.part,), "matcher", "an ending that fits is carried along")

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        Raises:
            BudgetError: the shortest text that is found takes more tokens.
        """
        return CountedTokens.of(self.part.bind(vocabulary), self.most)

    def violation(self, text: str) -> Violation | None:
        """That of the part: a text has no tokens of its own."""
        return self.part.violation(text)

    def longest(self) -> int | None:
        """That of the part."""
        return self.part.longest()

    def last_bytes(self) -> frozenset[int] | None:
        """Those of the part."""
        return self.part.last_bytes()

    def value(self, text: str) -> object:
        """That of the part."""
        return self.part.value(text)

    def describe(self) -> str:
        """That of the part: what tokens are is not told to a model."""
        return f"Respond only with {wanted(self.part)}"

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{label_of(self.part)} in at most {self.most} tokens"


class CountedTokens(Budgeted):
    """As `Budgeted`, for a part of a text: another budget may be around it."""

    any_spelling = False
