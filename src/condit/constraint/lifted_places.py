"""What is kept of each state of a byte matcher over a vocabulary, as far as memory goes.

Shared by all matchers of the same machine and vocabulary, in all threads. Nothing here is needed
for an answer, only for a fast one: what was dropped is worked out again, to the same result.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from condit.constraint.byte_matcher import ByteMatcher, State
from condit.constraint.byte_transitions import ByteTransitions
from condit.constraint.ending_tokens import Ending
from condit.constraint.trie_walk import MOST_STATES, text_mask
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.kept import Kept
from condit.vocabulary import Vocabulary

MEMORY = 32 << 20
"""So many bytes are kept for one machine and vocabulary, about: 2000 masks of 128k tokens."""

_MOST_TOKENS = 4096
"""After so many tokens that were asked about one by one, no more are noted for a state."""

_PLACE, _TOKEN = 1000, 150
"""Bytes that a state takes, and each token that is noted for it, about."""


@dataclass(eq=False, slots=True)
class Place(Generic[State]):
    """What is known at a state.

    Attributes:
        state: the state.
        after: the state after each token that was asked about, ``None`` where it is refused; after
            the end token the state itself.
        mask: the mask, if it was asked for and is not dear.
        dear: whether it was asked for and is.
        forced_text: the bytes that must come, if they were asked for.
        only_stops: whether the text may stop, and no byte may come, if that was asked for.
        endings: an ending, thorough and not.
        size: bytes that it takes, about.
    """

    state: State
    after: dict[int, State | None] = field(default_factory=dict)
    mask: NDArray[np.uint32] | None = None
    dear: bool = False
    forced_text: bytes | None = None
    only_stops: bool | None = None
    endings: dict[bool, Ending | None] = field(default_factory=dict)
    size: int = _PLACE


class Places(Generic[State]):
    """The places of one machine over one vocabulary; the one used longest ago is dropped first.

    The machine is given with each question, not kept: so it can go when nobody uses it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._end, self._tokens = vocabulary.end, vocabulary.bytes
        self._trie = VocabularyTrie.of(vocabulary)
        self._transitions: ByteTransitions[State] = ByteTransitions(MOST_STATES)
        self._places: dict[State, Place[State]] = {}
        self._size = 0
        self._lock, self._walking = threading.Lock(), threading.Lock()

    @classmethod
    def of(cls, machine: ByteMatcher[State], vocabulary: Vocabulary) -> Places[State]:
        """Those of ``machine``, and of machines equal to it, over ``vocabulary``."""
        return _known.of(machine).of(vocabulary)

    @property
    def size(self) -> int:
        """Bytes that are kept, about; the table of transitions not counted."""
        return self._size

    def at(self, state: State) -> Place[State]:
        """The place of ``state``."""
        with self._lock:
            place = self._places.pop(state, None)
            if place is None:
                place = Place(state)
                self._size += place.size
            self._places[state] = place  # as the last
            while self._size > MEMORY and len(self._places) > 1:
                oldest = next(iter(self._places))
                self._size -= self._places.pop(oldest).size
        return place

    def _grow(self, place: Place[State], size: int) -> None:
        with self._lock:
            place.size += size
            if self._places.get(place.state) is place:
                self._size += size

    def after(self, machine: ByteMatcher[State], place: Place[State], token: int) -> State | None:
        """The state after ``token``; ``None`` where it is refused."""
        if not 0 <= token < len(self._tokens):
            return None
        text = self._tokens[token]
        if text:
            after = walked(machine, place.state, text)
        else:
            stops = token == self._end and machine.may_stop(place.state)
            after = place.state if stops else None
        if len(place.after) < _MOST_TOKENS:
            place.after[token] = after
            self._grow(place, _TOKEN)
        return after

    def mask(self, machine: ByteMatcher[State], place: Place[State]) -> NDArray[np.uint32] | None:
        """All tokens at once, not to be changed; ``None`` where that is dear."""
        if place.mask is None and not place.dear:
            near = machine.near(place.state, self._trie.longest)
            like = place if near == place.state else self.at(near)
            mask = self._walked_mask(machine, like)
            if mask is None:
                place.dear = True
            elif like is not place:
                stops, bit = machine.may_stop(place.state), np.uint32(1 << (self._end & 31))
                if bool(mask[self._end >> 5] & bit) != stops:
                    mask = mask.copy()
                    mask[self._end >> 5] ^= bit
                    self._grow(place, mask.nbytes)
                place.mask = mask
        return place.mask

    def _walked_mask(
        self, machine: ByteMatcher[State], place: Place[State]
    ) -> NDArray[np.uint32] | None:
        if place.mask is None and not place.dear:
            with self._walking:
                mask = text_mask(machine, place.state, self._trie, self._transitions)
            if mask is None:
                place.dear = True
            else:
                if machine.may_stop(place.state):
                    mask[self._end >> 5] |= np.uint32(1 << (self._end & 31))
                place.mask = mask
                self._grow(place, mask.nbytes)
        return place.mask


def walked(machine: ByteMatcher[State], state: State, text: bytes) -> State | None:
    """The state after ``text``; ``None`` where a byte of it is refused."""
    here: State | None = state
    for byte in text:
        here = machine.next(here, byte)  # type: ignore[arg-type]
        if here is None:
            return None
    return here


def _of_vocabularies(machine: ByteMatcher[Any]) -> Kept[Vocabulary, Places[Any]]:
    return Kept(Places)


_known: Kept[ByteMatcher[Any], Kept[Vocabulary, Places[Any]]] = Kept(_of_vocabularies)
