"""A decoder for llama.cpp. The state of a position is its node in a `PathTree`.

A node may be evicted although a lane ends there, because there were too many others: then the
lane's tokens are computed again when it goes on.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence

from condit.model.decoder import Logits
from condit.model.llama_pool import ContextPool
from condit.model.llama_tree import Fresh, Node
from condit.model.tree import Position, TreeDecoder


class LlamaDecoder(TreeDecoder):
    """Lanes over one llama.cpp context.

    Args:
        pool: where the context comes from, and goes back to.
        prompt: the prompt that will be admitted first, for choosing a context that has seen some
            of it.
        looks_ahead: whether drafts are forwarded, or ignored.
    """

    takes_pieces = False

    def __init__(
        self, pool: ContextPool, prompt: Sequence[int], *, looks_ahead: bool = True
    ) -> None:
        super().__init__()
        self.looks_ahead = looks_ahead
        self._tree = pool.take(prompt)
        # When the decoder is collected its context serves another, except at exit of the process.
        weakref.finalize(self, pool.give_back, self._tree).atexit = False

    def forward_prompt(self, positions: Sequence[Position]) -> Logits:
        """Forward what the context does not hold of a prompt; returns the logits after it."""
        self._free()
        fresh, end = self._tree.begin(), positions[-1]
        prompt = [position.token for position in positions]
        row = self._tree.row_after(prompt)
        if row is not None:
            self._node(end, fresh)
        else:
            before = self._node(end.parent, fresh)
            end.state = self._tree.step(before, end.token, fresh, wanted=True)
        computed = self._tree.compute(fresh)
        row = computed.get(end.state, row)
        self.positions_forwarded += len(fresh.nodes)
        self.forwards += bool(fresh.nodes)
        self._tree.keep(prompt, end.state, row)
        return row

    def forward(self, positions: Sequence[Position]) -> Sequence[Logits]:
        """Forward new positions, and the evicted ones before them.

        Raises:
            ModelError: llama.cpp refused, or one lane alone takes more cells than there may be.
        """
        self._free()
        rows: dict[Position, Logits] = {}
        for group in self._groups(positions):
            fresh = self._tree.begin()
            for position in group:
                before = self._node(position.parent, fresh)
                position.state = self._tree.step(before, position.token, fresh, wanted=True)
            computed = self._tree.compute(fresh)
            self.positions_forwarded += len(fresh.nodes) - len(group)
            rows.update((position, computed[position.state]) for position in group)
        return [rows[position] for position in positions]

    def _free(self) -> None:
        """Free what no lane can reach."""
        self._tree.free_all_but(position.state for position in self.held())

    def _node(self, position: Position | None, fresh: Fresh) -> Node:
        """The node of a position; evicted ones on the path to it are made anew in ``fresh``."""
        if position is None:
            return self._tree.root
        way = []
        here: Position | None = position
        while here is not None and (here.state is None or here.state.gone):
            way.append(here)
            here = here.parent
        node: Node = self._tree.root if here is None else here.state
        self._tree.touch(node)
        for each in reversed(way):
            node = each.state = self._tree.step(node, each.token, fresh, wanted=False)
        return node

    def _groups(self, positions: Sequence[Position]) -> Iterator[list[Position]]:
        """Parts of ``positions`` that each end in no more paths than a context can have."""
        roots: dict[Position | None, Position] = {}
        trees: dict[Position, list[Position]] = {}
        for position in positions:
            roots[position] = roots.get(position.parent, position)
            trees.setdefault(roots[position], []).append(position)
        group: list[Position] = []
        paths = 0
        for tree in trees.values():
            ends = len(set(tree).difference(position.parent for position in tree))
            if group and paths + ends > self._tree.most_paths:
                yield group
                group, paths = [], 0
            group += tree
            paths += ends
        yield group
