r"""Places in a text: where a word, a line or a grapheme begins or ends, as lookaround.

Which characters make up words and lines is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Iterable

from condit.constraint.regular.characters import Characters
from condit.constraint.regular.expression import (
    END,
    START,
    Alternation,
    Concatenation,
    Look,
    Node,
    alternation,
    concatenation,
    one,
    word,
)

Side = tuple[bool, bool]
"""Whether a word's character stands before a place, and whether one stands after it."""

WORD_EDGE: tuple[Side, ...] = ((True, False), (False, True))
WORD_INSIDE: tuple[Side, ...] = ((True, True), (False, False))
WORD_BEGINS: tuple[Side, ...] = ((False, True),)
WORD_ENDS: tuple[Side, ...] = ((True, False),)


def behind(node: Node, *, negative: bool = False) -> Look:
    """A place before which ``node`` stands, or does not."""
    return Look(node, ahead=False, negative=negative)


def ahead(node: Node, *, negative: bool = False) -> Look:
    """A place after which ``node`` stands, or does not."""
    return Look(node, ahead=True, negative=negative)


def word_place(letters: Characters, sides: Iterable[Side]) -> Node:
    """A place that has a character of ``letters`` on the sides that ``sides`` allows."""
    letter = one(letters)
    return alternation(
        *(
            concatenation(behind(letter, negative=not before), ahead(letter, negative=not after))
            for before, after in sides
        )
    )


def line_start(separators: Characters) -> Node:
    """The text's start, or a place after a separator, but not between CR and LF if both are."""
    return Alternation((START, _between_lines(separators)))


def line_end(separators: Characters) -> Node:
    """The text's end, or a place before a separator, but not between CR and LF if both are."""
    after = ahead(one(separators))
    return Alternation((END, concatenation(_not_in_pair(separators), after)))


def last_line_end(separators: Characters) -> Node:
    """The text's end, or a place before a separator that ends the text."""
    last = alternation(*([word("\r\n")] if _has_pair(separators) else []), one(separators))
    after = ahead(concatenation(last, END))
    return Alternation((END, concatenation(_not_in_pair(separators), after)))


def _between_lines(separators: Characters) -> Node:
    return concatenation(behind(one(separators)), _not_in_pair(separators))


def _has_pair(separators: Characters) -> bool:
    return 0x0A in separators and 0x0D in separators


def _not_in_pair(separators: Characters) -> Node:
    if not _has_pair(separators):
        return Concatenation(())
    inside = concatenation(behind(word("\r")), ahead(word("\n")))
    return ahead(inside, negative=True)
