"""Which tokens of a vocabulary lead into or out of strings of JSON, with more behind that.

What a schema or a string's constraint says of them is asked in ``json_fields_matcher.py``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_CLOSING = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)


class QuotedTokens(NamedTuple):
    """Sets of tokens by their quotation marks, as packed masks.

    Attributes:
        behind_one: tokens with something behind a quotation mark.
        behind_two: with something behind a second one.
        closing: a tree of the tokens of ``behind_one`` that close a string inside which they
            begin, by the bytes up to its quotation mark.
    """

    behind_one: NDArray[np.uint32]
    behind_two: NDArray[np.uint32]
    closing: ClosingNode


class ClosingNode:
    """A node of a tree of beginnings of tokens.

    Attributes:
        below: by the next byte.
        tokens: those that close the string here, and lead into no other.
        words: in which word of a mask each of them is.
        bits: its bit there.
        others: those that close the string here, and may lead into another one.
    """

    __slots__ = ("below", "bits", "others", "tokens", "words")

    def __init__(self) -> None:
        self.below: dict[int, ClosingNode] = {}
        self.tokens: list[int] = []
        self.others: list[int] = []

    def finish(self) -> None:
        """Make the arrays, here and below, when all tokens are in it."""
        tokens = np.array(self.tokens, dtype=np.uint32)
        self.words, self.bits = (tokens >> 5).astype(np.intp), np.uint32(1) << (tokens & 31)
        for node in self.below.values():
            node.finish()


def _quoted_tokens_of(vocabulary: Vocabulary) -> QuotedTokens:
    size = len(vocabulary)
    one, two = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    closing = ClosingNode()
    for token, spelled in enumerate(vocabulary.bytes):
        first = spelled.find(b'"')
        if 0 <= first < len(spelled) - 1:
            one[token] = True
            two[token] = 0 <= spelled.find(b'"', first + 1) < len(spelled) - 1
            found = _CLOSING.match(spelled)
            if found is not None and found.end() < len(spelled):
                node = closing
                for byte in found[0]:
                    node = node.below.setdefault(byte, ClosingNode())
                leads_on = b'"' in spelled[found.end() : -1]
                (node.others if leads_on else node.tokens).append(token)
    closing.finish()
    return QuotedTokens(pack(one), pack(two), closing)


QUOTED_TOKENS = Kept(_quoted_tokens_of)
