"""What the tools take: a pattern or a constraint ``condit.regex``, as an automaton.

Automata of patterns are kept: the tools are often asked about the same pattern again.
"""

from __future__ import annotations

from functools import lru_cache

from condit.constraint.regex import Regex
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.python_reader import read
from condit.errors import ArgumentError, ConstraintTooComplexError, UnsupportedConstraintError

_KEPT = 256
_SHOWN = 200

Pattern = str | Regex
"""A pattern in the dialect of ``condit.regex``, or a constraint that it made."""


def automaton(pattern: Pattern) -> Automaton:
    """The automaton of a pattern; unlike a constraint, a pattern may have no text at all.

    Raises:
        ArgumentError: it is neither a ``str`` nor a constraint ``condit.regex``.
        CompileError: it does not parse.
        UnsupportedConstraintError: it has a construct that cannot be followed.
        ConstraintTooComplexError: it nests too deeply.
    """
    if isinstance(pattern, Regex):
        return pattern.language.automaton
    if not isinstance(pattern, str):
        raise ArgumentError(
            f"a pattern is a str or a constraint of condit.regex, not {type(pattern).__name__}"
        )
    return _of_text(pattern)


@lru_cache(maxsize=_KEPT)
def _of_text(pattern: str) -> Automaton:
    try:
        return Automaton(read(pattern))
    except RecursionError:
        raise ConstraintTooComplexError(
            f"regex {pattern[:_SHOWN]!r} nests too many groups or classes"
        ) from None
    except NotFollowedError as error:
        raise UnsupportedConstraintError(
            f"regex {pattern!r} has {error} which cannot be followed. Write the pattern without it"
        ) from None


def forget() -> None:
    """Drop the automata that are kept."""
    _of_text.cache_clear()


def shown(pattern: Pattern) -> str:
    """The pattern as messages show it."""
    text = pattern.pattern if isinstance(pattern, Regex) else pattern
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
