"""Which tokens make a run of a corpus too long: nodes of the vocabulary's trie."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.constraint.base import pack
from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie
from condit.corpus.words import goes_on
from condit.forbidden.runs import Run, Runs, may_go_on
from condit.forbidden.tokens import take_out, tokens_below

_MOST_RUNS = 20_000
"""Runs of which it is kept which tokens make them too long."""

_FEW = 64
"""With so few places the bytes that follow are looked at, and not the trie's."""


class RecitedMasks:
    """What is known of one vocabulary.

    Args:
        runs: of the corpus.
        trie: of the vocabulary.
        refuses: whether a text is refused where no run has begun, by whether a character of words
            came last.
    """

    def __init__(
        self, runs: Runs, trie: VocabularyTrie, refuses: Callable[[bool, bytes], bool]
    ) -> None:
        self._runs, self._trie = runs, trie
        self._known: dict[Run, Nodes] = {}
        self._lock = threading.Lock()
        self._upto, self._most = _counts(trie, characters=runs.characters)
        self._alone = [self._fresh(inside, refuses) for inside in (False, True)]
        self._other: Nodes | None = None

    def _fresh(self, inside: bool, refuses: Callable[[bool, bytes], bool]) -> NDArray[np.uint32]:
        """The tokens that are text, and make no run too long by themselves."""
        trie = self._trie
        state = np.full(len(trie.parents), REFUSED, dtype=np.int64)
        state[0], table = BETWEEN, np.array(NEXT)
        for low, high in pairwise(trie.levels[1:]):
            above = state[trie.parents[low:high]]
            after = table[above, trie.last_bytes[low:high]]
            state[low:high] = np.where(above == REFUSED, REFUSED, after)
        state[0] = REFUSED
        allowed = state[trie.node_of_tokens] != REFUSED
        enough = self._upto[trie.node_of_tokens] > self._runs.longest
        for token in np.flatnonzero(allowed & enough).tolist():
            allowed[token] = not refuses(inside, _spelled(trie, int(trie.node_of_tokens[token])))
        return pack(allowed)

    def mask(self, runs: tuple[Run, ...], *, inside: bool, waits: bool) -> NDArray[np.uint32]:
        """The tokens that make none of the runs too long, and no new one."""
        with self._lock:
            found = self._alone[inside].copy()
            for run in runs:
                refused = self._known.get(run)
                if refused is None:
                    if len(self._known) >= _MOST_RUNS:
                        self._known.clear()
                    refused = self._known[run] = tokens_below(self._trie, self._refused(run))
                if len(refused):
                    take_out(refused, found)
            if waits:
                if self._other is None:
                    self._other = tokens_below(self._trie, self._others(0))
                take_out(self._other, found)
            return found

    def _refused(self, run: Run) -> Iterator[int]:
        """The nodes at which a run is too long."""
        runs = self._runs
        most, upto, needed = self._most.data, self._upto.data, runs.longest + 1
        waiting = [(0, run, 0, b"")] if run.units + most[0] >= needed else []
        while waiting:
            node, here, counted, begun = waiting.pop()
            for child, byte in self._following(node, here):
                # A token counts so many more at most.
                if here.units + most[child] - counted < needed:
                    continue
                after = runs.narrowed(here, byte)
                text = begun + bytes((byte,))
                state = state_after(text)
                if after is None or state == REFUSED:
                    continue
                if state != BETWEEN:
                    if runs.exhausted(after, text):
                        yield child
                    else:
                        waiting.append((child, after, counted, text))
                    continue
                after = runs.counted(after)
                if runs.too_long(after):
                    if runs.characters or not goes_on(text.decode()):
                        yield child
                        continue
                    yield from self._others(child)
                waiting.append((child, after, upto[child], b""))

    def _following(self, node: int, run: Run) -> Iterator[tuple[int, int]]:
        """Children of a node, with their bytes: at least those that stand in the corpus."""
        trie, (text, order) = self._trie, self._runs.places.views
        begins, stops = int(trie.children[node]), int(trie.children[node + 1])
        last_bytes = trie.last_bytes.data
        if run.high - run.low > _FEW:
            for child in range(begins, stops):
                yield child, last_bytes[child]
            return
        for byte in {text[order[row] + run.depth] for row in range(run.low, run.high)}:
            child = bisect_left(last_bytes, byte, begins, stops)
            if child < stops and last_bytes[child] == byte:
                yield child, byte

    def _others(self, node: int) -> Iterator[int]:
        """The nodes below one with which a character begins that no word goes on with."""
        trie = self._trie
        waiting = [(node, b"")]
        while waiting:
            above, begun = waiting.pop()
            for child in range(int(trie.children[above]), int(trie.children[above + 1])):
                text = begun + bytes((int(trie.last_bytes[child]),))
                state = state_after(text)
                if state == BETWEEN:
                    if not goes_on(text.decode()):
                        yield child
                elif state != REFUSED:
                    if may_go_on(text):
                        waiting.append((child, text))
                    else:
                        yield child


def _counts(trie: VocabularyTrie, *, characters: bool) -> tuple[NDArray[np.int32], Nodes]:
    """How much is counted on the way to each node, and to a node below it: at most."""
    byte = np.arange(256)
    ascii_word = np.zeros(256, dtype=np.bool_)
    ascii_word[[*range(48, 58), *range(65, 91), 95, *range(97, 123)]] = True
    lead = (byte & 0xC0) != 0x80
    before, here = trie.last_bytes[trie.parents], trie.last_bytes
    if characters:
        counts = lead[here]
    else:
        # A word begins; of other characters than ASCII each may be one.
        begins = (ascii_word | (lead & (byte >= 0x80)))[here]
        counts = begins & (~ascii_word[before] | (trie.parents == 0) | (here >= 0xE0))
    upto = counts.astype(np.int32)
    upto[0] = 0
    for low, high in pairwise(trie.levels[1:]):
        upto[low:high] += upto[trie.parents[low:high]]
    most = upto.copy()
    for low, high in reversed([*pairwise(trie.levels)][1:]):
        np.maximum.at(most, trie.parents[low:high], most[low:high])
    return upto, most


def _spelled(trie: VocabularyTrie, node: int) -> bytes:
    found = bytearray()
    while node:
        found.append(trie.last_bytes[node])
        node = int(trie.parents[node])
    return bytes(reversed(found))
