"""The byte matcher of texts that have none of some strings, and its masks.

A token is refused for what it writes by itself, which depends on nothing but whether a word goes on
before it; or for what it completes of an item that was begun. The first is found once, in one walk
of all tokens, and the second once for each item. So a mask takes few look-ups, however many strings
there are, and however many states.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.constraint.base import Strength, pack
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.vocabulary_trie import Nodes, VocabularyTrie
from condit.forbidden.characters import Characters, Step
from condit.forbidden.tokens import take_out, tokens_below
from condit.forbidden.trie import Item, Place, Trie
from condit.kept import Kept

_Mask = NDArray[np.uint32]

_MEMORY = 32 << 20
"""Bytes of what is kept of items for one vocabulary, about."""

_MOST_ITEMS = 20_000
"""Items of which it is kept what follows."""

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
                    if not isinstance(after, str):
                        after = self._step(after, letter.encode())
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
                take_out(refused.astype(np.int32, copy=False), found)
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


class _Below(NamedTuple):
    """What is a character below some nodes of a vocabulary's trie.

    Attributes:
        by_kind: the nodes behind whole characters, by their kind; then those with any below.
        unfinished: the nodes in the middle of one.
    """

    by_kind: dict[int, tuple[list[int], list[int]]]
    unfinished: list[Step]


class _Follows(dict[int, "tuple[Item, ...] | None"]):
    """By the kind of a character the items after one; ``None`` where a string is complete.

    Kinds after which nothing is left are not in it.

    Attributes:
        stays: the kinds after which the item itself is left, perhaps beside others.
    """

    stays: frozenset[int] = frozenset()


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
        self._trie, self._characters, self._finishes = trie, characters, finishes
        self._alone: dict[bool, _Mask] = {}
        self._steps: dict[int, list[Step]] = {}
        self._sorted: dict[tuple[int, frozenset[int]], _Below] = {}
        self._known: dict[Item, _Follows] = {}
        self._by_letter: dict[str, list[int]] = {}
        self._always: list[int] = []
        self._sorted_kinds = 0
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
                tokens = tokens_below(trie, self._refused(item, trie))
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
        refused: list[int] = []
        waiting = [(0, item)]
        seen = {*waiting}
        while waiting:
            above, here = waiting.pop()
            below, known = None, -1
            while below is None or known < len(self._characters.kinds):
                # Once more where further kinds were met.
                known = len(self._characters.kinds)
                follows = self._follows(here)
                below = self._below(trie, above, follows.stays)
            by_kind = below.by_kind
            few, many = (follows, by_kind) if len(follows) < len(by_kind) else (by_kind, follows)
            for number in few:
                if number not in many:
                    continue
                after, (nodes, inner) = follows[number], by_kind[number]
                if after is None:
                    refused += nodes
                    continue
                for each in after:
                    if each != here:
                        further = [(node, each) for node in inner]
                        waiting += [pair for pair in further if pair not in seen]
                        seen.update(further)
            for step in below.unfinished:
                if follows.get(step.kind, ()) is None and not self._finishes(here, step.begun):
                    refused.append(step.node)
        return refused

    def _follows(self, item: Item) -> _Follows:
        """What follows an item, by the kinds of characters."""
        kinds = self._characters.kinds
        if self._sorted_kinds < len(kinds):
            # What is known of items says nothing of further kinds.
            self._known.clear()
            for number, kind in enumerate(kinds[self._sorted_kinds :], self._sorted_kinds):
                if kind.transparent or kind.separator or not kind.word:
                    self._always.append(number)
                else:
                    for letter in {each.text[0] for each in kind.readings}:
                        self._by_letter.setdefault(letter, []).append(number)
            self._sorted_kinds = len(kinds)
        found = self._known.get(item)
        if found is None:
            if len(self._known) > _MOST_ITEMS:
                self._known.clear()
            found = self._known[item] = _Follows()
            numbers = [each for letter in self._trie.next(item) for each in self._of(letter)]
            for number in {*numbers, *self._always}:
                after = self._trie.followed(item, kinds[number])
                if after:
                    found[number] = None if isinstance(after, str) else tuple(after)
                    if not isinstance(after, str) and item in after:
                        found.stays |= {number}
        return found

    def _of(self, letter: str) -> list[int]:
        return self._by_letter.get(letter, [])

    def _below(self, trie: VocabularyTrie, node: int, stays: frozenset[int]) -> _Below:
        """What is a character below a node, or below what leads on by kinds that change nothing."""
        steps = self._steps.get(node)
        if steps is None:
            steps = self._steps[node] = [*self._characters.steps(trie, node)]
        key = (node, stays if any(each.kind in stays for each in steps) else frozenset())
        found = self._sorted.get(key)
        if found is None:
            found = self._sorted[key] = _Below({}, [])
            waiting = [node]
            for above in waiting:
                if above not in self._steps:
                    self._steps[above] = [*self._characters.steps(trie, above)]
                for step in self._steps[above]:
                    if step.begun:
                        found.unfinished.append(step)
                        continue
                    nodes, inner = found.by_kind.setdefault(step.kind, ([], []))
                    nodes.append(step.node)
                    if trie.below[step.node]:
                        inner.append(step.node)
                        if step.kind in stays:
                            waiting.append(step.node)
        return found


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
