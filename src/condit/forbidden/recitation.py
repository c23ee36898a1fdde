"""The constraint of texts that recite no long run of a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from condit.constraint.base import Constraint, Violation
from condit.constraint.lifted import LiftedMatcher
from condit.corpus.index import Corpus, as_corpus
from condit.corpus.words import UNIT, goes_on, stands_alone
from condit.errors import ArgumentError
from condit.forbidden.recited import Recitation, Recited
from condit.forbidden.runs import Runs
from condit.vocabulary import Vocabulary

Unit = Literal["words", "characters"]


def recitation(corpus: object, *, longest: int = 8, unit: Unit = "words") -> WithoutRecitation:
    """Texts in which no run of more than ``longest`` words stands as it does in a corpus.

    A run is a part of the text that the corpus has verbatim, with all spaces and signs: it begins
    where a word begins in both, and ends where one ends in both. It is refused at what would
    complete the word that is one too many; a longer word may be written there. Words are those of
    ``condit.quote``: ``don't`` and ``3,500`` are one each.

    >>> import condit
    >>> guard = condit.forbid.recitation(["The cat sat on the mat."], longest=3)
    >>> [guard.accepts(text) for text in ("A cat sat on a mat", "It sat on the mat")]
    [True, False]

    Args:
        corpus: a ``condit.Corpus`` with borders of words, which is worth making for more than one
            use; or what one is made of: texts, paths of files, or the path of a saved one.
        longest: how many units a run may have, 1 or more.
        unit: what is counted: ``"words"``; or ``"characters"``, where a run begins at a word, and
            may end anywhere.

    Returns:
        one constraint, EXACT.

    Raises:
        ArgumentError: a limit is out of range, or the index has other borders.
        IndexFileError: the saved index cannot be used.
        MissingDependencyError: pydivsufsort is not installed; it is in ``condit[corpus]``.
    """
    who = "forbid.recitation"
    if isinstance(longest, bool) or not isinstance(longest, int) or longest < 1:
        raise ArgumentError(f"{who}: longest={longest!r} must be a whole number, 1 or more")
    if unit not in get_args(Unit):
        raise ArgumentError(f"{who}: unit={unit!r}: use 'words' or 'characters'")
    made = as_corpus(corpus, who, "word")
    if made.borders != "word":
        raise ArgumentError(
            f"{who}: the index has borders of a {made.borders}: make one with borders='word'"
        )
    return WithoutRecitation(made, longest, unit)


@dataclass(frozen=True)
class WithoutRecitation(Constraint):
    """Texts that recite no long run of a corpus; made by ``condit.forbid.recitation``.

    Attributes:
        corpus: the index.
        most: how many units a run may have.
        unit: what is counted.
    """

    corpus: Corpus
    most: int
    unit: Unit = "words"
    machine: Recitation = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        runs = Runs(self.corpus.places, self.most, self.unit == "characters")
        object.__setattr__(self, "machine", Recitation(runs))

    def __reduce__(self) -> tuple[Any, ...]:
        # By the corpus alone, which another process opens where it was saved.
        return type(self), (self.corpus, self.most, self.unit)

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[Recited]:
        """A matcher at the empty text; EXACT where every byte is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a text.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """The first run that is too long, and where the corpus has it."""
        for start in range(len(text)):
            if _begins(text, start):
                end = self._end_from(text, start)
                if end is not None:
                    return Violation(self._said(text[start:end]), start)
        return None

    def _end_from(self, text: str, start: int) -> int | None:
        """Where the shortest run ends that begins at a place and is too long; ``None``: nowhere."""
        places, by_characters = self.corpus.places, self.unit == "characters"
        first = start + self.most + 1
        for end in range(first, len(text) + 1):
            if not by_characters and not _ends(text, end):
                continue
            written = text[start:end].encode(errors="surrogatepass")
            low, high = places.interval(written)
            if low == high:
                return None
            place = int(places.order[low])
            marks = places.marks
            if by_characters or marks is None:
                return end
            count = np.count_nonzero(marks[place : place + len(written)] & UNIT)
            if count > self.most and places.stops(low, high, len(written)):
                return end
        return None

    def _said(self, run: str) -> str:
        found = self.corpus.locate(run, 1)
        where = f", at character {found[0].start} of document {found[0].document}" if found else ""
        return f"it recites {run!r}{where}: more than {self.most} {self.unit} in a row"

    def describe(self) -> str:
        """That nothing is to be copied, as an instruction to a model; the corpus is not shown."""
        return (
            "Respond in your own words: never copy more than "
            f"{self.most} {self.unit} in a row from the documents."
        )


def _begins(text: str, place: int) -> bool:
    if stands_alone(text[place]):
        return True
    return goes_on(text[place]) and not (place and goes_on(text[place - 1]))


def _ends(text: str, place: int) -> bool:
    """Whether no word that ends before a place goes on there."""
    if place == len(text) or stands_alone(text[place - 1]):
        return True
    return not (goes_on(text[place - 1]) and goes_on(text[place]))
