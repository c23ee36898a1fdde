"""What a forward costs by the number of its positions: measured, as it depends on the machine."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from statistics import median

from condit.kept import Kept
from condit.model.base import Model

_ASSUMED = 0.03
"""Cost of a further position, in parts of a forward over one, before anything was measured."""

_FEWEST = 8
"""Forwards that must have been measured before they count, and between two looks at them."""

_KEPT = 16
"""Times kept for each number of positions."""

_LONGEST = 256
"""Longer forwards are not measured: nobody chooses among them."""


class ForwardCost:
    """Seconds of a forward by its positions: a rising curve through the medians.

    The curve need not be straight: matrix products take their rows in groups, and the last ones of
    a group cost nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._measured = 0
        self._knots: list[tuple[float, float]] = [(1.0, 1.0), (2.0, 1.0 + _ASSUMED)]

    def record(self, positions: int, seconds: float) -> None:
        """Take a measured forward into account, if the clock saw it pass."""
        if not 0 < positions <= _LONGEST or seconds <= 0:
            return
        with self._lock:  # several threads may run one model
            self._seconds[positions].append(seconds)
            self._measured += 1
            if self._measured >= _FEWEST and self._measured % _FEWEST == 0:
                self._fit()

    def of(self, positions: int) -> float:
        """Cost of a forward, in a unit that is the same for all numbers of positions."""
        knots = self._knots
        place = bisect_right(knots, (float(positions), float("inf")))
        if place == 0:
            return knots[0][1]
        x, y = knots[place - 1]
        if place == len(knots):
            # Beyond what was measured a position costs what is assumed, or what it did so far.
            first_x, first_y = knots[0]
            slope = (y - first_y) / (x - first_x) if x > first_x else 0.0
            return y + max(slope, _ASSUMED * first_y) * (positions - x)
        next_x, next_y = knots[place]
        return y + (next_y - y) * (positions - x) / (next_x - x)

    def _fit(self) -> None:
        """Isotonic least squares over the medians, weighted by how often each was measured."""
        self._knots = rising(
            [
                (float(positions), median(times), float(len(times)))
                for positions, times in sorted(self._seconds.items())
            ]
        )


class ShareOfCost(ForwardCost):
    """A run's share of the cost of forwards that several runs make together.

    Others will forward about as many positions as this run, and pay as much: a further position is
    worth its cost where it is so for all of them.

    Args:
        whole: the cost of the forwards.
        model: tells how many runs share them.
    """

    def __init__(self, whole: ForwardCost, model: Model) -> None:
        self._whole = whole
        self._model = model

    def record(self, positions: int, seconds: float) -> None:
        """Take the last forward into account: what one run has seen of it is not its cost."""
        last = self._model.last_shared
        if last is not None:
            self._whole.record(last.positions, last.seconds)

    def of(self, positions: int) -> float:
        """Cost of a forward with so many positions of this run, in the unit of the whole."""
        runs = self._model.last_shared.runs if self._model.last_shared is not None else 1
        return self._whole.of(runs * positions) / runs


def rising(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """The nearest curve that never falls, by pooling neighbours that do (Ayer et al. 1955).

    Args:
        points: ``(x, y, weight)`` in order of ``x``.

    Returns:
        ``(x, y)`` for each pool, at its mean ``x``.
    """
    pools: list[tuple[float, float, float]] = []
    for point in points:
        pools.append(point)
        while len(pools) > 1 and pools[-2][1] >= pools[-1][1]:
            (x1, y1, w1), (x2, y2, w2) = pools[-2:]
            weight = w1 + w2
            pools[-2:] = [((x1 * w1 + x2 * w2) / weight, (y1 * w1 + y2 * w2) / weight, weight)]
    return [(x, y) for x, y, _ in pools]


def cost_of(model: Model) -> ForwardCost:
    """The measured cost of this model's forwards, or of a run's share in them."""
    cost = _costs.of(model.computed_by)
    return cost if model.computed_by is model else ShareOfCost(cost, model)


_costs: Kept[Model, ForwardCost] = Kept(lambda model: ForwardCost())
