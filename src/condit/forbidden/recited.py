"""The byte matcher of texts that recite no long run of a corpus.

A run begins where a word of the text begins. All those are followed that are still in the corpus,
so at most as many as a run may have words. A run is too long with its last word: where this ends in
the corpus, a longer word may follow in the text, and nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.utf8 import BETWEEN, NEXT, REFUSED, state_after
from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.corpus.words import goes_on, stands_alone
from condit.forbidden.characters import first, last
from condit.forbidden.recited_masks import RecitedMasks
from condit.forbidden.runs import Run, Runs, may_go_on
from condit.kept import Kept

_ENDINGS: tuple[str, ...] = ("", *"sxzqj", "zz", "xqz", "zqxjzqxj")
"""What may make another word of the last one of a run."""


class Recited(NamedTuple):
    """What matters of a text.

    Attributes:
        runs: the runs at its end, the longest first.
        inside: whether a character of words came last.
        waits: whether a run is too long unless its last word goes on.
        begun: the bytes of a character that is not whole.
    """

    runs: tuple[Run, ...] = ()
    inside: bool = False
    waits: bool = False
    begun: bytes = b""


class Recitation(ByteMatcher[Recited]):
    """Texts without long runs of a corpus; equal only to itself.

    Args:
        runs: of the corpus.
    """

    start = Recited()
    strength = Strength.EXACT

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._masks: Kept[VocabularyTrie, RecitedMasks] = Kept(
            lambda trie: RecitedMasks(runs, trie, self._fresh_refuses)
        )

    def __reduce__(self) -> tuple[type[Recitation], tuple[Runs]]:
        # Without what is kept, which holds locks.
        return type(self), (self.runs,)

    def next(self, state: Recited, byte: int) -> Recited | None:
        """The state after a byte; ``None`` where it makes a run too long."""
        runs, inside, waits, begun = state
        after = NEXT[state_after(begun) if begun else BETWEEN][byte]
        if after == REFUSED:
            return None
        text = begun + bytes((byte,))
        if after != BETWEEN:
            dead = waits and not may_go_on(text)
            begun_runs = (self.runs.longer(each, text, counts=False) for each in runs)
            if dead or any(each and self.runs.exhausted(each, text) for each in begun_runs):
                return None
            return Recited(runs, inside, waits, text)
        character = text.decode()
        wordy = goes_on(character)
        if waits and not wordy:
            return None
        if (wordy and not inside) or stands_alone(character):
            runs = (*runs, self.runs.begun)
        found = []
        waits = False
        for run in runs:
            longer = self.runs.longer(run, text)
            if longer is None:
                continue
            if self.runs.too_long(longer):
                if self.runs.characters or not wordy:
                    return None
                waits = True
            found.append(longer)
        return Recited(tuple(found), wordy, waits)

    def _fresh_refuses(self, inside: bool, text: bytes) -> bool:
        here: Recited | None = Recited((), inside)
        for byte in text:
            here = None if here is None else self.next(here, byte)
        return here is None

    def may_stop(self, state: Recited) -> bool:
        """Whether no character is unfinished, and no run too long."""
        return not state.begun and not state.waits

    def ending(self, state: Recited) -> bytes | None:
        """Nothing, or the rest of a character, and what makes another word of the last."""
        begun = state.begun
        points = range(first(begun), last(begun) + 1) if begun else (ord("x"),)
        for point in points:
            if 0xD800 <= point < 0xE000:
                continue
            rest = chr(point).encode()[len(begun) :] if begun else b""
            for word in _ENDINGS:
                here: Recited | None = state
                for byte in rest + word.encode():
                    here = None if here is None else self.next(here, byte)
                if here is not None and self.may_stop(here):
                    return rest + word.encode()
        return None

    def own_mask(self, state: Recited, trie: VocabularyTrie) -> NDArray[np.uint32] | None:
        """The tokens that are text and make no run too long, packed."""
        if state.begun:
            return None
        return self._masks.of(trie).mask(state.runs, inside=state.inside, waits=state.waits)

    def has_quick_mask(self, state: Recited) -> bool:
        """Nearly always, and states hardly ever come again."""
        return not state.begun

    def explain(self, state: Recited, byte: int | None) -> str:
        """That a run would be too long."""
        return "a run of the corpus would be recited that is too long" if state.waits else ""
