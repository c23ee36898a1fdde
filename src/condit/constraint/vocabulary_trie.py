"""The trie (prefix tree) of a vocabulary's tokens as flat arrays, made once for each vocabulary.

It knows nothing of what is allowed; see ``condit.constraint.trie_walk``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.kept import Kept
from condit.vocabulary import Vocabulary

Nodes = NDArray[np.int32]

_MOST_SETS = 64


@dataclass(frozen=True, eq=False)
class WithinBytes:
    """The part of a vocabulary's trie over a set of bytes.

    Attributes:
        inside: the tokens made of those bytes only, packed as masks are.
        exits: the nodes all of whose bytes but the last are among those, ascending.
    """

    inside: NDArray[np.uint32]
    exits: Nodes


@dataclass(frozen=True, eq=False)
class VocabularyTrie:
    """All beginnings of tokens: the nodes are numbered level by level, the root is 0.

    The children of a node come one after the other, by their bytes, and after those of the node
    before it. Safe to use from several threads.

    Attributes:
        parents: the parent of each node, shape ``(nodes,)``; the root's is itself.
        last_bytes: the byte that leads to each node; the root's means nothing.
        first_bytes: the first byte on the way to each node; the root's means nothing.
        children: node ``n`` has the children from ``children[n]`` up to ``children[n + 1]``.
        levels: the first node of each depth, and the number of all nodes.
        below: how many nodes lie below each.
        height: how many levels lie below each.
        tokens: the ids of all tokens that are text, ordered by their nodes.
        spelled: node ``n`` has the tokens ``tokens[spelled[n] : spelled[n + 1]]``.
        node_of_tokens: the node of each id, shape ``(vocabulary,)``; 0 for no text.
        first_of_tokens: the first byte of each id; 0 for an id that is no text.
    """

    parents: Nodes
    last_bytes: NDArray[np.uint8]
    first_bytes: NDArray[np.uint8]
    children: Nodes
    levels: tuple[int, ...]
    below: Nodes
    height: Nodes
    tokens: Nodes
    spelled: Nodes
    node_of_tokens: Nodes
    first_of_tokens: NDArray[np.uint8]
    _within: dict[bytes, WithinBytes] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> VocabularyTrie:
        """The trie of ``vocabulary``; built on the first call, in 0.3 seconds for 128k tokens."""
        return _known.of(vocabulary)

    @classmethod
    def _build(cls, vocabulary: Vocabulary) -> VocabularyTrie:
        spelled = vocabulary.bytes
        ids = sorted((t for t, text in enumerate(spelled) if text), key=spelled.__getitem__)
        text = np.frombuffer(b"".join(spelled[token] for token in ids), dtype=np.uint8)
        lengths = np.fromiter((len(spelled[token]) for token in ids), np.int64, len(ids))
        starts = lengths.cumsum() - lengths
        # Level by level: tokens with a common beginning stand together, as they are sorted.
        node_of = np.zeros(len(ids), dtype=np.int32)
        parents, last = [np.zeros(1, dtype=np.int32)], [np.zeros(1, dtype=np.uint8)]
        first, levels = [np.zeros(1, dtype=np.uint8)], [0, 1]
        longer = np.flatnonzero(lengths > 0)
        while len(longer):
            above, byte = node_of[longer], text[starts[longer] + len(levels) - 2]
            is_new = np.ones(len(longer), dtype=np.bool_)
            is_new[1:] = (above[1:] != above[:-1]) | (byte[1:] != byte[:-1])
            parents.append(above[is_new])
            last.append(byte[is_new])
            first.append(text[starts[longer[is_new]]])
            node_of[longer] = levels[-1] - 1 + is_new.cumsum(dtype=np.int32)
            levels.append(levels[-1] + len(parents[-1]))
            longer = longer[lengths[longer] >= len(levels) - 1]
        parent, count = np.concatenate(parents), levels[-1]
        below, height = np.zeros(count, dtype=np.int32), np.zeros(count, dtype=np.int32)
        for start, stop in reversed([*pairwise(levels)][1:]):
            np.add.at(below, parent[start:stop], below[start:stop] + 1)
            np.maximum.at(height, parent[start:stop], height[start:stop] + 1)
        nodes = np.arange(count + 1, dtype=np.int32)
        order = np.argsort(node_of, kind="stable")
        node_of_tokens = np.zeros(len(spelled), dtype=np.int32)
        node_of_tokens[ids] = node_of
        return cls(
            parents=parent,
            last_bytes=np.concatenate(last),
            first_bytes=np.concatenate(first),
            children=1 + np.searchsorted(parent[1:], nodes).astype(np.int32),
            levels=tuple(levels),
            below=below,
            height=height,
            tokens=np.array(ids, dtype=np.int32)[order],
            spelled=np.searchsorted(node_of[order], nodes).astype(np.int32),
            node_of_tokens=node_of_tokens,
            first_of_tokens=np.array([text[0] if text else 0 for text in spelled], dtype=np.uint8),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, without the cache of ``within``."""
        return sum(each.nbytes for each in vars(self).values() if isinstance(each, np.ndarray))

    @property
    def longest(self) -> int:
        """How many bytes the longest token has."""
        return len(self.levels) - 2

    def mask_of(
        self, reached: Sequence[Nodes], first: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """The tokens of some nodes, packed as masks are.

        Args:
            reached: the nodes.
            first: further ones: whether node 0, 1, … is among them, for the first few nodes.
        """
        if first is not None or 8 * sum(map(len, reached)) > len(self.node_of_tokens):
            alive = np.zeros(len(self.parents), dtype=np.bool_)
            if first is not None:
                alive[: len(first)] = first
            for nodes in reached:
                alive[nodes] = True
            alive[0] = False
            return pack(alive.take(self.node_of_tokens))
        nodes = np.concatenate(reached)
        starts = self.spelled[nodes]
        tokens = self.tokens[ranges(starts, self.spelled[nodes + 1] - starts)]
        # Not by way of booleans, one a token: there are few.
        mask = np.zeros(-(-len(self.node_of_tokens) // 32), dtype=np.uint32)
        np.bitwise_or.at(mask, tokens >> 5, np.uint32(1) << (tokens & 31).astype(np.uint32))
        return mask

    def mask_of_few(self, nodes: Iterable[int]) -> NDArray[np.uint32]:
        """The same as ``mask_of``, faster for some dozens of nodes."""
        mask = np.zeros(-(-len(self.node_of_tokens) // 32), dtype=np.uint32)
        # Memory views: reading one number of a numpy array takes three times as long.
        words, tokens, spelled = mask.data, self.tokens.data, self.spelled.data
        for node in nodes:
            for place in range(spelled[node], spelled[node + 1]):
                token: int = tokens[place]
                words[token >> 5] |= 1 << (token & 31)
        return mask

    def within(self, among: NDArray[np.bool_]) -> WithinBytes:
        """The part of the trie over the bytes of ``among``, shape ``(256,)``; a few are cached."""
        key = among.tobytes()
        with self._lock:
            known = self._within.get(key)
            if known is None:
                if len(self._within) == _MOST_SETS:
                    del self._within[next(iter(self._within))]
                known = self._within[key] = self._find_within(among)
        return known

    def _find_within(self, among: NDArray[np.bool_]) -> WithinBytes:
        inside = among[self.last_bytes]
        inside[0] = True
        came_inside = np.zeros_like(inside)
        for start, stop in pairwise(self.levels[1:]):
            came_inside[start:stop] = inside[self.parents[start:stop]]
            inside[start:stop] &= came_inside[start:stop]
        stays, exits = np.flatnonzero(inside), np.flatnonzero(came_inside & ~inside)
        return WithinBytes(self.mask_of([stays.astype(np.int32)]), exits.astype(np.int32))


def ranges(starts: Nodes, counts: Nodes) -> Nodes:
    """``counts[i]`` numbers from ``starts[i]`` on, one range after the other."""
    upto = counts.cumsum(dtype=np.int32)
    total = int(upto[-1]) if len(upto) else 0
    numbers: Nodes = np.arange(total, dtype=np.int32)
    numbers += np.repeat(starts - (upto - counts), counts)
    return numbers


_known = Kept(VocabularyTrie._build)
