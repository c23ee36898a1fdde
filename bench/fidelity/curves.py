"""Curves: what was measured, against what it cost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.fidelity.contestants import CONTESTANTS, SHIPPED


@dataclass(frozen=True)
class Point:
    """One setting: its cost, and everything measured there."""

    cost: float
    measured: dict[str, Any]

    @property
    def tv(self) -> float:
        return float(self.measured["tv"]["value"])


Curve = list[Point]
Cost = Callable[[str, dict[str, Any]], float | None]


def by_positions(found: dict[str, Any]) -> dict[str, Curve]:
    """By label, one curve a contestant, and a second one for what a peer really forwards."""
    curves = {}
    for who, raw in found.items():
        if "error" in raw:
            continue
        label = CONTESTANTS[who].label
        curves[label] = _curve(raw, lambda _, measured: measured["positions"])
        if any("shipped" in measured for measured in raw["settings"].values()):
            curves[SHIPPED] = _curve(raw, lambda _, measured: measured.get("shipped"))
    return curves


def by_seconds(found: dict[str, Any], times: dict[str, Any]) -> dict[str, Curve]:
    """By label, one curve a contestant: the median of its seconds at each setting."""
    curves = {}
    for who, raw in found.items():
        timed = times.get(who, {})

        def cost(
            setting: str, measured: dict[str, Any], timed: dict[str, Any] = timed
        ) -> float | None:
            seconds = timed.get(setting, {}).get("seconds", [])
            return median(seconds) if seconds else None

        if "error" not in raw and (curve := _curve(raw, cost)):
            curves[CONTESTANTS[who].label] = curve
    return curves


def _curve(raw: dict[str, Any], cost: Cost) -> Curve:
    points = []
    for setting, measured in raw["settings"].items():
        price = cost(setting, measured)
        if price is not None and "tv" in measured:
            points.append(Point(price, measured))
    return sorted(points, key=lambda point: point.cost)


def at_cost(curve: Curve, cost: float) -> float | None:
    """The distance at a cost: linear between settings over the logarithm of the cost.

    ``None`` below the cheapest setting; beyond the dearest one its value is carried on.
    """
    if not curve or cost < curve[0].cost * 0.999:
        return None
    for left, right in itertools.pairwise(curve):
        if cost <= right.cost:
            if right.cost <= left.cost:
                return right.tv
            share = math.log(max(cost, left.cost) / left.cost) / math.log(right.cost / left.cost)
            return left.tv + share * (right.tv - left.tv)
    return curve[-1].tv


def cost_of(curve: Curve, distance: float) -> float | None:
    """The least cost at which the curve comes down to ``distance``; ``None`` if it never does."""
    if not curve:
        return None
    if curve[0].tv <= distance:
        return curve[0].cost
    for left, right in itertools.pairwise(curve):
        if right.tv <= distance < left.tv:
            share = (left.tv - distance) / (left.tv - right.tv)
            return left.cost * (right.cost / left.cost) ** share
    return None
