"""What is shown: times as ratios with bands, and checks as counts of what is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.against.parts import SPEED
from bench.against.race import NEW, OLD, Record
from bench.against.summary import CLOCKS, Compared, compared, differences, furthest
from bench.library.results import table

_MILLI = {
    "overhead": (1e6, "µs a token"),
    "speed": (1e3, "ms a token"),
    "coverage": (1e3, "ms"),
    "fidelity": (1e3, "ms a run"),
}

JUDGED = ("outcome", "accepted")
DRAWS = ("runs",)
TEXTS = ("texts", "log_weights", "failed")


def rows_of(records: Sequence[Record], part: str, key: str) -> list[str]:
    """The rows of a part whose records have ``key``, in the order in which they came."""
    return list(dict.fromkeys(r["row"] for r in records if r["part"] == part and key in r))


def timings(records: Sequence[Record], clock: str) -> dict[str, list[Compared]]:
    """By part, each row; in ``speed`` also the time outside the model's forward."""
    found: dict[str, list[Compared]] = {}
    for part in dict.fromkeys(record["part"] for record in records):
        keys = [CLOCKS[clock]]
        if part == SPEED:
            keys.append(f"outside_{CLOCKS[clock]}")
        for key in keys:
            name = part if key == keys[0] else f"{part}, outside the model's forward"
            rows = [compared(records, row, key) for row in rows_of(records, part, key)]
            found[name] = [row for row in rows if row is not None]
    return {name: rows for name, rows in found.items() if rows}


def checks(records: Sequence[Record]) -> dict[str, list[dict[str, Any]]]:
    """By row what each side said, where both should say the same."""
    found = {}
    for row in dict.fromkeys(r["row"] for r in records):
        mine = [r for r in records if r["row"] == row]
        keys = next(
            (keys for keys in (TEXTS, JUDGED, DRAWS) if any(keys[0] in r for r in mine)), None
        )
        if keys is not None:
            found[row] = differences(mine, row, keys)
    return found


def tables(
    timed: dict[str, list[Compared]],
    checked: dict[str, list[dict[str, Any]]],
    records: Sequence[Record],
    tolerance: float,
) -> str:
    """Everything that is shown of a run."""
    parts = []
    for name, rows in timed.items():
        factor, unit = _MILLI[name.split(",")[0]]
        lines = [
            [
                row.row,
                str(row.cases),
                f"{factor * row.old:.3g}",
                f"{row.ratio:.3f}",
                f"{row.least:.3f}",
                f"{row.low:.3f} to {row.high:.3f}",
                row.verdict(tolerance),
            ]
            for row in rows
        ]
        heads = [name, "cases", f"old, {unit}", "new ÷ old", "of the least", "95 % band", ""]
        parts.append(table(heads, lines))
    if checked:
        lines = [_check(row, found) for row, found in checked.items()]
        heads = ["the same at both?", "same", "differ", "furthest weight, nats", "where"]
        parts.append(table(heads, lines))
    failed = Counter((r["row"], r["side"], r["error"][:120]) for r in records if "error" in r)
    if failed:
        lines = [
            [row, side, error.replace("|", "\\|"), str(n)]
            for (row, side, error), n in failed.items()
        ]
        parts.append(table(["failed", "side", "why", "times"], lines))
    return "\n\n".join(parts)


def _check(row: str, found: Sequence[dict[str, Any]]) -> list[str]:
    differ = [each["case"] for each in found if not each["same"]]
    gaps = [
        furthest(each[OLD]["runs"], each[NEW]["runs"])
        for each in found
        if "runs" in each.get(OLD, {}) and "runs" in each.get(NEW, {})
    ]
    where = ", ".join(differ[:6]) + (" …" if len(differ) > 6 else "")
    return [
        row,
        str(len(found) - len(differ)),
        str(len(differ)),
        f"{max(gaps):.2g}" if gaps else "",
        where,
    ]
