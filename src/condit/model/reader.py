"""A model as a function from prefixes to logits, for samplers that go back and branch.

`Reader` is the protocol. `PrefixReader` serves it by a decoder, and computes few positions twice;
`AskedReader` is the base for models without a decoder, such as remote ones.

`PrefixReader` parks lanes of one decoder at earlier prefixes. The lane that shares most with a new
prefix is forked, rewound to where they part, and advanced. All prefixes of one call of ``read`` go
through the model together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from cachetools import LRUCache

from condit.errors import ConditError, ModelError
from condit.model.decoder import Decoder, Logits, one_row_each, shared_length

Prefix: TypeAlias = tuple[int, ...]


class Reader(Protocol):
    """Logits after prefixes of token ids that follow one prompt."""

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far, the prompt included."""

    @property
    def forwards(self) -> int:
        """How many times the model has been called for them."""

    def read(self, prefixes: Sequence[Prefix]) -> list[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; equal prefixes are read once."""


class AskedReader(ABC):
    """A reader of a model without a decoder, such as a remote one; logits are cached by prefix.

    Args:
        keep: how many rows of logits are cached at most, least recently used first.

    Attributes:
        positions_forwarded: prefixes asked for so far; positions computed elsewhere are not known.
        forwards: how many calls of ``ask`` they came in.
    """

    def __init__(self, *, keep: int = 1024) -> None:
        self.positions_forwarded = 0
        self.forwards = 0
        self._kept: LRUCache[Prefix, Logits] = LRUCache(maxsize=keep)

    @abstractmethod
    def ask(self, prefixes: Sequence[Prefix]) -> Sequence[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; no two prefixes are equal.

        What it raises becomes a `ModelError`, so that a run keeps what it has drawn.
        """

    def read(self, prefixes: Sequence[Prefix]) -> list[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; equal prefixes are read once."""
        rows = {prefix: self._kept.get(prefix) for prefix in prefixes}
        missing = [prefix for prefix, row in rows.items() if row is None]
        if missing:
            rows.update(zip(missing, self._ask(missing), strict=True))
            self._kept.update((prefix, rows[prefix]) for prefix in missing)
            self.positions_forwarded += len(missing)
            self.forwards += 1
        return [rows[prefix] for prefix in prefixes]

    def _ask(self, prefixes: Sequence[Prefix]) -> Sequence[Logits]:
        """``ask``, where whatever goes wrong is a `ModelError`."""
        who = f"{type(self).__name__}.ask"
        try:
            answer = self.ask(prefixes)
        except ConditError:
            raise
        except Exception as error:
            raise ModelError(f"{who} failed ({type(error).__name__}: {error})") from error
        return one_row_each(answer, len(prefixes), who)


class PrefixReader:
    """Logits after prefixes of token ids that follow one prompt, by lanes of a decoder.

    Args:
        decoder: with one lane, which has nothing but the prompt; used by this reader alone.
        cells: how many positions beyond the prompt are held at most, unless one call of ``read``
            needs more. Every forward attends to all of them, so more is not always faster.
        lanes: how many lanes are parked at most, likewise; by default 256, or 32 where each lane
            holds a recurrent state (`Decoder.recomputes`).
    """

    def __init__(self, decoder: Decoder, *, cells: int = 2048, lanes: int | None = None) -> None:
        self._decoder = decoder
        self._prompt_logits = decoder.logits[0]
        self._most_cells = cells
        self._most_lanes = lanes or (32 if decoder.recomputes else 256)
        self._questions = 0
        # What each lane holds, in the order of the lanes, and in which question it was last used.
        # The first has nothing but the prompt. No other one is a prefix of another.
        self._used: dict[Prefix, int] = {(): 0}
        self._sorted: list[Prefix] = [()]
        self._cells = 0

    @property
    def positions_forwarded(self) -> int:
        """Token positions that the model has computed so far, the prompt included."""
        return self._decoder.positions_forwarded

    @property
    def forwards(self) -> int:
        """How many times the model has been called for them."""
        return self._decoder.forwards

    def read(self, prefixes: Sequence[Prefix]) -> list[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; equal prefixes are read once."""
        self._questions += 1
        wanted = [prefix for prefix in dict.fromkeys(prefixes) if prefix]
        rows: dict[Prefix, Logits] = {(): self._prompt_logits}
        if wanted:
            rows.update(zip(wanted, self._advance(wanted), strict=True))
        return [rows[prefix] for prefix in prefixes]

    def _advance(self, wanted: Sequence[Prefix]) -> list[Logits]:
        held = list(self._used)
        lane_of = {prefix: lane for lane, prefix in enumerate(held)}
        plans = [self._nearest(prefix) for prefix in wanted]
        self._decoder.fork([*range(len(held)), *(lane_of[nearest] for _, nearest in plans)])
        # Where a prefix is held in whole, its last token is forwarded again, for its logits.
        kept = [min(n, len(prefix) - 1) for (n, _), prefix in zip(plans, wanted, strict=True)]
        self._decoder.rewind([*self._decoder.lengths[: len(held)], *kept])
        rests = [prefix[length:] for prefix, length in zip(wanted, kept, strict=True)]
        answers = self._decoder.advance([*([()] * len(held)), *rests])
        # The caller has the logits: parked lanes need not hold them in memory.
        self._decoder.drop_logits(range(1, len(held) + len(wanted)))
        lane_of.update((prefix, lane) for lane, prefix in enumerate(wanted, len(held)))
        for prefix in wanted:
            self._park(prefix)
        self._evict()
        self._decoder.fork([lane_of[prefix] for prefix in self._used])
        return [rows[-1] for rows in answers[len(held) :]]

    def _nearest(self, prefix: Prefix) -> tuple[int, Prefix]:
        """The lane that shares most with ``prefix``: how many tokens, and what it holds."""
        place = bisect_left(self._sorted, prefix)
        # In sorted order it is next to ``prefix``.
        beside = self._sorted[max(place - 1, 0) : place + 1]
        return max((shared_length(other, prefix), other) for other in beside)

    def _park(self, prefix: Prefix) -> None:
        """Note that a lane holds ``prefix``, in place of one that holds a beginning of it."""
        length, nearest = self._nearest(prefix)
        if length == len(prefix) < len(nearest):
            return  # a lane that goes on from here holds it already
        if nearest and length == len(nearest):
            del self._sorted[bisect_left(self._sorted, nearest)], self._used[nearest]
        insort(self._sorted, prefix)
        self._used[prefix] = self._questions
        self._cells += len(prefix) - length

    def _drop(self, prefix: Prefix) -> None:
        place = bisect_left(self._sorted, prefix)
        self._cells -= self._unshared(place)
        del self._sorted[place], self._used[prefix]

    def _unshared(self, place: int) -> int:
        """How many positions no other lane shares with the one at this place in sorted order."""
        prefix = self._sorted[place]
        beside = [*self._sorted[place - 1 : place], *self._sorted[place + 1 : place + 2]]
        return len(prefix) - max(shared_length(other, prefix) for other in beside)

    def _evict(self) -> None:
        """Drop the least recently used lanes, while there are too many."""
        if len(self._used) <= self._most_lanes and self._cells <= self._most_cells:
            return
        for prefix in sorted(list(self._used)[1:], key=self._used.__getitem__):
            few = len(self._used) <= self._most_lanes and self._cells <= self._most_cells
            if few or self._used[prefix] == self._questions:
                break
            self._drop(prefix)
