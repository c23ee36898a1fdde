"""Masked draws: locally constrained decoding, with the weights that undo its bias.

At prefix ``u`` draw ``t ∝ p(t|u) 1[t allowed]``. The exact local weight is the allowed mass
``Z_u = Σ_allowed p(t|u)``, free once the mask is there. What everyone else calls constrained
decoding drops the weight, which bends the distribution; here it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from condit.constraint.base import Matcher
from condit.sampler.kernels import Draw, draw_masked
from condit.sampler.law import TokenLaw
from condit.sampler.local import LocalSampler


@dataclass(frozen=True)
class Masked(LocalSampler):
    """Independent lanes, each token drawn under the matcher's mask."""

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """One allowed token and its exact local weight."""
        return draw_masked(law, matcher, rng)
