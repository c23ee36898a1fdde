"""The constraint ``one_of_many``: one of a great number of strings, such as a million titles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from condit.constraint.base import Violation
from condit.constraint.example_texts import for_readers
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.source import ConstraintSource
from condit.corpus.documents import lines_of
from condit.corpus.index import Strings, as_strings
from condit.corpus.machine import PlacesMachine, Written
from condit.corpus.oracle import occurs
from condit.corpus.quoted import Quoted
from condit.corpus.words import END
from condit.vocabulary import Vocabulary

_SHOWN = 5


def one_of_many(strings: Strings | Iterable[str] | Path) -> OneOfMany:
    """Texts that are one of many strings, as a whole.

    For up to some thousand, ``condit.choice`` does the same with shorter messages.

    >>> one_of_many(["Ulm", "Bonn"]).accepts("Ulm")
    True

    Args:
        strings: a ``condit.Strings``, which is worth making for more than one use, the strings
            themselves, or the path of saved ones or of a UTF-8 file with one a line.

    Raises:
        ArgumentError: one of them is no text, or empty; the message says which.
        UnsatisfiableError: there are none.
        IndexFileError: the saved strings cannot be used.
    """
    return OneOfMany(as_strings(strings, "one_of_many"))


@dataclass(frozen=True)
class OneOfMany(Quoted):
    """One of many strings; made by ``one_of_many``.

    Attributes:
        strings: the index of the strings.
    """

    strings: Strings
    machine: PlacesMachine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "machine", PlacesMachine(self.strings.places))

    def __reduce__(self) -> tuple[Any, ...]:
        # By the strings alone, which another process opens where they were saved.
        return type(self), (self.strings,)

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[Written]:
        """A matcher at the empty text; EXACT where every byte of the strings is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a string.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """How far ``text`` is the beginning of a string."""
        source, end = self.strings.places.text, chr(END).encode("latin-1")
        wanted = text.encode(errors="surrogatepass") + end
        if source[: len(wanted)].tobytes() == wanted or occurs(source, end + wanted):
            return None
        return Violation("no string goes on like this", self._shared(text))

    def _shared(self, text: str) -> int:
        low, high, depth = 0, len(self.strings.places), 0
        shared = 0
        for character in text:
            for byte in character.encode(errors="surrogatepass"):
                low, high = self.strings.places.narrowed(low, high, depth, byte)
                depth += 1
                if low == high:
                    return shared
            shared += 1
        return shared

    @cached_property
    def _longest(self) -> int:
        places = self.strings.places
        return int(np.diff(np.append(places.order, len(places.text))).max()) - 1

    def longest(self) -> int:
        """Bytes of the longest string."""
        return self._longest

    def value(self, text: str) -> str:
        """The string itself."""
        return text

    def describe(self) -> str:
        """How many strings there are, and some of them, as an instruction to a model."""
        count = self.strings.strings
        step = -(-count // _SHOWN)
        shown = for_readers([self.strings.string(place) for place in range(0, count, step)])
        of = "one of these texts" if count <= _SHOWN else f"one of {count} texts, such as"
        return f"Respond only with {of}:\n{shown}"


def _of_value(value: object) -> OneOfMany:
    """From the shell the path of an index or a file; else strings, or a text with one a line."""
    return one_of_many(lines_of(value, "one_of_many") if isinstance(value, str) else value)  # type: ignore[arg-type]


ONE_OF_MANY = ConstraintSource(
    name="one_of_many",
    description="a file with one string a line, or an index of them; one of these is written",
    make=_of_value,
    given_as="path",
)
