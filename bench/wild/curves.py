"""Mean log evidence against cost: a point for each number of lanes, and what lies between."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import NamedTuple

from bench.library.journal import Record
from bench.wild.summary import Key, evidence, half_band


class Point(NamedTuple):
    """A contestant on a task at a number of lanes: mean log evidence, and medians of its cost."""

    lanes: int
    positions: float
    seconds: float
    evidence: float
    half_band: float | None


def points(records: Iterable[Record]) -> dict[Key, list[Point]]:
    """The curve of each task and contestant, by ascending lanes.

    A number of lanes at which a call failed or was over the limit has no point.
    """
    found: dict[Key, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record["purpose"] == "curve":
            found[record["task"], record["contestant"]][record["lanes"]].append(record)
    curves = {
        key: [
            _point(lanes, runs)
            for lanes, runs in sorted(by_lanes.items())
            if not any("error" in run or run.get("over") for run in runs)
        ]
        for key, by_lanes in found.items()
    }
    return {key: curve for key, curve in curves.items() if curve}


def _point(lanes: int, runs: Sequence[Record]) -> Point:
    logs = [evidence(run) for run in runs]
    return Point(
        lanes,
        median(run["positions_beyond_prompt"] for run in runs),
        median(run["seconds"] for run in runs),
        fmean(logs),
        half_band(logs),
    )


def at_positions(curve: Sequence[Point], positions: float) -> float | None:
    """Log evidence at so many positions, interpolated linearly over their logarithm.

    ``None`` beyond the ends: a curve is not drawn on.
    """
    ordered = sorted(
        (point for point in curve if math.isfinite(point.evidence)),
        key=lambda point: point.positions,
    )
    for low, high in pairwise(ordered):
        if low.positions <= positions <= high.positions:
            if high.positions == low.positions:
                return max(low.evidence, high.evidence)
            share = math.log(positions / low.positions) / math.log(high.positions / low.positions)
            return low.evidence + share * (high.evidence - low.evidence)
    return None
