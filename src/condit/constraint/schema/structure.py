"""Which tokens of a vocabulary can open, close or separate something in a JSON text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.constraint.schema.scanner import Mode
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_NUMBER = re.compile(rb"[-+.0-9eE]*")
_LETTERS = re.compile(rb"[a-z]*")


@dataclass(frozen=True, eq=False)
class Structure:
    """Sets of tokens by the JSON syntax in them, as packed masks.

    Attributes:
        quote: tokens with a quotation mark.
        two_quotes: with two or more.
        three_quotes: with three or more.
        bracket: tokens with a closing bracket.
        not_number: tokens with a byte that no number has.
        plain: tokens without a quotation mark or backslash, which can only continue a string.
        escaped_quote: tokens with a quotation mark and a backslash before it.
        closing: the other tokens with a quotation mark, by what stands before the first.
        tokens: the tokens of each spelling.
    """

    quote: NDArray[np.uint32]
    two_quotes: NDArray[np.uint32]
    three_quotes: NDArray[np.uint32]
    bracket: NDArray[np.uint32]
    not_number: NDArray[np.uint32]
    plain: NDArray[np.uint32]
    escaped_quote: NDArray[np.uint32]
    closing: dict[bytes, list[int]]
    tokens: dict[bytes, list[int]]
    _effects: dict[Mode, dict[bytes, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Structure:
        """The structure of ``vocabulary``; built on the first call, hundredths of a second."""
        return _known.of(vocabulary)

    @classmethod
    def _build(cls, vocabulary: Vocabulary) -> Structure:
        tokens = vocabulary.bytes
        quotes = np.array([token.count(b'"') for token in tokens])
        brackets = np.array([b"]" in token or b"}" in token for token in tokens])
        number = np.array([_NUMBER.fullmatch(token) is not None for token in tokens])
        plain = np.array([bool(t) and b'"' not in t and b"\\" not in t for t in tokens])
        ids: dict[bytes, list[int]] = {}
        closing: dict[bytes, list[int]] = {}
        escaped = np.zeros(len(tokens), dtype=np.bool_)
        for token, spelled in enumerate(tokens):
            if spelled:
                ids.setdefault(spelled, []).append(token)
            before, quote, _ = spelled.partition(b'"')
            if quote and b"\\" in before:
                escaped[token] = True
            elif quote:
                closing.setdefault(before, []).append(token)
        return cls(
            quote=pack(quotes >= 1),
            two_quotes=pack(quotes >= 2),
            three_quotes=pack(quotes >= 3),
            bracket=pack(brackets),
            not_number=pack(~number),
            plain=pack(plain),
            escaped_quote=pack(escaped),
            closing=closing,
            tokens=ids,
        )

    def beginnings(self, texts: Iterable[bytes], longest: int) -> list[int]:
        """The tokens that spell the beginning of one of ``texts``, each once."""
        pieces = {text[:size] for text in texts for size in range(1, min(len(text), longest) + 1)}
        return [token for piece in pieces for token in self.tokens.get(piece, ())]

    def effect(self, piece: bytes, mode: Mode) -> bytes:
        """``piece`` up to its last byte that opens, closes or separates something.

        Pieces with the same effect lead to the same open and closed values, except for an
        incomplete scalar at the end.
        """
        known = self._effects.setdefault(mode, {})
        effect = known.get(piece)
        if effect is None:
            effect = known[piece] = _effect(piece, mode)
        return effect


def end_of_string(piece: bytes) -> int:
    """Where the string ends inside which ``piece`` begins: at its quotation mark, or at the end."""
    return _STRING.match(piece).end()  # type: ignore[union-attr]


def _effect(piece: bytes, mode: Mode) -> bytes:
    last = place = 0
    size = len(piece)
    if mode is Mode.ESCAPED:
        place, mode = 1, Mode.STRING
    while place < size:
        if mode is Mode.STRING:
            place = _STRING.match(piece, place).end()  # type: ignore[union-attr]
            if place == size or piece[place] != ord('"'):
                break
            place += 1
            last, mode = place, Mode.BETWEEN
        elif mode is Mode.NUMBER:
            place = _NUMBER.match(piece, place).end()  # type: ignore[union-attr]
            if place < size:
                last, mode = place + 1, Mode.BETWEEN
        elif mode is Mode.LITERAL:
            place, mode = _LETTERS.match(piece, place).end(), Mode.BETWEEN  # type: ignore[union-attr]
        else:
            byte = piece[place]
            place += 1
            if byte in b" \n\r\t:":
                continue
            last = place
            if byte == ord('"'):
                mode = Mode.STRING
            elif byte in b"tfn":
                mode = Mode.LITERAL
            elif byte not in b",[]{}":
                mode = Mode.NUMBER
    return piece[:last]


_known = Kept(Structure._build)
