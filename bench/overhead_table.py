"""The tables of ``overhead``: vocabulary by type of logits; a row a contestant and lane count."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from bench.library.results import table
from bench.library.statistics import percentile
from bench.vocabularies import SOURCES

BASE = "llguidance-inversion"
"""The fastest pipeline built from the same engine: what ratios are taken against."""

SOFTMAX = "softmax"
"""What is computed by everyone: its median and mean are taken from the others'."""

CLOCKS = {"wall": "nanoseconds", "processor": "processor_nanoseconds"}

HEADS = (
    "lanes, contestant",
    "median µs",
    "beyond softmax",
    "mean µs",
    "beyond softmax",
    "p99 µs",
    f"median ÷ {BASE}",
    f"mean ÷ {BASE}",
    "checks a token: median, mean, p99",
)


def overhead_tables(size: str, raw: dict[str, Any], clock: str, *, recorded: bool) -> list[str]:
    kind = "recorded from SmolLM2" if recorded else "synthetic"
    tables = []
    for dtype, by_lanes in raw["dtypes"].items():
        title = (
            f"**{size}** ({SOURCES[size].about}, {raw['tokens_in_vocabulary']:,} tokens): per "
            f"token and lane, {len(raw['cases'])} constraints, {kind} logits in {dtype}, "
            f"{clock} time"
        )
        rows = [
            row for lanes, seen in by_lanes.items() for row in _rows(lanes, seen, CLOCKS[clock])
        ]
        tables.append(f"{title}\n\n{table(HEADS, rows)}\n{_dropped(raw)}")
    return tables


def _rows(lanes: int, seen: dict[str, list[Any]], clock: str) -> list[list[str]]:
    times = {name: microseconds(answers, lanes, clock) for name, answers in seen.items()}
    base, softmax = times.get(BASE), times.get(SOFTMAX)
    return [
        [
            f"{lanes}, {name}",
            f"{median(values):.1f}",
            f"{median(values) - median(softmax):.1f}" if softmax else "",
            f"{fmean(values):.1f}",
            f"{fmean(values) - fmean(softmax):.1f}" if softmax else "",
            f"{percentile(values, 99):.0f}",
            f"{median(values) / median(base):.2f}" if base else "",
            f"{fmean(values) / fmean(base):.2f}" if base else "",
            _checks(seen[name]),
        ]
        for name, values in times.items()
    ]


def microseconds(answers: Sequence[dict[str, Any]], lanes: int, clock: str) -> list[float]:
    """Of every step of every case and round, its time per lane."""
    return [spent / lanes / 1000 for answer in answers for spent in answer[clock]]


def _checks(answers: Sequence[dict[str, Any]]) -> str:
    counts = [count for answer in answers for count in answer.get("checks", ())]
    if not any(counts):
        return ""
    masks = fmean(mask for answer in answers for mask in answer["masks"])
    and_masks = f" (and {masks:.2f} masks)" if masks else ""
    return f"{median(counts):.0f}, {fmean(counts):.2f}, {percentile(counts, 99)}{and_masks}"


def _dropped(raw: dict[str, Any]) -> str:
    """Cases that not every contestant could walk are in nobody's numbers; who refused is told."""
    refused: dict[str, int] = {}
    for found in raw["checks"].values():
        for name, answer in found.items():
            if not answer["walks"]:
                refused[name] = refused.get(name, 0) + 1
    if not refused:
        return ""
    told = ", ".join(f"{name} {count}" for name, count in refused.items())
    return f"\nNot walked, of {len(raw['checks'])} constraints, and left out for all: {told}\n"
