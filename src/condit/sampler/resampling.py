"""Four resampling schemes of sequential Monte Carlo (Douc, Cappé and Moulines 2005).

Each takes the normalised weights of ``n`` lanes (particles) and returns how many copies of each
there will be, ``n`` in all. All are unbiased: the expected number of copies of lane ``i`` is ``n``
times its weight. They differ in variance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
Counts = NDArray[np.int64]


def multinomial(rng: np.random.Generator, weights: Weights) -> Counts:
    """``n`` independent draws by weight: the largest variance."""
    return _count(weights, rng.random(len(weights)))


def stratified(rng: np.random.Generator, weights: Weights) -> Counts:
    """One independent uniform in each of ``n`` equal strata."""
    size = len(weights)
    return _count(weights, (np.arange(size) + rng.random(size)) / size)


def systematic(rng: np.random.Generator, weights: Weights) -> Counts:
    """One uniform, shifted through ``n`` equal strata: each count is within 1 of its mean."""
    size = len(weights)
    return _count(weights, (np.arange(size) + rng.random()) / size)


def residual(rng: np.random.Generator, weights: Weights) -> Counts:
    """The integer part of each expected count, and multinomial draws for the remainder."""
    means = weights * len(weights)
    counts = np.floor(means).astype(np.int64)
    left = len(weights) - int(counts.sum())
    if left == 0:
        return counts
    rest = means - counts
    return counts + _count(rest / rest.sum(), rng.random(left))


def _count(weights: Weights, points: Weights) -> Counts:
    """How many points of ``[0, 1)`` fall into each lane's interval of the cumulative weights."""
    upto = np.cumsum(weights)
    # Dividing by the last makes rounding harmless: no point lies past the last lane with weight.
    lanes = np.searchsorted(upto / upto[-1], points, side="right")
    last = int(np.flatnonzero(weights)[-1])
    return np.bincount(np.minimum(lanes, last), minlength=len(weights))


SCHEMES: dict[str, Callable[[np.random.Generator, Weights], Counts]] = {
    "systematic": systematic,
    "stratified": stratified,
    "multinomial": multinomial,
    "residual": residual,
}


def ancestors(counts: Counts) -> list[int]:
    """Index of the lane that each lane is copied from; a lane with copies keeps its own index."""
    chosen = [lane if count else -1 for lane, count in enumerate(counts)]
    spare = [lane for lane, count in enumerate(counts) for _ in range(count - 1)]
    return [spare.pop() if lane < 0 else lane for lane in chosen]
