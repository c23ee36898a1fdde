"""Which tokens one answer serves where characters are equivalent (see ``alike.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from condit.constraint.alike import Alike
from condit.constraint.base import unpack
from condit.constraint.characters import Characters
from condit.vocabulary import Vocabulary

MANY = 64
"""Fewer tokens than these are asked about one by one."""

_SEVERAL = 8
"""A normal form of fewer tokens than these is not asked about before one of them is drawn."""


def unsettled_texts(vocabulary: Vocabulary, mask: NDArray[np.uint32], alike: Alike) -> list[bytes]:
    """The bytes of the tokens of a packed mask that hold characters of several kinds.

    The others need no further states: tokens of idle characters alone are all equivalent, and those
    of one group are if they have the same length.
    """
    tokens = unpack(mask, len(vocabulary))
    for _, those in _settled(vocabulary, alike):
        tokens = tokens & ~those
    return [vocabulary.bytes[token] for token in np.flatnonzero(tokens).tolist()]


def _settled(vocabulary: Vocabulary, alike: Alike) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The tokens made of idle characters alone, by ``""``; of each group, by its representative."""
    characters = Characters.of(vocabulary)
    yield "", characters.made_of(alike.idle)
    for representative, group in alike.groups.items():
        yield representative, characters.made_of(group)


def refused_alike(
    vocabulary: Vocabulary,
    mask: NDArray[np.uint32],
    alike: Alike,
    refuses: Callable[[bytes], bool],
) -> NDArray[np.bool_]:
    """Tokens of a packed mask whose normal form is refused, where several have the same one.

    Args:
        vocabulary: the tokens.
        mask: those that are in question.
        alike: which characters are equivalent.
        refuses: whether all tokens with some normal form are refused; asked once for each.

    Returns:
        one boolean a token.
    """
    counts = Characters.of(vocabulary).counts
    unsure = unpack(mask, len(vocabulary))
    refused = np.zeros(len(vocabulary), dtype=np.bool_)
    for representative, those in _settled(vocabulary, alike):
        tokens = those & unsure
        if np.count_nonzero(tokens) < MANY:
            continue
        unsure = unsure & ~tokens
        for count in np.unique(counts[tokens]).tolist() if representative else (0,):
            if refuses(representative.encode() * count):
                refused |= tokens & (counts == count) if representative else tokens
    read: dict[bytes, list[int]] = {}
    if np.count_nonzero(unsure) >= MANY:
        for token in np.flatnonzero(unsure).tolist():
            if spelled := vocabulary.bytes[token]:
                read.setdefault(alike.read(spelled), []).append(token)
    for text, some in read.items():
        if len(some) >= _SEVERAL and refuses(text):
            refused[some] = True
    return refused
