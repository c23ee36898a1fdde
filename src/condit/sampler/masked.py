"""Masked draws: locally constrained decoding, with the weights that undo its bias.

At prefix ``u`` draw ``t ∝ p(t|u) 1[t allowed]``. The exact local weight is the allowed mass
``Z_u = Σ_allowed p(t|u)``, free once the mask is there. What everyone else calls constrained
decoding drops the weight, which bends the distribution; here it is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, unpack
from condit.sampler.law import TokenLaw
from condit.sampler.local import Draw, LocalSampler


@dataclass(frozen=True)
class Masked(LocalSampler):
    """Independent lanes, each token drawn under the matcher's mask."""

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its exact local weight."""
        return draw_masked(law, matcher, rng)


def draw_masked(law: TokenLaw, matcher: Matcher, rng: np.random.Generator, checks: int = 0) -> Draw:
    """Draw from what the matcher allows of ``law``; the weight is the allowed mass.

    Args:
        law: the law; tokens taken out of it before must be refused ones.
        matcher: where the constraint stands.
        rng: the noise.
        checks: single-token checks already made, to be counted.
    """
    mass = law.restrict(allowed_tokens(matcher))
    token = law.draw(rng) if mass > 0 else None
    if token is None:
        return Draw(None, -math.inf, checks, masks=1)
    log_weight = 0.0 if law.greedy else math.log(mass) + law.log_scale
    return Draw(token, log_weight, checks, masks=1)


def allowed_tokens(matcher: Matcher) -> NDArray[np.bool_]:
    """One boolean a token; asks one by one where the matcher has no mask."""
    size = len(matcher.vocabulary)
    mask = matcher.mask()
    if mask is not None:
        return unpack(mask, size)
    return np.fromiter((matcher.allows(token) for token in range(size)), np.bool_, size)
