"""A decoder that is made of one method: a forward over new positions of a tree of tokens.

Lanes are paths in that tree, and drafts are positions that no lane has reached yet. `TreeDecoder`
keeps the lanes, finds out which positions are new, and reuses the logits of drafts; a subclass
forwards new positions, and stores with each of them what it needs (the slot of its keys and values,
a recurrent state). It holds no keys and values itself, and knows no model.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from condit.errors import ArgumentError
from condit.model.decoder import Decoder, Draft, Logits, one_row_each, refuse_rewind


@dataclass(eq=False, slots=True)
class Position:
    """A token that was forwarded, as a node of the tree: it follows all tokens on the path to it.

    Attributes:
        token: its id.
        parent: the position before it; ``None`` for the first of a prompt.
        depth: how many tokens the path has, this one included.
        state: what the subclass stores; ``None`` at first.
    """

    token: int
    parent: Position | None
    depth: int
    state: Any = None

    def at(self, depth: int) -> Position:
        """The position on the path to here that has this depth."""
        here = self
        while here.depth > depth and here.parent is not None:
            here = here.parent
        return here

    def way(self) -> Iterator[Position]:
        """This position, the one before it, and so on to the first of the prompt."""
        here: Position | None = self
        while here is not None:
            yield here
            here = here.parent


class Lane(NamedTuple):
    """Where a lane ends, where its prompt does, and the drafts that may follow."""

    tip: Position
    prompt: Position
    prompt_logits: Logits
    ahead: tuple[Position, ...] = ()

    def ending_at(self, tip: Position) -> Lane:
        """The same lane with another end."""
        return Lane(tip, self.prompt, self.prompt_logits, self.ahead)


class TreeDecoder(Decoder):
    """Lanes as paths in a tree of positions; a subclass adds ``forward``.

    Within one call, lanes that append the same token to the same position share the new one. The
    logits of a draft are kept as long as some lane ends there or has it among its drafts. A
    position that no lane can reach any more is garbage collected, and its ``state`` with it.
    """

    looks_ahead = True
    takes_pieces = True

    def __init__(self) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self.forwards = 0
        self._lanes: list[Lane] = []
        # Drafted positions and the logits after them, by the identity of the parent and the token.
        self._known: dict[tuple[int, int], tuple[Position, Logits]] = {}

    @abstractmethod
    def forward(self, positions: Sequence[Position]) -> Sequence[Logits]:
        """Forward new positions, which come parents before children.

        Parents are in ``positions``, or were in an earlier call and are still on the path of a
        lane. If this raises, no lane has changed.

        Returns:
            for each position the logits after it, shape ``(vocabulary,)``.
        """

    def forward_prompt(self, positions: Sequence[Position]) -> Logits:
        """Forward a prompt and count that; returns the logits after its last token."""
        return self._compute(positions)[-1]

    def held(self) -> list[Position]:
        """The positions where lanes or their prompts end, and the drafts, each once."""
        return list(
            dict.fromkeys(
                position
                for lane in self._lanes
                for position in (lane.tip, *lane.ahead, lane.prompt)
            )
        )

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""
        return tuple([lane.tip.depth - lane.prompt.depth for lane in self._lanes])

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices."""
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        positions: list[Position] = []
        for depth, token in enumerate(prompt, 1):
            positions.append(Position(token, positions[-1] if positions else None, depth))
        logits = self.forward_prompt(positions)
        first = len(self._lanes)
        self._lanes += [Lane(positions[-1], positions[-1], logits)] * lanes
        self.logits += [logits] * lanes
        return range(first, first + lanes)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead; logits at every new position."""
        self._require_one_each(tokens, drafts)
        if not self.looks_ahead:
            drafts = None
        new: dict[tuple[int, int], Position] = {}
        appended = [
            self._walk(new, lane.tip, path, range(-1, len(path) - 1)) if path else []
            for lane, path in zip(self._lanes, tokens, strict=True)
        ]
        ahead: list[list[Position]] = []
        for lane, path, draft in zip(self._lanes, appended, drafts or (), strict=False):
            end = path[-1] if path else lane.tip
            ahead.append(self._walk(new, end, draft.tokens, draft.parents))
        rows = {id(position): row for position, row in self._known.values()}
        positions = list(new.values())
        rows.update(zip(map(id, positions), self._compute(positions), strict=True))
        for position in (position for drafted in ahead for position in drafted):
            self._known[id(position.parent), position.token] = position, rows[id(position)]
        # Parked lanes are many, and get nothing: they share what says so.
        answers = [self._lanes[0].prompt_logits[None][:0]] * len(appended) if appended else []
        for index, path in enumerate(appended):
            if path:
                found = [rows[id(position)] for position in path]
                answers[index], self.logits[index] = _stacked(found), found[-1]
                self._lanes[index] = self._lanes[index].ending_at(path[-1])
            if ahead:
                self._lanes[index] = self._lanes[index]._replace(ahead=tuple(ahead[index]))
        self._drop_drafts()
        return answers

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        """Logits after ``lane`` and the tokens of ``path``, where they are known already."""
        position, logits = self._lanes[lane].tip, self.logits[lane]
        for token in path:
            known = self._known.get((id(position), token))
            if known is None:
                return None
            position, logits = known
        return logits

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        self._lanes = [self._lanes[ancestor] for ancestor in ancestors]
        self.logits = [self.logits[ancestor] for ancestor in ancestors]
        self._drop_drafts()

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt; 0 goes back to the prompt."""
        self._require_one_each(lengths, what="lengths")
        here = self.lengths
        changed = [index for index, length in enumerate(lengths) if length != here[index]]
        for index in changed:
            refuse_rewind(index, here[index], lengths[index])
        for index in changed:
            lane = self._lanes[index]
            tip = lane.tip.at(lane.prompt.depth + lengths[index])
            self._lanes[index] = Lane(tip, lane.prompt, lane.prompt_logits)
            self.logits[index] = None if lengths[index] else lane.prompt_logits
        self._drop_drafts()

    def take_as_prompt(self, lane: int, logits: Logits) -> None:
        """Let all that a lane holds be its prompt from now on, with these logits after it."""
        here = self._lanes[lane]
        self._lanes[lane] = here._replace(prompt=here.tip, prompt_logits=logits)

    def _walk(
        self,
        new: dict[tuple[int, int], Position],
        start: Position,
        tokens: Sequence[int],
        parents: Sequence[int],
    ) -> list[Position]:
        """The positions of a tree of tokens after ``start``; those that are missing join ``new``.

        Args:
            parents: for each token the index of its parent, -1 for ``start``.
        """
        path: list[Position] = []
        for token, parent in zip(tokens, parents, strict=True):
            before = start if parent < 0 else path[parent]
            key = id(before), token
            if key in self._known:
                path.append(self._known[key][0])
            else:
                path.append(new.setdefault(key, Position(token, before, before.depth + 1)))
        return path

    def _compute(self, positions: Sequence[Position]) -> Sequence[Logits]:
        """Call ``forward`` and count it; no call for no positions."""
        if not positions:
            return []
        rows = self.forward(positions)
        rows = one_row_each(rows, len(positions), f"{type(self).__name__}.forward")
        self.positions_forwarded += len(positions)
        self.forwards += 1
        return rows

    def _drop_drafts(self) -> None:
        """Drop the drafts that no lane has any more: their logits are large."""
        if self._known:
            held = set(map(id, self.held()))
            known = self._known.items()
            self._known = {key: entry for key, entry in known if id(entry[0]) in held}


def _stacked(rows: Sequence[Logits]) -> Logits:
    """Rows as one array of their own kind; a single one is not copied."""
    if len(rows) == 1:
        return rows[0][None]
    if isinstance(rows[0], np.ndarray):
        return np.stack(rows)
    import torch

    return torch.stack(list(rows))
