"""Drawing inside an outline: likely tokens are all checked, the others by rejection.

A matcher's outline (``Matcher.outline``) holds all allowed tokens, and some that are refused. The
case is a budget that steers, where every token has to be asked about. The *head* are the heaviest
tokens of the outline, each of which is checked; refused ones are dropped. The others that have not
been checked are the *tail*. From the allowed ones of the head and the tail together tokens are
drawn without replacement until an allowed one comes, ``x``. All allowed tokens can be drawn at any
time, so whatever was checked before, ``x`` is an exact draw from the locally constrained law.

For the weight let ``A`` be the mass of the tokens that are known to be allowed, ``x`` among them,
and ``U`` the mass of the tail. Tokens ``y_1, y_2, ...`` are drawn from the tail without
replacement. Whatever happened before ``y_k`` was drawn,

    w_k = (A before y_k) + (U before y_k) · 1[y_k allowed]

has the mean ``Z_u``, the allowed mass, as ``y_k`` is each token of the tail with probability its
mass over ``U``. So has the mean of ``w_1 ... w_m`` (Des Raj 1956), if ``m`` is fixed before
``y_1``. How many tokens are checked depends on what was seen before, never on a clock, so that a
seed always gives the same draws.

The head is short as long as nothing is refused. After the first refusal it is longer: as a rule the
budget is nearly used up there. What checks cost is in ``docs/explanation/weights.md``.
"""

from __future__ import annotations

import math

import numpy as np

from condit.constraint.base import Matcher
from condit.sampler.law import TokenLaw

_HEAVY, _FEW = 0.02, 8
"""Tokens with more than this share of the mass are checked, so many of them at most."""

_LIGHT, _MANY = 1e-4, 64
"""The same once one is refused: others may well be, too."""

_REFUSALS = 4
"""No more are checked after so many refusals, as for each an ending was searched for in vain."""

_LOOKS = ((0.02, 1), (0.2, 2), (math.inf, 4))
"""The number of looks, by the most that the tail may be of the mass that is left."""

_LOOKS_IF_ALL_ALLOWED = 2
"""The most looks where nothing was refused."""


class _Checked:
    """What is known of the tokens of an outline; ``law`` holds its tail."""

    def __init__(self, law: TokenLaw, matcher: Matcher) -> None:
        self.law, self.matcher = law, matcher
        self.tokens: list[int] = []
        self.masses: list[float] = []
        self.known = 0.0  # the sum of those masses
        self.checks = self.refusals = 0

    def check(self, token: int) -> bool:
        """Whether ``token`` of the tail is allowed; it is known afterwards."""
        mass, allowed = self.law.take_out(token), self.matcher.allows(token)
        self.checks += 1
        if allowed:
            self.tokens.append(token)
            self.masses.append(mass)
            self.known += mass
        else:
            self.refusals += 1
        return allowed

    def check_head(self) -> None:
        """Check the heaviest: a few, or more if any was refused already or is now."""
        if not self.refusals:
            for token in self.law.heavier(_HEAVY)[:_FEW].tolist():
                if not self.check(token):
                    break
        if self.refusals:
            for token in self.law.heavier(_LIGHT)[: _MANY - len(self.tokens)].tolist():
                if self.refusals >= _REFUSALS:
                    break
                self.check(token)

    def draw(self, rng: np.random.Generator) -> int | None:
        """An exact draw among the allowed tokens; ``None`` if none has any mass."""
        while True:
            target = rng.random() * (self.known + self.law.remaining)
            if target < self.known:
                return self._at(target)
            token = self.law.draw(rng)
            if token is None:
                if self.tokens:  # rounding: the tail has no mass
                    return self.tokens[-1]
                if self.law.rescale() == 0:
                    return None
            elif self.check(token):
                return token
            elif self.refusals == 1:
                self.check_head()

    def _at(self, target: float) -> int:
        for token, mass in zip(self.tokens, self.masses, strict=True):
            target -= mass
            if target < 0:
                return token
        return self.tokens[-1]

    def weight(self, rng: np.random.Generator) -> float:
        """An unbiased estimate of the allowed mass."""
        total = self.known + self.law.remaining
        looks = next(count for most, count in _LOOKS if self.law.remaining <= most * total)
        if not self.refusals:
            looks = min(looks, _LOOKS_IF_ALL_ALLOWED)
        estimates: list[float] = []
        while len(estimates) < looks:
            known, unseen = self.known, self.law.remaining
            token = self.law.draw(rng)
            if token is None:  # all is known, so that this and what would follow is exact
                estimates += [known] * (looks - len(estimates))
            else:
                estimates.append(known + unseen * self.check(token))
        return math.fsum(estimates) / looks


def draw_checked(
    law: TokenLaw, matcher: Matcher, rng: np.random.Generator
) -> tuple[int | None, float, int]:
    """An allowed token, the natural logarithm of its unbiased weight, and how many were checked.

    Args:
        law: the base law, restricted to the outline, not greedy; modified.
        matcher: the constraint's state.
        rng: the source of randomness.

    Returns:
        ``None`` and ``-inf`` as the first two at a dead end.
    """
    checked = _Checked(law, matcher)
    checked.check_head()
    token = checked.draw(rng)
    if token is None:
        return None, -math.inf, checked.checks
    log_weight = math.log(checked.weight(rng)) + law.log_scale
    # Masses that were summed in different orders may be over 1 together by their rounding.
    return token, min(log_weight, 0.0), checked.checks
