"""The constraint of texts in which a regular expression is found nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType

import regex as oracle  # type: ignore[import-untyped]

from condit.constraint.base import Violation
from condit.constraint.regex import Regex
from condit.errors import ArgumentError, UnsatisfiableError

_FLAGS = "imsxa"


@dataclass(frozen=True)
class WithoutPattern(Regex):
    """Texts in which a pattern is found nowhere; made by ``condit.forbid``.

    It is a regular expression itself, the pattern as a negative lookahead, and followed as such.

    Attributes:
        forbidden: the pattern.
    """

    forbidden: str = ""

    def violation(self, text: str) -> Violation | None:
        """Where the pattern is found, and what it matches there.

        Raises:
            ConstraintTooComplexError: the pattern makes a backtracking matcher take too long.
        """
        if self.accepts(text):
            return None
        lists = dict(self.lists)
        found = oracle.compile(self.forbidden, oracle.VERSION1, **lists).search(text)
        if found is None:
            return super().violation(text)
        reason = f"it has {found[0]!r}, which the forbidden pattern {self.forbidden!r} matches"
        return Violation(reason, found.start())

    def describe(self) -> str:
        """What must not be written, as an instruction to a model."""
        return (
            f"Respond with a text in which nothing matches the regular expression {self.forbidden}"
        )


def without_pattern(given: object) -> WithoutPattern | None:
    """The texts in which a compiled pattern is not found; ``None`` where it is no pattern.

    Raises:
        ArgumentError: it is of bytes, is found in every text, or leaves no text but the empty one.
        ConditError: it cannot be followed; see ``condit.regex``.
    """
    if isinstance(given, Regex):
        pattern, lists = given.pattern, given.lists
    elif isinstance(given, re.Pattern):
        pattern, lists = _with_flags(given.pattern, given.flags, re), ()
    elif isinstance(given, oracle.Pattern):
        pattern, lists = _with_flags(given.pattern, given.flags, oracle), ()
    else:
        return None
    if oracle.compile(pattern, oracle.VERSION1, **dict(lists)).search(""):
        raise ArgumentError(
            f"forbid: the pattern {pattern!r} matches the empty text, and so is found in every text"
        )
    refused = f"(?!(?s:.*)(?:{pattern}))"
    try:
        Regex(f"{refused}(?s:.+)", lists)
    except UnsatisfiableError:
        raise ArgumentError(
            f"forbid: the pattern {pattern!r} is found in every text that is not empty"
        ) from None
    return WithoutPattern(f"{refused}(?s:.*)", lists, pattern)


def _with_flags(pattern: object, flags: int, module: ModuleType) -> str:
    if not isinstance(pattern, str):
        raise ArgumentError(f"forbid: the pattern {pattern!r} is of bytes: compile it of a str")
    given = "".join(each for each in _FLAGS if flags & getattr(module, each.upper()))
    end = "\n" if "x" in given else ""  # a comment at its end must not hide what follows
    return f"(?{given}:{pattern}{end})" if given else pattern
