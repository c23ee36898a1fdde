"""Several rules about text at once, as one matcher over tokens.

Its state has a row and a count for each component. A token is asked about by as many look-ups as
there are components; a mask is the intersection of as many, each of them kept.

Each component alone is followed exactly: what makes it impossible is refused at once. Where a few
of them together leave no text, that is not always seen token by token; `ending` looks for a text
that satisfies all, and with a budget nothing is drawn without one (see ``docs``, *The budget*).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength
from condit.constraint.describe import excerpt
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.lexical.endings import Endings
from condit.constraint.lexical.tables import Row, Table
from condit.errors import RefusedTokenError
from condit.vocabulary import Vocabulary

_MOST_STATES, _MOST_MASKS = 50_000, 1000


@dataclass(eq=False, slots=True)
class State:
    """Where all components stand, and what was found out about it.

    Attributes:
        rows: of each component.
        counts: of each component.
        stops: whether the text may stop here.
        moves: by token the state after it; ``None`` where it is refused.
        mask: the packed mask; ``None`` if it was not asked for.
        endings: by the bytes of a character that is not whole, an ending.
    """

    rows: tuple[Row, ...]
    counts: tuple[int, ...]
    stops: bool
    moves: dict[int, State | None] = field(default_factory=dict)
    mask: NDArray[np.uint32] | None = None
    endings: dict[bytes, bytes | None] = field(default_factory=dict)


class States:
    """The states of some components over one vocabulary, shared by all matchers.

    Args:
        tables: of the components.
        names: what each is called in messages.
        endings: the search for texts that finish.
    """

    def __init__(self, tables: Sequence[Table], names: Sequence[str], endings: Endings) -> None:
        self.tables, self.names, self.endings = tuple(tables), tuple(names), endings
        self._known: dict[Hashable, State] = {}
        self._masks: deque[State] = deque()  # those that have one

    @property
    def start(self) -> State:
        """That at the empty text."""
        return self._at(tuple(table.row(0) for table in self.tables), (0,) * len(self.tables))

    def _at(self, rows: tuple[Row, ...], counts: tuple[int, ...]) -> State:
        key = (rows, counts)
        found = self._known.get(key)
        if found is None:
            parts = zip(self.tables, rows, counts, strict=True)
            stops = all(table.component.stops_at(row.number, n) for table, row, n in parts)
            if len(self._known) >= _MOST_STATES:
                for each in list(self._known.values()):
                    each.moves, each.mask = {}, None
                self._known.clear()
            found = self._known.setdefault(key, State(rows, counts, stops))
        return found

    def after(self, state: State, token: int) -> State | None:
        """The state after a token that is text; ``None`` where it is refused."""
        if token in state.moves:
            return state.moves[token]
        found = state.moves[token] = self._followed(state, token)
        return found

    def allows(self, state: State, token: int) -> bool:
        """Whether a token that is text may come; without making the state after it."""
        for table, row, count in zip(self.tables, state.rows, state.counts, strict=True):
            groups = row.groups
            if groups is None:
                move = table.move(row, token)
                if move is None:
                    return False
            else:
                number = groups.item(token)
                if number == len(row.targets):
                    return False
                move = row.targets[number]
            after = count + move[1]
            if after > table.cap:
                if not table.saturates:
                    return False
                after = table.cap
            if not move[0].viable >> after & 1:
                return False
        return True

    def _followed(self, state: State, token: int) -> State | None:
        rows, counts = [], []
        for table, row, count in zip(self.tables, state.rows, state.counts, strict=True):
            move = row.moves[token] if token in row.moves else table.move(row, token)
            if move is None:
                return None
            there, gain = move
            if gain:
                component = table.component
                count = component.counted(count, gain)
                if count > component.cap:
                    return None
            if not there.viable >> count & 1:
                return None
            rows.append(there)
            counts.append(count)
        return self._at(tuple(rows), tuple(counts))

    def mask(self, state: State, size: int, end: int) -> NDArray[np.uint32]:
        """All tokens that are allowed, packed; not to be changed."""
        if state.mask is None:
            found = np.full(-(-size // 32), 0xFFFFFFFF, dtype=np.uint32)
            for table, row, count in zip(self.tables, state.rows, state.counts, strict=True):
                own = row.by_count.get(count)
                np.bitwise_and(found, table.mask(row, count) if own is None else own, out=found)
            if state.stops:
                found[end >> 5] |= np.uint32(1 << (end & 31))
            state.mask = found
            self._masks.append(state)
            if len(self._masks) > _MOST_MASKS:
                self._masks.popleft().mask = None
        return state.mask

    def ending(self, state: State, begun: bytes) -> bytes | None:
        """A text that finishes; ``None``: not found."""
        if begun not in state.endings:
            numbers = [row.number for row in state.rows]
            state.endings[begun] = self.endings.find(numbers, state.counts, begun)
        return state.endings[begun]


class LexicalMatcher(Matcher):
    """What all components allow; EXACT where there is one, else SOUND.

    Args:
        states: of the components.
        vocabulary: the tokens.
    """

    keeps_ending = True

    def __init__(self, states: States, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.strength = Strength.EXACT if len(states.tables) == 1 else Strength.SOUND
        if any(bytes([byte]) not in vocabulary.first_token for byte in states.endings.byte_values):
            self.strength = Strength.SOUND
        self._states, self._state = states, states.start
        self._begun = b""  # the bytes of a character that is not whole
        self._tail = b""  # some of the text, for messages
        self._ended = False

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        if self._ended:
            return False
        state = self._state
        if token in state.moves:
            return state.moves[token] is not None
        if not 0 <= token < len(self.vocabulary):
            return False
        if state.mask is not None:
            return bool(state.mask.item(token >> 5) >> (token & 31) & 1)
        if token == self.vocabulary.end:
            return state.stops
        return self._states.allows(state, token)

    def mask(self) -> NDArray[np.uint32]:
        """All allowed tokens, packed."""
        size = len(self.vocabulary)
        if self._ended:
            return np.zeros(-(-size // 32), dtype=np.uint32)
        return self._states.mask(self._state, size, self.vocabulary.end).copy()

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
        after = self._states.after(self._state, token)
        if after is None:
            raise RefusedTokenError(self.explain(token))
        self._state = after
        text = self.vocabulary.bytes[token]
        self._begun = _begun(self._begun + text[-4:])
        self._tail = (self._tail + text)[-80:]

    def copy(self) -> LexicalMatcher:
        """An independent matcher in the same state."""
        twin = LexicalMatcher.__new__(LexicalMatcher)
        twin.__dict__.update(self.__dict__)
        return twin

    def state_key(self) -> Hashable:
        """Rows, counts, and whether the text has ended."""
        return tuple(row.number for row in self._state.rows), self._state.counts, self._ended

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        if self._ended:
            return 0
        state, end, size = self._state, self.vocabulary.end, len(self.vocabulary)
        for place, token in enumerate(tokens):
            if token == end:
                return place + state.stops
            after = state.moves.get(token)
            if after is None:
                after = self._states.after(state, token) if 0 <= token < size else None
                if after is None:
                    return place
            state = after
        return len(tokens)

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """A text after which all components are satisfied, as short as is found."""
        if self._ended:
            return None
        found = self._states.ending(self._state, self._begun)
        return None if found is None else spell(found, self.vocabulary)

    def explain(self, token: int) -> str:
        """Which rule refuses ``token``; ``""`` where it is allowed."""
        if self.allows(token):
            return ""
        if self._ended:
            return "the text has ended: nothing may follow"
        if not 0 <= token < len(self.vocabulary):
            return f"token {token} is outside the vocabulary of {len(self.vocabulary)} tokens"
        where = f"after {excerpt(self._tail)}"
        states, state = self._states, self._state
        parts = zip(states.names, states.tables, state.rows, state.counts, strict=True)
        if token == self.vocabulary.end:
            unmet = [
                name for name, table, row, n in parts if not table.component.stops_at(row.number, n)
            ]
            return f"the text cannot stop {where}: not yet satisfied: {'; '.join(unmet)}"
        text = self.vocabulary.bytes[token]
        if not text:
            return f"token {token} is not text: it is a special, unused or other end token"
        for name, table, row, count in parts:
            move = table.move(row, token)
            after = 0 if move is None else table.component.counted(count, move[1])
            if move is None or not move[0].viable >> after & 1:
                return f"{excerpt(text)} cannot come {where}: it would break this: {name}"
        return ""


def _begun(text: bytes) -> bytes:
    """The bytes at the end of a text that begin a character and do not finish it."""
    for size in range(1, min(3, len(text)) + 1):
        byte = text[-size]
        if byte >= 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return text[-size:] if size < wanted else b""
        if byte < 0x80:
            return b""
    return b""
