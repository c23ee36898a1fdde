"""Documents and strings as users give them, read one by one; errors name which one is at fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from condit.errors import ArgumentError
from condit.vocabulary import lone_surrogate


def named_documents(given: object, who: str) -> Iterator[tuple[int | str, str]]:
    """The name and the text of each document.

    Args:
        given: one text; a mapping of names to texts; texts, paths of UTF-8 files, or a mix of them.
            A byte order mark at the beginning of a file is no part of its text.
            Without a name a document is called by its number, and a file by its path.
        who: the function to which it was given, for messages.

    Raises:
        ArgumentError: a document is neither a text nor a file, or cannot be written in UTF-8.
        OSError: a file cannot be read.
    """
    pairs: Iterable[tuple[object, object]]
    if isinstance(given, str | Path):
        pairs = enumerate([given])
    elif isinstance(given, Mapping):
        pairs = given.items()
    elif isinstance(given, Iterable) and not isinstance(given, bytes | bytearray):
        pairs = enumerate(given)
    else:
        raise ArgumentError(
            f"{who}: {type(given).__name__} is no collection of documents: give a list of texts, a "
            "dict of names and texts, or paths of UTF-8 files"
        )
    named = isinstance(given, Mapping)
    for name, document in pairs:
        if isinstance(document, Path):
            yield (str(name) if named else str(document)), _read(document, who)
            continue
        if not isinstance(document, str):
            raise ArgumentError(
                f"{who}: document {name!r} is {type(document).__name__}, not str or pathlib.Path"
            )
        if fault := lone_surrogate(document):
            raise ArgumentError(f"{who}: document {name!r} cannot be written in UTF-8: {fault}")
        yield (name if isinstance(name, int) else str(name)), document


def _read(path: Path, who: str) -> str:
    try:
        # Bytes: a text file would be read with other line ends than it has.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArgumentError(
            f"{who}: {path} is not UTF-8 at byte {error.start} ({error.reason})"
        ) from None


def lines_of(given: str | Path, who: str) -> list[str]:
    """The lines of a text, or of a UTF-8 file, which are not empty.

    Raises:
        ArgumentError: the file is not UTF-8.
        OSError: it cannot be read.
    """
    text = given if isinstance(given, str) else _read(given, who)
    # Not splitlines: a title may hold a character that it takes for the end of a line.
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]


def encoded_strings(given: object, who: str) -> list[bytes]:
    """Each string in UTF-8.

    Raises:
        ArgumentError: they are no strings, or one is empty or cannot be written in UTF-8.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise ArgumentError(f"{who}: give a list of strings, not {type(given).__name__}")
    strings = []
    for place, string in enumerate(given):
        if not isinstance(string, str):
            raise ArgumentError(f"{who}: string {place} is {type(string).__name__}, not str")
        if not string:
            raise ArgumentError(f"{who}: string {place} is empty: leave it out")
        try:
            strings.append(string.encode())
        except UnicodeEncodeError:
            fault = lone_surrogate(string)
            raise ArgumentError(
                f"{who}: string {place} cannot be written in UTF-8: {fault}"
            ) from None
    return strings
