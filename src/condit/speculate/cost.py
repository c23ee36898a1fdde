"""The measured time of a forward by its number of positions, which depends on the machine.

It decides how many guesses are worth their cost (see ``tree.py``), never which token is drawn.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from statistics import median

from condit.kept import Kept
from condit.model.base import Model

_ASSUMED = 0.03
"""Assumed cost of a further position, relative to a forward over one, before measurements."""

_FIT_EVERY = 8
"""The curve is fitted again after so many measured forwards."""

_KEPT = 16
"""Times kept for each number of positions."""

_LONGEST = 256
"""Forwards over more positions are not measured."""


class ForwardCost:
    """Time of a forward by its positions: a non-decreasing curve through the medians.

    It is not a line: matrix products take their rows in groups, and filling up a group is free.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._measured = 0
        self._knots: list[tuple[float, float]] = [(1.0, 1.0), (2.0, 1.0 + _ASSUMED)]

    def record(self, positions: int, seconds: float) -> None:
        """Add a measured forward, unless it took no measurable time."""
        if not 0 < positions <= _LONGEST or seconds <= 0:
            return
        with self._lock:  # several threads may run one model
            self._seconds[positions].append(seconds)
            self._measured += 1
            if self._measured % _FIT_EVERY == 0:
                self._fit()

    def of(self, positions: int) -> float:
        """Cost of a forward, in a unit that is the same for all numbers of positions."""
        knots = self._knots
        place = bisect_right(knots, (float(positions), float("inf")))
        if place == 0:
            return knots[0][1]
        x, y = knots[place - 1]
        if place == len(knots):
            # Extrapolate by the mean slope so far, or the assumed one if that is larger.
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

    Other runs are taken to forward as many positions as this one, so the cost of ``k`` positions is
    that of ``runs · k`` positions, divided by the number of runs.

    Args:
        whole: the cost of the shared forwards.
        model: its ``last_shared`` has how many runs shared the last one.
    """

    def __init__(self, whole: ForwardCost, model: Model) -> None:
        self._whole = whole
        self._model = model

    def record(self, positions: int, seconds: float) -> None:
        """Add the last shared forward; the arguments, which are of this run alone, are not used."""
        last = self._model.last_shared
        if last is not None:
            self._whole.record(last.positions, last.seconds)

    def of(self, positions: int) -> float:
        """This run's share in the cost, with so many positions of its own; unit of ``whole``."""
        runs = self._model.last_shared.runs if self._model.last_shared is not None else 1
        return self._whole.of(runs * positions) / runs


def rising(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """Isotonic least-squares regression by pooling adjacent violators (Ayer et al. 1955).

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
