"""Tokens over a join: those that may end one part and begin the next.

Parts are read over a *wide* vocabulary, in which every byte is a token, so that a token may be
taken apart at any of its bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from condit.kept import Kept
from condit.vocabulary import Vocabulary

_MOST = 256
"""Pairs of sets of bytes that are kept for one vocabulary."""


class Joins:
    """Which tokens hold a byte of one set right before a byte of another.

    Attributes:
        wide: the vocabulary with a token for each byte that it has none for, after the others;
            ``None`` where it has them all.
        single: for each byte the token of the wide vocabulary that is just that byte.
        text: whether each id of the vocabulary is text, shape ``(vocabulary,)``.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        tokens = vocabulary.bytes
        missing = [bytes([b]) for b in range(256) if bytes([b]) not in vocabulary.first_token]
        self.wide = Vocabulary([*tokens, *missing], vocabulary.end) if missing else None
        known = dict(vocabulary.first_token)
        known.update((each, len(tokens) + place) for place, each in enumerate(missing))
        self.single = np.array([known[bytes([byte])] for byte in range(256)])
        lengths = np.array([len(token) for token in tokens])
        self.text = lengths > 0
        self._bytes = np.frombuffer(b"".join(tokens), dtype=np.uint8)
        self._token = np.repeat(np.arange(len(tokens)), lengths)
        self._inside = self._token[1:] == self._token[:-1]
        self._known: dict[tuple[frozenset[int] | None, frozenset[int]], NDArray[np.intp]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Joins:
        """Those of a vocabulary; made on the first call."""
        return _KEPT.of(vocabulary)

    def tokens(self, last: frozenset[int] | None, first: frozenset[int]) -> NDArray[np.intp]:
        """The tokens with a byte of ``last`` (``None``: any) right before one of ``first``."""
        with self._lock:
            found = self._known.get((last, first))
            if found is None:
                if len(self._known) >= _MOST:
                    self._known.clear()
                found = self._known[last, first] = self._find(last, first)
        return found

    def _find(self, last: frozenset[int] | None, first: frozenset[int]) -> NDArray[np.intp]:
        before, behind = np.full(256, last is None), np.zeros(256, dtype=np.bool_)
        before[list(last or ())] = True
        behind[list(first)] = True
        hits = before[self._bytes[:-1]] & behind[self._bytes[1:]] & self._inside
        return np.unique(self._token[1:][hits])


def places_of(text: bytes, last: frozenset[int] | None, first: frozenset[int]) -> Sequence[int]:
    """The offsets in ``text`` at which a byte of ``last`` is right before one of ``first``."""
    return [
        place
        for place in range(1, len(text))
        if text[place] in first and (last is None or text[place - 1] in last)
    ]


_KEPT = Kept(Joins)
