"""A model as a function from prefixes to logits.

`Reader` is the protocol. `PrefixReader` computes it with a decoder, and no position twice if it
can; `AskedReader` is the base for models that can only be asked.

Samplers that jump about among texts (start over, go back to the middle, follow many branches) ask
for the logits after any prefix. Lanes of one decoder are parked where earlier questions left them;
the lane that shares most with a new prefix is forked, rewound to where they part, and advanced. All
prefixes of one question go through the model together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from cachetools import LRUCache

from condit.model.decoder import Decoder, Logits

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
    """A reader of a model that can only be asked, as over a network: no prefix is asked for twice.

    Args:
        keep: how many rows of logits are kept at most; what was used longest ago goes first.

    Attributes:
        positions_forwarded: prefixes asked for so far: what they cost elsewhere is not known.
        forwards: how many questions they came in.
    """

    def __init__(self, *, keep: int = 1024) -> None:
        self.positions_forwarded = 0
        self.forwards = 0
        self._kept: LRUCache[Prefix, Logits] = LRUCache(maxsize=keep)

    @abstractmethod
    def ask(self, prefixes: Sequence[Prefix]) -> Sequence[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; no two prefixes are equal."""

    def read(self, prefixes: Sequence[Prefix]) -> list[Logits]:
        """Logits after each prefix, shape ``(vocabulary,)``; equal prefixes are read once."""
        rows = {prefix: self._kept.get(prefix) for prefix in prefixes}
        missing = [prefix for prefix, row in rows.items() if row is None]
        if missing:
            rows.update(zip(missing, self.ask(missing), strict=True))
            self._kept.update((prefix, rows[prefix]) for prefix in missing)
            self.positions_forwarded += len(missing)
            self.forwards += 1
        return [rows[prefix] for prefix in prefixes]


@dataclass(eq=False)
class Place:
    """A prefix whose cells are held, as a node of a tree."""

    parent: Place | None
    token: int
    depth: int
    lane: Parked
    children: dict[int, Place] = field(default_factory=dict)


@dataclass(eq=False)
class Parked:
    """A lane of the decoder, and the place where it ends."""

    index: int
    tip: Place | None = None
    used: int = 0


class PrefixReader:
    """Logits after prefixes of token ids that follow one prompt, by lanes of a decoder.

    Args:
        decoder: with one lane, which has nothing but the prompt; it is the reader's from now on.
        cells: how many positions beyond the prompt are held at most, unless one question alone
            needs more. Every forward looks at all of them, so more is not always faster.
        lanes: how many lanes are parked at most, likewise.
    """

    def __init__(self, decoder: Decoder, *, cells: int = 2048, lanes: int = 256) -> None:
        self._decoder = decoder
        self._prompt_logits = self._decoder.logits[0]
        self._most_cells = cells
        self._most_lanes = lanes
        root_lane = Parked(0)
        self._root = Place(None, -1, 0, root_lane)
        root_lane.tip = self._root
        self._lanes = [root_lane]
        self._cells = 0
        self._questions = 0

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
            self._let_go()
        return [rows[prefix] for prefix in prefixes]

    def _advance(self, wanted: Sequence[Prefix]) -> list[Logits]:
        shared = [self._deepest(prefix) for prefix in wanted]
        held = len(self._lanes)
        self._decoder.fork([*range(held), *(place.lane.index for place in shared)])
        # Where a prefix is held in whole, its last token is forwarded again, for its logits.
        kept = [
            min(place.depth, len(prefix) - 1) for place, prefix in zip(shared, wanted, strict=True)
        ]
        lengths = list(self._decoder.lengths[:held])
        self._decoder.rewind([*lengths, *kept])
        answers = self._decoder.advance(
            [
                *([()] * held),
                *(prefix[length:] for prefix, length in zip(wanted, kept, strict=True)),
            ]
        )
        # Whoever asked has the logits: parked lanes need not hold them in memory.
        self._decoder.drop_logits(range(1, held + len(wanted)))
        for prefix in wanted:
            self._park(prefix)
        return [rows[-1] for rows in answers[held:]]

    def _deepest(self, prefix: Prefix) -> Place:
        """The longest beginning of ``prefix`` that is held."""
        place = self._root
        for token in prefix:
            further = place.children.get(token)
            if further is None:
                break
            place = further
        return place

    def _park(self, prefix: Prefix) -> None:
        lane = Parked(len(self._lanes), used=self._questions)
        self._lanes.append(lane)
        held = self._deepest(prefix)
        if held.depth == len(prefix) and held.children:
            return  # lanes that go on from here hold it already: this one can go
        place = self._root
        for token in prefix:
            further = place.children.get(token)
            if further is None:
                further = place.children[token] = Place(place, token, place.depth + 1, lane)
                self._cells += 1
            further.lane = lane
            place = further
        lane.tip = place

    def _let_go(self) -> None:
        """Drop lanes that others cover, then the ones that were used longest ago."""
        kept = [
            lane
            for lane in self._lanes
            if lane.tip is not None
            and (lane.tip is self._root or (not lane.tip.children and lane.tip.lane is lane))
        ]
        by_age = sorted(kept[1:], key=lambda lane: lane.used)
        dropped: set[Parked] = set()
        for lane in by_age:
            if len(kept) - len(dropped) <= self._most_lanes and self._cells <= self._most_cells:
                break
            if lane.used == self._questions:
                break
            self._forget(lane)
            dropped.add(lane)
        self._lanes = [lane for lane in kept if lane not in dropped]
        self._decoder.fork([lane.index for lane in self._lanes])
        for index, lane in enumerate(self._lanes):
            lane.index = index

    def _forget(self, lane: Parked) -> None:
        """Remove the places that no other lane holds, and give the others a lane that stays."""
        place = lane.tip
        while place is not None and place.parent is not None:
            parent = place.parent
            if not place.children:
                del parent.children[place.token]
                self._cells -= 1
            elif place.lane is lane:
                place.lane = next(iter(place.children.values())).lane
            place = parent
        # The root is held by the lane of the prompt.
