"""From raw numbers to what is shown: medians, quartiles, ratios of medians, and bands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median, quantiles, stdev

from scipy.stats import t


def spread(values: Sequence[float], digits: int = 1) -> str:
    """``median (least to greatest)``."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    least, most = min(values), max(values)
    return f"{median(values):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def ratio(values: Sequence[float], base: Sequence[float] | None) -> str:
    """The ratio of two medians, for people."""
    return "" if not base or not values else f"{median(values) / median(base):.2f}"


def number(value: float | None, form: str) -> str:
    """``value`` in a format such as ``.2f``; nothing where there is none."""
    return "" if value is None else format(value, form)


def percentile(values: Iterable[float], percent: float) -> float:
    """The least value that at least ``percent`` in a hundred do not exceed."""
    ordered = sorted(values)
    place = math.ceil(len(ordered) * percent / 100) - 1
    return ordered[min(len(ordered) - 1, max(0, place))]


def quartiles(values: Iterable[float]) -> tuple[float, float, float] | None:
    """The 25th percentile, the median, the 75th; ``None`` where there is nothing."""
    listed = list(values)
    if len(listed) < 2:
        return (listed[0],) * 3 if listed else None
    low, middle, high = quantiles(listed, n=4, method="inclusive")
    return low, middle, high


def band_of_ratio(ratios: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """A band for the ratio of which ``ratios`` are independent measurements.

    Student's, for the mean of their logarithms: it takes these for normal.
    """
    if len(ratios) < 2:
        return 0.0, math.inf
    logs = [math.log(each) for each in ratios]
    half = float(t.ppf((1 + confidence) / 2, len(logs) - 1)) * stdev(logs) / math.sqrt(len(logs))
    return math.exp(fmean(logs) - half), math.exp(fmean(logs) + half)
