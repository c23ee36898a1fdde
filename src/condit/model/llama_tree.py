"""Which positions llama.cpp has computed, as a tree, and which of its sequences leads to each.

llama.cpp names a path of cells by a sequence number, and has few of these. So a sequence belongs
to each *leaf* of the tree, and not to each lane: lanes on the same path need one sequence together,
and a fork needs none. Where paths part, the new leaf gets a sequence of its own, which shares the
cells of the common part.

If there are more leaves than sequences, or more positions than cells, the least recently used leaf
is evicted. Lanes are in `condit.model.llama_decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from condit.errors import ModelError
from condit.model.decoder import shared_length
from condit.model.llama_context import BATCH, LlamaContext, room_for


@dataclass(eq=False)
class Node:
    """A token position that llama.cpp has computed, or is about to.

    Attributes:
        depth: how many tokens the path from the root to here has.
        children: the positions computed after it.
        sequence: the sequence that ends here, where this is a leaf.
        wanted: whether its logits are asked for, while it is about to be computed.
        used: the round (see `PathTree.begin`) in which it was last needed.
        gone: whether it has been evicted.
    """

    parent: Node | None
    token: int
    depth: int
    children: list[Node] = field(default_factory=list)
    sequence: int | None = None
    wanted: bool = False
    used: int = 0
    gone: bool = False


@dataclass
class Fresh:
    """Nodes that are about to be computed, parents before children.

    Attributes:
        nodes: the nodes.
        after: the same, by the identity of the parent and the token.
    """

    nodes: list[Node] = field(default_factory=list)
    after: dict[tuple[int, int], Node] = field(default_factory=dict)

    def leaves(self) -> list[Node]:
        """Those without fresh children."""
        parents = {id(node.parent) for node in self.nodes}
        return [node for node in self.nodes if id(node) not in parents]

    def sequences(self) -> int:
        """How many sequences they need: a path that goes on from a leaf takes over the leaf's."""
        ends = {
            id(node.parent)
            for node in self.nodes
            if node.parent is not None and node.parent.sequence is not None
        }
        return len(self.leaves()) - len(ends)


class PathTree:
    """The tree of computed positions in one context.

    Args:
        context: an empty one.
        most_cells: how many positions may be held at once.
    """

    def __init__(self, context: LlamaContext, most_cells: int) -> None:
        self.root = Node(None, -1, 0)
        self._context = context
        self._most_cells = most_cells
        self._leaves: dict[int, Node] = {}
        self._free = list(range(context.sequences))
        self._size = 0
        self._round = 0
        self._prompt: tuple[int, ...] = ()
        self._prompt_end = self.root
        self._prompt_row: NDArray[np.float32] | None = None

    @property
    def most_paths(self) -> int:
        """How many leaves there may be at once: one for each sequence number."""
        return self._context.sequences

    @property
    def cells(self) -> int:
        """How many positions there is room for now."""
        return self._context.cells

    def keep(self, prompt: Sequence[int], end: Node, row: NDArray[np.float32] | None) -> None:
        """Remember a prompt in place of the last one, with its logits, for the next decoder."""
        self._prompt, self._prompt_end, self._prompt_row = tuple(prompt), end, row

    def row_after(self, prompt: Sequence[int]) -> NDArray[np.float32] | None:
        """The logits after a prompt, where it is the kept one."""
        return self._prompt_row if tuple(prompt) == self._prompt else None

    def shared(self, prompt: Sequence[int]) -> int:
        """How many tokens ``prompt`` has in common with the kept one, from the beginning."""
        return shared_length(tuple(prompt), self._prompt)

    def shorten(self, length: int) -> None:
        """Keep only the beginning of the kept prompt."""
        if length < len(self._prompt):
            end = self._prompt_end
            while end.depth > length and end.parent is not None:
                end = end.parent
            self.keep(self._prompt[:length], end, None)

    def free_all_but(self, held: Iterable[Node]) -> None:
        """Free every position that does not lead to one of these, or to the end of the prompt."""
        stay = {self.root, self._prompt_end, *held}
        for leaf in list(self._leaves.values()):
            if leaf not in stay:
                self._remove(leaf, stay.__contains__)

    def begin(self) -> Fresh:
        """Begin a round: nodes that it uses are not evicted before the next."""
        self._round += 1
        return Fresh()

    def step(self, parent: Node, token: int, fresh: Fresh, *, wanted: bool) -> Node:
        """The node of ``token`` after ``parent``: a computed one, or one that joins ``fresh``.

        If its logits are wanted it is computed even where there is an older one, as no logits are
        kept.
        """
        node = fresh.after.get((id(parent), token))
        if node is None and not wanted:
            node = next((child for child in parent.children if child.token == token), None)
        if node is None:
            node = Node(parent, token, parent.depth + 1)
            fresh.nodes.append(node)
            fresh.after[id(parent), token] = node
        node.wanted |= wanted
        self.touch(node)
        return node

    def touch(self, node: Node) -> None:
        """Mark a node as used in this round."""
        node.used = self._round

    def compute(self, fresh: Fresh) -> dict[Node, NDArray[np.float32]]:
        """Forward the fresh nodes, and insert them into the tree.

        Returns:
            for each wanted node its logits, shape ``(vocabulary,)``.

        Raises:
            ModelError: llama.cpp refused, or there is no room after evicting all other leaves.
        """
        found: dict[Node, NDArray[np.float32]] = {}
        if not fresh.nodes:
            return found
        self._make_room(fresh)
        members = self._insert(fresh)
        for start in range(0, len(fresh.nodes), BATCH):
            part = fresh.nodes[start : start + BATCH]
            rows = self._context.decode(
                [node.token for node in part],
                [node.depth - 1 for node in part],
                members[start : start + BATCH],
                [node.wanted for node in part],
            )
            found.update(zip((node for node in part if node.wanted), rows, strict=True))
        return found

    def _insert(self, fresh: Fresh) -> list[list[int]]:
        """Link the fresh nodes, with a sequence for each leaf; returns the sequences of each."""
        members: dict[int, list[int]] = {id(node): [] for node in fresh.nodes}
        taken: dict[int, int] = {}  # the sequence of a former leaf, by its identity
        for leaf in fresh.leaves():
            path = [leaf]
            while path[-1].parent is not None and id(path[-1].parent) in members:
                path.append(path[-1].parent)
            start = path[-1].parent or self.root
            if start.sequence is not None:
                # The first to go on from a leaf takes its sequence over.
                sequence, start.sequence = start.sequence, None
                taken[id(start)] = sequence
            else:
                sequence = self._free.pop()
                if start is not self.root:
                    self._context.copy(_through(start, taken), sequence, start.depth)
            leaf.sequence = sequence
            self._leaves[sequence] = leaf
            for node in path:
                members[id(node)].append(sequence)
        for node in fresh.nodes:
            (node.parent or self.root).children.append(node)
        self._size += len(fresh.nodes)
        return [members[id(node)] for node in fresh.nodes]

    def _make_room(self, fresh: Fresh) -> None:
        """Grow the cache, and evict the least recently used leaves, until the new nodes fit."""
        needed = self._size + len(fresh.nodes)
        if needed > self._context.cells and self._context.cells < self._most_cells:
            self._context.grow(min(room_for(needed), self._most_cells))
        while (
            self._size + len(fresh.nodes) > self._context.cells
            or len(self._free) < fresh.sequences()
        ):
            idle = [leaf for leaf in self._leaves.values() if leaf.used < self._round]
            if not idle:
                for node in fresh.nodes:
                    node.gone = True
                raise ModelError(
                    f"{self._size + len(fresh.nodes)} token positions on "
                    f"{len(self._leaves) + fresh.sequences()} paths are needed at once, and "
                    f"there is room for {self._context.cells} on {self.most_paths}: draw fewer "
                    "texts at a time, or shorter ones, or load the model with more cells"
                )
            oldest = min(idle, key=lambda leaf: leaf.used)
            self._remove(oldest, lambda node: node is self.root or node.used == self._round)
            if self._prompt_end.gone:
                self.keep((), self.root, None)

    def _remove(self, leaf: Node, stays: Callable[[Node], bool]) -> None:
        """Remove a leaf and its ancestors, up to one that has other children or is to stay."""
        sequence, leaf.sequence = leaf.sequence, None
        node = leaf
        while not node.children and node.parent is not None and not stays(node):
            node.gone = True
            node.parent.children.remove(node)
            self._size -= 1
            node = node.parent
        assert sequence is not None  # every leaf has one
        if node.children or node is self.root:
            self._context.trim(sequence, 0)
            self._free.append(sequence)
            del self._leaves[sequence]
        else:
            self._context.trim(sequence, node.depth)
            node.sequence = sequence
            self._leaves[sequence] = node


def _through(node: Node, taken: Mapping[int, int]) -> int:
    """A sequence that goes through a computed node.

    Args:
        taken: sequences that fresh leaves took over, by the identity of the former leaf.
    """
    while node.sequence is None:
        if id(node) in taken:
            return taken[id(node)]
        node = node.children[0]
    return node.sequence
