"""A few texts that a matcher allows, found by walking through it: examples for a reader.

They are the same each time, and chosen to look usual (letters and digits before other characters),
not to be probable. Whether the constraint accepts them is asked by the caller.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.ending_tokens import Ending
from condit.vocabulary import Vocabulary


class _Walkable(Protocol):
    """The part of a matcher over single bytes that is needed here."""

    vocabulary: Vocabulary

    def allows(self, token: int) -> bool:
        """Whether it may come next."""

    def advance(self, token: int) -> None:
        """Append it."""

    def copy(self) -> Self:
        """An independent one in the same state."""

    def mask(self) -> NDArray[np.uint32] | None:
        """All tokens that may come next, packed."""

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """What would finish the text."""


_KINDS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
    " ",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "\n\t",
)
_LIKING = (1.0, 0.3, 0.6, 0.1, 0.15, 0.02)
"""How likely each kind of character is, where all are allowed."""
_STOPPING = 0.4
_WALKED = 24
_WALKS = 12


def example_texts(start: _Walkable, most_bytes: int = 200) -> Iterator[str]:
    """Different texts that ``start`` allows from beginning to end; the shortest known is the last.

    The empty text, of which a reader learns nothing, is left out.

    Args:
        start: a matcher over the 256 bytes, at the empty text; not changed.
        most_bytes: longer ones are left out.
    """
    seen: set[str] = set()
    shortest = _walk(start.copy(), random.Random(), 0)
    if shortest is not None and len(shortest) > 2 * most_bytes:
        return  # each walk would look for an ending that is as long
    for seed in range(_WALKS + 1):
        spelled = _walk(start.copy(), random.Random(seed), _WALKED) if seed < _WALKS else shortest
        if spelled is None or len(spelled) > most_bytes:
            continue
        text = spelled.decode(errors="replace")
        if text and text not in seen:
            seen.add(text)
            yield text


def for_readers(texts: Iterable[str]) -> str:
    """Texts, each on a line; as JSON strings where one has line breaks, or spaces at its ends."""
    listed = list(texts)
    plain = all(text and text == text.strip() and text.isprintable() for text in listed)
    written = listed if plain else [json.dumps(text, ensure_ascii=False) for text in listed]
    return "\n".join(written)


def _walk(matcher: _Walkable, rng: random.Random, steps: int) -> bytes | None:
    """The bytes of one text, of which ``steps`` at most are chosen and the others finish it."""
    text = bytearray()
    end = matcher.vocabulary.end
    for _ in range(steps):
        allowed = _allowed(matcher)
        if end in allowed and (len(allowed) == 1 or rng.random() < _STOPPING):
            return bytes(text)
        kinds = [[byte for byte in kind.encode() if byte in allowed] for kind in _KINDS]
        likings = [liking * bool(kind) for kind, liking in zip(kinds, _LIKING, strict=True)]
        if not any(likings):
            break
        place = rng.random() * sum(likings)
        chosen = 0
        while place >= likings[chosen] and chosen + 1 < len(kinds):
            place -= likings[chosen]
            chosen += 1
        if not kinds[chosen]:
            chosen = next(number for number, kind in enumerate(kinds) if kind)
        byte = kinds[chosen][int(rng.random() * len(kinds[chosen]))]
        matcher.advance(byte)
        text.append(byte)
    ending = matcher.ending(thorough=True)
    return None if ending is None else bytes(text) + ending.text


def _allowed(matcher: _Walkable) -> set[int]:
    mask = matcher.mask()
    if mask is None:
        return {token for token in range(len(matcher.vocabulary)) if matcher.allows(token)}
    size = len(matcher.vocabulary)
    bits = np.unpackbits(mask.view(np.uint8), count=size, bitorder="little")
    return {int(token) for token in np.flatnonzero(bits)}
