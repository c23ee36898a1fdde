"""What sampling has learned: for each prefix, how much of its mass can still become valid.

A node stands for a prefix ``u``. It keeps ``p(t|u)`` of the tokens that matter, and for each an
upper bound ``θ(ut)`` on the mass of valid endings after ``ut``: 1 before anything is known, 0 where
the constraint refuses ``t``, and ``θ(u) = Σ_t p(t|u) θ(ut)`` once there is a node below. The bound
at the root is an upper bound on the evidence ``Z`` (Parys et al. 2025; Park et al. 2024).

A bound is safe and vain: 1 for all that was never looked at. Beside it stands an estimate, which is
not safe: where nothing is known of ``ut``, the best of its siblings, or the mean over its depth.
Who refuses by bounds is exact; who only needs a guide, as weights make up for it, takes estimates.

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
from condit.sampler.node import MOST_TOKENS, SHARE, Node, log_sum_exp


class Trie:
    """The nodes of one problem: the same model, prompt, base law, constraint and budget.

    Args:
        most_bytes: how much memory its nodes may take; the ones used longest ago go first.
        most_tokens: how many tokens a node keeps one by one when it is made.

    Attributes:
        root: the node of the empty text, ``None`` before it was first read.
        nodes: how many nodes there are.
        bytes: what they take.
        met_budget: whether a text was refused because it met the budget unfinished.
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
        """Natural logarithm of what the root is worth by estimates; 0 before anything is known."""
        return self._log_estimate(self.root) if self.root is not None else 0.0

    def estimates(self, node: Node) -> NDArray[np.float64]:
        """The estimates at a node, given what the whole trie says about its depth."""
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
        """The node of the token in ``slot`` of ``parent``, from its law without refused tokens.

        Args:
            law: the law of the next token, restricted to what may be allowed.
            parent: the node above; ``None`` makes the root.
            slot: where the parent keeps the token.
            complete: whether all that the law has left is allowed.
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
        """Note that ``node`` was passed just now."""
        self._clock += 1
        node.used = self._clock

    def adopt(self, node: Node, token: int, log_mass: float, log_left: float) -> int:
        """Take ``token`` out of the rest of ``node``; returns its slot. See ``Node.adopt``."""
        before = node.bytes
        slot = node.adopt(token, log_mass, log_left)
        self.bytes += node.bytes - before
        self._changed[node] = None
        return slot

    def exhaust(self, node: Node) -> None:
        """Nothing is left of the tokens that ``node`` does not keep one by one."""
        node.log_rest = -math.inf
        self._changed[node] = None

    def refuse(self, node: Node, slot: int) -> None:
        """No valid text goes through the token in ``slot`` of ``node``."""
        node.log_bounds[slot] = -math.inf
        self._changed[node] = None

    def back_up(self) -> None:
        """Carry what was learned up to the root: ``θ(u) = Σ_t p(t|u) θ(ut)``, deepest first.

        Likewise the estimates, whose mean over the nodes of a depth is kept: each time one changes
        it counts again, so that prefixes that are often passed count more.
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
                    not parent.seen[node.slot]  # a bound of exactly 1 is news, too
                    or parent.log_bounds[node.slot] != bound
                    or parent.log_estimates[node.slot] != estimate
                ):
                    parent.log_bounds[node.slot] = bound
                    parent.log_estimates[node.slot] = estimate
                    parent.seen[node.slot] = True
                    waiting.setdefault(depth - 1, {})[parent] = None
                log_sum, count = self._by_depth.get(depth, (-math.inf, 0))
                self._by_depth[depth] = (float(np.logaddexp(log_sum, estimate)), count + 1)

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


def _below(node: Node, fixed: set[Node]) -> bool:
    """Whether it is one of ``fixed``, or lies below one."""
    above: Node | None = node
    while above is not None:
        if above in fixed:
            return True
        above = above.parent
    return False
