"""Tokens as bytes: for a constraint, a token is the bytes it adds to the text, or an end.

Reading bytes from a tokenizer is in ``condit.model.token_bytes``; models are not used here.
"""

from __future__ import annotations

import builtins
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile

from condit.errors import VocabularyError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a model, in id order. Two ids with the same bytes are two tokens.

    Attributes:
        bytes: for each token id, the bytes it adds to the text; ``b""`` for a token that is not
            text (end, special and unused ids), which no constraint ever allows as text.
        end: the token that ends a text. All of ``ends`` mean the same: the base law
            gives their summed probability to this one, and only this one is ever drawn.
        ends: every token id that ends a text, ``end`` among them.
    """

    bytes: Sequence[builtins.bytes]
    end: int
    ends: frozenset[int] = field(default=frozenset())

    def __post_init__(self) -> None:
        object.__setattr__(self, "bytes", tuple(self.bytes))
        object.__setattr__(self, "ends", frozenset(self.ends) | {self.end})
        outside = [token for token in self.ends if not 0 <= token < len(self.bytes)]
        if outside:
            raise VocabularyError(
                f"end token {outside[0]} is outside the vocabulary of {len(self.bytes)} tokens"
            )
        spelled = [token for token in self.ends if self.bytes[token]]
        if spelled:
            raise VocabularyError(
                f"end token {spelled[0]} also has bytes {self.bytes[spelled[0]]!r}; "
                "a token is either text or an end: give the end token empty bytes"
            )

    @classmethod
    def of(cls, tokens: Iterable[str | builtins.bytes]) -> Vocabulary:
        """A vocabulary of the given texts, in order, with the end token after the last.

        >>> Vocabulary.of(["a", "b", "ab"]).end
        3
        """
        spelled = [t.encode() if isinstance(t, str) else t for t in tokens]
        return cls(bytes=[*spelled, b""], end=len(spelled))

    @classmethod
    def of_bytes(cls) -> Vocabulary:
        """One token for each of the 256 bytes, and the end token 256."""
        return cls.of(builtins.bytes([value]) for value in range(256))

    @cached_property
    def first_token(self) -> dict[builtins.bytes, int]:
        """For each byte string that is a token, the first id that spells it."""
        first: dict[builtins.bytes, int] = {}
        for token, spelled in enumerate(self.bytes):
            if spelled:
                first.setdefault(spelled, token)
        return first

    @cached_property
    def _sorted(self) -> list[tuple[builtins.bytes, int]]:
        """The bytes of every token that is text, with its id, in the order of the bytes."""
        return sorted((spelled, token) for token, spelled in enumerate(self.bytes) if spelled)

    def starting_with(self, text: builtins.bytes) -> list[int]:
        """The ids of the tokens whose bytes are ``text`` or begin with it, by their bytes.

        >>> Vocabulary.of(["ab", "b", "a", "abc"]).starting_with(b"ab")
        [0, 3]
        """
        from_there = self._sorted_from(text)
        return [token for _, token in takewhile(lambda each: each[0].startswith(text), from_there)]

    def spelled(self, text: builtins.bytes) -> list[int]:
        """The ids of the tokens whose bytes are ``text``.

        >>> Vocabulary.of(["a", "b", "a"]).spelled(b"a")
        [0, 2]
        """
        if text not in self.first_token:
            return []
        from_there = self._sorted_from(text)
        return [token for _, token in takewhile(lambda each: each[0] == text, from_there)]

    def _sorted_from(self, text: builtins.bytes) -> Iterator[tuple[builtins.bytes, int]]:
        """The tokens from ``text`` on, in the order of their bytes."""
        spelled = self._sorted
        return (spelled[place] for place in range(bisect_left(spelled, (text, -1)), len(spelled)))

    @cached_property
    def longest(self) -> int:
        """How many bytes the longest token has."""
        return max(map(len, self.bytes))

    def tokenize(self, text: builtins.bytes) -> list[int]:
        """Token ids that spell ``text``, each the longest that fits (a tokenizer may differ).

        Raises:
            VocabularyError: no token spells what comes next.
        """
        tokens = []
        place = 0
        while place < len(text):
            for length in range(min(self.longest, len(text) - place), 0, -1):
                token = self.first_token.get(text[place : place + length])
                if token is not None:
                    tokens.append(token)
                    place += length
                    break
            else:
                rest = text[place:].decode(errors="replace")
                raise VocabularyError(f"no token of this vocabulary spells the start of {rest!r}")
        return tokens

    def __len__(self) -> int:
        return len(self.bytes)

    def spell(self, tokens: Iterable[int]) -> builtins.bytes:
        """The bytes that a sequence of token ids adds to the text."""
        return b"".join(self.bytes[token] for token in tokens)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of a sequence of token ids; a character cut short becomes U+FFFD."""
        return self.spell(tokens).decode("utf-8", errors="replace")


def lone_surrogate(text: str) -> str:
    """What keeps ``text`` from being written in UTF-8, in words; empty if nothing does."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"{text[error.start]!r}, half of a surrogate pair"
        return f"it holds {what}, at character {error.start}"
    return ""
