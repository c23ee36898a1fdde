"""What sampling has learned: for each prefix, how much of its mass can still become valid.

A node stands for a prefix ``u``. It keeps ``p(t|u)`` of the tokens that matter, and for each an
upper bound ``θ(ut)`` on the mass of valid endings after ``ut``: 1 before anything is known, 0 where
the constraint refuses ``t``, and ``θ(u) = Σ_t p(t|u) θ(ut)`` once there is a node below. The bound
at the root is an upper bound on the evidence ``Z`` (Parys et al. 2025; Park et al. 2024).

Nodes are sparse. The heaviest tokens that hold nearly all the allowed mass are kept one by one; the
mass of all others is kept as one number, with bound 1, so that nothing is lost: whoever draws it
must look at the model's law again. All masses and bounds are natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from condit.sampler.law import TokenLaw

_MOST_TOKENS = 1024
_SHARE = 1 - 1e-4
_NODE_BYTES = 900
"""What a node takes beside its arrays: measured with tracemalloc, children's entries included."""


class Node:
    """What is known about one prefix.

    Attributes:
        parent: the node of the prefix without its last token; ``None`` for the root.
        slot: where its parent keeps its token.
        depth: how many tokens the prefix has.
        tokens: ids of the tokens that are kept one by one, shape ``(kept,)``.
        log_masses: natural logarithm of ``p(t|u)`` of each.
        log_bounds: natural logarithm of ``θ(ut)`` of each.
        log_rest: natural logarithm of the mass of all other tokens that may be allowed.
        log_allowed: natural logarithm of the mass of all that may be allowed as next token.
        complete: whether everything with a bound above 0 is known to be allowed as next token.
        children: the nodes below, by token.
        used: when it was last passed, for eviction.
    """

    __slots__ = (
        "children",
        "complete",
        "depth",
        "log_allowed",
        "log_bounds",
        "log_masses",
        "log_rest",
        "parent",
        "slot",
        "tokens",
        "used",
    )

    def __init__(
        self, law: TokenLaw, parent: Node | None, slot: int, depth: int, complete: bool
    ) -> None:
        self.parent = parent
        self.slot = slot
        self.depth = depth
        self.complete = complete
        self.children: dict[int, Node] = {}
        self.used = 0
        self.tokens, self.log_masses, self.log_rest = law.heaviest(_MOST_TOKENS, _SHARE)
        self.log_bounds: NDArray[np.float64] = np.zeros(len(self.tokens))
        self.log_allowed = self.log_bound()

    @property
    def bytes(self) -> int:
        """Memory it takes, in bytes."""
        return _NODE_BYTES + 20 * len(self.tokens)

    def log_weights(self) -> NDArray[np.float64]:
        """``log p(t|u) θ(ut)`` of each token kept, and last that of the rest."""
        weights = np.empty(len(self.tokens) + 1)
        np.add(self.log_masses, self.log_bounds, out=weights[:-1])
        weights[-1] = self.log_rest
        return weights

    def log_bound(self) -> float:
        """``log θ(u)``, summed afresh."""
        return log_sum_exp(self.log_weights())

    def find(self, token: int) -> int:
        """The slot of ``token``; -1 where it is among the rest."""
        found = np.flatnonzero(self.tokens == token)
        return int(found[0]) if len(found) else -1

    def adopt(self, token: int, log_mass: float) -> int:
        """Take ``token`` out of the rest and keep it by itself; returns its slot."""
        self.tokens = np.append(self.tokens, np.int32(token))
        self.log_masses = np.append(self.log_masses, log_mass)
        self.log_bounds = np.append(self.log_bounds, 0.0)
        left = -math.expm1(min(log_mass - self.log_rest, 0.0))
        self.log_rest = self.log_rest + math.log(left) if left > 1e-9 else -math.inf
        return len(self.tokens) - 1


class Trie:
    """The nodes of one problem: the same model, prompt, base law, constraint and budget.

    Args:
        most_bytes: how much memory its nodes may take; the ones used longest ago go first.

    Attributes:
        root: the node of the empty text, ``None`` before it was first read.
        nodes: how many nodes there are.
        bytes: what they take.
        attempts: attempts at whole texts that ended, over all runs.
        accepted: how many of them were accepted.
        met_budget: whether a text was refused because it met the budget unfinished.
        log_evidence: natural logarithm of the last estimate of ``Z`` by a run, if there was one.
    """

    def __init__(self, most_bytes: int = 256 * 2**20) -> None:
        self.root: Node | None = None
        self.nodes = 0
        self.bytes = 0
        self.attempts = 0
        self.accepted = 0
        self.met_budget = False
        self.log_evidence: float | None = None
        self.most_bytes = most_bytes
        self._changed: dict[Node, None] = {}
        self._clock = 0

    @property
    def log_bound(self) -> float:
        """Natural logarithm of an upper bound on ``Z``; 0 before anything is known."""
        return self.root.log_bound() if self.root is not None else 0.0

    def add(self, law: TokenLaw, parent: Node | None, slot: int, complete: bool) -> Node:
        """The node of the token in ``slot`` of ``parent``, from its law without refused tokens."""
        depth = 0 if parent is None else parent.depth + 1
        node = Node(law, parent, slot, depth, complete)
        if parent is None:
            self.root = node
        else:
            parent.children[int(parent.tokens[slot])] = node
        self.nodes += 1
        self.bytes += node.bytes
        self._changed[node] = None
        self.use(node)
        return node

    def use(self, node: Node) -> None:
        """Note that ``node`` was passed just now."""
        self._clock += 1
        node.used = self._clock

    def adopt(self, node: Node, token: int, log_mass: float) -> int:
        """Take ``token`` out of the rest of ``node``; returns its slot."""
        before = node.bytes
        slot = node.adopt(token, log_mass)
        self.bytes += node.bytes - before
        self._changed[node] = None
        return slot

    def refuse(self, node: Node, slot: int) -> None:
        """No valid text goes through the token in ``slot`` of ``node``."""
        node.log_bounds[slot] = -math.inf
        self._changed[node] = None

    def back_up(self) -> None:
        """Carry what was learned up to the root: ``θ(u) = Σ_t p(t|u) θ(ut)``, deepest first."""
        waiting: dict[int, dict[Node, None]] = {}
        for node in self._changed:
            waiting.setdefault(node.depth, {})[node] = None
        self._changed.clear()
        for depth in range(max(waiting, default=0), 0, -1):
            for node in waiting.pop(depth, {}):
                parent = node.parent
                assert parent is not None
                bound = node.log_bound()
                if parent.log_bounds[node.slot] != bound:
                    parent.log_bounds[node.slot] = bound
                    waiting.setdefault(depth - 1, {})[parent] = None

    def evict(self, standing: Collection[Node | None] = ()) -> int:
        """Let the nodes used longest ago go until the memory is kept; returns how many went.

        What they knew is lost, and their bound is 1 again: kept, it would promise more than the
        node that replaces them knows. So nothing goes that lies below where an attempt stands,
        which counts on the bound that it has seen.

        Args:
            standing: the nodes where attempts stand.
        """
        if self.bytes <= self.most_bytes:
            return 0
        # A little more than needed, so that this is not done at every step.
        goal = int(0.9 * self.most_bytes)
        fixed = {node for node in standing if node is not None}
        leaves = sorted(
            (node for node in self._walk() if not node.children), key=lambda node: node.used
        )
        before = self.nodes
        for leaf in leaves:
            node: Node | None = leaf
            # A node without children is a leaf in its turn; it was passed whenever they were.
            while node is not None and self.bytes > goal and not node.children:
                if _below(node, fixed):
                    break
                node = self._drop(node)
            if self.bytes <= goal:
                break
        self.back_up()
        return before - self.nodes

    def _drop(self, node: Node) -> Node | None:
        self._changed.pop(node, None)
        self.nodes -= 1
        self.bytes -= node.bytes
        parent = node.parent
        if parent is None:
            self.root = None
            return None
        del parent.children[int(parent.tokens[node.slot])]
        parent.log_bounds[node.slot] = 0.0
        self._changed[parent] = None
        return parent

    def _walk(self) -> list[Node]:
        found = [self.root] if self.root is not None else []
        for node in found:
            found += node.children.values()
        return found


def log_sum_exp(values: NDArray[np.float64]) -> float:
    """Natural logarithm of the sum of ``exp(values)``; ``-inf`` for nothing."""
    highest = float(values.max()) if len(values) else -math.inf
    if highest == -math.inf:
        return highest
    return highest + math.log(float(np.exp(values - highest).sum()))


def _below(node: Node, fixed: set[Node]) -> bool:
    """Whether it is one of ``fixed``, or lies below one."""
    above: Node | None = node
    while above is not None:
        if above in fixed:
            return True
        above = above.parent
    return False
