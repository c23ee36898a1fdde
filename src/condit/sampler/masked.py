"""Masked draws: locally constrained decoding, with the weights that undo its bias.

At prefix ``u`` draw ``t ∝ p(t|u) 1[t allowed]``. The exact local weight is the allowed mass
``Z_u = Σ_allowed p(t|u)``, which costs nothing once the mask is there. Usual constrained decoding
drops this weight, so its texts do not follow the model's distribution given the constraint.
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
