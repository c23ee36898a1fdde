"""From records to ratios, new over old: the ratio of medians of each row, and its band.

In a pass the ratio of a case is that of the medians of both sides, and the ratio of a row is the
median over its cases. A row's number is the geometric mean over passes, within Student's band for
it: that covers what passes differ in, and not which cases were chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

from bench.against.race import NEW, OLD, Record
from bench.library.statistics import band_of_ratio

CLOCKS = {"processor": "processor_seconds", "wall": "seconds"}


@dataclass(frozen=True)
class Compared:
    """One row.

    Attributes:
        row: its name.
        cases: how many.
        old: the median over cases of the old seconds.
        ratio: new over old, by medians of each pass.
        least: new over old, by the least times: what other work on the machine did not reach.
        low: of the band of ``ratio``.
        high: likewise.
    """

    row: str
    cases: int
    old: float
    ratio: float
    least: float
    low: float
    high: float

    def verdict(self, tolerance: float) -> str:
        """``worse`` where it surely is slower, and by more than the tolerance."""
        if self.ratio <= 1 + tolerance:
            return "ok"
        return "worse" if self.low > 1 else "unclear"


Times = dict[str, dict[int, dict[str, list[float]]]]
"""By case, pass and side."""


def times_of(records: Iterable[Record], row: str, clock: str) -> Times:
    """The times of a row, of cases that both sides ran in a pass."""
    found: Times = defaultdict(lambda: defaultdict(lambda: {OLD: [], NEW: []}))
    for record in records:
        if record["row"] == row and clock in record and "error" not in record:
            units = record[record["per"]] if record["per"] else 1
            if units:
                times = found[record["case"]][record["pass"]]
                times[record["side"]].append(record[clock] / units)
    return {
        case: {turn: both for turn, both in turns.items() if both[OLD] and both[NEW]}
        for case, turns in found.items()
        if any(both[OLD] and both[NEW] for both in turns.values())
    }


def compared(records: Sequence[Record], row: str, clock: str) -> Compared | None:
    """Both sides in a row; ``None`` where there is nothing to compare."""
    times = times_of(records, row, clock)
    if not times:
        return None
    passes = sorted({turn for turns in times.values() for turn in turns})
    ratios = [_ratio(times, [turn]) for turn in passes]
    old = median(
        median(t for turn in turns.values() for t in turn[OLD]) for turns in times.values()
    )
    least = _ratio(times, passes, min)
    return Compared(row, len(times), old, geometric_mean(ratios), least, *band_of_ratio(ratios))


def _ratio(
    times: Times, passes: Sequence[int], middle: Callable[[Iterable[float]], float] = median
) -> float:
    """The median over cases of new over old, of each the median (or so) over these passes."""
    found = []
    for turns in times.values():
        chosen = [turns[turn] for turn in passes if turn in turns]
        if chosen:
            new, old = (middle(t for both in chosen for t in both[side]) for side in (NEW, OLD))
            found.append(new / old)
    return median(found)


def differences(records: Iterable[Record], row: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    """For each case what each side said under these keys, and whether both said the same.

    An error is something said too: both may refuse alike.
    """
    said: dict[str, dict[int, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        if record["row"] == row:
            wanted = ("error",) if "error" in record else keys
            answer = {key: record[key] for key in wanted if key in record}
            said[record["case"]][record["pass"]][record["side"]] = answer
    found = []
    for case, turns in said.items():
        whole = [both for both in turns.values() if OLD in both and NEW in both]
        differ = [both for both in whole if both[OLD] != both[NEW]]
        if whole:
            found.append({"case": case, "same": not differ, **(differ or whole)[0]})
    return found


def broken(records: Iterable[Record]) -> list[str]:
    """Rows where a case fails at one side alone, or where nothing ran at all."""
    went: dict[str, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        sides = went[record["row"]][record["case"]]
        sides[record["side"]] = sides.get(record["side"], True) and "error" not in record
    return [
        row
        for row, cases in went.items()
        if any(len(set(sides.values())) > 1 for sides in cases.values())
        or not any(all(sides.values()) for sides in cases.values())
    ]


def furthest(runs: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> float:
    """How far apart weights and evidence are, where both drew the same tokens: in nats."""
    gaps = [0.0]
    for run, other in zip(runs, others, strict=True):
        if run["tokens"] == other["tokens"]:
            mine = [*run["log_weights"], run["log_evidence"]]
            yours = [*other["log_weights"], other["log_evidence"]]
            gaps += [abs(a - b) for a, b in zip(mine, yours, strict=True) if a != b]
    return max(gaps)
