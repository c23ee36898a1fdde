"""The matcher of parts that follow each other; see ``readings.py`` for what its states are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.joins import Joins
from condit.constraint.algebra.reading import Reading
from condit.constraint.algebra.readings import Readings
from condit.constraint.base import Matcher, Outline, Strength, few_tokens, unpack
from condit.constraint.boundary import Boundary, checked_boundary
from condit.constraint.describe import describe_bytes, excerpt
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.errors import RefusedTokenError, UnsatisfiableError, VocabularyError

_LONGEST_FORCED = 4096
"""Forced bytes are followed no further: they may go round in a circle."""

_SHOWN = 3
"""So many readings are explained at most."""


class ChainMatcher(Matcher):
    """What the readings of a text allow. Copies may be used in several threads at once.

    Args:
        readings: the automaton, which copies share.
        label: what a part is called in messages.
    """

    def __init__(self, readings: Readings, label: Callable[[int], str]) -> None:
        self.vocabulary = readings.vocabulary
        self._readings, self._label = readings, label
        self._state = readings.start
        self._text, self._ended = b"", False
        parts = [readings.matcher(part) for part in readings.layout.parts]
        self.strength = _weakest(parts, exact=Joins.of(self.vocabulary).wide is None)
        # An instance attribute: it depends on the parts that may still come.
        self.any_spelling = readings.any_spelling(self._state)  # type: ignore[misc]

    @classmethod
    def bind(cls, readings: Readings, label: Callable[[int], str]) -> ChainMatcher:
        """A matcher at the empty text.

        Raises:
            VocabularyError: no token can begin a text.
            UnsatisfiableError: there is no text.
        """
        matcher = cls(readings, label)
        mask = matcher.outline().mask
        possible = map(matcher.allows, range(len(matcher.vocabulary))) if mask is None else mask
        if not any(possible):
            if not readings.start.readings:
                raise UnsatisfiableError("no text at all can be made of the parts in their order")
            first = describe_bytes(readings.first_bytes(0))
            raise VocabularyError(
                "no token of this vocabulary can begin a text that satisfies the constraint; "
                f"it may begin with {first}, but no token does. "
                "Use a vocabulary that has them, or loosen the constraint's beginning"
            )
        return matcher

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        if self._ended:
            return False
        if token == self.vocabulary.end:
            return self._state.may_end
        return self._readings.allows(self._state, token)

    def outline(self) -> Outline:
        """A superset of what may come; where it is exact it is the mask."""
        if self._ended:
            return Outline(np.zeros(-(-len(self.vocabulary) // 32), dtype=np.uint32), exact=True)
        mask, exact = self._readings.outline(self._state)
        return Outline(None if mask is None else mask.copy(), exact)

    def mask(self) -> NDArray[np.uint32] | None:
        """All allowed tokens, packed; ``None`` where tokens are better asked about one by one."""
        mask, exact = self.outline()
        return mask if exact else None

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
            ConstraintTooComplexError: the text can be read in too many ways.
        """
        if not self.allows(token):
            raise RefusedTokenError(self.explain(token))
        if token == self.vocabulary.end:
            self._ended = True
            return
        self._state = self._readings.after(self._state, token)  # type: ignore[assignment]
        self._text += self.vocabulary.bytes[token]
        if not self.any_spelling:
            self.any_spelling = self._readings.any_spelling(self._state)  # type: ignore[misc]

    def copy(self) -> ChainMatcher:
        """An independent matcher in the same state; about a microsecond."""
        twin = ChainMatcher.__new__(ChainMatcher)
        twin.__dict__.update(self.__dict__)
        return twin

    def state_key(self) -> Hashable | None:
        """All that the readings tell of their states; ``None`` where one tells nothing."""
        return (self._state.key, self._ended) if self._state.comes_again else None

    def boundary(self) -> Boundary:
        """Which part is being written, and its own boundary; of several readings the first.

        Within a part that may come again and again there are none: no number would only grow.
        """
        return min(map(self._boundary_of, self._state.readings), default=self._finished())

    def _finished(self) -> Boundary:
        return Boundary((self._readings.layout.finished,))

    def _boundary_of(self, reading: Reading) -> Boundary:
        circle = self._readings.layout.circle_of(reading.place)
        if circle is not None:
            return Boundary((circle,))
        kind = str(reading.step.part)
        own = checked_boundary(reading.matcher.boundary(), reading.matcher)
        if own is None:
            return Boundary((reading.place,), kind)
        return Boundary((reading.place, *own.progress), f"{kind} {own.kind}")

    @property
    def only_part(self) -> int | None:
        """The number of the part that is being written; ``None`` if there are several readings."""
        readings = self._state.readings
        return readings[0].step.part if len(readings) == 1 and not self._state.may_end else None

    def part_forced(self) -> bytes:
        """Bytes that must come next in the part that is being written, if there is one reading."""
        return b"" if self.only_part is None else self._state.readings[0].matcher.forced_text()

    def forced(self) -> tuple[int, ...]:
        """Tokens that are the only choice from here; the end token may be the last of them."""
        forced: list[int] = []
        ahead = self.copy()
        # Where no byte is forced, hardly ever is a token: a mask would be wasted.
        while not ahead._ended and (ahead.forced_text() or not ahead._state.readings):
            mask = ahead.mask()
            tokens = None if mask is None else few_tokens(mask)
            if mask is not None and tokens is None:
                tokens = np.flatnonzero(unpack(mask, len(self.vocabulary)))
            if tokens is None or len(tokens) != 1 or len(forced) >= _LONGEST_FORCED:
                break
            forced.append(int(tokens[0]))
            ahead.advance(forced[-1])
        return tuple(forced)

    def forced_text(self) -> bytes:
        """Bytes that must come next, over joins where only one part may follow."""
        forced, state = b"", None if self._ended else self._state
        while state is not None and len(state.readings) == 1 and not state.may_end:
            reading = state.readings[0]
            more = reading.matcher.forced_text()
            if not more or len(forced) >= _LONGEST_FORCED:
                break
            after = reading.after(more)
            if after is None:
                break
            forced += more
            state = self._readings.settled([after])
        return forced

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        if self._ended:
            return 0
        return self._readings.count_allowed(self._state, tuple(tokens))

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """The cheapest that is found of those of the parts, one after the other."""
        if self._ended:
            return None
        found = self._readings.ending(self._state, thorough=thorough)
        if found is None:
            return None
        ending, cut = found
        if self.any_spelling or ending.costs[0] == NEVER:
            return ending
        tokens = ending.tokens()
        if self.count_allowed((*tokens, self.vocabulary.end)) <= len(tokens):
            # Where tokens are counted, the part itself must be ended in as few as it can.
            pieces = (ending.text[:cut], ending.text[cut:])
            apart = [spell(piece, self.vocabulary) for piece in pieces]
            if all(piece.costs[0] < NEVER for piece in apart):
                tokens = tuple(token for piece in apart for token in piece.tokens())
        return Ending.of_tokens(tokens, self.vocabulary)

    def explain(self, token: int) -> str:
        """Why ``token`` is refused by each part that it could belong to; ``""`` if allowed."""
        if self.allows(token):
            return ""
        vocabulary, readings = self.vocabulary, self._state.readings
        if self._ended:
            return "the text has ended: nothing may follow"
        if not 0 <= token < len(vocabulary):
            return f"token {token} is outside the vocabulary of {len(vocabulary)} tokens"
        if token in vocabulary.ends and token != vocabulary.end:
            return f"token {token} is another end token: the one to use is {vocabulary.end}"
        spelled = vocabulary.bytes[token]
        if token != vocabulary.end and not spelled:
            return f"token {token} is not text: it is a special or unused id"
        if not readings:
            return f"{excerpt(spelled)} cannot follow {excerpt(self._text)}: all parts are complete"
        said = [self._said(reading, token) for reading in readings[:_SHOWN]]
        return "; or ".join(dict.fromkeys(said))

    def _said(self, reading: Reading, token: int) -> str:
        own = reading.matcher.explain(token)
        label = self._label(reading.step.part)
        if own:
            return f"in {label}: {own}"
        return f"{label} may stop here, but not the whole text"


def _weakest(parts: Sequence[Matcher], *, exact: bool) -> Strength:
    """The strength of a chain; ``exact``: whether every byte is a token."""
    strengths = {part.strength for part in parts}
    if Strength.FINAL in strengths:
        return Strength.FINAL
    if Strength.SOUND in strengths or not exact:
        return Strength.SOUND
    return Strength.EXACT
