"""The constraint ``quote``: a verbatim quotation of documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from condit.constraint.base import Violation
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.source import ConstraintSource
from condit.corpus.index import Borders, Corpus, Occurrence, as_corpus
from condit.corpus.machine import PlacesMachine, Written
from condit.corpus.oracle import fault, occurrences, shared_prefix, word_spans
from condit.corpus.quoted import Quoted
from condit.errors import ArgumentError, UnsatisfiableError
from condit.vocabulary import Vocabulary

_MOST_COUNTED = 255
"""Words that are counted from a beginning to the end of its document."""

_MOST_LOOKED_AT = 100_000
"""Occurrences whose borders the oracle looks at."""


def quote(
    documents: object,
    *,
    min_words: int = 4,
    max_words: int | None = 60,
    borders: Borders = "word",
) -> Quote:
    """Texts that stand in the documents word for word, between the borders of words.

    A quotation begins where a word begins or after white space, and ends where no word is cut and
    not with white space. It may hold line breaks, and never leads from one document into the next.
    Nothing is normalised: it is the documents' own text, to the byte. The value is a `Quotation`,
    which says where it stands, and how often.

    >>> quote(["The cat sat on the mat."], min_words=2).accepts("on the mat")
    True
    >>> quote(["The cat sat on the mat."], min_words=2).accepts("on the ma")
    False

    Args:
        documents: a ``condit.Corpus``, which is worth making for more than one use; or what one is
            made of: a list of texts, a mapping of names to texts, paths of UTF-8 files; or the path
            of a saved one.
        min_words: how many words it has at least. What is shorter stands somewhere by chance.
        max_words: how many at most; ``None``: any number. Where the index has borders of
            characters, both count characters.
        borders: for an index that is made here: ``"word"`` or ``"character"``.

    Raises:
        ArgumentError: a limit is out of range, or ``documents`` cannot be read.
        UnsatisfiableError: no document has so many words.
        IndexFileError: the saved index cannot be used.
        MissingDependencyError: pydivsufsort is not installed; it is in ``condit[corpus]``.
    """
    for name, value in (("min_words", min_words), ("max_words", max_words)):
        if value is None and name == "max_words":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError(f"quote: {name}={value!r} must be a whole number, 1 or more")
    if min_words > _MOST_COUNTED:
        raise ArgumentError(f"quote: min_words={min_words} must be at most {_MOST_COUNTED}")
    if max_words is not None and max_words < min_words:
        raise ArgumentError(f"quote: max_words={max_words} is less than min_words={min_words}")
    return Quote(as_corpus(documents, "quote", borders), min_words, max_words)


@dataclass(frozen=True)
class Quotation:
    """A quotation, and where it stands.

    Attributes:
        text: the quotation.
        count: how often it stands in the documents.
        occurrences: where; the first hundred.
    """

    text: str
    count: int
    occurrences: tuple[Occurrence, ...]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Quote(Quoted):
    """Verbatim quotations of documents; made by ``quote``.

    Attributes:
        corpus: the index of the documents.
        min_words: how many words (characters, if its borders are such) a quotation has at least.
        max_words: how many at most; ``None``: any number.
    """

    corpus: Corpus
    min_words: int
    max_words: int | None
    machine: PlacesMachine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = self.corpus.places
        if not places.enough(0, len(places), self.min_words):
            raise UnsatisfiableError(
                f"quote: no document has {self.min_words} {self._units}: use a smaller min_words"
            )
        machine = PlacesMachine(places, self.min_words, self.max_words)
        object.__setattr__(self, "machine", machine)

    def __reduce__(self) -> tuple[Any, ...]:
        # By the corpus alone, which another process opens where it was saved.
        return type(self), (self.corpus, self.min_words, self.max_words)

    @property
    def _units(self) -> str:
        return "words" if self.corpus.borders == "word" else "characters"

    def bind(self, vocabulary: Vocabulary) -> LiftedMatcher[Written]:
        """A matcher at the empty text; EXACT where every byte of the documents is a token.

        Raises:
            VocabularyError: no token of this vocabulary can begin a quotation.
        """
        return LiftedMatcher.bind(self.machine, vocabulary)

    def violation(self, text: str) -> Violation | None:
        """Where ``text`` departs from the documents, or cuts a word, or which limit it breaks."""
        if not text:
            return Violation("the text is empty: it quotes nothing", 0)
        source = self.corpus.places.text
        wanted = text.encode(errors="surrogatepass")
        found = list(islice(occurrences(source, wanted), _MOST_LOOKED_AT))
        if not found:
            shared = shared_prefix(source, text)
            return Violation("no document goes on like this", shared)
        units = len(text)
        if self.corpus.borders == "word":
            faults = {fault(source, place, len(wanted)) for place in found}
            if None not in faults:
                reason = " or ".join(sorted(each for each in faults if each))
                return Violation(f"where it stands in the documents, {reason}")
            units = len(word_spans(text))
        if units < self.min_words:
            return Violation(f"it has {units} {self._units}, and needs {self.min_words}", len(text))
        if self.max_words is not None and units > self.max_words:
            return Violation(f"it has {units} {self._units}, of {self.max_words} at most")
        return None

    def locate(self, text: str, most: int | None = 100) -> list[Occurrence]:
        """Where a quotation stands; see ``Corpus.locate``."""
        return self.corpus.locate(text, most)

    def value(self, text: str) -> Quotation:
        """The quotation, with where it stands, and how often."""
        return Quotation(text, self.corpus.count(text), tuple(self.corpus.locate(text)))

    def describe(self) -> str:
        """That a quotation is wanted, as an instruction to a model; the documents are not shown."""
        most = "or more" if self.max_words is None else f"to {self.max_words}"
        return (
            f"Respond only with a passage of {self.min_words} {most} {self._units}, quoted word "
            "for word from the documents."
        )


QUOTE = ConstraintSource(
    name="quote",
    description="a document, or an index of documents; a passage of it is quoted",
    make=quote,
    given_as="path",
)
