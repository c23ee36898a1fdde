"""Statistics of weighted draws: means, effective sample sizes, standard errors. Pure functions.

Resampling copies lanes (particles), so lanes are not independent. Lanes that descend from the same
initial lane are a *lineage*; different lineages share no drawn token. With ``W_e`` the share of
the weight that lineage ``e`` has,

- ``1 / Σ W_e²`` is how many equally weighted independent draws the lanes are worth: the effective
  sample size of Kish (1965), counted over lineages. Without resampling each lane is its own
  lineage, and the two are the same. It errs on the low side: lanes of one lineage that parted early
  are nearly independent, but count as one.
- ``1 - (N/(N-1))^(r+1) (1 - Σ W_e²)`` estimates the relative variance of the evidence after ``r``
  resamplings of ``N`` lanes (Chan and Lai 2013; Lee and Whiteley 2018).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def log_sum_exp(values: NDArray[np.float64]) -> float:
    """Natural logarithm of the sum of ``exp(values)``, in one pass; ``-inf`` for no values."""
    highest = float(values.max()) if len(values) else -math.inf
    if highest == -math.inf:
        return highest
    return highest + math.log(float(np.exp(values - highest).sum()))


def log_mean_exp(log_values: Sequence[float]) -> float:
    """Natural logarithm of the mean of ``exp(log_values)``; ``-inf`` if all are."""
    highest = max(log_values)
    if not math.isfinite(highest):
        return highest
    return highest + math.log(
        math.fsum(math.exp(value - highest) for value in log_values) / len(log_values)
    )


def effective_sample_size(log_weights: Sequence[float]) -> float:
    """``(Σw)² / Σw²`` (Kish 1965): between 1 and their number; 0 if every weight is 0."""
    highest = max(log_weights)
    if not math.isfinite(highest):
        return 0.0
    weights = [math.exp(value - highest) for value in log_weights]
    return math.fsum(weights) ** 2 / math.fsum(weight * weight for weight in weights)


def effective_lineages(log_weights: Sequence[float], lineages: Sequence[Hashable]) -> float:
    """``(Σ_e w_e)² / Σ_e w_e²`` over lineages: from 1 to their number; 0 if all weights are 0.

    Args:
        log_weights: natural logarithm of the weight of each lane, on any scale.
        lineages: which lineage each lane belongs to.
    """
    squares = _sum_of_squares(log_weights, lineages)
    return 1 / squares if squares > 0 else 0.0


def relative_error(
    log_weights: Sequence[float],
    lineages: Sequence[Hashable] | None = None,
    resamplings: int = 0,
    *,
    draws: int | None = None,
) -> float | None:
    """Standard error of the mean weight, divided by that mean (linear).

    ``None`` where it cannot be told: from one draw, or where all weights are 0. Without any
    resampling it is the usual standard error of a mean.

    Args:
        log_weights: natural logarithm of the weight of each draw.
        lineages: which lineage each draw belongs to; by default each is its own.
        resamplings: how many times the lanes were resampled.
        draws: how many draws there were, if ``log_weights`` leaves out some of weight 0.
    """
    size = len(log_weights) if draws is None else draws
    squares = _sum_of_squares(log_weights, lineages or range(len(log_weights)))
    if size < 2 or squares == 0:
        return None
    variance = 1 - (size / (size - 1)) ** (resamplings + 1) * (1 - squares)
    return math.sqrt(max(variance, 0.0))


def log_share(accepted: int, tried: int, wanted: int) -> float:
    """Natural logarithm of the share of tries that are accepted, as an estimate.

    Where they went on until ``wanted`` were accepted, the last one was sure to be: it is left out,
    which makes the share unbiased (Haldane 1945), unless it is the only one.
    """
    if accepted == wanted and wanted > 1:
        return math.log((accepted - 1) / (tried - 1))
    return math.log(accepted / tried)


def _sum_of_squares(log_weights: Sequence[float], lineages: Sequence[Hashable]) -> float:
    """``Σ_e W_e²``; 0 if all weights are 0."""
    highest = max(log_weights)
    if not math.isfinite(highest):
        return 0.0
    shares: dict[Hashable, float] = defaultdict(float)
    for log_weight, lineage in zip(log_weights, lineages, strict=True):
        shares[lineage] += math.exp(log_weight - highest)
    total = math.fsum(shares.values())
    return math.fsum((share / total) ** 2 for share in shares.values())
