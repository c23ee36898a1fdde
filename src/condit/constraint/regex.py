"""The constraint ``regex``: texts that match a regular expression as a whole.

The mask engine matches; Python's ``regex`` module is the oracle. The dialect that both read is in
``regex_dialect.py``.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

import regex as oracle  # type: ignore[import-untyped]

from condit.constraint.base import Constraint, Violation
from condit.constraint.engine import HEADER, EngineMatcher, probe
from condit.constraint.example_texts import for_readers
from condit.constraint.regex_dialect import Dialect, read_pattern
from condit.constraint.source import ConstraintSource
from condit.errors import (
    ArgumentError,
    CompileError,
    ConstraintTooComplexError,
    UnsatisfiableError,
    UnsupportedConstraintError,
)
from condit.foreign.llguidance import first_line, regex_to_lark
from condit.foreign.regex import said
from condit.vocabulary import Vocabulary

_SECONDS = 10.0
_SHOWN = 200
"""Characters of a pattern that ``describe`` shows at most."""


def regex(pattern: str) -> Regex:
    r"""Texts that ``pattern`` matches from beginning to end.

    The syntax is what Python's ``re`` and Rust's ``regex`` share, with nested sets
    (``[\w--[aeiou]]``) and Unicode properties (``\p{L}``). ``\d``, ``\w`` and ``\s`` are Unicode,
    ``.`` is anything but a newline. ``^`` and ``$`` may stand at the ends, where they change
    nothing.

    >>> regex("[0-9]{3}").accepts("123")
    True

    Raises:
        ArgumentError: it is not a ``str``.
        CompileError: it does not parse; the error's ``position`` says where.
        UnsupportedConstraintError: lookaround, backreferences, word boundaries, possessive repeats
            and the like, which no automaton can follow.
        UnsatisfiableError: nothing matches.
        ConstraintTooComplexError: it is beyond the mask engine's limits.
    """
    if not isinstance(pattern, str):
        raise ArgumentError(f"regex: the pattern is {type(pattern).__name__}, not str")
    return Regex(pattern)


@dataclass(frozen=True)
class Regex(Constraint):
    """Texts that match a regular expression as a whole; made by ``regex``.

    Attributes:
        pattern: the regular expression.
    """

    pattern: str
    _grammar: str = field(init=False, repr=False, compare=False)
    _oracle: oracle.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            dialect = read_pattern(self.pattern)
            object.__setattr__(self, "_oracle", compile_oracle(dialect.oracle))
        except RecursionError:
            raise ConstraintTooComplexError("the regex nests too many groups or classes") from None
        grammar = HEADER + "start: " + terminal(dialect.engine)
        probed = probe(grammar)
        if probed.error:
            raise _refusal(self.pattern, dialect, probed.error)
        if probed.is_empty:
            raise UnsatisfiableError(f"no text matches regex {self.pattern!r}")
        object.__setattr__(self, "_grammar", grammar)

    def bind(self, vocabulary: Vocabulary) -> EngineMatcher:
        """A matcher at the empty text; EXACT where every byte of UTF-8 is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a match.
        """
        return EngineMatcher.bind(self._grammar, vocabulary)

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
        if self.example_texts():
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


def terminal(pattern: str) -> str:
    """A pattern in the engine's dialect as a terminal of the engine's grammar."""
    return f"/{regex_to_lark(pattern, '')}/"


def compile_oracle(pattern: str) -> oracle.Pattern[str]:
    """The compiled form of a pattern in the oracle's dialect.

    Raises:
        CompileError: it names a Unicode property that does not exist.
    """
    try:
        # Without full case folding: it would let two characters stand for one, as no automaton
        # of characters does.
        return oracle.compile("(?-f)" + pattern, oracle.VERSION1)
    except oracle.error as error:
        raise CompileError(f"regex does not parse: {said(error)}") from error


def _refusal(pattern: str, dialect: Dialect, error: str) -> CompileError | Exception:
    """The engine's error for a pattern that the dialect let pass, in the user's terms."""
    for position, name in dialect.properties:
        if probe(HEADER + "start: " + terminal(name)).error:
            return UnsupportedConstraintError(
                f"regex {pattern!r} uses the Unicode property {name!r} at character {position}, "
                "which the mask engine does not know. Scripts, general categories and the usual "
                r"yes-or-no properties work: \p{Greek}, \p{Lu}, \p{Alphabetic}",
                position=position,
                keywords=(name,),
            )
    if "lookarounds not supported" in error and dialect.anchors:
        inner = [place for place in dialect.anchors if 0 < place < len(pattern) - 1]
        position = (inner or list(dialect.anchors))[0]
        return UnsupportedConstraintError(
            f"regex {pattern!r} has an anchor in its middle, at character {position}. The whole "
            "text must match anyway: leave anchors out, or keep them to the two ends",
            position=position,
            keywords=(pattern[position],),
        )
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    reason = (lines or [first_line(error)])[0].removeprefix("error: ")
    if "too big" in reason or "too complex" in reason or "too many" in reason.lower():
        return ConstraintTooComplexError(
            f"regex {pattern!r} is too complex for the mask engine: {reason}. Smaller repeat "
            "counts and fewer nested repeats make it simpler"
        )
    return CompileError(f"regex {pattern!r} does not compile: {reason}")


REGEX = ConstraintSource(
    name="regex",
    description="a regular expression that the whole text matches",
    make=regex,
)
