"""Where words begin and end in a text of UTF-8: marks, one byte for each byte of the text.

A word is a run of letters, digits, underscores and combining marks. An apostrophe or hyphen between
two of them belongs to the word, and so does a point, comma or colon between two digits, so that
``3,500`` is never cut to ``3``. Each character of a script that is written without spaces is a word
of its own. This is no full word segmentation (UAX 29), and no lookup in a dictionary.

Texts are joined: each document is followed by the byte ``END``, which UTF-8 never has.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from condit.corpus.passages import Kind, spans

Bytes = NDArray[np.uint8]

Borders = Literal["word", "character", "sentence", "line", "paragraph"]
"""Where quotations begin and end."""

END = 0xFF
"""What stands after each text; in UTF-8 it never occurs."""

START, STOP, UNIT, STUCK = 1, 2, 4, 8
"""Marks. ``START``: a quotation may begin at this byte. ``STOP``: it may end before this byte.
``UNIT``: the last byte of the first character of a word (of a sentence and the like where these are
borders; among characters: of every character).
``STUCK``: no ``STOP`` comes from here on before the next word has begun."""

_OTHER, _SPACE, _WORD, _DIGIT, _ALONE, _JOINS, _JOINS_DIGITS, _BORDER = range(8)

_JOINERS = "'-\u2019\u2010\u2011"
_DIGIT_JOINERS = ".,:"
_WITHOUT_SPACES = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF)),
    *((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
)
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters."""


@lru_cache(maxsize=1)
def _kinds() -> Bytes:
    """The kind of each character by its number; 0.3 seconds."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for number in range(0x110000):
        category = unicodedata.category(chr(number))
        if category[0] in "LMN":
            kinds[number] = _DIGIT if category == "Nd" else _WORD
    for first, last in _WITHOUT_SPACES:
        part = kinds[first : last + 1]
        part[part == _WORD] = _ALONE
    # A combining mark goes on with the character before it.
    for number in range(0x0E00, 0x1800):
        if kinds[number] == _ALONE and unicodedata.category(chr(number))[0] == "M":
            kinds[number] = _WORD
    kinds[[number for number in range(0x3001) if chr(number).isspace()]] = _SPACE
    kinds[[ord(each) for each in _JOINERS]] = _JOINS
    kinds[[ord(each) for each in _DIGIT_JOINERS]] = _JOINS_DIGITS
    kinds[ord("_")] = _WORD
    return kinds


@lru_cache(maxsize=1 << 16)
def goes_on(character: str) -> bool:
    """Whether a character belongs to words of several characters."""
    return int(_kinds()[ord(character)]) in (_WORD, _DIGIT)


def one_goes_on(first: int, last: int) -> bool:
    """Whether of some characters, by their numbers, one does."""
    kinds = _kinds()[first : last + 1]
    return bool(((kinds == _WORD) | (kinds == _DIGIT)).any())


@lru_cache(maxsize=1 << 16)
def stands_alone(character: str) -> bool:
    """Whether a character is a word of its own, as of Chinese."""
    return int(_kinds()[ord(character)]) == _ALONE


def marks_of(text: Bytes, borders: Borders) -> Bytes:
    """The marks of each byte of joined texts, shape as ``text``.

    Args:
        text: documents in UTF-8, ``END`` after each.
        borders: see `Borders`: where quotations begin and end.
    """
    leads = (text & 0xC0) != 0x80
    lasts = np.empty_like(leads)
    lasts[:-1], lasts[-1] = leads[1:], True
    ends = text == END
    marks = np.zeros(len(text), dtype=np.uint8)
    if borders == "character":
        marks[leads & ~ends] = START
        _mark(marks, leads, np.flatnonzero(lasts & ~ends), ends)
        return marks
    if borders != "word":
        begins, stops = _passages(text, leads, np.flatnonzero(ends), borders)
        marks[begins] = START
        _mark(marks, stops, _last_bytes(begins, leads), ends)
        return marks
    kinds = _kinds_of_bytes(text)
    _join(kinds, text)
    joined = (kinds == _WORD) | (kinds == _DIGIT)
    alone, space = kinds == _ALONE, (kinds == _SPACE) | (kinds == _BORDER)
    before = np.empty_like(joined)
    before[0], before[1:] = False, joined[:-1]
    begins = leads & ((joined & ~before) | alone)
    after_space = np.empty_like(space)
    after_space[0], after_space[1:] = True, space[:-1]
    marks[begins | (leads & after_space & ~space)] = START
    stops = leads & ~(joined & before) & ~after_space
    _mark(marks, stops, _last_bytes(begins, leads), ends)
    return marks


def _passages(
    text: Bytes, leads: NDArray[np.bool_], ends: NDArray[np.int64], kind: Kind
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a passage begins at each byte, and whether one ends before it."""
    begins, stops = np.zeros(len(text), dtype=np.bool_), np.zeros(len(text), dtype=np.bool_)
    first = 0
    for end in ends.tolist():
        found = np.array([*spans(text[first:end].tobytes().decode(), kind)], dtype=np.int64)
        # From characters to bytes; what stands behind the document counts as its last.
        places = first + np.flatnonzero(leads[first : end + 1])[found.reshape(-1, 2)]
        begins[places[:, 0]] = stops[places[:, 1]] = True
        first = end + 1
    return begins, stops


def _mark(
    marks: Bytes, stops: NDArray[np.bool_], units: NDArray[np.int64], ends: NDArray[np.bool_]
) -> None:
    """Set the marks of stops, units, and what is stuck between them."""
    marks[stops] |= STOP
    marks[units] |= UNIT
    begins = ends.copy()
    begins[units] = True
    marks[_stuck(begins, stops)] |= STUCK


def _kinds_of_bytes(text: Bytes) -> Bytes:
    """The kind of the character that each byte belongs to."""
    table = _kinds()
    of_byte = np.zeros(256, dtype=np.uint8)
    of_byte[:128], of_byte[END] = table[:128], _BORDER
    kinds = of_byte[text]
    for lead, mask, size in ((0xC0, 0x1F, 2), (0xE0, 0x0F, 3), (0xF0, 0x07, 4)):
        upper = lead + mask
        places = np.flatnonzero((text >= lead) & (text <= upper))
        number = (text[places] & mask).astype(np.int64)
        for further in range(1, size):
            number = number << 6 | (text[places + further] & 0x3F)
        found = table[number]
        for further in range(size):
            kinds[places + further] = found
    return kinds


def _join(kinds: Bytes, text: Bytes) -> None:
    """Make the apostrophes and the like that are inside of words parts of them."""
    changes = []
    for kind, neighbours in ((_JOINS, (_WORD, _DIGIT)), (_JOINS_DIGITS, (_DIGIT, _DIGIT))):
        places = np.flatnonzero(kinds == kind)
        places = places[(text[places] & 0xC0) != 0x80]
        size = np.where(text[places] < 0x80, 1, 3)
        previous, following = kinds[np.maximum(places - 1, 0)], kinds[places + size]
        inside = np.isin(previous, neighbours) & np.isin(following, neighbours) & (places > 0)
        changes.append((places[inside], size[inside]))
    for places, size in changes:
        kinds[places] = _DIGIT
        for further in (1, 2):
            kinds[places[size == 3] + further] = _DIGIT


def _last_bytes(begins: NDArray[np.bool_], leads: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The last bytes of the characters that begin at some places."""
    places = np.flatnonzero(begins)
    for _ in range(3):
        places += ~leads[np.minimum(places + 1, len(leads) - 1)]
    return places


def _stuck(begins: NDArray[np.bool_], stops: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bytes from which a word has begun, or the text ends, before there is a stop."""
    words = np.flatnonzero(begins)
    places = np.concatenate(([-1], np.flatnonzero(stops)))
    last = places[np.searchsorted(places, words, "right") - 1]
    change = np.zeros(len(begins) + 1, dtype=np.int8)
    behind = last < words
    # Words one after the other may have the same last stop: only what follows the earlier word.
    first = np.maximum(last + 1, np.concatenate(([0], words[:-1] + 1)))
    change[first[behind]] += 1
    change[words[behind] + 1] -= 1
    found: NDArray[np.bool_] = change[:-1].cumsum(dtype=np.int8) > 0
    return found
