"""One node of the trie: what is known about one prefix."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from condit.sampler.law import TokenLaw

MOST_TOKENS = 1024
"""Tokens that a node keeps one by one at most, unless its trie says otherwise."""

SHARE = 1 - 1e-4
"""And so much of the allowed mass, the heaviest first."""
_ROUNDING = 1e-6
"""By more than this a sum of 32-bit weights is not off, in parts of itself."""

_NODE_BYTES = 1200
"""What a node takes beside its arrays: measured with tracemalloc, children's entries included."""


class Node:
    """What is known about one prefix.

    Attributes:
        parent: the node of the prefix without its last token; ``None`` for the root.
        slot: where its parent keeps its token.
        depth: how many tokens the prefix has.
        end: the token that ends a text.
        tokens: ids of the tokens that are kept one by one, shape ``(kept,)``.
        log_masses: natural logarithm of ``p(t|u)`` of each.
        log_bounds: natural logarithm of ``θ(ut)`` of each.
        log_estimates: natural logarithm of the estimate of each that was ``seen``.
        seen: of which tokens something is known: those with a node, and the end.
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
        "end",
        "log_allowed",
        "log_bounds",
        "log_estimates",
        "log_masses",
        "log_rest",
        "parent",
        "seen",
        "slot",
        "tokens",
        "used",
    )

    def __init__(
        self,
        law: TokenLaw,
        parent: Node | None,
        slot: int,
        depth: int,
        complete: bool,
        end: int,
        *,
        most_tokens: int = MOST_TOKENS,
        share: float = SHARE,
    ) -> None:
        self.parent = parent
        self.slot = slot
        self.depth = depth
        self.complete = complete
        self.children: dict[int, Node] = {}
        self.used = 0
        self.tokens, self.log_masses, self.log_rest = law.heaviest(most_tokens, share)
        self.log_bounds: NDArray[np.float64] = np.zeros(len(self.tokens))
        self.log_estimates: NDArray[np.float64] = np.zeros(len(self.tokens))
        self.end = end
        self.seen: NDArray[np.bool_] = self.tokens == end
        self.log_allowed = self.log_bound()

    @property
    def bytes(self) -> int:
        """Memory it takes, in bytes."""
        return _NODE_BYTES + 29 * len(self.tokens)

    def log_weights(self, log_factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """``log p(t|u)`` of each token kept, and last of the rest, plus these factors."""
        weights = log_factors.copy()
        weights[:-1] += self.log_masses
        weights[-1] += self.log_rest
        return weights

    def bounds(self) -> NDArray[np.float64]:
        """``log θ(ut)`` of each token kept, and last of the rest, shape ``(kept + 1,)``."""
        return np.append(self.log_bounds, 0.0)

    def estimates(self, log_prior: float) -> NDArray[np.float64]:
        """Estimates in the place of ``bounds``, and never above them.

        A token of which nothing is known is taken to be worth as much as the best of those of which
        something is, and at least the prior. Less would be nearer on average, but a valid text
        below a token that is thought too little of is drawn too seldom, with too large a weight.

        Args:
            log_prior: natural logarithm of what nodes at this depth are worth on average.
        """
        known = self.seen & (self.tokens != self.end)  # texts that end say nothing about others
        most = float(self.log_estimates[known].max(initial=log_prior))
        # Where all that is known came to nothing, that need not hold for the rest: never 0.
        factors = np.full(len(self.tokens) + 1, min(most, 0.0) if most > -math.inf else 0.0)
        factors[:-1][self.seen] = self.log_estimates[self.seen]
        np.minimum(factors[:-1], self.log_bounds, out=factors[:-1])
        return factors

    def log_bound(self) -> float:
        """``log θ(u)``, summed afresh."""
        return log_sum_exp(self.log_weights(self.bounds()))

    def find(self, token: int) -> int:
        """The slot of ``token``; -1 where it is among the rest."""
        found = np.flatnonzero(self.tokens == token)
        return int(found[0]) if len(found) else -1

    def adopt(self, token: int, log_mass: float, log_left: float) -> int:
        """Take ``token`` out of the rest and keep it by itself; returns its slot.

        Args:
            token: the token.
            log_mass: natural logarithm of its probability.
            log_left: the same of all that is left of the rest, summed afresh in 32-bit weights.
        """
        self.tokens = np.append(self.tokens, np.int32(token))
        self.log_masses = np.append(self.log_masses, log_mass)
        self.log_bounds = np.append(self.log_bounds, 0.0)
        self.log_estimates = np.append(self.log_estimates, 0.0)
        self.seen = np.append(self.seen, False)
        left = -math.expm1(min(log_mass - self.log_rest, 0.0))
        difference = self.log_rest + math.log(left) if left > 0 else -math.inf
        # The difference lets all masses add up to what they were, to the last digit. But it keeps
        # the rounding of the large masses before it, until what is left is smaller than that: it
        # might then seem to be nothing, and a bound that has lost it would be none.
        agrees = abs(difference - log_left) < _ROUNDING
        self.log_rest = difference if agrees else min(log_left, self.log_rest)
        return len(self.tokens) - 1


def log_sum_exp(values: NDArray[np.float64]) -> float:
    """Natural logarithm of the sum of ``exp(values)``; ``-inf`` for nothing."""
    highest = float(values.max()) if len(values) else -math.inf
    if highest == -math.inf:
        return highest
    return highest + math.log(float(np.exp(values - highest).sum()))
