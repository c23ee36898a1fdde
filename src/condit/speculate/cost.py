"""What a forward costs by the number of its positions: measured, as it depends on the machine."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from weakref import WeakKeyDictionary

from condit.model.base import Model

_ASSUMED = 0.03
"""Cost of a further position, in parts of a forward over one, before anything was measured."""

_FEWEST = 8
"""Forwards that must have been measured before they count."""

_KEPT = 16
"""Times kept for each number of positions."""


class ForwardCost:
    """Seconds of a forward as a straight line in its positions, fitted to medians."""

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._slope = _ASSUMED
        self._measured = 0

    def record(self, positions: int, seconds: float) -> None:
        """Take a measured forward into account."""
        self._seconds[positions].append(seconds)
        self._measured += 1
        if self._measured >= _FEWEST and self._measured % _FEWEST == 0:
            self._fit()

    def worth(self, positions: int, expected: float) -> float:
        """How probable a guess must be to be worth its position.

        Args:
            positions: how many positions the forward has without it.
            expected: how many tokens the forward is expected to give without it.

        Returns:
            the probability at which tokens per second stay the same.
        """
        return self._slope * expected / (1 + self._slope * (positions - 1))

    def _fit(self) -> None:
        """Least squares over the medians, weighted by how often each was measured."""
        points = [
            (positions, median(times), len(times)) for positions, times in self._seconds.items()
        ]
        total = sum(weight for _, _, weight in points)
        mean_x = sum(x * weight for x, _, weight in points) / total
        mean_y = sum(y * weight for _, y, weight in points) / total
        spread = sum(weight * (x - mean_x) ** 2 for x, _, weight in points)
        if not spread:
            return
        slope = sum(weight * (x - mean_x) * (y - mean_y) for x, y, weight in points) / spread
        first = mean_y + slope * (1 - mean_x)
        # Noise may make a longer forward look faster: a guess is never taken to be free.
        self._slope = min(max(slope / first, 0.005), 1.0) if first > 0 else _ASSUMED


def cost_of(model: Model) -> ForwardCost:
    """What is known of the cost of this model's forwards."""
    cost = _costs.get(model)
    if cost is None:
        cost = _costs[model] = ForwardCost()
    return cost


_costs: WeakKeyDictionary[Model, ForwardCost] = WeakKeyDictionary()
