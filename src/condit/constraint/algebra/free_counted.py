"""The matcher of free text of so many tokens: near the limit, its end must still fit.

What the text is, and which words end it, is in ``free_machine.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.free_machine import FreeMachine, Written
from condit.constraint.algebra.utf8 import COMPLETION
from condit.constraint.base import Matcher, Outline, pack, unpack
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.constraint.lifted import LiftedMatcher
from condit.errors import ArgumentError
from condit.kept import Kept
from condit.vocabulary import Vocabulary


class CountedMatcher(LiftedMatcher[Written]):
    """Free text of so many tokens: one is allowed if the word still fits behind it."""

    any_spelling = False
    _left = NEVER
    _costs: dict[Written, int]
    _dearest = 0
    _lasts: NDArray[np.uint8]
    _masks: dict[tuple[Written, int], NDArray[np.uint32]]

    @classmethod
    def within(cls, machine: FreeMachine, vocabulary: Vocabulary, left: int) -> Self:
        """A matcher at the empty text that allows ``left`` tokens.

        Raises:
            ArgumentError: no text has so few.
        """
        matcher = cls.bind(machine, vocabulary)
        matcher._costs, matcher._masks = {}, {}
        matcher._lasts = _LASTS.of(vocabulary)
        words = machine.until or (b"",)
        starts = [rest + end for end in words for rest in COMPLETION]
        rests = [*starts, *(end[size:] for end in words for size in range(len(end)))]
        costs = [spell(rest, vocabulary).costs[0] for rest in rests]
        known = [cost for cost in costs if cost < NEVER]
        # No state takes more tokens to end. Where bytes are missing, a character that cannot be
        # finished in the usual way takes up to three more.
        matcher._dearest = max(known, default=0) + 3 * (len(known) < len(costs))
        matcher._left = left
        least = matcher._cost(machine.start)
        if least > left:
            raise ArgumentError(f"free: max_tokens={left}, but the end alone takes {least} tokens")
        return matcher

    def _cost(self, state: Written) -> int:
        found = self._costs.get(state)
        if found is None:
            ending = self.machine.ending(state)
            cost = NEVER if ending is None else spell(ending, self.vocabulary).costs[0]
            found = self._costs[state] = cost
        return found

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next, and the word fits behind it."""
        if not super().allows(token):
            return False
        if token == self.vocabulary.end or self._left > self._dearest:
            return True
        after = self._cache.after(self.machine, self._known, token)
        return after is not None and self._cost(after) < self._left

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed."""
        mask = super().mask()
        if mask is None or self._ended or self._left > self._dearest:
            return mask
        key = self.state, self._left
        if key not in self._masks:
            self._masks[key] = self._narrowed(mask)
        return self._masks[key].copy()

    def _narrowed(self, mask: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The mask without the tokens after which too many would be needed."""
        room, machine = self._left - 1, self.machine
        between = self._cost(machine.start)
        # A token after which less is needed than from the beginning ends with a part of a word.
        closing = np.zeros(256, dtype=np.bool_)
        for end in machine.until if isinstance(machine, FreeMachine) else ():
            for size in range(1, len(end) + 1):
                closing[end[size - 1]] |= spell(end[size:], self.vocabulary).costs[0] <= room
        unsure = closing if between > room else np.arange(256) >= 0x80
        allowed = unpack(mask, len(self.vocabulary))
        ask = allowed & unsure[self._lasts]
        ask[self.vocabulary.end] = False
        kept = allowed & ~ask if between <= room else np.zeros_like(allowed)
        kept[self.vocabulary.end] = allowed[self.vocabulary.end]
        for token in np.flatnonzero(ask).tolist():
            kept[token] = self.allows(token)
        return pack(kept)

    def outline(self) -> Outline:
        """The mask."""
        mask = self.mask()
        return Outline(mask, mask is not None)

    def advance(self, token: int) -> None:
        """Append ``token``, which counts.

        Raises:
            RefusedTokenError: it is not allowed.
        """
        super().advance(token)
        if token != self.vocabulary.end:
            self._left -= 1

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other."""
        if self._left > len(tokens) + self._dearest:
            return super().count_allowed(tokens)
        return Matcher.count_allowed(self, tokens)

    def state_key(self) -> Hashable:
        """The state, and the tokens left."""
        return self.state, self._left, self._ended

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The fewest tokens of the word that ends the text, which fit."""
        found = super().ending(thorough=thorough)
        if found is None:
            return None
        return Ending.of_tokens(found.tokens(), self.vocabulary)

    def forced(self) -> tuple[int, ...]:
        """None: near the limit tokens may be forced that no byte is."""
        return ()

    def explain(self, token: int) -> str:
        """Why ``token`` is refused; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        if super().allows(token):
            return f"the free text has {self._left} tokens left, and must end within them"
        return super().explain(token)


def _last_bytes(vocabulary: Vocabulary) -> NDArray[np.uint8]:
    return np.array([token[-1] if token else 0 for token in vocabulary.bytes], dtype=np.uint8)


_LASTS = Kept(_last_bytes)
