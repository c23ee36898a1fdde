"""The fewest tokens that spell a text: a shortest path over the places where tokens can begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from condit.kept import Kept
from condit.vocabulary import Vocabulary

NEVER = 1 << 40
"""The cost of what no tokens spell: more than any budget."""


@dataclass(frozen=True, eq=False)
class Spelled:
    """A text, and the fewest tokens that spell it and each of its ends.

    Attributes:
        text: the bytes.
        costs: for each place, the fewest tokens that spell the text from there on; ``NEVER`` where
            none do, 0 at the end; one entry more than there are bytes.
        lengths: for each place, how many bytes the first of those tokens has.
    """

    text: bytes
    costs: tuple[int, ...]
    lengths: tuple[int, ...]
    _vocabulary: Vocabulary = field(repr=False)
    _tokens: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def tokens(self, place: int = 0) -> tuple[int, ...]:
        """The fewest tokens that spell the text from ``place`` on; ask only where some do."""
        tokens = self._tokens.get(place)
        if tokens is None:
            found, here = [], place
            while here < len(self.text):
                after = here + self.lengths[here]
                found.append(self._vocabulary.first_token[self.text[here:after]])
                here = after
            tokens = self._tokens[place] = tuple(found)
        return tokens


def spell(text: bytes, vocabulary: Vocabulary) -> Spelled:
    """The fewest tokens for every end of ``text``, by dynamic programming; of equals the longest.

    Takes about a microsecond a byte.
    """
    lengths_by_head = _known.of(vocabulary)
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
    return Spelled(text, tuple(costs), tuple(lengths), vocabulary)


def _lengths_by_head(vocabulary: Vocabulary) -> Mapping[bytes, tuple[int, ...]]:
    """For the first two bytes of a token, how long tokens with them are; the longest first."""
    lengths: dict[bytes, set[int]] = defaultdict(set)
    for token in vocabulary.bytes:
        if len(token) > 1:
            lengths[token[:2]].add(len(token))
    return {head: tuple(sorted(some, reverse=True)) for head, some in lengths.items()}


_known = Kept(_lengths_by_head)
