"""The sampler ``hopeful``: tokens are drawn freely, and a lane is lost where one is refused.

Poor where the model does not lean towards the constraint, and short to read.
"""

import math
from dataclasses import dataclass

import numpy as np

from condit import Matcher
from condit.sampler.kernels import Draw
from condit.sampler.law import TokenLaw
from condit.sampler.local import LocalSampler


@dataclass(frozen=True)
class Hopeful(LocalSampler):
    """One token of the model, with weight 1 if it is allowed and 0 if not.

    So the mean of weight times ``f(t)`` is the sum of ``p(t) f(t)`` over allowed tokens, as it
    must be for every function ``f``.
    """

    def draw(self, law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
        """A token and the logarithm of its weight; no token where it is refused."""
        token = law.draw(rng)
        if token is None or not matcher.allows(token):
            return Draw(None, -math.inf, checks=1)
        return Draw(token, 0.0, checks=1)
