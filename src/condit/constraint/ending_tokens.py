"""Endings as tokens: a text, and the tokens that spell it from each of its bytes on.

Where every spelling of a text is allowed, as nearly everywhere, `spell` finds the fewest tokens: a
shortest path over the offsets where tokens can begin. Where only one is, `Ending.of_tokens` holds
it. The search for an ending is in ``ending.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from condit.kept import Kept
from condit.vocabulary import Vocabulary

NEVER = 1 << 40
"""The cost of a text that no tokens spell: more than any budget."""


@dataclass(frozen=True, eq=False)
class Ending:
    """A text that finishes another, and the tokens that spell it and each of its suffixes.

    A *place* is an offset in the text, in bytes.

    Attributes:
        text: the bytes.
        costs: for each place, how many tokens spell the text from there on; ``NEVER`` where none
            do, 0 at the end; one entry more than there are bytes.
        lengths: for each place, how many bytes the first of those tokens has.
        spelling: the tokens, where only one spelling is allowed; else ``None``.
    """

    text: bytes
    costs: tuple[int, ...]
    lengths: tuple[int, ...]
    _vocabulary: Vocabulary = field(repr=False)
    spelling: tuple[int, ...] | None = None
    _tokens: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of_tokens(cls, tokens: Sequence[int], vocabulary: Vocabulary) -> Ending:
        """An ending of which these tokens (no end token) are the only allowed spelling."""
        text = vocabulary.spell(tokens)
        costs, lengths = [NEVER] * len(text) + [0], [0] * (len(text) + 1)
        place = 0
        for index, token in enumerate(tokens):
            costs[place], lengths[place] = len(tokens) - index, len(vocabulary.bytes[token])
            place += lengths[place]
        return cls(text, tuple(costs), tuple(lengths), vocabulary, tuple(tokens))

    def after(self, token: int, place: int) -> int | None:
        """The place after ``token``, if the text goes on by it from ``place``; else ``None``."""
        if self.spelling is not None:
            is_next = bool(self.costs[place]) and self.tokens(place)[0] == token
            return place + self.lengths[place] if is_next else None
        spelled = self._vocabulary.bytes[token]
        return place + len(spelled) if self.text.startswith(spelled, place) else None

    def rest(self, place: int) -> Ending:
        """The part from ``place`` on; only valid where the cost there is not ``NEVER``."""
        if self.spelling is not None:
            return Ending.of_tokens(self.tokens(place), self._vocabulary)
        return Ending(self.text[place:], self.costs[place:], self.lengths[place:], self._vocabulary)

    def tokens(self, place: int = 0) -> tuple[int, ...]:
        """The tokens from ``place`` on; only valid where the cost there is not ``NEVER``."""
        if self.spelling is not None:
            return self.spelling[len(self.spelling) - self.costs[place] :]
        tokens = self._tokens.get(place)
        if tokens is None:
            found, here = [], place
            while here < len(self.text):
                after = here + self.lengths[here]
                found.append(self._vocabulary.first_token[self.text[here:after]])
                here = after
            tokens = self._tokens[place] = tuple(found)
        return tokens


def spell(text: bytes, vocabulary: Vocabulary) -> Ending:
    """The fewest tokens for every suffix of ``text``, by dynamic programming.

    Of equally few, those whose first is longest. Takes about a microsecond a byte.
    """
    lengths_by_head = _LENGTHS_BY_HEAD.of(vocabulary)
    first_token, size = vocabulary.first_token, len(text)
    costs, lengths = [NEVER] * size + [0], [0] * (size + 1)
    for place in range(size - 1, -1, -1):
        best, chosen = NEVER, 0
        for length in lengths_by_head.get(text[place : place + 2], ()):
            after = place + length
            # Longest first, and only what is better: most tokens need not be looked up.
            if after <= size and costs[after] + 1 < best and text[place:after] in first_token:
                best, chosen = costs[after] + 1, length
        if costs[place + 1] + 1 < best and text[place : place + 1] in first_token:
            best, chosen = costs[place + 1] + 1, 1
        costs[place], lengths[place] = best, chosen
    return Ending(text, tuple(costs), tuple(lengths), vocabulary)


def _lengths_by_head(vocabulary: Vocabulary) -> Mapping[bytes, tuple[int, ...]]:
    """The lengths of tokens by their first two bytes; the longest first."""
    lengths: dict[bytes, set[int]] = defaultdict(set)
    for token in vocabulary.bytes:
        if len(token) > 1:
            lengths[token[:2]].add(len(token))
    return {head: tuple(sorted(some, reverse=True)) for head, some in lengths.items()}


_LENGTHS_BY_HEAD = Kept(_lengths_by_head)
