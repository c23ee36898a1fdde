"""The seam of prompt and text: the last tokens of a prompt are taken back, and written again.

A prompt that ends inside what a tokenizer would have written as one token bends the model: after
``"http:"`` it has hardly ever seen ``"//"``, as that is written ``"://"``. So the last tokens are
taken back, and the drawn tokens must begin with their bytes, in any tokens, the last of which may
go on into the text (see ``condit.constraint.prefixed``). The law of the text ``x`` is then

    p(x | prompt) = Σ p(tokens that spell end + x | kept tokens) / p(end | kept tokens)

where *end* is what was taken back. The divisor is the mass of all tokens that cover it, a sum over
the ways to spell its beginnings times the mass of the tokens that reach its end or go beyond. The
probable ways are few, so they are read one by one, until what is left is of no account. (Tokens
without bytes, such as end tokens, do not come inside of it.)

How the kept tokens could have been spelled otherwise is not summed over.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from condit.model.base import PrefixModel
from condit.sampler.law import BaseLaw
from condit.vocabulary import Vocabulary

MOST_TOKENS = 8
"""So many tokens are taken back at most."""

_TOGETHER = 8
"""Ways to spell that are read in one forward."""

_MOST_READ = 128
"""Ways to spell that are read in all."""

_NEGLIGIBLE = 1e-4
"""Stop reading when the mass that was not read is a smaller share of what was."""


@dataclass(frozen=True)
class Seam:
    """The end of a prompt that is written again.

    Attributes:
        text: its bytes; whole characters.
        tokens: how many tokens of the prompt were taken back for it.
        log_mass: natural logarithm of ``p(text | kept tokens)`` under the base law.
        unread: a bound on the mass that ``log_mass`` leaves out, as a share of it (linear).
        positions_forwarded: token positions that were computed for ``log_mass``.
        forwards: how many forwards that took.
    """

    text: bytes
    tokens: int
    log_mass: float = field(default=0.0, compare=False)
    unread: float = field(default=0.0, compare=False)
    positions_forwarded: int = field(default=0, compare=False)
    forwards: int = field(default=0, compare=False)


def taken_back(vocabulary: Vocabulary, prompt: str, tokens: list[int]) -> int:
    """How many of the last tokens of a prompt to take back; 0: none.

    The most, up to ``MOST_TOKENS``, whose bytes are the beginning of some longer token, so that no
    token leads from what is kept over the end of the prompt. Tokens that are no text, such as
    special ones, stay, and so does the first token.

    Args:
        vocabulary: the model's.
        prompt: the text.
        tokens: its token ids.
    """
    tail, most = b"", 0
    whole = prompt.encode()
    for count, token in enumerate(reversed(tokens[1:][-MOST_TOKENS:]), 1):
        spelled = vocabulary.bytes[token]
        tail = spelled + tail
        if not spelled or not whole.endswith(tail):
            break
        is_inside_character = tail[0] & 0xC0 == 0x80
        if not is_inside_character and _begins_a_longer_one(vocabulary, tail):
            most = count
    return most


def _begins_a_longer_one(vocabulary: Vocabulary, text: bytes) -> bool:
    return any(len(vocabulary.bytes[token]) > len(text) for token in vocabulary.starting_with(text))


def seam_of(
    model: PrefixModel, prompt: str, tokens: list[int], law: BaseLaw
) -> tuple[list[int], Seam | None]:
    """The tokens of a prompt that are kept, and the end that is written again.

    ``None`` where nothing is taken back: no longer token begins like the end of the prompt, or the
    base law gives the end no mass after what is kept (by top-k or top-p).

    Args:
        model: the model.
        prompt: the text.
        tokens: its token ids.
        law: the base law.
    """
    count = taken_back(model.vocabulary, prompt, tokens)
    kept = tokens[: len(tokens) - count]
    text = model.vocabulary.spell(tokens[len(kept) :])
    seam = _measured(model, kept, text, count, law) if count else None
    if seam is None or seam.log_mass == -math.inf:
        return tokens, None
    return kept, seam


def _measured(model: PrefixModel, kept: list[int], text: bytes, count: int, law: BaseLaw) -> Seam:
    """Sum the mass of all tokens that cover ``text``, the most probable ways to spell it first."""
    vocabulary, reader = model.vocabulary, model.reader(kept)
    covering: dict[int, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    waiting: list[tuple[float, tuple[int, ...], int]] = [(0.0, (), 0)]
    mass, read = 0.0, 0
    while waiting and read < _MOST_READ and _left(waiting) > _NEGLIGIBLE * mass:
        size = min(_TOGETHER, len(waiting), _MOST_READ - read)
        ways = [heapq.heappop(waiting) for _ in range(size)]
        rows = reader.read([tokens for _, tokens, _ in ways])
        read += size
        for (minus_log, tokens, place), row in zip(ways, rows, strict=True):
            rest, here = text[place:], law.at(row, vocabulary)
            for length in range(1, len(rest)):
                for token in vocabulary.spelled(rest[:length]):
                    log_mass = here.log_probability(token) - minus_log
                    if log_mass > -math.inf:
                        way = (-log_mass, (*tokens, token), place + length)
                        heapq.heappush(waiting, way)
            if place not in covering:
                allowed = np.zeros(len(vocabulary), dtype=np.bool_)
                allowed[vocabulary.starting_with(rest)] = True
                covering[place] = allowed
            if (share := here.restrict(covering[place])) > 0:
                mass += share * math.exp(here.log_scale - minus_log)
    log_mass = math.log(mass) if mass > 0 else -math.inf
    unread = _left(waiting) / mass if mass > 0 else 0.0
    return Seam(text, count, log_mass, unread, reader.positions_forwarded, reader.forwards)


def _left(waiting: list[tuple[float, tuple[int, ...], int]]) -> float:
    """The mass of the ways to spell that were not read."""
    return math.fsum(math.exp(-minus_log) for minus_log, _, _ in waiting)
