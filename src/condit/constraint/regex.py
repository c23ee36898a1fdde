"""The constraint ``regex``: texts that match a regular expression as a whole.

Patterns are read and followed in the room ``regular``; Python's ``regex`` module is the oracle.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

import regex as oracle  # type: ignore[import-untyped]

from condit.constraint.base import Constraint, Matcher, Violation
from condit.constraint.example_texts import for_readers
from condit.constraint.regular.combined import closed
from condit.constraint.regular.expression import Node
from condit.constraint.regular.language import Language
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.python_reader import read
from condit.constraint.source import ConstraintSource
from condit.errors import (
    ArgumentError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)
from condit.vocabulary import Vocabulary

_SECONDS = 10.0
_SHOWN = 200
"""Characters of a pattern that ``describe`` shows at most."""


def regex(pattern: str, **lists: Iterable[str]) -> Regex:
    r"""Texts that ``pattern`` matches from beginning to end.

    The syntax is that of the ``regex`` module, version 1, a superset of Python's ``re``: what
    matches is what ``regex.fullmatch(pattern, text, regex.V1)`` matches. Lookaround of any width,
    word boundaries, possessive repeats, atomic and conditional groups, backreferences, recursion,
    sets and all Unicode properties are followed token by token.

    >>> regex("[0-9]{3}").accepts("123")
    True
    >>> regex(r"(?!.*(.)\1)[a-z]+").accepts("balloon")
    False

    Args:
        pattern: the regular expression.
        lists: the texts of named lists, for ``\L<name>``.

    Raises:
        ArgumentError: it is not a ``str``.
        CompileError: it does not parse; the error's ``position`` says where.
        UnsupportedConstraintError: it has a construct that cannot be followed; the message
            names it.
        UnsatisfiableError: nothing matches.
        ConstraintTooComplexError: it nests too deeply.
    """
    if not isinstance(pattern, str):
        raise ArgumentError(f"regex: the pattern is {type(pattern).__name__}, not str")
    return Regex(pattern, tuple((name, tuple(texts)) for name, texts in sorted(lists.items())))


@dataclass(frozen=True)
class Regex(Constraint):
    """Texts that match a regular expression as a whole; made by ``regex``.

    Attributes:
        pattern: the regular expression.
        lists: the texts of named lists.
        language: what it matches, as far as it does not depend on how patterns are written.
    """

    pattern: str
    lists: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    language: Language = field(init=False, repr=False, compare=False)
    _oracle: oracle.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lists = dict(self.lists)
        try:
            language = Language(read(self.pattern, lists))
            is_empty = language.is_empty
        except RecursionError:
            raise ConstraintTooComplexError(
                f"regex {self.pattern[:_SHOWN]!r} nests too many groups or classes"
            ) from None
        except NotFollowedError as error:
            raise UnsupportedConstraintError(
                f"regex {self.pattern!r} has {error}, which cannot be followed token by token. "
                "Write the pattern without it"
            ) from None
        if is_empty:
            raise UnsatisfiableError(f"no text matches regex {self.pattern!r}")
        object.__setattr__(self, "language", language)
        compiled = oracle.compile(self.pattern, oracle.VERSION1, **lists)
        object.__setattr__(self, "_oracle", compiled)

    @property
    def tree(self) -> Node | None:
        """As a part of larger expressions; ``None`` where it calls groups, as recursion does."""
        pattern = self.language.pattern
        return None if pattern.groups else closed(pattern.root)

    def bind(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the empty text.

        EXACT where every byte of UTF-8 is a token, unless the pattern is beyond regular or has
        too many states to know of each whether a match can follow; then SOUND.

        Raises:
            VocabularyError: no token of this vocabulary can begin a match.
        """
        return self.language.bind(vocabulary)

    def possible_ends(self, text: str, start: int) -> range:
        """Offsets as far from ``start`` as a match may be long."""
        root = self.language.pattern.root
        last = len(text) if root.longest == inf else min(len(text), start + int(root.longest))
        return range(start + int(root.shortest), last + 1)

    def accepts(self, text: str) -> bool:
        """Whether the pattern matches ``text``.

        Raises:
            ConstraintTooComplexError: the pattern makes a backtracking matcher take too long.
        """
        return self._matches(text)

    def violation(self, text: str) -> Violation | None:
        """Where ``text`` stops being the beginning of a match.

        Raises:
            ConstraintTooComplexError: the pattern makes a backtracking matcher take too long.
        """
        if self._matches(text):
            return None
        # If a text can still become a match, so can its prefixes: bisection.
        live = bisect_left(
            range(1, len(text) + 1),
            True,
            key=lambda size: not self._matches(text[:size], partial=True),
        )
        if live == len(text):
            return Violation(f"the text ends before regex {self.pattern!r} has matched", live)
        return Violation(f"{text[live]!r} cannot stand here in regex {self.pattern!r}", live)

    def describe(self) -> str:
        """Some matches, as an instruction to a model; where no short one is found, the pattern."""
        # Small models follow examples, and do worse if the pattern stands beside them.
        with suppress(ArgumentError):
            return super().describe()
        long = len(self.pattern) > _SHOWN
        shown = for_readers([self.pattern[:_SHOWN] + "..." if long else self.pattern])
        return f"Respond only with a text that matches the regular expression {shown}"

    def _matches(self, text: str, *, partial: bool = False) -> bool:
        try:
            return bool(self._oracle.fullmatch(text, partial=partial, timeout=_SECONDS))
        except TimeoutError:
            raise ConstraintTooComplexError(
                f"regex {self.pattern!r} takes more than {_SECONDS:.0f} seconds to check a text of "
                f"{len(text)} characters; nested repeats such as '(a*)*' are the usual cause"
            ) from None
        except (MemoryError, RecursionError):
            raise ConstraintTooComplexError(
                f"regex {self.pattern!r} takes too much memory to check a text of {len(text)} "
                "characters; a group that calls itself before any character is the usual cause"
            ) from None


REGEX = ConstraintSource(
    name="regex",
    description="a regular expression that the whole text matches",
    make=regex,
)
