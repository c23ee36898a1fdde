"""What the mask engine needs to know of a vocabulary, made once for each vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.foreign.llguidance import LLTokenizer, TokenizerWrapper
from condit.kept import Kept
from condit.vocabulary import Vocabulary

UTF8_BYTES = frozenset(range(0xF5)) - {0xC0, 0xC1}
"""The bytes that can occur in UTF-8 text."""


@dataclass(frozen=True, eq=False)
class Spelling:
    """A vocabulary in the forms that the engine and its matcher need.

    Attributes:
        tokenizer: the engine's own table of the tokens.
        single_bytes: the bytes that are tokens by themselves.
        first_bytes: for each token its first byte; 0 for a token that is not text.
        text_mask: the tokens that are text, packed.
        texts: the tokens that are text.
    """

    tokenizer: LLTokenizer
    single_bytes: frozenset[int]
    first_bytes: NDArray[np.uint8]
    text_mask: NDArray[np.uint32]
    texts: frozenset[int]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Spelling:
        """The spelling of ``vocabulary``; built on the first call, a tenth of a second for 50k."""
        return _known.of(vocabulary)

    @classmethod
    def _build(cls, vocabulary: Vocabulary) -> Spelling:
        tokens = vocabulary.bytes
        return cls(
            tokenizer=LLTokenizer(TokenizerWrapper(_Tokens(tokens, vocabulary.end))),
            single_bytes=frozenset(token[0] for token in tokens if len(token) == 1),
            first_bytes=np.array([token[0] if token else 0 for token in tokens], dtype=np.uint8),
            text_mask=pack(np.array([bool(token) for token in tokens])),
            texts=frozenset(number for number, token in enumerate(tokens) if token),
        )


class _Tokens:
    """A vocabulary in the engine's interface, without a reference to it (see ``Kept``)."""

    bos_token_id = None

    def __init__(self, tokens: Sequence[bytes], end: int) -> None:
        self.tokens = tokens
        self.eos_token_id = end
        self.special_token_ids = [token for token, spelled in enumerate(tokens) if not spelled]

    def __call__(self, text: bytes | str) -> list[int]:
        # Called only to choose a tokenization of forced bytes, which is switched off.
        return []


_known = Kept(Spelling._build)
