"""The error of all checks, and a statistical test of means with a guaranteed false-alarm rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class BrokenLawError(AssertionError):
    """An implementation does something that its protocol rules out."""


def require(holds: bool, message: str) -> None:
    """Raise `BrokenLawError` with ``message`` unless ``holds``."""
    if not holds:
        raise BrokenLawError(message)


def p_values_of_means(
    values: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Test whether independent values between 0 and 1 have the given means.

    A test by betting: a stake ``λ`` chosen from the past turns a wealth of 1 into
    ``Π (1 + λ_t (X_t - mean))``, which has expectation 1 if the mean is right, so that it ever
    exceeds ``1/a`` with probability at most ``a``, whatever the distribution (Ville). Stakes follow
    the approximate growth-rate rule of Waudby-Smith and Ramdas (2023). Unless values are tiny it
    has nearly the power of a normal approximation, but is also valid for skewed weights.

    Args:
        values: shape ``(repetitions, quantities)``, all between 0 and 1.
        means: what the mean of each column should be.

    Returns:
        for each column a p-value: at most ``a`` with probability at most ``a`` if all is well.
    """
    if values.min() < 0 or values.max() > 1 + 1e-9:
        raise ValueError("values must be from 0 to 1")
    before = np.arange(1, len(values) + 1)[:, None]
    # One pseudo-observation at the mean makes the first stake 0.
    mean = (means + _sums_before(values)) / before
    squares = means * (1 - means) + _sums_before((values - mean) ** 2)
    gap = mean - means
    stake = gap / (squares / before + gap**2 + 1e-12)
    stake = np.clip(stake, -0.5 / (1 - means + 1e-12), 0.5 / (means + 1e-12))
    log_wealth = np.log1p(stake * (values - means)).cumsum(axis=0)
    p_values: NDArray[np.float64] = np.exp(-log_wealth.max(axis=0, initial=0.0))
    return p_values


def _sums_before(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each row the sum of all rows before it."""
    sums = np.zeros_like(values)
    values[:-1].cumsum(axis=0, out=sums[1:])
    return sums
