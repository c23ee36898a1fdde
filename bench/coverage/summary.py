"""From rows to numbers: what was compiled, what was accepted, and quantiles of times."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.coverage.race import (
    COMPILED,
    DIED,
    FAILED,
    MASK_TIMES,
    REFUSED,
    STEP_TIMES,
    TIMEOUT,
    UNSATISFIABLE,
    Row,
)
from bench.coverage.texts import REORDERED
from bench.library.statistics import percentile

_STEP = math.log(1.02)


@dataclass
class Times:
    """Many times in nanoseconds, kept as counts in bins that are 2 % wide, and their exact sum."""

    bins: Counter[int] = field(default_factory=Counter)
    total: int = 0
    most: int = 0

    def add(self, values: Iterable[int]) -> None:
        """Count these as well."""
        for value in values:
            self.bins[round(math.log(max(value, 1)) / _STEP)] += 1
            self.total += value
            self.most = max(self.most, value)

    def microseconds(self) -> dict[str, float]:
        """Median, 99th percentile (both to 1 %), mean and maximum; nothing where there is none."""
        count = self.bins.total()
        if not count:
            return {}
        return {
            "count": count,
            "median": self._quantile(0.5),
            "mean": self.total / count / 1000,
            "p99": self._quantile(0.99),
            "max": self.most / 1000,
        }

    def _quantile(self, part: float) -> float:
        left = math.ceil(part * self.bins.total())
        for place, count in sorted(self.bins.items()):
            left -= count
            if left <= 0:
                return math.exp(place * _STEP) / 1000
        raise AssertionError("a quantile of nothing")


def without_times(rows: Iterable[Row]) -> tuple[list[Row], dict[str, dict[str, Times]]]:
    """The rows alone, and by contestant the times of all its tokens: ``mask`` and ``step``."""
    kept: list[Row] = []
    times: dict[str, dict[str, Times]] = {}
    for row in rows:
        own = times.setdefault(row["contestant"], {"mask": Times(), "step": Times()})
        own["mask"].add(row.get(MASK_TIMES, ()))
        own["step"].add(row.get(STEP_TIMES, ()))
        kept.append({k: v for k, v in row.items() if k not in (MASK_TIMES, STEP_TIMES)})
    return kept, times


@dataclass
class Tally:
    """One contestant over some schemas.

    ``reordered`` valid instances were accepted only with the keys as the schema has them.
    ``right`` schemas have every instance right with the keys as they came, ``right_reordered`` the
    others that have with keys reordered. A schema that was refused as unsatisfiable counts as right
    where no valid instance is known.
    """

    schemas: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    valid: int = 0
    accepted: int = 0
    reordered: int = 0
    invalid: int = 0
    rejected: int = 0
    let_through: int = 0
    right: int = 0
    right_reordered: int = 0
    not_in_mask: int = 0
    wrongly_unsatisfiable: int = 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Tally:
        """Count them."""
        tally = cls()
        for row in rows:
            tally._add(row)
        return tally

    @property
    def compiled(self) -> int:
        """Schemas that gave a matcher, whatever became of it."""
        return self.outcomes[COMPILED] + self.outcomes[FAILED]

    @property
    def broken(self) -> int:
        """Schemas that took too long, or ended the worker."""
        return self.outcomes[TIMEOUT] + self.outcomes[DIED]

    @property
    def refused(self) -> int:
        """Schemas refused for a reason other than that nothing satisfies them."""
        return self.outcomes[REFUSED] + self.wrongly_unsatisfiable

    def _add(self, row: Row) -> None:
        self.schemas += 1
        self.outcomes[row["outcome"]] += 1
        self.not_in_mask += row.get("not_in_mask", 0)
        valid = row["valid"]
        self.valid += sum(valid)
        self.invalid += len(valid) - sum(valid)
        if row["outcome"] == UNSATISFIABLE:
            if any(valid):
                self.wrongly_unsatisfiable += 1
            else:
                self.rejected += len(valid)
                self.right += 1
        if row["outcome"] != COMPILED:
            return
        writings = [instance["by"] for instance in row["instances"]]
        plain = [by is not None and not by.endswith(REORDERED) for by in writings]
        taken = [by is not None for by in writings]
        for good, as_it_came, somehow in zip(valid, plain, taken, strict=True):
            if good:
                self.accepted += as_it_came
                self.reordered += somehow and not as_it_came
            else:
                self.rejected += not somehow
                self.let_through += somehow
        if taken == valid:
            as_came = plain == valid
            self.right += as_came
            self.right_reordered += not as_came


def first_mask_ms(rows: Iterable[Row]) -> dict[str, float]:
    """Of the schemas that were compiled: milliseconds from text to first mask."""
    times = sorted(1000 * row["first_mask_seconds"] for row in rows if "first_mask_seconds" in row)
    if not times:
        return {}
    return {
        "count": len(times),
        "p50": percentile(times, 50),
        "p90": percentile(times, 90),
        "p99": percentile(times, 99),
        "max": times[-1],
    }


def first_mask_ratio(rows: Sequence[Row], name: str, base: str) -> float | None:
    """The median over schemas that both compiled of ``name``'s time over ``base``'s."""
    times: dict[str, dict[str, float]] = {name: {}, base: {}}
    for row in rows:
        if row["contestant"] in times and "first_mask_seconds" in row:
            times[row["contestant"]][row["case"]] = row["first_mask_seconds"]
    both = times[name].keys() & times[base].keys()
    return median(times[name][case] / times[base][case] for case in both) if both else None


def step_ratio(rows: Sequence[Row], name: str, base: str) -> float | None:
    """``name``'s time a token, mask and step, over ``base``'s: the median over schemas.

    Of those schemas only of which both accepted the same valid instances in the same writings.
    """
    times: dict[str, dict[str, float]] = {name: {}, base: {}}
    walked: dict[str, dict[str, list[str | None]]] = {name: {}, base: {}}
    for row in rows:
        who, case = row["contestant"], row["case"]
        if who in times and row.get("tokens"):
            times[who][case] = row["step_us"] / row["tokens"]
            found = zip(row["valid"], row["instances"], strict=True)
            walked[who][case] = [instance["by"] for valid, instance in found if valid]
    both = times[name].keys() & times[base].keys()
    same = [case for case in both if walked[name][case] == walked[base][case]]
    return median(times[name][case] / times[base][case] for case in same) if same else None


def of_contestant(rows: Iterable[Row], name: str, **wanted: Any) -> list[Row]:
    """The rows of one contestant whose other fields are as wanted."""
    return [
        row
        for row in rows
        if row["contestant"] == name and all(row[key] == value for key, value in wanted.items())
    ]
