"""An adapter from a byte matcher to a matcher over tokens, each taken as its bytes.

Single tokens are walked byte by byte; masks are found by a walk of the vocabulary's trie, see
``condit.constraint.trie_walk``. What is found for a state is cached: ``state_cache.py``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, Self

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Outline, Strength, few_tokens, unpack
from condit.constraint.boundary import Boundary
from condit.constraint.byte_matcher import ByteMatcher, State
from condit.constraint.describe import describe_bytes, excerpt
from condit.constraint.ending import find_ending
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.ending_walks import Work, straight
from condit.constraint.state_cache import KnownState, StateCache, walked
from condit.errors import ArgumentError, RefusedTokenError, VocabularyError
from condit.vocabulary import Vocabulary

_BYTES = Vocabulary.of_bytes()

_LONGEST_FORCED = 4096
"""Forced bytes are followed no further: they may go round in a circle."""

# Frequent bytes first: where many bytes may come, two questions then find two of them.
_LIKELY = (*range(32, 127), *range(32), *range(127, 256))

_FEW_QUESTIONS = 100
"""Questions of a search for an ending where the byte matcher's own has found none."""

_MISSING: Final = object()


class LiftedMatcher(Matcher, Generic[State]):
    """What a byte matcher allows, token by token. Copies may be used in several threads at once.

    Attributes:
        vocabulary: the tokens.
        strength: that of the byte matcher, but SOUND for EXACT where some byte of its alphabet is
            no token.
        machine: the byte matcher.
    """

    @classmethod
    def bind(cls, machine: ByteMatcher[State], vocabulary: Vocabulary) -> Self:
        """A matcher at the empty text.

        Raises:
            ArgumentError: it is no byte matcher, or the machine or a state is not hashable.
            VocabularyError: no token can begin a text.
        """
        if not isinstance(machine, ByteMatcher):
            raise ArgumentError(f"{machine!r} is not a ByteMatcher: give an object of such a class")
        try:
            hash(machine)
        except TypeError:
            raise ArgumentError(
                f"{type(machine).__name__} is not hashable, so that nothing can be kept for it; "
                "make it a frozen dataclass"
            ) from None
        try:
            hash(machine.start)
        except TypeError:
            raise ArgumentError(
                f"{type(machine).__name__}.start, {machine.start!r}, is not hashable: states are "
                "immutable values, such as numbers, tuples and frozen sets"
            ) from None
        matcher = cls(machine, vocabulary)
        mask = matcher.mask()
        possible = map(matcher.allows, range(len(vocabulary))) if mask is None else mask
        if not any(possible):
            first = describe_bytes(frozenset(machine.possible(machine.start)))
            raise VocabularyError(
                "no token of this vocabulary can begin a text that satisfies the constraint; "
                f"it may begin with {first}, but no token does. "
                "Use a vocabulary that has them, or loosen the constraint's beginning"
            )
        return matcher

    def __init__(self, machine: ByteMatcher[State], vocabulary: Vocabulary) -> None:
        self.machine, self.vocabulary = machine, vocabulary
        self.strength = machine.strength
        if self.strength is Strength.EXACT and not _has_bytes(vocabulary, machine):
            self.strength = Strength.SOUND
        self.searches_first = machine.searches_first
        self._cache: StateCache[State] = StateCache.of(machine, vocabulary)
        self._known: KnownState[State] = self._cache.at(machine.start)
        self._text = b""
        self._ended = False

    @property
    def state(self) -> State:
        """The state of the byte matcher."""
        return self._known.state

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        if self._ended:
            return False
        known = self._known
        after = known.after.get(token, _MISSING)
        if after is not _MISSING:
            return after is not None
        mask = known.mask  # another thread may drop it
        if mask is not None and 0 <= token < len(self.vocabulary):
            return bool(mask.item(token >> 5) >> (token & 31) & 1)
        return self._cache.after(self.machine, known, token) is not None

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed; ``None`` where tokens are better asked about one by one."""
        if self._ended:
            return np.zeros(-(-len(self.vocabulary) // 32), dtype=np.uint32)
        mask = self._cache.mask(self.machine, self._known)
        return None if mask is None else mask.copy()

    def outline(self) -> Outline:
        """As ``mask``; without one, the tokens whose first byte may come."""
        mask = self.mask()
        if mask is not None:
            return Outline(mask, exact=True)
        found = self._cache.outline(self.machine, self._known)
        return Outline(None if found is None else found.copy(), exact=False)

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
        """
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        if token == self.vocabulary.end:
            self._ended = True
            return
        after = self._known.after.get(token)
        if after is None:
            after = self._cache.after(self.machine, self._known, token)
        self._stand_at(after)  # type: ignore[arg-type]
        self._text += self.vocabulary.bytes[token]

    def _stand_at(self, state: State) -> None:
        self._known = self._cache.at(state)

    def copy(self) -> Self:
        """An independent matcher in the same state; about a microsecond."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def at(self, state: State) -> Self:
        """A matcher of the same machine in another state; messages do not know its text."""
        twin = self.copy()
        twin._stand_at(state)
        twin._text, twin._ended = b"", False
        return twin

    def state_key(self) -> Hashable:
        """The state, and whether the text has ended."""
        return self.state, self._ended

    def boundary(self) -> Boundary | None:
        """What the byte matcher says of its state; `Budgeted` checks that it is one."""
        return self.machine.boundary(self.state)

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here; the end token may be the last of them."""
        forced: list[int] = []
        ahead = self.copy()
        # Where no byte is forced, hardly ever is a token: a mask would be wasted.
        while not ahead._ended and (ahead.forced_text() or ahead._only_stops()):
            mask = ahead.mask()
            tokens = None if mask is None else few_tokens(mask)
            if mask is not None and tokens is None:
                tokens = np.flatnonzero(unpack(mask, len(self.vocabulary)))
            if tokens is None or len(tokens) != 1:
                break
            forced.append(int(tokens[0]))
            ahead.advance(forced[-1])
        return tuple(forced)

    def forced_text(self) -> bytes:
        """Bytes that must come next, however they are split into tokens."""
        if self._ended:
            return b""
        if self._known.forced_text is None:
            self._known.forced_text = self._find_forced_text()
        return self._known.forced_text

    def _find_forced_text(self) -> bytes:
        machine, state, forced = self.machine, self.state, bytearray()
        while not machine.may_stop(state) and len(forced) < _LONGEST_FORCED:
            options = _some_options(machine, state, 2)
            after = machine.next(state, options[0]) if len(options) == 1 else None
            if after is None:
                break
            forced.append(options[0])
            state = after
        return bytes(forced)

    def _only_stops(self) -> bool:
        known, machine = self._known, self.machine
        if known.only_stops is None:
            stops = machine.may_stop(known.state)
            known.only_stops = stops and not _some_options(machine, known.state, 1)
        return known.only_stops

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        if self._ended:
            return 0
        machine, vocabulary, state = self.machine, self.vocabulary, self.state
        for place, token in enumerate(tokens):
            text = vocabulary.bytes[token] if 0 <= token < len(vocabulary) else b""
            if not text:
                return place + (token == vocabulary.end and machine.may_stop(state))
            after = walked(machine, state, text)
            if after is None:
                return place
            state = after
        return len(tokens)

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """Tokens that would finish the text; see ``Matcher.ending``.

        The byte matcher's own ending where it has one.
        """
        if self._ended:
            return None
        endings = self._known.endings
        if thorough not in endings:
            endings[thorough] = self._find_ending(thorough)
        found = endings[thorough]
        return None if found is None else spell(found, self.vocabulary)

    def _find_ending(self, thorough: bool) -> bytes | None:
        machine, state = self.machine, self.state
        if machine.may_stop(state):
            return b""
        found = machine.ending(state)
        if found is None and machine.searches_first and state != machine.start:
            # Its own search has looked far, and each question is slow.
            return straight(self._by_byte(self.vocabulary), Work(_FEW_QUESTIONS))
        if found is None:
            found = find_ending(self._by_byte(self.vocabulary), thorough=thorough)
        if found is None and not _has_bytes(self.vocabulary, machine):
            found = find_ending(self._by_byte(_BYTES), thorough=thorough)
        return found

    def _by_byte(self, vocabulary: Vocabulary) -> _ByByte[State]:
        """A matcher in the same state that gives no masks, maybe over another vocabulary."""
        twin = _ByByte(self.machine, vocabulary)
        twin._stand_at(self.state)
        return twin

    def explain(self, token: int) -> str:
        """Why ``token`` is refused, where, and what may come instead; ``""`` if it is allowed."""
        if self.allows(token):
            return ""
        vocabulary = self.vocabulary
        if self._ended:
            return "the text has ended: nothing may follow"
        if not 0 <= token < len(vocabulary):
            return f"token {token} is outside the vocabulary of {len(vocabulary)} tokens"
        if token == vocabulary.end:
            return f"the text cannot stop after {excerpt(self._text)}" + self._reason(None)
        if token in vocabulary.ends:
            return f"token {token} is another end token: the one to use is {vocabulary.end}"
        text = vocabulary.bytes[token]
        if not text:
            return f"token {token} is not text: it is a special or unused id"
        state, place = self.state, 0
        while (after := self.machine.next(state, text[place])) is not None:
            state, place = after, place + 1
        where = excerpt(self._text + text[:place])
        inside = f" in {excerpt(text)}" if len(text) > 1 else ""
        refused = excerpt(text[place : place + 1])
        twin = self.copy()
        twin._stand_at(state)
        return f"{refused}{inside} cannot follow {where}" + twin._reason(text[place])

    def _reason(self, byte: int | None) -> str:
        """Why the byte is refused here, and what may come."""
        machine, state = self.machine, self.state
        own = machine.explain(state, byte)
        options = frozenset(machine.possible(state))
        if options:
            further = f"here the text may continue with {describe_bytes(options)}"
        else:
            can_stop = machine.may_stop(state)
            further = "here the text can only stop" if can_stop else "nothing can follow here"
        return (f": {own}; " if own else "; ") + further


class _ByByte(LiftedMatcher[State]):
    """For searches over single bytes: asking about each is faster than a mask of all tokens."""

    def mask(self) -> None:
        """``None``: tokens are asked about one by one."""
        return


def _has_bytes(vocabulary: Vocabulary, machine: ByteMatcher[State]) -> bool:
    return all(bytes([byte]) in vocabulary.first_token for byte in machine.alphabet)


def _some_options(machine: ByteMatcher[State], state: State, most: int) -> Sequence[int]:
    """Bytes that may come next, no more than ``most`` of them."""
    options = machine.options(state)
    if options is not None:
        return sorted(options)[:most]
    found: list[int] = []
    for byte in _LIKELY:
        if machine.next(state, byte) is not None:
            found.append(byte)
            if len(found) == most:
                break
    return found
