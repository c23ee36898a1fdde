"""Whether a text is a quotation, decided by a search of the documents: the oracle of ``quote``.

It reads the text of the index alone: neither the sorted places, nor the marks. Where sentences,
lines and paragraphs end is said by ``passages.py``, for the index as well.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from condit.corpus.passages import spans
from condit.corpus.words import END, Borders, Bytes

_CHUNK = 1 << 24
_MOST_CONTEXT = 400
"""Bytes before and after a quotation that are looked at for the borders of words, at most."""

_APOSTROPHES = "'-\u2019\u2010\u2011"


def occurrences(text: Bytes, wanted: bytes) -> Iterator[int]:
    """Where ``wanted`` stands in a text, ascending."""
    overlap = max(len(wanted) - 1, 0)
    for begins in range(0, len(text), _CHUNK):
        part = text[begins : begins + _CHUNK + overlap].tobytes()
        place = part.find(wanted)
        while place >= 0:
            yield begins + place
            place = part.find(wanted, place + 1)


def occurs(text: Bytes, wanted: bytes) -> bool:
    """Whether ``wanted`` stands anywhere."""
    return next(occurrences(text, wanted), None) is not None


def shared_prefix(text: Bytes, wanted: str) -> int:
    """How many characters of ``wanted``, from its beginning, stand in the text together."""
    sizes = range(1, len(wanted) + 1)
    return bisect_left(
        sizes, True, key=lambda size: not occurs(text, wanted[:size].encode(errors="surrogatepass"))
    )


def standing(
    text: Bytes, places: Iterable[int], size: int, borders: Borders
) -> tuple[int | None, set[str]]:
    """A place at which a quotation of ``size`` bytes begins and ends as it must; ``None``: nowhere.

    Also what is wrong at the others that were looked at. Places with the same text around them, as
    there are very many of a licence, are looked at once.
    """
    seen: set[tuple[str, str]] = set()
    faults: set[str] = set()
    for place in places:
        before, quoted, after = _around(text, place, size)
        if (before, after) not in seen:
            seen.add((before, after))
            found = _fault(before, quoted, after, borders)
            if found is None:
                return place, faults
            faults.add(found)
    return None, faults


def _fault(before: str, quoted: str, after: str, borders: Borders) -> str | None:
    """What is wrong with a quotation between two texts: where it begins or ends."""
    whole = before + quoted + after
    begins, ends = len(before), len(before) + len(quoted)
    if borders == "character":
        return None
    if quoted[0].isspace() or quoted[-1].isspace():
        return "it begins or ends with white space"
    if borders != "word":
        found = [*spans(whole, borders)]
        if all(start != begins for start, _ in found):
            return f"it does not begin where a {borders} begins"
        if all(stop != ends for _, stop in found):
            return f"it ends inside a {borders}"
        return None
    words = word_spans(whole)
    if any(start < ends < stop for start, stop in words):
        return "it ends inside a word"
    after_space = begins == 0 or whole[begins - 1].isspace()
    if not after_space and all(start != begins for start, _ in words):
        return "it does not begin where a word begins, nor after white space"
    return None


def units_in(text: Bytes, place: int, size: int, borders: Borders) -> int:
    """How many words, sentences and so on a quotation at ``place`` has."""
    before, quoted, after = _around(text, place, size)
    if borders == "character":
        return len(quoted)
    if borders == "word":
        return len(word_spans(quoted))
    begins, ends = len(before), len(before) + len(quoted)
    return sum(begins <= start < ends for start, _ in spans(before + quoted + after, borders))


def _around(text: Bytes, place: int, size: int) -> tuple[str, str, str]:
    """A quotation, and what stands before and behind it in its document, as far as need be."""
    before = _last_text(text[max(0, place - _MOST_CONTEXT) : place].tobytes())
    after = _first_text(text[place + size : place + size + _MOST_CONTEXT].tobytes())
    return before, text[place : place + size].tobytes().decode(), after


def _last_text(context: bytes) -> str:
    return context.rpartition(bytes([END]))[2].decode(errors="ignore")


def _first_text(context: bytes) -> str:
    return context.partition(bytes([END]))[0].decode(errors="ignore")


def word_spans(text: str) -> list[tuple[int, int]]:
    """The first character of each word, and the one after its last; see ``words.py``."""
    spans: list[tuple[int, int]] = []
    open_at: int | None = None
    for place, character in enumerate(text):
        if _alone(character):
            if open_at is not None:
                spans.append((open_at, place))
                open_at = None
            spans.append((place, place + 1))
        elif _in_word(character) or _joins(text, place):
            open_at = place if open_at is None else open_at
        elif open_at is not None:
            spans.append((open_at, place))
            open_at = None
    if open_at is not None:
        spans.append((open_at, len(text)))
    return spans


def _joins(text: str, place: int) -> bool:
    if not 0 < place < len(text) - 1:
        return False
    neighbours = text[place - 1], text[place + 1]
    if text[place] in _APOSTROPHES:
        return all(_in_word(each) for each in neighbours)
    return text[place] in ".,:" and all(each.isdecimal() for each in neighbours)


def _in_word(character: str) -> bool:
    letter = unicodedata.category(character)[0] in "LMN" or character == "_"
    return letter and not _alone(character)


def _alone(character: str) -> bool:
    number, category = ord(character), unicodedata.category(character)
    if category == "Nd" or category[0] not in "LMN":
        return False
    south = 0x0E00 <= number < 0x0F00 or 0x1000 <= number < 0x10A0 or 0x1780 <= number < 0x1800
    if south:
        return category[0] != "M"
    east = 0x3005 <= number <= 0x3007 or 0x3040 <= number < 0x3100 or 0x3400 <= number < 0xA000
    return east or 0xF900 <= number < 0xFB00 or 0x20000 <= number < 0x40000
