"""A trie of prefixes with bounds and estimates of the mass of valid endings after each.

The node of a prefix ``u`` has ``p(t|u)`` of the probable next tokens, and for each an upper bound
``θ(ut)`` on the mass of valid endings after ``ut``: 1 if nothing is known, 0 if the constraint
refuses ``t``, and ``θ(u) = Σ_t p(t|u) θ(ut)`` once ``u`` has a node. The bound of the root is an
upper bound on the evidence ``Z`` (Parys et al. 2025; Park et al. 2024).

Bounds never exclude a valid text, but are too high where nothing was read. Estimates of the same
mass may be wrong either way: an unknown token gets the highest of its siblings, or the mean of its
depth. `Exact` rejects by bounds, which keeps its draws exact; `Learned` proposes by estimates, and
corrects them by weights.

Nodes are sparse: the heaviest tokens, which hold nearly all the allowed mass, are kept one by one.
All others, the *rest*, have one summed mass and the bound 1; to draw one of them takes the model's
logits again. All masses, bounds and estimates are natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from condit.sampler.law import TokenLaw
from condit.sampler.node import MOST_TOKENS, SHARE, Node
from condit.weights import log_sum_exp


class Trie:
    """The nodes of one problem: the same model, prompt, base law, constraint and budget.

    Args:
        most_bytes: memory that its nodes may take; beyond it those used longest ago are dropped.
        most_tokens: the most tokens that a new node keeps one by one.

    Attributes:
        root: the node of the empty text, ``None`` before it was first read.
        nodes: how many nodes there are.
        bytes: memory they take.
        met_budget: whether any text met the budget unfinished.
        log_evidence: natural logarithm of the last estimate of ``Z`` by a run, if there was one.
    """

    def __init__(self, most_bytes: int = 256 * 2**20, *, most_tokens: int = MOST_TOKENS) -> None:
        self.root: Node | None = None
        self.nodes = 0
        self.bytes = 0
        self.met_budget = False
        self.log_evidence: float | None = None
        self.most_bytes = most_bytes
        self.most_tokens = most_tokens
        self._changed: dict[Node, None] = {}
        self._by_depth: dict[int, tuple[float, int]] = {}
        self._clock = 0

    @property
    def log_bound(self) -> float:
        """Natural logarithm of an upper bound on ``Z``; 0 before anything is known."""
        return self.root.log_bound() if self.root is not None else 0.0

    @property
    def log_estimate(self) -> float:
        """Natural logarithm of the estimate of ``Z``; 0 before anything is known."""
        return self._log_estimate(self.root) if self.root is not None else 0.0

    def estimates(self, node: Node) -> NDArray[np.float64]:
        """``Node.estimates``, with the mean estimate of the nodes one deeper as prior."""
        log_sum, count = self._by_depth.get(node.depth + 1, (0.0, 1))
        return node.estimates(log_sum - math.log(count))

    def _log_estimate(self, node: Node) -> float:
        return log_sum_exp(node.log_weights(self.estimates(node)))

    def clear(self) -> None:
        """Forget all nodes."""
        self.root = None
        self.nodes = self.bytes = 0
        self._changed.clear()
        self._by_depth.clear()

    def add(
        self,
        law: TokenLaw,
        parent: Node | None,
        slot: int,
        complete: bool,
        end: int,
        *,
        whole: bool = False,
    ) -> Node:
        """Add the node that follows the token in ``slot`` of ``parent``.

        Args:
            law: the base law there, restricted to a superset of the allowed tokens.
            parent: the node above; ``None`` makes the root.
            slot: index of the token in the parent's arrays.
            complete: whether all tokens of the restricted law are allowed.
            end: the token that ends a text.
            whole: whether to keep every token that has any mass one by one.
        """
        depth = 0 if parent is None else parent.depth + 1
        most, share = (MOST_TOKENS, math.inf) if whole else (self.most_tokens, SHARE)
        node = Node(law, parent, slot, depth, complete, end, most_tokens=most, share=share)
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
        """Mark ``node`` as the one used last."""
        self._clock += 1
        node.used = self._clock

    def adopt(self, node: Node, token: int, log_mass: float, log_left: float) -> int:
        """``Node.adopt``: keep ``token`` of the rest by itself; returns its slot."""
        before = node.bytes
        slot = node.adopt(token, log_mass, log_left)
        self.bytes += node.bytes - before
        self._changed[node] = None
        return slot

    def exhaust(self, node: Node) -> None:
        """Set the mass of the rest of ``node`` to 0: no token of it may follow."""
        node.log_rest = -math.inf
        self._changed[node] = None

    def refuse(self, node: Node, slot: int) -> None:
        """Set the bound of the token in ``slot`` to 0: no valid text goes on by it."""
        node.log_bounds[slot] = -math.inf
        self._changed[node] = None

    def back_up(self) -> None:
        """Recompute bounds ``θ(u) = Σ_t p(t|u) θ(ut)`` above all changed nodes, deepest first.

        Likewise estimates. Their mean over each depth counts an estimate once each time that it
        changes, so prefixes that are passed often count more.
        """
        waiting: dict[int, dict[Node, None]] = {}
        for node in self._changed:
            waiting.setdefault(node.depth, {})[node] = None
        self._changed.clear()
        for depth in range(max(waiting, default=0), 0, -1):
            for node in waiting.pop(depth, {}):
                parent = node.parent
                assert parent is not None
                bound, estimate = node.log_bound(), self._log_estimate(node)
                if (
                    not parent.seen[node.slot]  # its first bound counts even if it is 1
                    or parent.log_bounds[node.slot] != bound
                    or parent.log_estimates[node.slot] != estimate
                ):
                    parent.log_bounds[node.slot] = bound
                    parent.log_estimates[node.slot] = estimate
                    parent.seen[node.slot] = True
                    waiting.setdefault(depth - 1, {})[parent] = None
                log_sum, count = self._by_depth.get(depth, (-math.inf, 0))
                self._by_depth[depth] = (float(np.logaddexp(log_sum, estimate)), count + 1)

    def evict(self, in_use: Collection[Node | None] = ()) -> int:
        """Drop nodes used longest ago until the rest fits ``most_bytes``; returns how many.

        The bound of a dropped prefix is 1 again, as that of a new node in its place would be. That
        must not raise a bound that a running attempt has used: no node below one ``in_use`` is
        dropped.

        Args:
            in_use: the deepest node of each running attempt; ``None`` is skipped.
        """
        if self.bytes <= self.most_bytes:
            return 0
        # A little more than needed, so that eviction is not needed at every step.
        goal = int(0.9 * self.most_bytes)
        fixed = {node for node in in_use if node is not None}
        leaves = sorted(
            (node for node in self._walk() if not node.children), key=lambda node: node.used
        )
        before = self.nodes
        for leaf in leaves:
            node: Node | None = leaf
            # A parent without children left is a leaf, too.
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


def _below(node: Node, fixed: set[Node]) -> bool:
    """Whether it is one of ``fixed``, or lies below one."""
    above: Node | None = node
    while above is not None:
        if above in fixed:
            return True
        above = above.parent
    return False
