"""The constraint of texts in which a regular expression is found nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import regex as oracle  # type: ignore[import-untyped]

from condit.constraint.algebra.complement import Not
from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.regex import Regex
from condit.constraint.regular.expression import Node
from condit.errors import ArgumentError, ConstraintTooComplexError
from condit.vocabulary import Vocabulary

_SECONDS = 10.0

_FLAGS = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"))

_READ_OTHERWISE = oracle.compile(
    r"(?<!\\)(?:\\\\)*\[\^?\]?(?:\\.|[^\]\\])*?(?:\[|--|&&|\|\||~~)", oracle.VERSION1 | oracle.S
)
"""In Python's ``re`` and version 0 of ``regex`` these stand for themselves in a set."""


@dataclass(frozen=True)
class WithoutPattern(Constraint):
    """Texts in which a pattern is found nowhere; made by ``condit.forbid``.

    Attributes:
        pattern: the regular expression, in the syntax of ``condit.regex``.
        lists: the texts of its named lists.
    """

    pattern: str
    lists: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    _others: Not = field(init=False, repr=False, compare=False)
    _oracle: oracle.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Not as a sequence of constraints: ``\b`` and lookaround see what stands around a match.
        around = Regex(f"(?s:.*)(?:{self.pattern})(?s:.*)", self.lists)
        if around.accepts(""):
            raise ArgumentError(
                f"forbid: the pattern {self.pattern!r} matches the empty text, which is found in "
                "every text: have it match one character at least"
            )
        object.__setattr__(self, "_others", Not(around))
        compiled = oracle.compile(self.pattern, oracle.VERSION1, **dict(self.lists))
        object.__setattr__(self, "_oracle", compiled)

    @property
    def tree(self) -> Node | None:
        """As a regular expression; ``None`` where the pattern is not regular."""
        return self._others.tree

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        EXACT where the pattern is regular and every byte of UTF-8 is a token; else SOUND: any text
        may be written, and at its end it is searched.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        return self._others.bind(vocabulary)

    def violation(self, text: str) -> Violation | None:
        """What the pattern finds first.

        Raises:
            ConstraintTooComplexError: the search takes too long.
        """
        try:
            found = self._oracle.search(text, timeout=_SECONDS)
        except (TimeoutError, MemoryError, RecursionError):
            raise ConstraintTooComplexError(
                f"forbid: a search for {self.pattern!r} in a text of {len(text)} characters takes "
                "too much time or memory; nested repeats such as '(a*)*' are the usual cause"
            ) from None
        if found is None:
            return None
        return Violation(
            f"it has {found[0]!r}, and the pattern {self.pattern!r} is forbidden", found.start()
        )

    def describe(self) -> str:
        """What must not be written, as an instruction to a model."""
        return f"Respond with a text that has nothing in it that matches {self.pattern!r}."


def without_pattern(given: object) -> WithoutPattern | None:
    """The constraint of a pattern; ``None`` for what is none.

    Raises:
        ArgumentError: it matches the empty text, is one of bytes, or of ``re`` and would mean
            something else in the syntax of ``condit.regex``.
        ConditError: it cannot be followed.
    """
    if isinstance(given, Regex):
        return WithoutPattern(given.pattern, given.lists)
    if not isinstance(given, re.Pattern | oracle.Pattern):
        return None
    pattern, flags = given.pattern, given.flags
    if not isinstance(pattern, str):
        raise ArgumentError(f"forbid: the pattern {pattern!r} is one of bytes: give one of text")
    if isinstance(given, re.Pattern) or not flags & oracle.VERSION1:
        if _READ_OTHERWISE.search(pattern):
            raise ArgumentError(
                f"forbid: {pattern!r} has '[', '--', '&&', '||' or '~~' in a set, which is no set "
                "operation there: write a backslash before each of them"
            )
        if flags & re.ASCII:
            raise ArgumentError(
                f"forbid: {pattern!r} has the flag ASCII: give condit.regex, with sets as [0-9]"
            )
    names = "".join(name for flag, name in _FLAGS if flags & flag)
    lists = getattr(given, "named_lists", {})
    return WithoutPattern(_with_flags(pattern, names), _sorted(lists.items()))


def _with_flags(pattern: str, names: str) -> str:
    if not names:
        return pattern
    # A comment may end the pattern, where these are read.
    ending = "\n" if "x" in names else ""
    return f"(?{names}:{pattern}{ending})"


def _sorted(lists: Iterable[tuple[str, Iterable[str]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(sorted(texts))) for name, texts in sorted(lists))
