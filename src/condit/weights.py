"""Statistics of weighted draws: means, effective sample sizes, standard errors. Pure functions.

Resampling copies lanes (particles), so lanes are not independent. Lanes that descend from the same
initial lane are a *lineage*; different lineages share no drawn token. With ``W_e`` the share of
the weight that lineage ``e`` has,

- ``1 / Σ W_e²`` is how many equally weighted independent draws the lanes are worth: the effective
  sample size of Kish (1965), counted over lineages. Without resampling each lane is its own
  lineage, and the two are the same. It errs on the low side: lanes of one lineage that parted early
  are nearly independent, but count as one.
- ``1 - (N/(N-1))^(r+1) (1 - Σ W_e²)`` estimates the relative variance of the evidence after ``r``
  multinomial resamplings of all ``N`` lanes together (Chan and Lai 2013; Lee and Whiteley 2018). It
  is unbiased and may be negative; where it is, or one lineage is left, the lanes do not tell the
  variance. For schemes of less variance, which make fewer copies, it is too low.
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


ENOUGH = 5
"""Independent draws from which on a standard error says more than that there are few of them."""


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


def effective_groups(log_weights: Sequence[float], groups: Sequence[Hashable]) -> float:
    """``(Σ_e w_e)² / Σ_e w_e²`` over groups: from 1 to their number; 0 if all weights are 0.

    Args:
        log_weights: natural logarithm of the weight of each lane, on any scale.
        groups: which group each lane belongs to: its lineage, or its text.
    """
    squares = _sum_of_squares(log_weights, groups)
    return 1 / squares if squares > 0 else 0.0


def largest_share(log_weights: Sequence[float], groups: Sequence[Hashable]) -> float:
    """The share of the weight (linear) of the group that has most; 0 if all weights are 0."""
    return max(_shares(log_weights, groups), default=0.0)


def relative_error(
    log_weights: Sequence[float],
    lineages: Sequence[Hashable] | None = None,
    resamplings: int = 0,
    *,
    draws: int | None = None,
) -> float | None:
    """Standard error of the mean weight, divided by that mean (linear).

    ``None`` where it cannot be told: from one draw, or where all weights are 0; after resampling,
    where one lineage is left or the estimate of the variance is not positive. Without any
    resampling it is the usual standard error of a mean.

    Args:
        log_weights: natural logarithm of the weight of each draw.
        lineages: which lineage each draw belongs to; by default each is its own.
        resamplings: how many times the lanes were resampled, by multinomial resampling of all.
        draws: how many draws there were, if ``log_weights`` leaves out some of weight 0.
    """
    size = len(log_weights) if draws is None else draws
    squares = _sum_of_squares(log_weights, lineages or range(len(log_weights)))
    if size < 2 or squares == 0:
        return None
    variance = 1 - (size / (size - 1)) ** (resamplings + 1) * (1 - squares)
    copied = resamplings > 0 or (lineages is not None and len(set(lineages)) < len(lineages))
    if copied and (variance <= 0 or squares == 1):
        return None
    return math.sqrt(max(variance, 0.0))


def log_share(accepted: int, tried: int, wanted: int) -> float:
    """Natural logarithm of the share of tries that are accepted, as an estimate.

    Where they went on until ``wanted`` were accepted, the last one was sure to be: it is left out,
    which makes the share unbiased (Haldane 1945), unless it is the only one.
    """
    if accepted == wanted and wanted > 1:
        return math.log((accepted - 1) / (tried - 1))
    return math.log(accepted / tried)


def _sum_of_squares(log_weights: Sequence[float], groups: Sequence[Hashable]) -> float:
    """``Σ_e W_e²``; 0 if all weights are 0."""
    return math.fsum(share**2 for share in _shares(log_weights, groups))


def _shares(log_weights: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """``W_e``: the share of the weight of each group; none if all weights are 0."""
    highest = max(log_weights)
    if not math.isfinite(highest):
        return []
    weights: dict[Hashable, float] = defaultdict(float)
    for log_weight, group in zip(log_weights, groups, strict=True):
        weights[group] += math.exp(log_weight - highest)
    total = math.fsum(weights.values())
    return [weight / total for weight in weights.values()]
