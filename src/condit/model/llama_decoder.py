"""A decoder for llama.cpp: each lane stands on a node of the tree of computed positions.

A prompt is computed once, ``fork`` copies a reference, and drafts are nodes that no lane has
reached yet. A lane whose node was let go, because there were too many others, is computed again
when it goes on.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from condit.errors import ArgumentError
from condit.model.decoder import Decoder, Draft, Logits, refuse_rewind
from condit.model.llama_pool import ContextPool
from condit.model.llama_tree import Fresh, Node


@dataclass(frozen=True)
class Lane:
    """A text: its tokens, where they are in the tree (if they still are), and its drafts."""

    tokens: tuple[int, ...]
    prompt_length: int
    prompt_logits: Logits
    tip: Node | None
    ahead: tuple[Node, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that it holds."""
        return self.ahead if self.tip is None else (self.tip, *self.ahead)


class Move(NamedTuple):
    """Where a lane goes: the node where it will end, the path to there, and its drafts."""

    tip: Node
    path: list[Node]
    drafted: list[Node]


class LlamaDecoder(Decoder):
    """Lanes over one llama.cpp context.

    Args:
        pool: where the context comes from, and goes back to.
        prompt: the prompt that will come first: earlier ones may have begun like it.
        vocabulary_size: how many tokens the model scores.
        looks_ahead: whether drafts are forwarded, or ignored.
    """

    def __init__(
        self,
        pool: ContextPool,
        prompt: Sequence[int],
        vocabulary_size: int,
        *,
        looks_ahead: bool = True,
    ) -> None:
        self.logits = []
        self.positions_forwarded = 0
        self.forwards = 0
        self.looks_ahead = looks_ahead
        self._vocabulary_size = vocabulary_size
        self._lanes: list[Lane] = []
        self._tree = pool.take(prompt)
        # When the decoder is gone the context is of use to others, unless all is ending.
        weakref.finalize(self, pool.give_back, self._tree).atexit = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens in each lane beyond its prompt."""
        return tuple(len(lane.tokens) - lane.prompt_length for lane in self._lanes)

    def admit(self, prompt: Sequence[int], lanes: int = 1) -> range:
        """Forward ``prompt`` once and add ``lanes`` lanes that share it; returns their indices.

        What an earlier prompt has in common with it is not forwarded again, even if that was an
        earlier call's.
        """
        if not prompt:
            raise ArgumentError("a lane needs a prompt of at least one token")
        fresh = self._tree.begin()
        before = self._tree.restore(None, prompt[:-1], fresh)
        (tip,) = self._tree.walk(before, prompt[-1:], [-1], fresh)
        self._compute(fresh)
        self.forwards += bool(fresh.nodes)
        self._tree.keep(prompt, tip)
        first = len(self._lanes)
        lane = Lane(tuple(prompt), len(prompt), tip.row, tip)
        for _ in range(lanes):
            self._tree.hold(lane.nodes)
            self._lanes.append(lane)
            self.logits.append(lane.prompt_logits)
        return range(first, first + lanes)

    def advance(
        self, tokens: Sequence[Sequence[int]], drafts: Sequence[Draft] | None = None
    ) -> list[Logits]:
        """Append 0 or more tokens to each lane, and look ahead; logits at every new position.

        Raises:
            ArgumentError: not one list of tokens, or one draft, for each lane.
            ModelError: llama.cpp refused, or one lane alone takes more cells than there may be.
        """
        self._require_one_each(tokens, drafts)
        if not self.looks_ahead:
            drafts = None
        before = self.positions_forwarded
        answers: list[Logits] = []
        for group in self._groups(drafts):
            answers += self._advance(group, tokens, drafts)
        self.forwards += self.positions_forwarded > before
        return answers

    def peek(self, lane: int, path: Sequence[int]) -> Logits | None:
        """Logits after ``lane`` and the tokens of ``path``, where they are known already."""
        if not path:
            return self.logits[lane]
        node = self._lanes[lane].tip
        for token in path:
            node = node.after(token) if node is not None else None
        return node.row if node is not None else None

    def drop_logits(self, lanes: Sequence[int]) -> None:
        """Let go of the logits of these lanes."""
        super().drop_logits(lanes)
        for lane in lanes:
            tip = self._lanes[lane].tip
            if tip is not None:
                tip.row = None

    def fork(self, ancestors: Sequence[int]) -> None:
        """Lane ``i`` becomes a copy of lane ``ancestors[i]``; lanes not named are dropped."""
        old, self._lanes = self._lanes, [self._lanes[ancestor] for ancestor in ancestors]
        self.logits = [self.logits[ancestor] for ancestor in ancestors]
        for lane in self._lanes:
            self._tree.hold(lane.nodes)
        for lane in old:
            self._tree.let_go(lane.nodes)

    def rewind(self, lengths: Sequence[int]) -> None:
        """Drop what lies past each lane's length beyond its prompt."""
        for index, (lane, length) in enumerate(zip(self._lanes, lengths, strict=True)):
            here, whole = len(lane.tokens) - lane.prompt_length, lane.prompt_length + length
            refuse_rewind(index, here, length)
            if length < here:
                tip = lane.tip
                while tip is not None and tip.depth > whole:
                    tip = tip.parent
                shorter = replace(lane, tokens=lane.tokens[:whole], tip=tip, ahead=())
                self._lanes[index] = shorter
                self._tree.hold(shorter.nodes)
                self._tree.let_go(lane.nodes)
                self.logits[index] = None if length else lane.prompt_logits

    def _groups(self, drafts: Sequence[Draft] | None) -> Iterator[list[int]]:
        """Lanes that can go through the model together: no more paths than there may be."""
        group: list[int] = []
        paths = 0
        for index in range(len(self._lanes)):
            own = 1 if drafts is None else 1 + _ends(drafts[index])
            if group and paths + own > self._tree.most_paths:
                yield group
                group, paths = [], 0
            group.append(index)
            paths += own
        yield group

    def _advance(
        self,
        group: Sequence[int],
        tokens: Sequence[Sequence[int]],
        drafts: Sequence[Draft] | None,
    ) -> list[Logits]:
        """Append and look ahead for a few lanes."""
        fresh = self._tree.begin()
        moves: dict[int, Move] = {}
        for index in group:
            lane = self._lanes[index]
            draft = drafts[index] if drafts is not None else Draft()
            if tokens[index] or draft.tokens:
                start = self._tree.restore(lane.tip, lane.tokens, fresh)
                chain = range(-1, len(tokens[index]) - 1)
                path = self._tree.walk(start, tokens[index], chain, fresh)
                tip = path[-1] if path else start
                drafted = self._tree.walk(tip, draft.tokens, draft.parents, fresh)
                moves[index] = Move(tip, path, drafted)
        self._compute(fresh)
        answers = [self._stacked(moves[index].path if index in moves else ()) for index in group]
        # Lanes are looked up again: computing may have let go of where the idle ones stood.
        old = [self._lanes[index] for index in group]
        for index, lane in zip(group, old, strict=True):
            moved = replace(lane, ahead=lane.ahead if drafts is None else ())
            if index in moves:
                tip, _, drafted = moves[index]
                if drafts is None:
                    drafted = [node for node in lane.ahead if node.is_below(tip)]
                if tokens[index]:
                    self.logits[index] = tip.row
                grown = (*lane.tokens, *tokens[index])
                moved = replace(lane, tokens=grown, tip=tip, ahead=tuple(dict.fromkeys(drafted)))
            self._lanes[index] = moved
            self._tree.hold(moved.nodes)
        # Only now, as what one lane leaves another may have come to.
        for lane in old:
            self._tree.let_go(lane.nodes)
        for node in fresh.nodes:
            if not node.held:
                node.row = None
        return answers

    def _compute(self, fresh: Fresh) -> None:
        """Let the model see the fresh nodes; lanes may lose their place for it."""
        removed: set[Node] = set()
        try:
            self._tree.compute(fresh, removed)
        finally:
            for index, lane in enumerate(self._lanes):
                if removed.intersection(lane.nodes):
                    ahead = tuple(node for node in lane.ahead if node not in removed)
                    tip = None if lane.tip in removed else lane.tip
                    self._lanes[index] = replace(lane, tip=tip, ahead=ahead)
        self.positions_forwarded += len(fresh.nodes)

    def _stacked(self, path: Sequence[Node]) -> Logits:
        """The logits of a path of computed nodes; a single row is not copied."""
        rows = [node.row for node in path if node.row is not None]
        if not rows:
            return np.empty((0, self._vocabulary_size), dtype=np.float32)
        return rows[0][None] if len(rows) == 1 else np.stack(rows)


def _ends(draft: Draft) -> int:
    """How many of a draft's tokens no other token of it follows."""
    return len(set(range(len(draft.tokens))).difference(draft.parents))
