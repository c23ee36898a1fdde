"""The byte matcher of texts that have none of some strings, and its masks.

A token is refused for what it writes by itself, which depends on nothing but whether a word goes on
before it; or for what it completes of an item that was begun. The first is found once, in one walk
of all tokens, and the second once for each item. So a mask takes few look-ups, however many strings
there are, and however many states.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.constraint.base import Strength, pack
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie, ranges
from condit.forbidden.characters import Characters, Step
from condit.forbidden.trie import Item, Place, Trie
from condit.kept import Kept

_Mask = NDArray[np.uint32]

_MEMORY = 32 << 20
"""Bytes of what is kept of items for one vocabulary, about."""

_MOST_STEPS = 200_000
"""Steps between places that are kept."""

_WORD_ENDINGS = ("s", "e", "ed", "x", "0", "_", "一", "ø", "ж")
"""What may follow a forbidden word to make it another one."""


class Written(NamedTuple):
    """What matters of a text.

    Attributes:
        place: how far it has come in the forbidden strings.
        begun: the bytes of a character that is not whole.
    """

    place: Place
    begun: bytes = b""


class ForbiddenStrings(ByteMatcher[Written]):
    """Any text without the strings of a trie; equal only to itself.

    Args:
        trie: the strings.
    """

    start = Written(Place())
    strength = Strength.EXACT
    most_states = 8192

    def __init__(self, trie: Trie) -> None:
        self.trie, self._characters = trie, Characters(trie)
        self._steps: dict[tuple[Place, int], Place | str] = {}
        self._finishes: dict[tuple[Item | bool, bytes], bool] = {}
        characters = self._characters
        self._masks: Kept[VocabularyTrie, _Masks] = Kept(
            lambda vocabulary: _Masks(trie, characters, self._item_finishes)
        )

    def __reduce__(self) -> tuple[type[ForbiddenStrings], tuple[Trie]]:
        # Without what is kept, which holds locks.
        return type(self), (self.trie,)

    def next(self, state: Written, byte: int) -> Written | None:
        """The state after a byte, unless it completes a string or no character can follow it."""
        place, begun = state
        after = NEXT[state_after(begun) if begun else BETWEEN][byte]
        if after == REFUSED:
            return None
        text = begun + bytes((byte,))
        if after != BETWEEN:
            return Written(place, text) if self._can_finish(place, text) else None
        found = self._step(place, text)
        return None if isinstance(found, str) else Written(found)

    def _step(self, place: Place, character: bytes) -> Place | str:
        number = self._characters.number(character)
        key = (place, number)
        found = self._steps.get(key)
        if found is None:
            if len(self._steps) >= _MOST_STEPS:
                self._steps.clear()
            found = self._steps[key] = self.trie.after(place, self._characters.kinds[number])
        return found

    def _can_finish(self, place: Place, begun: bytes) -> bool:
        """Whether each item alone allows a character that begins so."""
        return all(self._item_finishes(each, begun) for each in (place.inside, *place.items))

    def _item_finishes(self, item: Item | bool, begun: bytes) -> bool:
        """The same for one item; ``False`` and ``True`` stand for what begins here."""
        # The numbers 0 and 1 are no items: those are nodes without a character.
        key = (item, begun)
        found = self._finishes.get(key)
        if found is None:
            trie, kind = self.trie, self._characters.kind
            characters = self._characters.beginning_with(begun)
            if isinstance(item, bool):
                kept = (not isinstance(trie.begun(item, kind(each)), str) for each in characters)
            else:
                kept = (not isinstance(trie.followed(item, kind(each)), str) for each in characters)
            if len(self._finishes) >= _MOST_STEPS:
                self._finishes.clear()
            found = self._finishes[key] = any(kept)
        return found

    def may_stop(self, state: Written) -> bool:
        """Whether no character and no forbidden word ends here unfinished."""
        return not state.begun and not self.trie.waiting(state.place)

    def ending(self, state: Written) -> bytes | None:
        """Nothing, or the rest of a character, and what makes another word of a forbidden one."""
        begun = state.begun
        rests = self._characters.beginning_with(begun) if begun else iter((b"",))
        for character in rests:
            place = self._step(state.place, character) if character else state.place
            if isinstance(place, str):
                continue
            for word in ("", *_WORD_ENDINGS):
                after: Place | str = place
                for letter in word:
                    after = self._step(after, letter.encode())
                    if isinstance(after, str):
                        break
                if not isinstance(after, str) and not self.trie.waiting(after):
                    return character[len(begun) :] + word.encode()
        return None

    def own_mask(self, state: Written, trie: VocabularyTrie) -> _Mask | None:
        """The tokens that are text and complete none of the strings, packed."""
        if state.begun:
            return None
        masks = self._masks.of(trie)
        found = masks.alone(state.place.inside, trie, self.next).copy()
        for item in state.place.items:
            refused = masks.completing(item, trie)
            if refused.dtype == np.uint32:
                found &= ~refused
            elif len(refused):
                np.bitwise_and.at(
                    found, refused >> 5, ~(np.uint32(1) << (refused & 31).astype(np.uint32))
                )
        return found

    def explain(self, state: Written, byte: int | None) -> str:
        """Which string would be written."""
        if byte is None:
            found = self.trie.waiting(state.place)
            return f"{found!r} is forbidden, as a whole word" if found else ""
        text = state.begun + bytes((byte,))
        if state_after(text) != BETWEEN:
            return ""
        after = self._step(state.place, text)
        return f"{after!r} is forbidden" if isinstance(after, str) else ""


class _Masks:
    """What is known of one vocabulary.

    Args:
        trie: of the forbidden strings.
        characters: their kinds.
        finishes: whether an item allows a character that begins with some bytes.
    """

    def __init__(
        self, trie: Trie, characters: Characters, finishes: Callable[[Item, bytes], bool]
    ) -> None:
        self._trie, self._characters, self._item_finishes = trie, characters, finishes
        self._alone: dict[bool, _Mask] = {}
        self._first: tuple[dict[int, list[int]], list[Step]] | None = None
        self._below: dict[int, list[Step]] = {}
        self._completing: dict[Item, NDArray[np.uint32] | Nodes] = {}
        self._size = 0
        self._lock = threading.Lock()

    def alone(
        self, inside: bool, trie: VocabularyTrie, step: Callable[[Written, int], Written | None]
    ) -> _Mask:
        """The tokens that complete nothing where nothing was begun, packed."""
        with self._lock:
            if inside not in self._alone:
                start = Written(Place((), inside))
                self._alone[inside] = _walked(trie, start, step)
            return self._alone[inside]

    def completing(self, item: Item, trie: VocabularyTrie) -> NDArray[np.uint32] | Nodes:
        """The tokens that complete a string of an item: their ids; many of them packed."""
        with self._lock:
            found = self._completing.get(item)
            if found is None:
                tokens = _tokens_below(trie, self._refused(item, trie))
                if 4 * len(tokens) > len(trie.node_of_tokens) // 8:
                    among = np.zeros(len(trie.node_of_tokens), dtype=np.bool_)
                    among[tokens] = True
                    found = pack(among)
                else:
                    found = tokens
                self._size += found.nbytes + 200
                if self._size > _MEMORY:
                    self._size = 0
                    self._completing.clear()
                self._completing[item] = found
            return found

    def _refused(self, item: Item, trie: VocabularyTrie) -> list[int]:
        """The nodes of the vocabulary at which a string of the item is complete."""
        if self._first is None:
            self._first = self._sorted_first(trie)
        by_kind, unfinished = self._first
        refused: list[int] = []
        waiting: list[tuple[int, Item]] = []
        after_first = {number: self._after(item, number) for number in by_kind}
        for number, after in after_first.items():
            if after is None:
                refused += by_kind[number]
            else:
                waiting += [(node, each) for each in after for node in by_kind[number]]
        refused += [each.node for each in unfinished if self._is_end(item, each, after_first)]
        seen: set[tuple[int, Item]] = set()
        while waiting:
            above, here = reached = waiting.pop()
            if reached in seen:
                continue
            seen.add(reached)
            steps = self._below.get(above)
            if steps is None:
                steps = self._below[above] = [*self._characters.steps(trie, above)]
            known: dict[int, tuple[Item, ...] | None] = {}
            for step in steps:
                if step.begun:
                    if self._is_end(here, step, known):
                        refused.append(step.node)
                    continue
                after = known.get(step.kind, ())
                if step.kind not in known:
                    after = known[step.kind] = self._after(here, step.kind)
                if after is None:
                    refused.append(step.node)
                elif after:
                    waiting += [(step.node, each) for each in after]
        return refused

    def _after(self, item: Item, number: int) -> tuple[Item, ...] | None:
        """The items after one and a character of a kind; ``None`` where a string is complete."""
        after = self._trie.followed(item, self._characters.kinds[number])
        return None if isinstance(after, str) else tuple(after)

    def _is_end(self, item: Item, step: Step, known: dict[int, tuple[Item, ...] | None]) -> bool:
        """Whether no character that begins as at a node can follow an item."""
        if step.kind not in known:
            known[step.kind] = self._after(item, step.kind)
        return known[step.kind] is None and not self._item_finishes(item, step.begun)

    def _sorted_first(self, trie: VocabularyTrie) -> tuple[dict[int, list[int]], list[Step]]:
        """The characters that tokens begin with: whole ones by their kind, and the others."""
        found: dict[int, list[int]] = {}
        unfinished = []
        for step in self._characters.steps(trie, 0):
            if step.begun:
                unfinished.append(step)
            else:
                found.setdefault(step.kind, []).append(step.node)
        return found, unfinished


def _tokens_below(trie: VocabularyTrie, above: Iterable[int]) -> Nodes:
    """The tokens that begin with the bytes of some nodes."""
    nodes = np.unique(np.fromiter(above, np.int32))
    tokens = [np.zeros(0, dtype=np.int32)]
    while len(nodes):
        starts = trie.spelled[nodes]
        tokens.append(trie.tokens[ranges(starts, trie.spelled[nodes + 1] - starts)])
        starts = trie.children[nodes]
        nodes = ranges(starts, trie.children[nodes + 1] - starts)
    return np.unique(np.concatenate(tokens))


def _walked(
    trie: VocabularyTrie, start: Written, step: Callable[[Written, int], Written | None]
) -> _Mask:
    """The tokens that may come at a state: a walk of all, level by level; each step once."""
    states: list[Written] = [start]
    numbers: dict[Written, int] = {start: 0}
    at = np.full(len(trie.parents), -1, dtype=np.int64)
    at[0] = 0
    for first, stop in pairwise(trie.levels[1:]):
        above = at[trie.parents[first:stop]]
        alive = np.flatnonzero(above >= 0)
        keys, which = np.unique(
            above[alive] << 8 | trie.last_bytes[first:stop][alive], return_inverse=True
        )
        found = np.full(len(keys), -1, dtype=np.int64)
        for place, key in enumerate(keys.tolist()):
            after = step(states[key >> 8], key & 255)
            if after is not None:
                number = numbers.setdefault(after, len(states))
                if number == len(states):
                    states.append(after)
                found[place] = number
        at[first + alive] = found[which]
    reached = np.flatnonzero(at >= 0).astype(np.int32)
    return trie.mask_of([reached[1:]])
