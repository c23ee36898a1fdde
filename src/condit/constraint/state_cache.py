"""A least-recently-used cache of masks and answers by the state of a byte matcher.

Bounded in bytes, and shared by all matchers of the same machine and vocabulary, in all threads.
What was dropped is computed again, with the same result.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import pack
from condit.constraint.byte_matcher import ByteMatcher, State, not_hashable
from condit.constraint.byte_transitions import ByteTransitions
from condit.constraint.trie_walk import text_mask
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.kept import Kept
from condit.vocabulary import Vocabulary

MEMORY = 32 << 20
"""Bytes for one machine and vocabulary, about: 2000 masks of 128k tokens."""

_MOST_QUICK = 64
"""Masks that are kept of states at which the machine finds them quickly."""

_MOST_TOKENS = 4096
"""Tokens that were asked about one by one and are cached for one state, at most."""

_STATE, _TOKEN = 1000, 150
"""Estimated bytes of a state, and of each token that is cached for it."""


@dataclass(eq=False, slots=True)
class KnownState(Generic[State]):
    """What is known of a state.

    Attributes:
        state: the state.
        after: the state after each token that was asked about, ``None`` where it is refused; after
            the end token the state itself.
        mask: the mask; ``None`` if it was not asked for, or is dear.
        dear: whether the mask was asked for, and takes too many states to compute.
        outline: tokens whose first byte may come; ``None`` if not asked for.
        forced_text: the bytes that must come; ``None`` if not asked for.
        only_stops: whether the text may stop and no byte may come; ``None`` if not asked for.
        endings: endings, by whether they were searched for thoroughly.
        size: bytes that it takes, estimated.
    """

    state: State
    after: dict[int, State | None] = field(default_factory=dict)
    mask: NDArray[np.uint32] | None = None
    dear: bool = False
    outline: NDArray[np.uint32] | None = None
    forced_text: bytes | None = None
    only_stops: bool | None = None
    endings: dict[bool, bytes | None] = field(default_factory=dict)
    size: int = _STATE


class StateCache(Generic[State]):
    """What is known of the states of one machine over one vocabulary: a least-recently-used cache.

    The machine is an argument of each method, not kept, so that it can be garbage collected.
    """

    def __init__(self, vocabulary: Vocabulary, most_states: int = ByteMatcher.most_states) -> None:
        self._end, self._tokens = vocabulary.end, vocabulary.bytes
        self._trie = VocabularyTrie.of(vocabulary)
        self._is_text = np.fromiter(map(bool, vocabulary.bytes), np.bool_, len(vocabulary))
        self._transitions: ByteTransitions[State] = ByteTransitions(most_states)
        self._states: dict[State, KnownState[State]] = {}
        self._quick: deque[KnownState[State]] = deque()
        self._size = 0
        self._lock, self._walking = threading.Lock(), threading.Lock()

    @classmethod
    def of(cls, machine: ByteMatcher[State], vocabulary: Vocabulary) -> StateCache[State]:
        """The cache of ``machine``, and of machines equal to it, over ``vocabulary``."""
        return _known.of(machine).of(vocabulary)

    @property
    def size(self) -> int:
        """Estimated bytes in use, without the table of transitions."""
        return self._size

    def at(self, state: State) -> KnownState[State]:
        """The entry of ``state``, made now if there is none."""
        with self._lock:
            try:
                known = self._states.pop(state, None)
            except TypeError as error:
                raise not_hashable(state) from error
            if known is None:
                known = KnownState(state)
                self._size += known.size
            self._states[state] = known  # as the last
            while self._size > MEMORY and len(self._states) > 1:
                oldest = next(iter(self._states))
                self._size -= self._states.pop(oldest).size
        return known

    def _grow(self, known: KnownState[State], size: int) -> None:
        with self._lock:
            known.size += size
            if self._states.get(known.state) is known:
                self._size += size

    def after(
        self, machine: ByteMatcher[State], known: KnownState[State], token: int
    ) -> State | None:
        """The state after ``token``; ``None`` where it is refused."""
        if not 0 <= token < len(self._tokens):
            return None
        text = self._tokens[token]
        if text:
            after = walked(machine, known.state, text)
        else:
            stops = token == self._end and machine.may_stop(known.state)
            after = known.state if stops else None
        if len(known.after) < _MOST_TOKENS:
            known.after[token] = after
            self._grow(known, _TOKEN)
        return after

    def mask(
        self, machine: ByteMatcher[State], known: KnownState[State]
    ) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed, not to be changed; ``None`` where that takes too long."""
        mask = known.mask
        if mask is None and not known.dear:
            near = machine.near(known.state, self._trie.longest)
            like = known if near == known.state else self.at(near)
            mask = self._walked_mask(machine, like)
            if mask is None:
                known.dear = True
            elif like is not known:
                stops, bit = machine.may_stop(known.state), np.uint32(1 << (self._end & 31))
                if bool(mask[self._end >> 5] & bit) != stops:
                    mask = mask.copy()
                    mask[self._end >> 5] ^= bit
                    self._grow(known, mask.nbytes)
                known.mask = mask
        return mask

    def outline(
        self, machine: ByteMatcher[State], known: KnownState[State]
    ) -> NDArray[np.uint32] | None:
        """The tokens whose first byte may come, packed; ``None`` where those are not known."""
        if known.outline is None:
            first = machine.first_bytes(known.state)
            if first is None:
                return None
            among = np.zeros(256, dtype=np.bool_)
            among[list(first)] = True
            found = among[self._trie.first_of_tokens] & self._is_text
            found[self._end] = machine.may_stop(known.state)
            known.outline = pack(found)
            self._grow(known, known.outline.nbytes)
        return known.outline

    def _walked_mask(
        self, machine: ByteMatcher[State], known: KnownState[State]
    ) -> NDArray[np.uint32] | None:
        with self._walking:  # a thread that waited finds it done
            mask = known.mask
            if mask is None and not known.dear:
                if machine.has_many(known.state):
                    known.dear = True
                    return None
                mask = machine.own_mask(known.state, self._trie)
                if mask is None:
                    mask = text_mask(machine, known.state, self._trie, self._transitions)
                known.dear = mask is None
                if mask is not None:
                    if machine.may_stop(known.state):
                        mask[self._end >> 5] |= np.uint32(1 << (self._end & 31))
                    known.mask = mask
                    self._grow(known, mask.nbytes)
                    if machine.has_quick_mask(known.state):
                        self._quick.append(known)
                        self._drop_quick()
        return mask

    def _drop_quick(self) -> None:
        """Drop old masks that are found again quickly, so that those stay which are not."""
        while len(self._quick) > _MOST_QUICK:
            known = self._quick.popleft()
            mask, known.mask = known.mask, None
            if mask is not None:
                self._grow(known, -mask.nbytes)


def walked(machine: ByteMatcher[State], state: State, text: bytes) -> State | None:
    """The state after ``text``; ``None`` where a byte of it is refused."""
    here: State | None = state
    for byte in text:
        here = machine.next(here, byte)  # type: ignore[arg-type]
        if here is None:
            return None
    return here


def _of_vocabularies(machine: ByteMatcher[Any]) -> Kept[Vocabulary, StateCache[Any]]:
    most = machine.most_states
    return Kept(lambda vocabulary: StateCache(vocabulary, most))


_known: Kept[ByteMatcher[Any], Kept[Vocabulary, StateCache[Any]]] = Kept(_of_vocabularies)
