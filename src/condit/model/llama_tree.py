"""Which positions llama.cpp has computed, as a tree, and which of its sequences leads to each.

llama.cpp names a path of cells by a sequence, and has few of these. So texts do not own one: a
sequence belongs to each *leaf* of the tree, and whatever lies above it is reached through it. Texts
that stand on the same path cost one sequence between them, and a copy of a text costs nothing. Only
where paths part does a new leaf get a sequence of its own, which shares the cells of the common
part.

If there are more leaves than sequences, or more positions than cells, the leaf that was used
longest ago is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from condit.errors import ModelError
from condit.model.llama_context import BATCH, LlamaContext, room_for


@dataclass(eq=False)
class Node:
    """A token position that llama.cpp has computed, or is about to.

    Attributes:
        depth: how many tokens the path from the root to here has.
        children: the positions computed after it.
        sequence: the sequence that ends here, where this is a leaf.
        held: how many texts end here, or have it among their drafts.
        row: its logits, kept while it is held.
        wanted: whether its logits are asked for, while it is about to be computed.
        used: in which round it was last needed.
    """

    parent: Node | None
    token: int
    depth: int
    children: list[Node] = field(default_factory=list)
    sequence: int | None = None
    held: int = 0
    row: NDArray[np.float32] | None = None
    wanted: bool = False
    used: int = 0

    def after(self, token: int, *, with_row: bool = True) -> Node | None:
        """The computed node of ``token`` after this one (if its logits were kept)."""
        for child in self.children:
            if child.token == token and (child.row is not None or not with_row):
                return child
        return None

    def is_below(self, other: Node) -> bool:
        """Whether ``other`` is on the path to this node, and is not it."""
        above = self.parent
        while above is not None and above.depth > other.depth:
            above = above.parent
        return above is other


@dataclass
class Fresh:
    """Nodes that are about to be computed, parents before children.

    Attributes:
        after: them by the identity of the parent and the token.
    """

    nodes: list[Node] = field(default_factory=list)
    after: dict[tuple[int, int], Node] = field(default_factory=dict)

    def leaves(self) -> list[Node]:
        """The ones that no other fresh node follows."""
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
        self.root = Node(None, -1, 0, held=1)
        self._context = context
        self._most_cells = most_cells
        self._leaves: dict[int, Node] = {}
        self._free = list(range(context.sequences))
        self._size = 0
        self._round = 0
        self._prompt: tuple[int, ...] = ()
        self._prompt_end = self.root
        self.hold([self.root])

    @property
    def most_paths(self) -> int:
        """How many paths there may be at once."""
        return self._context.sequences

    @property
    def cells(self) -> int:
        """How many positions there is room for now."""
        return self._context.cells

    def keep(self, prompt: Sequence[int], end: Node) -> None:
        """Keep a prompt, the last one, for the decoder that comes after."""
        old, self._prompt_end, self._prompt = self._prompt_end, end, tuple(prompt)
        self.hold([end])
        self.let_go([old])

    def shared(self, prompt: Sequence[int]) -> int:
        """How many tokens ``prompt`` has in common with the kept one, from the beginning."""
        pairs = enumerate(zip(prompt, self._prompt, strict=False))
        return next(
            (place for place, (one, other) in pairs if one != other),
            min(len(prompt), len(self._prompt)),
        )

    def shorten(self, length: int) -> None:
        """Keep only the beginning of the kept prompt."""
        end = self._prompt_end
        while end.depth > length and end.parent is not None:
            end = end.parent
        self.keep(self._prompt[:length], end)

    def strip(self) -> None:
        """Free all but the kept prompt: whoever held nodes is gone."""
        nodes = [self.root]
        for node in nodes:
            nodes += node.children
            if node is not self._prompt_end:
                node.held, node.row = int(node is self.root), None
        self._prompt_end.held = 1 + (self._prompt_end is self.root)
        for leaf in list(self._leaves.values()):
            if not leaf.held:
                self._remove(leaf)

    def begin(self) -> Fresh:
        """Begin a round: what it touches is not let go before the next."""
        self._round += 1
        return Fresh()

    def restore(self, node: Node | None, tokens: Sequence[int], fresh: Fresh) -> Node:
        """The node where ``tokens`` end: ``node``, or what is found, or to be computed again."""
        node = node or self.root
        node.used = self._round
        for token in tokens[node.depth :]:
            node = self._step(node, token, fresh, wanted=False)
        return node

    def walk(
        self, start: Node, tokens: Sequence[int], parents: Sequence[int], fresh: Fresh
    ) -> list[Node]:
        """The nodes of a tree of tokens after ``start``, whose logits are all wanted.

        Args:
            parents: for each token the index of its parent, -1 for ``start``.
        """
        nodes: list[Node] = []
        for token, parent in zip(tokens, parents, strict=True):
            before = start if parent < 0 else nodes[parent]
            nodes.append(self._step(before, token, fresh, wanted=True))
        return nodes

    def compute(self, fresh: Fresh, removed: set[Node]) -> None:
        """Let the model see the fresh nodes, and hang them into the tree.

        Args:
            fresh: the nodes.
            removed: gets the nodes that were let go for them: nobody holds these any longer.

        Raises:
            ModelError: llama.cpp refused, or there is no room even so.
        """
        if not fresh.nodes:
            return
        self._make_room(fresh, removed)
        members = self._hang(fresh)
        for start in range(0, len(fresh.nodes), BATCH):
            part = fresh.nodes[start : start + BATCH]
            rows = self._context.decode(
                [node.token for node in part],
                [node.depth - 1 for node in part],
                members[start : start + BATCH],
                [node.wanted for node in part],
            )
            for node, row in zip((node for node in part if node.wanted), rows, strict=True):
                node.row = row

    def hold(self, nodes: Iterable[Node]) -> None:
        """Keep these nodes, and their logits, until they are let go as often."""
        for node in nodes:
            node.held += 1

    def let_go(self, nodes: Sequence[Node]) -> None:
        """Undo `hold`; what nobody holds, and nothing held lies below, is freed."""
        for node in nodes:
            node.held -= 1
            if not node.held:
                node.row = None
        for node in nodes:
            if not node.held and node.sequence is not None:
                self._remove(node)

    def _step(self, parent: Node, token: int, fresh: Fresh, *, wanted: bool) -> Node:
        """The node of ``token`` after ``parent``: a known one, or one that joins ``fresh``.

        A node whose logits are wanted and were not kept is computed once more, beside the old one.
        """
        node = fresh.after.get((id(parent), token)) or parent.after(token, with_row=wanted)
        if node is None:
            node = Node(parent, token, parent.depth + 1)
            fresh.nodes.append(node)
            fresh.after[id(parent), token] = node
        node.wanted |= wanted
        node.used = self._round
        return node

    def _hang(self, fresh: Fresh) -> list[list[int]]:
        """Give each fresh leaf a sequence; returns the sequences of each fresh node."""
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

    def _make_room(self, fresh: Fresh, removed: set[Node]) -> None:
        """Grow the cache, and let go of what was used longest ago, until the new nodes fit."""
        needed = self._size + len(fresh.nodes)
        if needed > self._context.cells and self._context.cells < self._most_cells:
            self._context.grow(min(room_for(needed), self._most_cells))
        while (
            self._size + len(fresh.nodes) > self._context.cells
            or len(self._free) < fresh.sequences()
        ):
            idle = [leaf for leaf in self._leaves.values() if leaf.used < self._round]
            if not idle:
                raise ModelError(
                    f"{self._size + len(fresh.nodes)} token positions on "
                    f"{len(self._leaves) + fresh.sequences()} paths are needed at once, and "
                    f"there is room for {self._context.cells} on {self.most_paths}: draw fewer "
                    "texts at a time, or shorter ones, or load the model with more cells"
                )
            self._evict(min(idle, key=lambda leaf: leaf.used), removed)

    def _evict(self, leaf: Node, removed: set[Node]) -> None:
        """Remove a leaf and what leads to it alone, though texts may stand there."""
        node = leaf
        while len(node.children) <= 1 and node.used < self._round and node.parent is not None:
            removed.add(node)
            node.held = 0
            if node is self._prompt_end:
                self._prompt, self._prompt_end = (), self.root
                self.hold([self.root])
            node = node.parent
        self._remove(leaf, needed=self._round)

    def _remove(self, leaf: Node, needed: int | None = None) -> None:
        """Remove a leaf that nobody holds, and what it alone held up.

        Args:
            needed: nodes used in this round stay: fresh ones are about to follow them.
        """
        sequence, leaf.sequence = leaf.sequence, None
        assert sequence is not None  # every leaf has one
        node = leaf
        while not node.children and not node.held and node.used != needed:
            assert node.parent is not None  # the root is always held
            node.parent.children.remove(node)
            self._size -= 1
            node = node.parent
        if node.children or node is self.root:
            self._context.trim(sequence, 0)
            self._free.append(sequence)
            del self._leaves[sequence]
        else:
            self._context.trim(sequence, node.depth)
            node.sequence = sequence
            self._leaves[sequence] = node


def _through(node: Node, taken: Mapping[int, int]) -> int:
    """A sequence that goes through a computed node; fresh paths have taken some over."""
    while node.sequence is None:
        if id(node) in taken:
            return taken[id(node)]
        node = node.children[0]
    return node.sequence
