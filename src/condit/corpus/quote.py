"""The constraint ``quote``: a verbatim quotation of documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from condit.constraint.base import Violation
from condit.constraint.lifted import LiftedMatcher
from condit.constraint.source import ConstraintSource
from condit.corpus.index import Corpus, Occurrence, as_corpus
from condit.corpus.machine import PlacesMachine, Written
from condit.corpus.oracle import occurrences, shared_prefix, standing, units_in
from condit.corpus.passages import KINDS
from condit.corpus.quoted import Quoted
from condit.corpus.words import Borders
from condit.errors import ArgumentError, UnsatisfiableError
from condit.fields import ABSENT, Absent
from condit.vocabulary import Vocabulary

_MOST_COUNTED = 255
"""Words that are counted from a beginning to the end of its document."""

_USUAL: dict[str, tuple[int, int | None]] = {
    "sentence": (1, 3),
    "line": (1, 1),
    "paragraph": (1, 1),
}
"""How many of them a quotation has, if nothing is said; of others 4 to 60."""

_MOST_LOOKED_AT = 100_000
"""Occurrences whose borders the oracle looks at."""


def quote(
    documents: object,
    *,
    min_words: int | None = None,
    max_words: int | Absent | None = ABSENT,
    units: int | tuple[int, int | None] | None = None,
    borders: Borders = "word",
) -> Quote:
    """Texts that stand in the documents word for word, between the borders of words.

    A quotation begins where a word begins or after white space, and ends where no word is cut and
    not with white space. It may hold line breaks, and never leads from one document into the next.
    Nothing is normalised: it is the documents' own text, to the byte. The value is a `Quotation`,
    which says where it stands, and how often.

    >>> quote(["The cat sat on the mat."], min_words=2).accepts("on the mat")
    True
    >>> quote(["It rains. Dr. No stays in."], borders="sentence").accepts("Dr. No stays in.")
    True

    Args:
        documents: a ``condit.Corpus``, which is worth making for more than one use; or what one is
            made of: a list of texts, a mapping of names to texts, paths of UTF-8 files; or the path
            of a saved one.
        min_words: how many words it has at least; 4 if ``None``. What is shorter stands somewhere
            by chance. Where the index has borders of characters, characters are counted.
        max_words: how many at most; 60 if not given; ``None``: any number.
        units: the same in one, as a number or the least and the most (``None``: any number). It
            counts what the index has borders of: one to three whole sentences, or one line or
            paragraph, if not given.
        borders: for an index that is made here: ``"word"``, ``"sentence"``, ``"line"``,
            ``"paragraph"`` or ``"character"``.

    Raises:
        ArgumentError: a limit is out of range, or ``documents`` cannot be read.
        UnsatisfiableError: no document has so many words.
        IndexFileError: the saved index cannot be used.
        MissingDependencyError: pydivsufsort is not installed; it is in ``condit[corpus]``.
    """
    corpus = as_corpus(documents, "quote", borders)
    if units is not None or corpus.borders in KINDS:
        if min_words is not None or max_words is not ABSENT:
            raise ArgumentError(
                "quote: words are not counted where units are given, or borders are those of "
                f"sentences, lines or paragraphs (here: of a {corpus.borders}): give "
                "units=(least, most)"
            )
        least, most = _both(_USUAL[corpus.borders] if units is None else units)
        named = "units: the least, "
    else:
        named = "min_words="
        least = _count("min_words", 4 if min_words is None else min_words)
        most = _count("max_words", max(60, least or 0) if max_words is ABSENT else max_words)
    if least is None:
        raise ArgumentError("quote: units: the least must be a whole number, 1 or more")
    if least > _MOST_COUNTED:
        raise ArgumentError(f"quote: {named}{least} must be at most {_MOST_COUNTED}")
    if most is not None and most < least:
        raise ArgumentError(f"quote: the most, {most}, is less than the least, {least}")
    return Quote(corpus, least, most)


def _both(units: object) -> tuple[int | None, int | None]:
    least, most = units if isinstance(units, tuple) and len(units) == 2 else (units, units)
    return _count("units", least), _count("units", most)


def _count(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        pair = ", or a pair of such" if name == "units" else ""
        raise ArgumentError(f"quote: {name}={value!r} must be a whole number, 1 or more{pair}")
    return value


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
        min_words: how many words (sentences and so on, if its borders are such) a quotation has at
            least.
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
                f"quote: no document has {self.min_words} {self._units}: ask for fewer"
            )
        machine = PlacesMachine(places, self.min_words, self.max_words)
        object.__setattr__(self, "machine", machine)

    def __reduce__(self) -> tuple[Any, ...]:
        # By the corpus alone, which another process opens where it was saved.
        return type(self), (self.corpus, self.min_words, self.max_words)

    @property
    def _units(self) -> str:
        return f"{self.corpus.borders}s"

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
        borders = self.corpus.borders
        place, faults = standing(source, found, len(wanted), borders)
        if place is None:
            reason = " or ".join(sorted(faults))
            return Violation(f"where it stands in the documents, {reason}")
        units = units_in(source, place, len(wanted), borders)
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
        least, most, units = self.min_words, self.max_words, self._units
        count = f"{least} {f'or more {units}' if most is None else f'to {most} {units}'}"
        if least == most:
            count = f"{least} {units if least > 1 else units[:-1]}"
        return f"Respond only with a passage of {count}, quoted word for word from the documents."


QUOTE = ConstraintSource(
    name="quote",
    description="a document, or an index of documents; a passage of it is quoted",
    make=quote,
    given_as="path",
)
