"""One node of the trie: the probable next tokens of one prefix, each with a bound and an estimate.

``trie.py`` has what these mean, and links nodes together.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from condit.sampler.law import TokenLaw
from condit.weights import log_sum_exp

MOST_TOKENS = 1024
"""The most tokens that a new node keeps one by one, unless its trie says otherwise."""

SHARE = 1 - 1e-4
"""Share of the allowed mass that is kept one by one, the heaviest tokens first."""

_ROUNDING = 1e-6
"""Relative error of a sum of 32-bit weights, at most."""

_NODE_BYTES = 1200
"""Memory of a node beside its arrays, its entry at the parent included (by tracemalloc)."""


class Node:
    """What is known about the tokens after one prefix ``u``.

    Attributes:
        parent: the node of the prefix without its last token; ``None`` for the root.
        slot: index of its last token in the arrays of the parent.
        depth: how many tokens the prefix has.
        end: the token that ends a text.
        tokens: ids of the tokens that are kept one by one, shape ``(kept,)``.
        log_masses: natural logarithm of ``p(t|u)`` of each.
        log_bounds: natural logarithm of the upper bound ``θ(ut)`` of each.
        log_estimates: natural logarithm of the estimate of each; meaningful where ``seen``.
        seen: which tokens have an estimate: those that have or had a node, and the end.
        log_rest: natural logarithm of the mass of all other tokens that may be allowed.
        log_allowed: natural logarithm of the mass of all tokens that may be allowed.
        complete: whether all tokens with a bound above 0 are known to be allowed here.
        children: the nodes of longer prefixes, by token.
        used: clock of the trie when a text last passed here, for eviction.
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
        """``log p(t|u)`` plus log factors: each token kept, then the rest; ``(kept + 1,)``."""
        weights = log_factors.copy()
        weights[:-1] += self.log_masses
        weights[-1] += self.log_rest
        return weights

    def bounds(self) -> NDArray[np.float64]:
        """``log θ(ut)`` of each token kept, and last of the rest, shape ``(kept + 1,)``."""
        return np.append(self.log_bounds, 0.0)

    def estimates(self, log_prior: float) -> NDArray[np.float64]:
        """Log estimates in the same order as ``bounds``, and never above them.

        A token that was not seen gets the highest estimate of those that were, and at least the
        prior. That is too high on average, but an estimate that is too low makes valid texts rare
        and their weights large.

        Args:
            log_prior: natural logarithm of the mean estimate of nodes of this depth.
        """
        known = self.seen & (self.tokens != self.end)  # an end tells nothing about other tokens
        most = float(self.log_estimates[known].max(initial=log_prior))
        # Never 0 for tokens not seen, even if all that were seen are: the rest may be valid.
        factors = np.full(len(self.tokens) + 1, min(most, 0.0) if most > -math.inf else 0.0)
        factors[:-1][self.seen] = self.log_estimates[self.seen]
        np.minimum(factors[:-1], self.log_bounds, out=factors[:-1])
        return factors

    def log_bound(self) -> float:
        """``log θ(u)``, the sum over all tokens here."""
        return log_sum_exp(self.log_weights(self.bounds()))

    def find(self, token: int) -> int:
        """The index of ``token`` in the arrays; -1 if it is part of the rest."""
        found = np.flatnonzero(self.tokens == token)
        return int(found[0]) if len(found) else -1

    def adopt(self, token: int, log_mass: float, log_left: float) -> int:
        """Move ``token`` from the rest to those kept one by one; returns its slot.

        Args:
            token: the token.
            log_mass: natural logarithm of its probability.
            log_left: natural logarithm of the mass left in the rest, summed in 32-bit weights.
        """
        self.tokens = np.append(self.tokens, np.int32(token))
        self.log_masses = np.append(self.log_masses, log_mass)
        self.log_bounds = np.append(self.log_bounds, 0.0)
        self.log_estimates = np.append(self.log_estimates, 0.0)
        self.seen = np.append(self.seen, False)
        left = -math.expm1(min(log_mass - self.log_rest, 0.0))
        difference = self.log_rest + math.log(left) if left > 0 else -math.inf
        # The difference keeps the total mass unchanged to the last digit, but has the rounding
        # error of larger masses. When the rest is smaller than that error it could come out as 0,
        # and bounds without it would be too low.
        agrees = abs(difference - log_left) < _ROUNDING
        self.log_rest = difference if agrees else min(log_left, self.log_rest)
        return len(self.tokens) - 1
