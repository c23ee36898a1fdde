"""All readings of a text at once, as an automaton that is built as it is asked for.

A token is followed within the part that is being written, and over every join at which it may be
taken apart. Two readings with equal futures are one, so that a text with several readings is still
one text.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from condit.constraint.algebra.counting import count_of
from condit.constraint.algebra.joins import Joins, places_of
from condit.constraint.algebra.layout import Layout, Rest, Step
from condit.constraint.algebra.reading import Reading
from condit.constraint.algebra.regular import last_bytes_of
from condit.constraint.algebra.state import State
from condit.constraint.base import Constraint, Matcher, Outline, unpack
from condit.constraint.ending_tokens import NEVER, Ending, spell
from condit.errors import ConstraintTooComplexError, UnsatisfiableError, VocabularyError
from condit.vocabulary import Vocabulary

_MOST_READINGS = 256
_MOST_STATES = 4096
_MOST_TOKENS = 8192
"""Tokens after which the state is kept, for one state."""
_MOST_ASKED = 256
"""Tokens over joins that are asked about one by one for a mask; where there are more, the outline
holds them all."""

_MOST_COUNTS = 256
"""Sequences of tokens whose allowed lengths are kept, for one state."""

_MISSING = object()


class Readings:
    """The readings of texts of one layout over one vocabulary. Safe to use from several threads.

    Args:
        layout: in which order parts may follow each other.
        parts: the parts.
        vocabulary: the tokens.

    Attributes:
        layout: without the steps from which the text cannot be finished.
        last_bytes: for each part the bytes that its texts may end with; ``None``: not known.
    """

    def __init__(self, layout: Layout, parts: Sequence[Constraint], vocabulary: Vocabulary) -> None:
        self.parts, self.vocabulary = parts, vocabulary
        self._joins = Joins.of(vocabulary)
        self._wide = self._joins.wide or vocabulary
        self._words = -(-len(vocabulary) // 32)
        self.last_bytes = [last_bytes_of(part) for part in parts]
        self._matchers: dict[int, Matcher] = {}
        self.layout = layout.without(self._unsatisfiable(layout.parts))
        self._starts: dict[tuple[int, Step], Reading] = {}
        self._openings: dict[int, tuple[Reading, ...]] = {}
        self._first: dict[int, frozenset[int]] = {}
        self._states: dict[Hashable, State] = {}
        self._entries: dict[tuple[int, bytes], State] = {}
        self._free: list[bool] | None = None
        self._rests: Mapping[int, Rest | None] | None = None
        self.start = self.settled(self._opened(0), 0 in layout.ends)

    def _unsatisfiable(self, parts: Iterable[int]) -> set[int]:
        """Bind the parts; those that have no text."""
        empty = set()
        for part in parts:
            try:
                self._matchers[part] = self.parts[part].bind(self._wide)
            except (UnsatisfiableError, VocabularyError):
                # In the wide vocabulary every text can be written.
                empty.add(part)
        return empty

    def matcher(self, part: int) -> Matcher:
        """The matcher of a part at its beginning, which is not to be advanced."""
        return self._matchers[part]

    def _opened(self, place: int) -> list[Reading]:
        """The readings that begin at a place."""
        found = []
        for step in self.layout.steps[place]:
            start = self._starts.get((place, step))
            if start is None:
                start = self._starts[place, step] = Reading(place, step, self.matcher(step.part))
            found.append(start)
        return found

    def openings(self, place: int) -> tuple[Reading, ...]:
        """The readings that begin at a place, and behind parts that may be empty there."""
        found = self._openings.get(place)
        if found is None:
            found = self._openings[place] = tuple(self._closed(self._opened(place))[0])
        return found

    def _closed(self, readings: Iterable[Reading]) -> tuple[list[Reading], bool]:
        """The readings, and those that begin where they may stop; whether the text may end."""
        kept: dict[Hashable, Reading] = {}
        waiting, may_end = list(readings), False
        while waiting:
            reading = waiting.pop(0)
            if reading.key in kept:
                continue
            kept[reading.key] = reading
            if reading.may_stop:
                may_end |= reading.step.after in self.layout.ends
                waiting += self._opened(reading.step.after)
            if len(kept) > _MOST_READINGS:
                raise ConstraintTooComplexError(
                    f"a text can be read as parts in more than {_MOST_READINGS} ways: part "
                    f"{reading.step.part + 1} can end in too many places. Put a separator between "
                    "the parts that no part can contain, or make one regular expression of them"
                )
        return list(kept.values()), may_end

    def settled(self, readings: Iterable[Reading], may_end: bool = False) -> State:
        """The state of these readings and all that begin where they may stop.

        Raises:
            ConstraintTooComplexError: they are too many.
        """
        closed, ends = self._closed(readings)
        live = tuple(reading for reading in closed if reading.goes_on)
        state = State(live, may_end or ends)
        if not state.comes_again:
            return state
        if len(self._states) > _MOST_STATES:
            for known in list(self._states.values()):
                known.after.clear()  # or those that it leads to would stay alive
            self._states.clear()
        return self._states.setdefault(state.key, state)

    def after(self, state: State, token: int) -> State | None:
        """The state after a token of text; ``None`` where it is refused."""
        found = state.after.get(token, _MISSING)
        if found is _MISSING:
            spelled = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
            readings = self._followed(state.readings, spelled, token) if spelled else []
            found = self.settled(readings) if readings else None
            # A state that never comes again is not kept alive by the one before it.
            again = found is None or found.comes_again
            if again and state.comes_again and len(state.after) < _MOST_TOKENS:
                state.after[token] = found
        return found  # type: ignore[return-value]

    def allows(self, state: State, token: int) -> bool:
        """Whether a token of text may come; unlike ``after``, without advancing a matcher."""
        found = state.after.get(token, _MISSING)
        if found is not _MISSING:
            return found is not None
        spelled = self.vocabulary.bytes[token] if 0 <= token < len(self.vocabulary) else b""
        return bool(spelled) and self._takes(state.readings, spelled, token)

    def _takes(self, readings: Iterable[Reading], text: bytes, token: int | None = None) -> bool:
        """Whether ``text`` may come at one of some readings."""
        for reading in readings:
            if reading.allows(text, token):
                return True
            for place in self.places(reading.step, text):
                further = self.openings(reading.step.after)
                if reading.stops_after((), text[:place]) and self._takes(further, text[place:]):
                    return True
        return False

    def _followed(
        self, readings: Iterable[Reading], text: bytes, token: int | None
    ) -> list[Reading]:
        """The readings after a token, not yet those that begin behind it."""
        found: list[Reading] = []
        waiting = [(reading, 0) for reading in readings]
        seen: set[Hashable] = set()
        while waiting:
            reading, begun = waiting.pop()
            if (mark := (begun, reading.key)) in seen:
                continue
            seen.add(mark)
            rest = text[begun:]
            whole = reading.after(rest, None if begun else token)
            if whole is not None:
                found.append(whole)
            for place in self.places(reading.step, rest):
                if reading.stops_after((), rest[:place]):
                    further = self.openings(reading.step.after)
                    waiting += [(opening, begun + place) for opening in further]
        return found[::-1]

    def places(self, step: Step, text: bytes) -> Sequence[int]:
        """Where ``text`` may be taken apart, the head belonging to the part of ``step``."""
        if len(text) < 2:
            return ()
        return places_of(text, self.last_bytes[step.part], self.first_bytes(step.after))

    def first_bytes(self, place: int) -> frozenset[int]:
        """The bytes that may come at a place."""
        found = self._first.get(place)
        if found is None:
            found = frozenset().union(*map(self._begins_with, self.openings(place)))
            self._first[place] = found
        return found

    def _begins_with(self, reading: Reading) -> frozenset[int]:
        single = self._joins.single
        mask = reading.outline.tokens(len(self._wide))
        if mask is None:
            return frozenset(b for b in range(256) if reading.matcher.allows(int(single[b])))
        return frozenset(np.flatnonzero(mask[single]).tolist())

    def outline(self, state: State) -> Outline:
        """What may come, packed; not to be changed."""
        if state.outline is None:
            state.outline = self._find_outline(state)
        return state.outline

    def _find_outline(self, state: State) -> Outline:
        mask, exact = np.zeros(self._words, dtype=np.uint32), True
        for reading in state.readings:
            own = reading.outline
            if own.mask is None:
                return Outline(None, exact=False)
            mask |= own.mask[: self._words]
            exact &= own.exact
        spare = len(self.vocabulary) % 32
        if spare:
            mask[-1] &= np.uint32((1 << spare) - 1)
        for reading in state.readings:
            exact &= self._add_straddling(state, reading, mask)
        end = self.vocabulary.end
        mask[end // 32] &= ~np.uint32(1 << end % 32)
        if state.may_end:
            mask[end // 32] |= np.uint32(1 << end % 32)
        return Outline(mask, exact)

    def _add_straddling(self, state: State, reading: Reading, mask: NDArray[np.uint32]) -> bool:
        """Add the tokens that end the part and go on behind it; whether only those."""
        first = self.first_bytes(reading.step.after)
        tokens = self._joins.tokens(self.last_bytes[reading.step.part], first)
        if not len(tokens):
            return True
        tokens = tokens[~unpack(mask, len(self.vocabulary))[tokens]]
        own = reading.outline.tokens(len(self._wide))
        if own is not None and reading.matcher.any_spelling:
            firsts = np.array([self.vocabulary.bytes[token][0] for token in tokens], dtype=np.intp)
            tokens = tokens[own[self._joins.single[firsts]]]
        few = len(tokens) <= _MOST_ASKED
        for token in tokens.tolist():
            if not few or self.allows(state, token):
                mask[token // 32] |= np.uint32(1 << token % 32)
        return few

    def any_spelling(self, state: State) -> bool:
        """Whether from here on every spelling of an allowed text is allowed."""
        return all(
            reading.matcher.any_spelling and self._spelled_freely(reading.step.after)
            for reading in state.readings
        )

    def _spelled_freely(self, place: int) -> bool:
        if self._free is None:
            layout = self.layout.rough
            free = [True] * len(layout.steps)
            before: list[bool] = []
            while before != free:
                before = list(free)
                for at in reversed(range(len(free))):
                    for step in layout.steps[at]:
                        free[at] &= self.matcher(step.part).any_spelling and free[step.after]
            self._free = free
        return self._free[self.layout.rough_place(place)]

    def ending(self, state: State, *, thorough: bool) -> tuple[Ending, int] | None:
        """The cheapest that is found, and how many of its bytes end the part being written."""
        if thorough not in state.endings:
            state.endings[thorough] = self._find_ending(state, thorough)
        return state.endings[thorough]

    def _find_ending(self, state: State, thorough: bool) -> tuple[Ending, int] | None:
        if state.may_end:
            return spell(b"", self.vocabulary), 0
        rests, found = self._cheapest_rests(), []
        for reading in state.readings:
            rest = rests[reading.step.after]
            own = None if rest is None else reading.matcher.ending(thorough=thorough)
            if own is not None and rest is not None:
                found.append((spell(own.text + rest[1], self.vocabulary), len(own.text)))
        return min(found, key=lambda each: (each[0].costs[0], len(each[0].text)), default=None)

    def _cheapest_rests(self) -> Mapping[int, Rest | None]:
        if self._rests is None:
            wholes = {part: self._whole(part) for part in self.layout.parts}
            self._rests = self.layout.cheapest_rests(wholes)
        return self._rests

    def _whole(self, part: int) -> Rest | None:
        ending = self.matcher(part).ending(thorough=True)
        if ending is None:
            return None
        cost = spell(ending.text, self.vocabulary).costs[0]
        return min(cost, NEVER), ending.text

    def count_allowed(self, state: State, tokens: tuple[int, ...]) -> int:
        """How many of ``tokens`` may come, one after the other; the end may be the last."""
        for place, token in enumerate(tokens):
            if token == self.vocabulary.end:
                return place + state.may_end
            if len(state.readings) == 1 and not state.readings[0].comes_again:
                return place + self._count_kept(state, tokens[place:])
            after = self.after(state, token)
            if after is None:
                return place
            state = after
        return len(tokens)

    def _count_kept(self, state: State, tokens: tuple[int, ...]) -> int:
        """As ``count_allowed`` where there is one reading; endings are asked about often."""
        found = state.counts.get(tokens)
        if found is None:
            if len(state.counts) >= _MOST_COUNTS:
                state.counts.clear()
            found = state.counts[tokens] = count_of(self, state.readings[0], tokens)
        return found

    def entered(self, place: int, text: bytes) -> State:
        """The state where ``text`` was written from a place on; an empty one where it may not."""
        found = self._entries.get((place, text))
        if found is None:
            ends = place in self.layout.ends
            readings: Sequence[Reading] = self._opened(place)
            if text:
                readings, ends = self._followed(self.openings(place), text, None), False
            found = self._entries[place, text] = self.settled(readings, ends)
        return found
