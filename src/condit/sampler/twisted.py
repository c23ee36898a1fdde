"""Drawing a token at a node of the trie from the twisted law ``p(t|u) θ(ut)``.

``p(t|u)`` is the base law and ``θ`` the trie's bounds, or its estimates (see
``condit.sampler.trie``). If the node holds allowed tokens only, one draw is enough, and the mass
``Σ_t p(t|u) θ(ut)`` is exact. Else a refused token gets the bound 0 in the trie, and the draw is
repeated without it, as in adaptive weighted rejection (see ``condit.sampler.awrs``): the mass is
then an unbiased estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher
from condit.sampler.law import TokenLaw
from condit.sampler.node import Node
from condit.sampler.trie import Trie


class TwistedDraw(NamedTuple):
    """One token drawn at a node.

    Attributes:
        slot: index of the token in the node's arrays; ``None`` if no allowed token has any mass.
        log_mass: natural logarithm of an unbiased estimate of ``Σ p(t|u) θ(ut)`` over the allowed
            tokens; exact if no token had to be checked.
        checks: how many single tokens the matcher was asked about.
    """

    slot: int | None
    log_mass: float
    checks: int = 0


REST = -1
"""In the place of a slot: one of the tokens that a node does not keep one by one."""


class TwistedLaw:
    """``p(t|u) θ(ut)`` at one node, from which tokens can be drawn and taken out.

    Args:
        trie: the trie of the node.
        node: the node.
        rest: gives the base law restricted to the tokens that the node does not keep one by one.
        estimated: whether to use estimates in the place of bounds.
    """

    def __init__(
        self, trie: Trie, node: Node, rest: Callable[[], TokenLaw], *, estimated: bool = False
    ) -> None:
        self._estimated = estimated
        self._trie = trie
        self._node = node
        self._rest = rest
        self._rest_law: TokenLaw | None = None
        self._out: list[int] = []
        self._weigh()

    def _weigh(self) -> None:
        node = self._node
        self.log_factors = self._trie.estimates(node) if self._estimated else node.bounds()
        weights = node.log_weights(self.log_factors)
        weights[self._out] = -math.inf
        self._highest = float(weights.max())
        self._weights: NDArray[np.float64] = (
            np.exp(weights - self._highest) if self._highest > -math.inf else np.zeros(len(weights))
        )

    @property
    def log_remaining(self) -> float:
        """Natural logarithm of the mass of what has not been taken out."""
        total = float(self._weights.sum())
        return self._highest + math.log(total) if total > 0 else -math.inf

    def draw(self, rng: np.random.Generator) -> int | None:
        """The slot of a token drawn by mass; ``None`` if nothing remains."""
        slot = self.draw_kept(rng)
        if slot != REST:
            return slot
        slot = self.draw_rest(rng, len(self._node.tokens))
        return self.draw(rng) if slot is None else slot

    def draw_kept(self, rng: np.random.Generator) -> int | None:
        """As ``draw``, but `REST` for a token that the node does not keep: that needs logits."""
        upto = self._weights.cumsum()
        if upto[-1] <= 0:
            return None
        # Rounding may point past the last that has mass.
        target = min(rng.random() * upto[-1], math.nextafter(upto[-1], 0))
        slot = int(upto.searchsorted(target, side="right"))
        return slot if slot < len(self._node.tokens) else REST

    def draw_rest(self, rng: np.random.Generator, kept: int) -> int | None:
        """The slot of a token of the rest, drawn by mass; the node keeps it from now on.

        While an attempt waited for logits, others may have moved tokens from the rest to those
        kept. These were part of the rest when it was drawn, so they can be drawn here, too; else
        attempts side by side could never draw the same one.

        Args:
            rng: the source of randomness.
            kept: how many tokens the node kept when its rest was drawn.

        Returns:
            the slot; ``None`` if the rest has no mass after all, as forwards of the same prefix can
            differ by rounding.
        """
        node = self._node
        log_masses = np.append(node.log_masses[kept:], node.log_rest)
        highest = float(log_masses.max())
        if highest == -math.inf:
            return None
        upto = np.exp(log_masses - highest).cumsum()
        slot = kept + int(upto[:-1].searchsorted(rng.random() * upto[-1], side="right"))
        if slot < len(node.tokens):
            return slot
        if self._rest_law is None:
            self._rest_law = self._rest()
        token = self._rest_law.draw(rng)
        if token is None:
            self._trie.exhaust(node)
            self._weigh()
            return None
        log_mass = self._rest_law.log_probability(token)
        self._rest_law.take_out(token)
        slot = self._trie.adopt(node, token, log_mass, self._rest_law.log_left())
        self._weigh()
        return slot

    def take_out(self, slot: int) -> None:
        """Remove the token in ``slot`` from what can be drawn."""
        self._out.append(slot)
        self._weigh()


def draw_allowed(
    law: TwistedLaw, trie: Trie, node: Node, matcher: Matcher | None, rng: np.random.Generator
) -> TwistedDraw:
    """Draw until a token is allowed; also estimates the mass of the allowed tokens, unbiased."""
    if matcher is None or node.complete:
        log_mass = law.log_remaining
        return TwistedDraw(law.draw(rng), log_mass)
    checks = 0
    while True:
        before = law.log_remaining
        slot = law.draw(rng)
        if slot is None:
            return TwistedDraw(None, -math.inf, checks)
        checks += not _known(node, slot, matcher)
        allowed = may_follow(trie, node, slot, matcher)
        own = float(node.log_masses[slot] + law.log_factors[slot])
        law.take_out(slot)
        if allowed:
            break
    # Checking one more token makes the estimate unbiased: see condit.sampler.awrs.
    unseen = law.log_remaining
    other = law.draw(rng)
    if other is None:
        return TwistedDraw(slot, own, checks)
    checks += not _known(node, other, matcher)
    if may_follow(trie, node, other, matcher):
        return TwistedDraw(slot, min(float(np.logaddexp(own, unseen)), before), checks)
    return TwistedDraw(slot, own, checks)


def _known(node: Node, slot: int, matcher: Matcher | None) -> bool:
    return matcher is None or node.complete or int(node.tokens[slot]) in node.children


def may_follow(trie: Trie, node: Node, slot: int, matcher: Matcher | None) -> bool:
    """Whether the constraint allows the token next; if not, sets its bound to 0."""
    if _known(node, slot, matcher):
        return True
    assert matcher is not None
    if matcher.allows(int(node.tokens[slot])):
        return True
    trie.refuse(node, slot)
    return False
