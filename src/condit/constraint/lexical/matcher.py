"""Several rules about text at once, as one matcher over tokens.

Its state has a row and a count for each component. A token is asked about by as many look-ups as
there are components; a mask is the intersection of as many, each of them kept.

Each component alone is followed exactly: what makes it impossible is refused at once. Where a few
of them together leave no text, that is not always seen token by token; `ending` looks for a text
that satisfies all, and with a budget nothing is drawn without one (see ``docs``, *The budget*).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Strength
from condit.constraint.describe import excerpt
from condit.constraint.ending_tokens import Ending, spell
from condit.constraint.lexical.endings import Endings
from condit.constraint.lexical.tables import Row, Table
from condit.errors import RefusedTokenError
from condit.vocabulary import Vocabulary

_MOST_ENDINGS = 4096


class LexicalMatcher(Matcher):
    """What all components allow; EXACT where there is one, else SOUND.

    Args:
        tables: of the components.
        names: what each is called in messages.
        endings: the search for texts that finish.
        vocabulary: the tokens.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        names: Sequence[str],
        endings: Endings,
        vocabulary: Vocabulary,
    ) -> None:
        self.vocabulary = vocabulary
        self.strength = Strength.EXACT if len(tables) == 1 else Strength.SOUND
        if any(bytes([byte]) not in vocabulary.first_token for byte in endings.bytes):
            self.strength = Strength.SOUND
        self._tables, self._names, self._endings = tuple(tables), tuple(names), endings
        self._rows: tuple[Row, ...] = tuple(table.row(0) for table in tables)
        self._counts: tuple[int, ...] = (0,) * len(tables)
        self._begun = b""  # the bytes of a character that is not whole
        self._tail = b""  # some of the text, for messages
        self._ended = False
        self._mask: NDArray[np.uint32] | None = None
        self._found: dict[Hashable, bytes | None] = {}

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next; for the end token, whether the text may stop here."""
        if self._mask is not None and 0 <= token < len(self.vocabulary):
            return bool(self._mask.item(token >> 5) >> (token & 31) & 1)
        return self._after(token) is not None

    def _after(self, token: int) -> tuple[tuple[Row, ...], tuple[int, ...]] | None:
        """The rows and counts after a token; ``None`` where it is refused."""
        if self._ended or not 0 <= token < len(self.vocabulary):
            return None
        if token == self.vocabulary.end:
            return (self._rows, self._counts) if self._may_stop() else None
        return self._followed(self._rows, self._counts, token)

    def _followed(
        self, rows: Sequence[Row], counts: Sequence[int], token: int
    ) -> tuple[tuple[Row, ...], tuple[int, ...]] | None:
        after_rows, after_counts = [], []
        for table, row, before in zip(self._tables, rows, counts, strict=True):
            move = row.moves[token] if token in row.moves else table.move(row, token)
            if move is None:
                return None
            there, gain = move
            count = before
            if gain:
                component = table.component
                count = component.counted(before, gain)
                if count > component.cap:
                    return None
            if not there.viable >> count & 1:
                return None
            after_rows.append(there)
            after_counts.append(count)
        return tuple(after_rows), tuple(after_counts)

    def _may_stop(self) -> bool:
        return _stops(self._tables, self._rows, self._counts)

    def mask(self) -> NDArray[np.uint32]:
        """All allowed tokens, packed."""
        if self._ended:
            return np.zeros(-(-len(self.vocabulary) // 32), dtype=np.uint32)
        if self._mask is None:
            found = np.full(-(-len(self.vocabulary) // 32), 0xFFFFFFFF, dtype=np.uint32)
            for table, row, count in zip(self._tables, self._rows, self._counts, strict=True):
                own = row.by_count.get(count)
                if own is None:
                    own = table.mask(row, count)
                np.bitwise_and(found, own, out=found)
            if self._may_stop():
                end = self.vocabulary.end
                found[end >> 5] |= np.uint32(1 << (end & 31))
            self._mask = found
        return self._mask.copy()

    def advance(self, token: int) -> None:
        """Append ``token``.

        Raises:
            RefusedTokenError: the token is not allowed; the state is unchanged.
        """
        after = self._after(token)
        if after is None:
            raise RefusedTokenError(self.explain(token))
        self._mask = None
        if token == self.vocabulary.end:
            self._ended = True
            return
        self._rows, self._counts = after
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
        return tuple(row.number for row in self._rows), self._counts, self._ended

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other; the end may be the last."""
        if self._ended:
            return 0
        rows, counts = self._rows, self._counts
        for place, token in enumerate(tokens):
            if not 0 <= token < len(self.vocabulary):
                return place
            if token == self.vocabulary.end:
                return place + _stops(self._tables, rows, counts)
            after = self._followed(rows, counts, token)
            if after is None:
                return place
            rows, counts = after
        return len(tokens)

    def ending(self, *, thorough: bool = False) -> Ending | None:
        """A text after which all components are satisfied, as short as is found."""
        if self._ended:
            return None
        key = (tuple(row.number for row in self._rows), self._counts, self._begun)
        if key not in self._found:
            if len(self._found) >= _MOST_ENDINGS:
                self._found.clear()
            numbers = [row.number for row in self._rows]
            self._found[key] = self._endings.find(numbers, self._counts, self._begun)
        found = self._found[key]
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
        parts = zip(self._names, self._tables, self._rows, self._counts, strict=True)
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
            after = -1 if move is None else table.component.counted(count, move[1])
            if move is None or not move[0].viable >> after & 1:
                return f"{excerpt(text)} cannot follow {where}: {name} could not be satisfied"
        return ""


def _stops(tables: Sequence[Table], rows: Sequence[Row], counts: Sequence[int]) -> bool:
    for table, row, count in zip(tables, rows, counts, strict=True):
        if not table.component.stops_at(row.number, count):
            return False
    return True


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
