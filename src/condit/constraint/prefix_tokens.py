"""Which tokens may come inside of a given beginning of a text, and over its end.

The part of ``condit.constraint.prefixed`` that its copies share: it is worked out once for each
place in the beginning. Where the constraint stands beyond the end is not known here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from condit.constraint.anything import Anything
from condit.constraint.base import Matcher, pack, unpack
from condit.constraint.describe import excerpt
from condit.constraint.ending_tokens import spell
from condit.errors import VocabularyError
from condit.vocabulary import Vocabulary

Tail = tuple[int, ...]
"""Tokens that spell what a straddling token has beyond the end."""


class PrefixTokens:
    """Which tokens may come inside a prefix; copies of a matcher share it.

    Args:
        vocabulary: the tokens.
        prefix: the bytes.
        start: the constraint's matcher at the empty text; not changed.
    """

    def __init__(self, vocabulary: Vocabulary, prefix: bytes, start: Matcher) -> None:
        self.vocabulary, self.prefix = vocabulary, prefix
        self._start = start.copy()
        self._straddles = start.any_spelling
        self._masks: dict[int, NDArray[np.uint32] | None] = {}
        self._tails: dict[int, list[tuple[int, bytes]]] = {}
        self._after: dict[tuple[int, int], tuple[int, Tail] | None] = {}
        self._can_go_on: list[bool] | None = None

    def lacks_bytes(self) -> bool:
        """Whether some tail is spelled by no tokens that the constraint knows."""
        if isinstance(self._start, Anything):
            return False
        tails = {tail for place in range(len(self.prefix)) for _, tail in self.tails(place)}
        known = self._start.vocabulary.first_token
        if all(bytes([byte]) in known for byte in set(b"".join(tails))):
            return False
        return any(self._tokens_of(tail) is None for tail in tails)

    def tails(self, place: int) -> list[tuple[int, bytes]]:
        """The tokens that straddle the end of the prefix from ``place``, and their tails."""
        found = self._tails.get(place)
        if found is None:
            rest, spelled = self.prefix[place:], self.vocabulary.bytes
            tokens = self.vocabulary.starting_with(rest) if self._straddles else []
            found = [(token, tail) for token in tokens if (tail := spelled[token][len(rest) :])]
            self._tails[place] = found
        return found

    def after(self, token: int, place: int) -> tuple[int, Tail] | None:
        """The place after ``token``, and its tail; ``None`` where it is refused."""
        key = (token, place)
        if key not in self._after:
            self._after[key] = self._find_after(token, place)
        return self._after[key]

    def _find_after(self, token: int, place: int) -> tuple[int, Tail] | None:
        spelled = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
        rest = self.prefix[place:]
        if not spelled:
            return None
        if rest.startswith(spelled):
            place += len(spelled)
            return (place, ()) if self._goes_on(place) else None
        if not spelled.startswith(rest) or not self._straddles:
            return None
        if isinstance(self._start, Anything):
            return len(self.prefix), ()
        tail = self._tokens_of(spelled[len(rest) :])
        if tail is None or self._start.count_allowed(tail) < len(tail):
            return None
        return len(self.prefix), tail

    def _tokens_of(self, tail: bytes) -> Tail | None:
        try:
            return tuple(self._start.vocabulary.tokenize(tail))
        except VocabularyError:
            # Not the longest first: the tail may still be spelled in another way.
            ending = spell(tail, self._start.vocabulary)
            return ending.tokens() if ending.costs[0] <= len(tail) else None

    def _goes_on(self, place: int) -> bool:
        """Whether tokens lead from ``place`` over the end of the prefix."""
        if self._can_go_on is None:
            singles = self.vocabulary.first_token
            if all(bytes([byte]) in singles for byte in self.prefix):
                self._can_go_on = [True] * (len(self.prefix) + 1)
            else:
                self._can_go_on = [False] * len(self.prefix) + [True]
                for start in range(len(self.prefix) - 1, -1, -1):
                    tokens = self._inside(start) + [token for token, _ in self.tails(start)]
                    self._can_go_on[start] = any(
                        self._find_after(token, start) is not None for token in tokens
                    )
        return self._can_go_on[place]

    def _inside(self, place: int) -> list[int]:
        """The tokens that are the next bytes of the prefix, or all of the rest."""
        rest = self.prefix[place:]
        beginnings = (rest[: length + 1] for length in range(len(rest)))
        return [token for text in beginnings for token in self.vocabulary.spelled(text)]

    def fitting(self, place: int) -> NDArray[np.bool_]:
        """The tokens that the prefix allows, whatever the constraint says of their tails."""
        allowed = np.zeros(len(self.vocabulary), dtype=np.bool_)
        allowed[[token for token, _ in self.tails(place)]] = True
        allowed[[t for t in self._inside(place) if self.after(t, place) is not None]] = True
        return allowed

    def mask(self, place: int) -> NDArray[np.uint32] | None:
        """The tokens that are allowed at ``place``; ``None`` where the constraint has no mask."""
        if place not in self._masks:
            self._masks[place] = self._find_mask(place)
        mask = self._masks[place]
        return None if mask is None else mask.copy()

    def _find_mask(self, place: int) -> NDArray[np.uint32] | None:
        allowed, tails = self.fitting(place), self.tails(place)
        if tails and not isinstance(self._start, Anything):
            mask = self._start.mask()
            if mask is None:
                return None
            vocabulary = self._start.vocabulary
            first = unpack(mask, len(vocabulary))
            # Most tails are refused by their first byte, or are tokens: these need not be asked.
            heads = {vocabulary.bytes[token][:1] for token in np.flatnonzero(first).tolist()}
            known = vocabulary.first_token
            for token, tail in tails:
                if tail[:1] not in heads:
                    allowed[token] = False
                elif (whole := known.get(tail)) is not None:
                    allowed[token] = first[whole]
                else:
                    allowed[token] = self.after(token, place) is not None
        return pack(allowed)

    def explain(self, token: int, place: int) -> str:
        """Why ``token``, which is refused at ``place``, is."""
        rest, spelled = self.prefix[place:], self.vocabulary.bytes[token]
        if spelled.startswith(rest) and self._straddles:
            tail = self._tokens_of(spelled[len(rest) :]) or ()
            start = self._start.copy()
            for each in tail:
                if why := start.explain(each):
                    return why
                start.advance(each)
        what = excerpt(spelled) if spelled else f"token {token}"
        return f"{what} cannot come here: {excerpt(rest)} must be written first"
