"""The protocol of a state machine over bytes, the easiest way to write a new constraint.

Write one for what no grammar says: products and sequences of constraints, counters, references to
what was written before, a corpus, a solver. ``condit.constraint.lifted`` makes a ``Matcher`` over
tokens of it. Nothing but ``own_mask``, which hardly any machine needs, knows of tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Strength
from condit.constraint.boundary import Boundary
from condit.constraint.vocabulary_trie import VocabularyTrie
from condit.errors import ArgumentError

State = TypeVar("State", bound=Hashable)


class ByteMatcher(ABC, Generic[State]):
    """Which bytes may come next, as functions of a state.

    A state is any immutable, hashable value: a number, a tuple of the states of several machines,
    a frozen set of the states that are possible. *Equal states have equal futures*: whatever text
    may follow the one may follow the other. What is worked out for a state is kept and used for all
    states that are equal to it, so leave out of a state what makes no difference to what may come.
    There may be infinitely many states. Nothing may depend on anything but the arguments: no
    clock, no noise, no memory of earlier calls.

    The machine itself must be hashable as well, as frozen dataclasses are; equal machines share
    what is worked out.

    Attributes:
        start: the state at the empty text.
        strength: EXACT if from every state that can be reached some bytes lead to one where the
            text may stop, and no valid text is refused; SOUND if the latter alone.
        alphabet: the bytes that occur in texts, or more. A vocabulary in which each of them is a
            token keeps an EXACT machine exact.
    """

    start: State
    strength: ClassVar[Strength] = Strength.SOUND
    alphabet: Collection[int] = range(256)
    most_states: int = 2048
    """A mask that takes more states to find is not made: tokens are better asked about one by one.
    Few where states hardly come again and ``next`` is slow."""
    searches_first: bool = False
    """Whether ``ending`` is cheaper than a look at where some dozens of texts lead, as where each
    text leads to a state of its own."""

    @abstractmethod
    def next(self, state: State, byte: int) -> State | None:
        """The state after ``byte``; ``None`` where that byte may not come."""

    @abstractmethod
    def may_stop(self, state: State) -> bool:
        """Whether the text may end here."""

    def has_many(self, state: State) -> bool:
        """Whether texts lead from here to so many states that no mask need be tried; a guess."""
        return False

    def own_mask(self, state: State, trie: VocabularyTrie) -> NDArray[np.uint32] | None:
        """The tokens that are text and may come, packed, where the machine finds them better.

        ``None``, as here: they are found by a walk of the trie that asks ``next``.
        """
        return None

    def has_quick_mask(self, state: State) -> bool:
        """Whether ``own_mask`` takes so little time that its mask need not be kept for long."""
        return False

    def options(self, state: State) -> Collection[int] | None:
        """The bytes that may come next: exactly those for which ``next`` gives a state.

        ``None``, as here, where it takes asking ``next`` about each of them. Override it where
        states have few.
        """
        return None

    def first_bytes(self, state: State) -> Collection[int] | None:
        """Bytes without which no text goes on here: all that may come, and perhaps others.

        Asked for where there is no mask. By default ``options``.
        """
        return self.options(state)

    def near(self, state: State, length: int) -> State:
        """A state after which the same texts of up to ``length`` bytes may come.

        Best the same for many states, as all of them then share a mask: a counter may map every
        number that is far from its limit to one. Where the text may stop need not be the same.
        """
        return state

    def ending(self, state: State) -> bytes | None:
        """Bytes after which the text may stop, best those that take few tokens.

        ``None``, as here, starts a search.
        """
        return None

    def boundary(self, state: State) -> Boundary | None:
        """The boundary that a text has reached last; see ``Matcher.boundary``.

        ``None``, as here, for every state: none is known. A state must then tell how far the text
        is, which is worth it if there are few places, such as the parts of a sequence.
        """
        return None

    def explain(self, state: State, byte: int | None) -> str:
        """Why ``byte`` is refused here (``None``: why the text may not stop), for a message.

        The message lists the bytes that may come in any case; ``""``, as here, adds nothing.
        """
        return ""

    def possible(self, state: State) -> Collection[int]:
        """``options``, found by asking about each byte where they are not given."""
        options = self.options(state)
        if options is None:
            options = [byte for byte in range(256) if self.next(state, byte) is not None]
        return options


def not_hashable(state: object) -> ArgumentError:
    """The error for a state that nothing can be kept for."""
    return ArgumentError(
        f"a state of a ByteMatcher is a {type(state).__name__} that is not hashable: use numbers, "
        "bytes, tuples, frozen sets or frozen dataclasses"
    )
