"""What the tools take: a pattern, or a constraint that is regular, as an automaton.

Automata of patterns are kept: the tools are often asked about the same pattern again.
"""

from __future__ import annotations

from functools import lru_cache

from condit.constraint.algebra.regular import tree_of
from condit.constraint.base import Constraint
from condit.constraint.regex import Regex
from condit.constraint.regular import pattern as meaning
from condit.constraint.regular.automaton import Automaton
from condit.constraint.regular.classes import partition
from condit.constraint.regular.expression import Node
from condit.constraint.regular.prepared import NotFollowedError
from condit.constraint.regular.python_reader import read
from condit.errors import ArgumentError, ConstraintTooComplexError, UnsupportedConstraintError

_KEPT = 256
_SHOWN = 200

Pattern = str | Constraint
"""A pattern in the dialect of ``condit.regex``, or a constraint made of such ones."""


def automaton(pattern: Pattern) -> Automaton:
    """The automaton of a pattern; unlike a constraint, a pattern may have no text at all.

    Raises:
        ArgumentError: it is neither a ``str`` nor a regular constraint.
        CompileError: it does not parse.
        UnsupportedConstraintError: it has a construct that cannot be followed.
        ConstraintTooComplexError: it nests too deeply.
    """
    if isinstance(pattern, str):
        return _made(pattern)
    if isinstance(pattern, Regex):
        return pattern.language.automaton
    tree = tree_of(pattern) if isinstance(pattern, Constraint) else None
    if tree is None:
        raise ArgumentError(
            "a pattern is a str, a constraint of condit.regex, or one composed of such, not "
            f"{type(pattern).__name__}"
        )
    return _made(tree)


@lru_cache(maxsize=_KEPT)
def _made(pattern: str | Node) -> Automaton:
    try:
        made = read(pattern) if isinstance(pattern, str) else meaning.Pattern(pattern)
        return Automaton(made)
    except RecursionError:
        raise ConstraintTooComplexError(
            f"regex {shown(pattern)} nests too many groups or classes"
        ) from None
    except NotFollowedError as error:
        raise UnsupportedConstraintError(
            f"regex {shown(pattern)} has {error} which cannot be followed. Write the pattern "
            "without it"
        ) from None


def forget() -> None:
    """Drop all that is kept of patterns."""
    _made.cache_clear()
    partition.cache_clear()


def shown(pattern: Pattern | Node) -> str:
    """The pattern as messages show it."""
    text = pattern.pattern if isinstance(pattern, Regex) else pattern
    if not isinstance(text, str):
        return "of the constraint"
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
