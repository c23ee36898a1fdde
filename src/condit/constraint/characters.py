"""Which kinds of characters each token of a vocabulary is made of, as bits in arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.kept import Kept
from condit.vocabulary import Vocabulary

OTHERS = ("é", "€", "😀")
"""Representatives of the characters of two, three and four bytes, each of which is one kind."""

ALPHABET = (*map(chr, range(128)), *OTHERS)
"""One character of each kind; an ASCII character is a kind of its own."""

_FRAGMENT, _NO_TEXT = len(ALPHABET), len(ALPHABET) + 1


@dataclass(frozen=True, eq=False)
class Characters:
    """Of each token the kinds of its characters, and how many it has.

    Attributes:
        kinds: a set of bits a token, shape ``(3, vocabulary)``: bit ``k % 64`` of row ``k // 64``
            stands for ``ALPHABET[k]``; further bits for bytes that are no whole character, and for
            tokens that are no text.
        counts: characters of each token; its bytes where those are not whole characters.
        same: the bytes that more than one token has, and these tokens.
    """

    kinds: NDArray[np.uint64]
    counts: NDArray[np.intp]
    same: dict[bytes, tuple[int, ...]]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Characters:
        """Those of ``vocabulary``; built on the first call, a tenth of a second for 50k tokens."""
        return _known.of(vocabulary)

    @classmethod
    def _build(cls, vocabulary: Vocabulary) -> Characters:
        tokens = vocabulary.bytes
        kinds = np.zeros((3, len(tokens)), dtype=np.uint64)
        counts = np.fromiter(map(len, tokens), np.intp, len(tokens))
        first_token = vocabulary.first_token
        same: dict[bytes, list[int]] = {}
        for token, spelled in enumerate(tokens):
            number, found = len(spelled), frozenset(spelled)
            if not spelled.isascii():
                try:
                    text = spelled.decode()
                    number, found = len(text), frozenset(map(kind_of, text))
                except UnicodeDecodeError:
                    found = frozenset((_FRAGMENT,))
            bits = sum(1 << kind for kind in found) if spelled else 1 << _NO_TEXT
            counts[token] = number
            kinds[:, token] = _words(bits)
            if spelled and first_token[spelled] != token:
                same.setdefault(spelled, [first_token[spelled]]).append(token)
        return cls(kinds, counts, {spelled: tuple(some) for spelled, some in same.items()})

    def made_of(self, kinds: Iterable[int]) -> NDArray[np.bool_]:
        """The tokens all of whose characters are of these kinds; one boolean a token."""
        others = ~np.array(_words(sum(1 << kind for kind in kinds)), dtype=np.uint64)
        outside: NDArray[np.uint64] = np.bitwise_or.reduce(self.kinds & others[:, None], axis=0)
        found: NDArray[np.bool_] = np.equal(outside, 0)
        return found


def kind_of(character: str) -> int:
    """The index in ``ALPHABET`` of the kind of a character; -1 for half of a surrogate pair."""
    number = ord(character)
    if number < 128:
        return number
    if 0xD800 <= number < 0xE000:
        return -1
    return 128 if number < 0x800 else 129 if number < 0x10000 else 130


def kind_of_fragment(text: bytes) -> int:
    """The kind of the character of which ``text`` is an incomplete UTF-8 sequence; -1 for none."""
    lead, size = text[0], len(text)
    if not all(0x80 <= byte < 0xC0 for byte in text[1:]):
        return -1
    if 0xC2 <= lead < 0xE0 and size < 2:
        return 128
    if 0xE0 <= lead < 0xF0 and size < 3:
        return 129
    return 130 if 0xF0 <= lead < 0xF5 and size < 4 else -1


def _words(bits: int) -> tuple[int, int, int]:
    word = (1 << 64) - 1
    return bits & word, bits >> 64 & word, bits >> 128


_known = Kept(Characters._build)
