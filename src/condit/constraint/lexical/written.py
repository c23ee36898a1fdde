"""Rules that remember what was written: how many different words there are, which came before.

No automaton of bounded size follows these, so a function looks at each text as it is written
(`condit.where_prefix`): a text is given up as soon as it cannot be right any more.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial

from condit.constraint.base import Constraint
from condit.constraint.lexical.bounds import bounds
from condit.constraint.lexical.shares import (
    enough,
    new_words,
)
from condit.constraint.where_prefix import Answer, where_prefix
from condit.errors import ArgumentError


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _whole(text: str) -> list[str]:
    """The words that cannot grow any more."""
    found = _words(text)
    return found[:-1] if re.search(r"\w\Z", text) else found


def _repeats(text: str, at_most: int) -> Answer:
    if max(Counter(_whole(text)).values(), default=0) > at_most:
        return "no"
    return "yes" if max(Counter(_words(text)).values(), default=0) <= at_most else "not yet"


def _grams(found: list[str], size: int) -> bool:
    if size > len(found):
        return True
    grams = list(zip(*(found[place:] for place in range(size)), strict=False))
    return len(set(grams)) == len(grams)


def _no_repeated(text: str, size: int) -> Answer:
    if not _grams(_whole(text), size):
        return "no"
    return "yes" if _grams(_words(text), size) else "not yet"


def different_words(*, at_least: int) -> Constraint:
    r"""Texts of so many different words (runs of ``\w``, in any case).

    >>> different_words(at_least=2).accepts("No no no")
    False

    Args:
        at_least: how many.

    Raises:
        ArgumentError: it is no count.
    """
    least, _ = bounds("different_words", at_least, None, None)
    return enough([lambda text: len(set(_words(text)))], least, new_words)


def repeated_words(*, at_most: int) -> Constraint:
    r"""Texts in which no word (a run of ``\w``, in any case) occurs more often than so.

    >>> repeated_words(at_most=1).accepts("To be or not to be")
    False

    Args:
        at_most: how often.

    Raises:
        ArgumentError: it is no count.
    """
    _, most = bounds("repeated_words", None, at_most, None)
    return where_prefix(partial(_repeats, at_most=most or 0), seconds=None)


def no_repeated(size: int) -> Constraint:
    r"""Texts in which no run of so many words (of ``\w``, in any case) occurs twice.

    >>> no_repeated(2).accepts("to be or not to be"), no_repeated(3).accepts("to be or not to be")
    (False, True)

    Args:
        size: how many words.

    Raises:
        ArgumentError: it is no number from 1.
    """
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ArgumentError(f"no_repeated: {size!r} is no number of words from 1")
    return where_prefix(partial(_no_repeated, size=size), seconds=None)
