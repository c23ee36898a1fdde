"""Where sentences, lines and paragraphs begin and end in a document.

A sentence ends with a period, a question or exclamation mark and what closes behind it, where white
space and no small letter follow; also at a blank line. No period ends one behind an abbreviation
that ``condit.lexical.sentences`` knows, behind a single letter, or behind the number of a list.
Opinions differ in rare cases; what counts is that borders are the same when a text is indexed and
when it is checked, and that they are decided by what stands within some words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from condit.constraint.lexical.sentences import ABBREVIATIONS

Kind = Literal["sentence", "line", "paragraph"]

KINDS = ("sentence", "line", "paragraph")

_BLANK = r"\r?\n[^\S\n]*\r?\n"
_LINE = re.compile(r"\r?\n")
_PARAGRAPH = re.compile(_BLANK)
_END = re.compile(
    "(?P<mark>(?<![.!?\u2026\u061f\u0964])[.!?\u2026\u061f\u0964]+[\"')\\]\u201d\u2019\u00bb*]*)(?=\\s|$)"
    "|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019)\uff09]*"
    f"|{_BLANK}"
)
_LAST_WORD = re.compile(r"(?:^|(?<=[\s\"'(\[\u201c\u2018\u00ab\u2014]))[^\s\"'(\[]+$")
_NEXT = re.compile(r"\s*[\"'(\[\u201c\u2018\u00ab*-]*\s?(\S?)")
_LONGEST_WORD = 24


def spans(text: str, kind: Kind) -> Iterator[tuple[int, int]]:
    """The first character of each passage, and the one after its last; none is blank."""
    begins = 0
    for ends in _borders(text, kind):
        start, stop = begins, ends
        while start < stop and text[start].isspace():
            start += 1
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if start < stop:
            yield start, stop
        begins = ends


def _borders(text: str, kind: Kind) -> Iterator[int]:
    if kind == "sentence":
        for found in _END.finditer(text):
            if found["mark"] is None or _ends(text, found.start(), found.end(), found["mark"]):
                yield found.end()
    else:
        for found in (_LINE if kind == "line" else _PARAGRAPH).finditer(text):
            yield found.end()
    yield len(text)


def _ends(text: str, mark_at: int, after: int, mark: str) -> bool:
    """Whether a sentence ends with the mark at ``mark_at``, behind which ``after`` stands."""
    following = _NEXT.match(text, after)
    if following is not None and following[1].islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    begins = max(0, mark_at - _LONGEST_WORD)
    found = _LAST_WORD.search(text[begins:mark_at])
    word = found[0] if found else ""
    if word.isdecimal():
        return not text[: mark_at - len(word)][-2:].rstrip(" \t").endswith("\n") and mark_at > len(
            word
        )
    letter = len(word) == 1 and word.isalpha()
    return not (letter or "." in word[1:-1] or word.lower() in ABBREVIATIONS)
