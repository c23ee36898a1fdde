"""``Corpus`` and ``Strings``: what constraints follow, built once, saved, and opened in no time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from condit.corpus import files
from condit.corpus.documents import encoded_strings, lines_of, named_documents
from condit.corpus.places import Places
from condit.corpus.words import END, START, STOP, UNIT, Borders, Bytes, marks_of
from condit.errors import ArgumentError, MissingDependencyError, UnsatisfiableError


@dataclass(frozen=True)
class Occurrence:
    """Where a quotation stands.

    Attributes:
        document: the document's name, or its number where it has none.
        start: its first character in the document.
        end: the character after its last.
    """

    document: int | str
    start: int
    end: int


class Corpus:
    """An index of documents for ``condit.quote``, of about 2.6 times their size.

    It is made once for all models, and independent of their tokens. A byte of text takes one for
    itself and one for marks; each place at which a quotation may begin takes five.

    >>> corpus = Corpus({"a": "The cat sat.", "b": "The cat ran."})
    >>> corpus.count("The cat")
    2

    Args:
        documents: a list of texts, a mapping of names to texts, or paths of UTF-8 files; an
            iterator is read once. Texts are taken as they are: nothing is normalised. White space
            at the end of a document is left out, unless borders are of characters.
        borders: where quotations begin and end: at the borders of a ``"word"``, ``"sentence"``,
            ``"line"`` or ``"paragraph"``; or of a ``"character"``, which takes nearly three times
            the space.

    Raises:
        ArgumentError: a document is no text, or ``borders`` is no such word.
        UnsatisfiableError: there is nothing in the documents that could be quoted.
        MissingDependencyError: pydivsufsort is not installed; it is in ``condit[corpus]``.
        OSError: a file cannot be read.
    """

    def __init__(self, documents: object, *, borders: Borders = "word") -> None:
        if borders not in get_args(Borders):
            known = ", ".join(map(repr, get_args(Borders)))
            raise ArgumentError(f"Corpus: borders={borders!r} is unknown; use one of {known}")
        names: list[int | str] = []
        written = bytearray()  # pydivsufsort takes no array that cannot be written to
        sizes: list[int] = []
        for name, document in named_documents(documents, "Corpus"):
            names.append(name)
            written += (document if borders == "character" else document.rstrip()).encode()
            written.append(END)
            sizes.append(len(written))
        ends = np.array(sizes, dtype=np.int64) - 1
        text = np.frombuffer(written, dtype=np.uint8)
        marks = marks_of(text, borders) if len(text) else np.zeros(0, dtype=np.uint8)
        starts = (marks & START) != 0
        if not starts.any():
            what = "there are no documents" if not names else "all documents are empty"
            raise UnsatisfiableError(f"Corpus: {what}, so that nothing can be quoted")
        order = _sorted_places(text, starts)
        units = _units_left(marks, starts, ends)[order]
        self._take(Places(text, order, marks, units, _alphabet(text)), ends, names, borders)

    def _take(
        self, places: Places, ends: NDArray[np.int64], names: list[int | str], borders: Borders
    ) -> None:
        self.places, self.ends, self.names, self.borders = places, ends, names, borders
        self._path: Path | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which replaces one of that name only when it is complete.

        Raises:
            OSError: it cannot be written.
        """
        places = self.places
        arrays: files.Arrays = {"text": places.text, "order": places.order, "ends": self.ends}
        if places.marks is not None and places.units is not None:
            arrays |= {"marks": places.marks, "units": places.units}
        if self.names != list(range(len(self.names))):
            arrays["names"] = np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8)
        facts = {"borders": self.borders, "alphabet": sorted(places.alphabet)}
        files.save(path, "corpus", facts, arrays)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = False) -> Self:
        """Open a saved one. It is mapped into memory: what is not used is not read.

        Args:
            path: the file. ``save`` may replace it while it is in use; it must not be written to
                in any other way.
            verify: read all of it, and compare checksums.

        Raises:
            IndexFileError: it is no such file, or a damaged one.
            OSError: it cannot be read.
        """
        facts, arrays = files.load(path, "corpus", verify=verify, read_whole=("names", "ends"))
        corpus = cls.__new__(cls)
        ends = arrays["ends"]
        names: list[int | str] = list(range(len(ends)))
        if "names" in arrays:
            names = json.loads(arrays["names"].tobytes())
        places = Places(
            arrays["text"],
            arrays["order"],
            arrays["marks"],
            arrays["units"],
            frozenset(facts["alphabet"]),
        )
        corpus._take(places, ends, names, facts["borders"])
        corpus._path = Path(path).resolve()
        return corpus

    def __reduce__(self) -> str | tuple[Any, ...]:
        # Another process opens the same file instead of getting a copy.
        return super().__reduce__() if self._path is None else (type(self).open, (self._path,))

    def __repr__(self) -> str:
        size = len(self.places.text) - len(self.names)
        return f"<Corpus of {len(self.names)} documents, {size} bytes, borders={self.borders!r}>"

    def count(self, text: str) -> int:
        """How often ``text`` stands in the documents, between the borders of the index.

        Raises:
            ArgumentError: ``text`` is no text.
        """
        return len(self._found(text))

    def locate(self, text: str, most: int | None = 100) -> list[Occurrence]:
        """Where ``text`` stands in the documents, between the borders of the index.

        Args:
            text: the quotation.
            most: how many places at most, those that come first; ``None``: all of them.

        Raises:
            ArgumentError: ``text`` is no text, or ``most`` no such number.
        """
        if most is not None and (not isinstance(most, int) or most < 0):
            raise ArgumentError(f"Corpus: most={most!r} must be a whole number, 0 or more, or None")
        found = np.sort(self._found(text))[:most]
        documents = np.searchsorted(self.ends, found)
        size = len(text)
        occurrences = []
        counted_to, start, previous = 0, 0, -1
        for place, document in zip(found.tolist(), documents.tolist(), strict=True):
            if document != previous:
                counted_to = int(self.ends[document - 1]) + 1 if document else 0
                start, previous = 0, document
            between = self.places.text[counted_to:place]
            start += int(np.count_nonzero((between & 0xC0) != 0x80))
            counted_to = place
            occurrences.append(Occurrence(self.names[document], start, start + size))
        return occurrences

    def _found(self, text: str) -> NDArray[Any]:
        """The places in the text, unordered."""
        prefix = _bytes_of(text, "Corpus")
        low, high = self.places.interval(prefix) if prefix else (0, 0)
        found = self.places.order[low:high]
        marks = self.places.marks
        return found if marks is None else found[(marks[found + len(prefix)] & STOP) != 0]


class Strings:
    """An index of many strings for ``condit.one_of_many``, of which one is written as a whole.

    The strings are joined in their order, so that those with a common beginning are an interval.
    A trie in little memory (such as a MARISA trie) would take a third of the space, but gives no
    way to go on from the middle of a key, byte by byte.

    >>> Strings(["Ulm", "Bonn"]).strings
    2

    Args:
        strings: the strings; each is needed once, duplicates are left out.

    Raises:
        ArgumentError: one is no text, or is empty; the message says which.
        UnsatisfiableError: there are none.
    """

    def __init__(self, strings: Iterable[str]) -> None:
        encoded = encoded_strings(strings, "Strings")
        if not encoded:
            raise UnsatisfiableError("Strings: there is no string; give at least one")
        end = bytes([END])
        # The end takes part in the order, as the largest byte, for intervals to be sorted.
        first: dict[bytes, int] = {}
        for number, each in enumerate(encoded):
            first.setdefault(each + end, number)
        ordered = sorted(first)
        text = np.frombuffer(b"".join(ordered), dtype=np.uint8)
        sizes = np.fromiter(map(len, ordered), np.int64, len(ordered))
        starts = (sizes.cumsum() - sizes).astype(_index_type(len(text)))
        numbers = np.fromiter(map(first.__getitem__, ordered), np.int64, len(ordered))
        self._take(Places(text, starts, alphabet=_alphabet(text)), numbers)

    def _take(self, places: Places, numbers: NDArray[np.int64]) -> None:
        self.places, self._numbers = places, numbers
        self._path: Path | None = None

    @property
    def strings(self) -> int:
        """How many different strings there are."""
        return len(self.places)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which replaces one of that name only when it is complete.

        Raises:
            OSError: it cannot be written.
        """
        arrays = {"text": self.places.text, "order": self.places.order, "numbers": self._numbers}
        files.save(path, "strings", {"alphabet": sorted(self.places.alphabet)}, arrays)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = False) -> Self:
        """Open a saved one; see ``Corpus.open``.

        Raises:
            IndexFileError: it is no such file, or a damaged one.
            OSError: it cannot be read.
        """
        facts, arrays = files.load(path, "strings", verify=verify)
        found = cls.__new__(cls)
        alphabet = frozenset(facts["alphabet"])
        found._take(Places(arrays["text"], arrays["order"], alphabet=alphabet), arrays["numbers"])
        found._path = Path(path).resolve()
        return found

    def __reduce__(self) -> str | tuple[Any, ...]:
        return super().__reduce__() if self._path is None else (type(self).open, (self._path,))

    def __repr__(self) -> str:
        return f"<Strings: {self.strings} of {len(self.places.text) - self.strings} bytes>"

    def number(self, text: str) -> int | None:
        """The place of ``text`` among the strings as they were given; ``None``: it is none.

        Raises:
            ArgumentError: ``text`` is no text.
        """
        prefix = _bytes_of(text, "Strings")
        low, high = self.places.interval(prefix) if prefix else (0, 0)
        if low == high or not self.places.stops(low, high, len(prefix)):
            return None
        return int(self._numbers[high - 1])

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.number(text) is not None

    def string(self, place: int) -> str:
        """The string at a place of the sorted order."""
        start = int(self.places.order[place])
        after = int(self.places.order[place + 1]) if place + 1 < len(self.places) else None
        text = self.places.text[start:after]
        return text[:-1].tobytes().decode()


def _bytes_of(text: object, who: str) -> bytes:
    if not isinstance(text, str):
        raise ArgumentError(f"{who}: only a text can be looked for, not {type(text).__name__}")
    return text.encode(errors="surrogatepass")


def as_corpus(given: object, who: str, borders: Borders) -> Corpus:
    """A corpus as it is; else one of documents, or where a path leads to a saved one, that.

    Raises:
        ConditError: it cannot be made.
    """
    if isinstance(given, Corpus):
        return given
    if isinstance(given, Path) and _is_index(given):
        return Corpus.open(given)
    if isinstance(given, str | Path | Mapping | Iterable):
        return Corpus(given, borders=borders)
    raise ArgumentError(f"{who}: give documents or a condit.Corpus, not {type(given).__name__}")


def as_strings(given: object, who: str) -> Strings:
    """Strings as they are; those of a list; where a path leads, saved ones or the lines of a text.

    Raises:
        ConditError: they cannot be made.
    """
    if isinstance(given, Strings):
        return given
    if isinstance(given, Path):
        return Strings.open(given) if _is_index(given) else Strings(lines_of(given, who))
    if isinstance(given, Iterable) and not isinstance(given, str):
        return Strings(given)
    raise ArgumentError(f"{who}: give strings or a condit.Strings, not {type(given).__name__}")


def _is_index(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(files.MAGIC)) == files.MAGIC


def _alphabet(text: Bytes) -> frozenset[int]:
    """The bytes that occur, but ``END``."""
    present = np.zeros(256, dtype=np.bool_)
    present[text] = True
    return frozenset(np.flatnonzero(present[:END]).tolist())


def _index_type(size: int) -> type[np.signedinteger[Any]]:
    return np.int32 if size < 1 << 31 else np.int64


def _sorted_places(text: Bytes, starts: NDArray[np.bool_]) -> NDArray[Any]:
    try:
        divsufsort = import_module("pydivsufsort").divsufsort
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "condit.Corpus needs pydivsufsort, which is not installed: pip install 'condit[corpus]'"
        ) from error
    suffixes = divsufsort(text)
    places: NDArray[Any] = suffixes[starts[suffixes]]
    return places


def _units_left(marks: Bytes, starts: NDArray[np.bool_], ends: NDArray[np.int64]) -> Bytes:
    """For each start how many words or characters follow in its text, at most 255; else 0."""
    units, places = np.flatnonzero(marks & UNIT), np.flatnonzero(starts)
    end = ends[np.searchsorted(ends, places)]
    left = np.searchsorted(units, end) - np.searchsorted(units, places)
    found = np.zeros(len(marks), dtype=np.uint8)
    found[places] = np.minimum(left, 255)
    return found
