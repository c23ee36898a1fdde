"""The constraint ``choice``: one of a list of texts, matched by the mask engine."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from condit.constraint.base import Constraint, Violation
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.engine import HEADER, EngineMatcher, probe
from condit.constraint.example_texts import for_readers
from condit.constraint.regular.characters import quoted
from condit.constraint.source import ConstraintSource
from condit.errors import ArgumentError, ConstraintTooComplexError, UnsatisfiableError
from condit.vocabulary import Vocabulary

_SHOWN = 100
_SHOWN_CHARACTERS = 1500
"""How much ``describe`` lists."""


def choice(*options: str | Iterable[str]) -> Choice:
    """Texts that are one of ``options``: given one by one, or as one list.

    >>> choice("yes", "no").accepts("no")
    True

    Raises:
        UnsatisfiableError: there is no option.
        ArgumentError: an option is not a text.
        ConstraintTooComplexError: there are too many for the mask engine.
    """
    if len(options) == 1 and not isinstance(options[0], str) and isinstance(options[0], Iterable):
        options = tuple(options[0])
    for option in options:
        if not isinstance(option, str):
            raise ArgumentError(
                f"choice: {option!r} is {type(option).__name__}, not str; give texts, or one list "
                "of texts"
            )
    return Choice(tuple(dict.fromkeys(str(option) for option in options)))


@dataclass(frozen=True)
class Choice(Constraint):
    """One of some texts; made by ``choice``.

    Attributes:
        options: the texts, each once.
    """

    options: tuple[str, ...]
    _members: frozenset[str] = field(init=False, repr=False, compare=False)
    _bytes: frozenset[int] = field(init=False, repr=False, compare=False)
    _grammar: str = field(init=False, repr=False, compare=False)
    _sorted: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.options:
            raise UnsatisfiableError("choice: there is no option to choose; give at least one text")
        try:
            spelled = b"".join(option.encode() for option in self.options)
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"choice: an option holds {error.object[error.start]!r}, half of a surrogate pair, "
                "which no text can hold"
            ) from None
        object.__setattr__(self, "_members", frozenset(self.options))
        object.__setattr__(self, "_sorted", tuple(sorted(map(str.encode, self.options))))
        object.__setattr__(self, "_bytes", frozenset(spelled))
        alternatives = "|".join("".join(map(quoted, option)) for option in self.options)
        grammar = f"{HEADER}start: /{alternatives}/"
        refused = probe(grammar).error
        if refused:
            raise ConstraintTooComplexError(
                f"choice: {len(self.options)} options of {len(spelled)} bytes are too many for the "
                f"mask engine ({refused.splitlines()[0]})"
            )
        object.__setattr__(self, "_grammar", grammar)

    def bind(self, vocabulary: Vocabulary) -> ChoiceMatcher:
        """A matcher at the empty text; EXACT where every byte of the options is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin an option.
        """
        matcher = ChoiceMatcher.bind(self._grammar, vocabulary, exact_over=self._bytes)
        matcher.options = self._sorted
        return matcher

    def violation(self, text: str) -> Violation | None:
        """The nearest options, and where ``text`` departs from all of them."""
        if text in self._members:
            return None
        shared = max(_shared(text, option) for option in self.options)
        near = difflib.get_close_matches(text, self.options, cutoff=0.5)
        listed = ", ".join(map(repr, near or self.options[:3]))
        more = "" if near or len(self.options) <= 3 else f" and {len(self.options) - 3} more"
        what = "the nearest" if near else "the options"
        return Violation(f"{text!r} is no option; {what}: {listed}{more}", shared)

    def longest(self) -> int:
        """Bytes of the longest option."""
        return max(len(option.encode()) for option in self.options)

    def last_bytes(self) -> frozenset[int]:
        """The last bytes of the options."""
        return frozenset(option.encode()[-1] for option in self.options if option)

    def possible_ends(self, text: str, start: int) -> list[int]:
        """Where an option that stands there ends."""
        standing = (option for option in self.options if text.startswith(option, start))
        return sorted({start + len(option) for option in standing})

    def describe(self) -> str:
        """The options, as an instruction to a model; of many the first, and how many there are."""
        shown: list[str] = []
        for option in self.options[:_SHOWN]:
            if sum(map(len, shown)) + len(option) > _SHOWN_CHARACTERS and shown:
                break
            shown.append(option if len(option) <= _SHOWN_CHARACTERS else option[:100] + "...")
        more = len(self.options) - len(shown)
        left_out = f"\n... ({more} more texts)" if more else ""
        return f"Respond only with one of these texts:\n{for_readers(shown)}{left_out}"

    def value(self, text: str) -> str:
        """The option itself."""
        return text


class ChoiceMatcher(EngineMatcher):
    """A matcher that knows all texts, so that its endings take the fewest tokens possible.

    Attributes:
        options: the texts, in ascending order.
    """

    exact_costs = True
    options: tuple[bytes, ...] = ()

    def copy(self) -> Self:
        """An independent matcher in the same state; some microseconds."""
        twin = super().copy()
        twin.options = self.options
        return twin

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """What is left of the option that takes the fewest tokens from here; the shortest such."""
        if self._ended:
            return None
        if thorough not in self._endings:
            skipped = len(self._text)
            rests = [spell(option[skipped:], self.vocabulary) for option in self._going_on()]
            self._endings[False] = self._endings[True] = min(
                rests, key=lambda rest: (rest.costs[0], len(rest.text), rest.text), default=None
            )
        return self._endings[thorough]

    def _going_on(self) -> Iterator[bytes]:
        """The options that begin with what has been written."""
        first = bisect_left(self.options, self._text)
        for place in range(first, len(self.options)):
            if not self.options[place].startswith(self._text):
                break
            yield self.options[place]


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


CHOICE = ConstraintSource(
    name="choice",
    description="a text, or in JSON a list of texts to choose from",
    make=choice,
)
