"""Tokens of a vocabulary's trie, and taking them out of masks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie, ranges

_NONE = np.zeros(0, dtype=np.int32)


def tokens_below(trie: VocabularyTrie, above: Iterable[int]) -> Nodes:
    """The tokens that begin with the bytes of some nodes."""
    nodes = np.unique(np.fromiter(above, np.int32))
    tokens = [_NONE]
    if not len(nodes):
        return _NONE
    while len(nodes):
        starts = trie.spelled[nodes]
        tokens.append(trie.tokens[ranges(starts, trie.spelled[nodes + 1] - starts)])
        starts = trie.children[nodes]
        nodes = ranges(starts, trie.children[nodes + 1] - starts)
    return np.unique(np.concatenate(tokens))


def take_out(tokens: Nodes, mask: NDArray[np.uint32]) -> None:
    """Refuse tokens in a packed mask, which is changed."""
    np.bitwise_and.at(mask, tokens >> 5, ~(np.uint32(1) << (tokens & 31).astype(np.uint32)))
