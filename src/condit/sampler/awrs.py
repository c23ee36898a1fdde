"""Adaptive weighted rejection sampling: exact local draws and unbiased weights by few questions.

Visit tokens in a without-replacement order drawn from ``p(·|u)``. The first allowed one, ``x``, is
an exact draw from the locally constrained law. For the weight look at ``m`` further tokens of the
same order; with ``y`` the last one looked at,

    w = (mass of the allowed tokens seen before y) + (mass not seen before y) · 1[y allowed]

has ``E[w | x] = Z_u``, the allowed mass. ``m = 1`` is the recursive estimator of Lipkin et al.
(2025); more looks lower the variance. When to look further depends only on what has been seen,
never on the token about to be drawn, so the estimate stays unbiased.

A mask costs tens of microseconds and the forward before it tens of milliseconds, while the noise of
single looks adds up to several nats over a long text. So by default the allowed mass itself is
taken where the matcher has a mask, as by `Masked`; where it has none, all likely tokens are checked
and only the others are looked at (see ``checked.py``). With ``looks`` no mask is computed until
``mask_after`` tokens were refused; then the draw is made among the allowed ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from condit.constraint.base import Matcher
from condit.errors import ArgumentError
from condit.sampler.kernels import Draw, draw_by_rejection, draw_weighed
from condit.sampler.law import TokenLaw
from condit.sampler.local import LocalSampler


@dataclass(frozen=True)
class AWRS(LocalSampler):
    """Independent lanes, each token drawn by adaptive weighted rejection.

    Attributes:
        looks: how many further tokens are looked at for the weight, ``m``; at least 1. ``None``:
            none if there is a mask; else as many as the tokens that were checked suggest.
        mask_after: compute the mask after this many refused tokens; 0: at once, as `Masked` does;
            ``None``: never. Where ``looks`` is ``None`` any number is as good as 0.

    Raises:
        ArgumentError: ``looks`` or ``mask_after`` is out of range.
    """

    looks: int | None = None
    mask_after: int | None = 4

    def __post_init__(self) -> None:
        if self.looks is not None and self.looks < 1:
            raise ArgumentError(f"looks must be 1 or more, or None, not {self.looks}")
        if self.mask_after is not None and self.mask_after < 0:
            raise ArgumentError(f"mask_after must be 0 or more, or None, not {self.mask_after}")

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and an unbiased estimate of the allowed mass."""
        if self.looks is None:
            return draw_weighed(law, matcher, rng, masks=self.mask_after is not None)
        return draw_by_rejection(law, matcher, rng, looks=self.looks, mask_after=self.mask_after)
