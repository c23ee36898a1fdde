"""The tables on the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.coverage.cases import DRAFTS, GROUPS, MASKBENCH, REQUIRED, SUITE
from bench.coverage.contestants import CONDIT, CONTESTANTS
from bench.coverage.race import COMPILED, Row
from bench.coverage.summary import (
    Tally,
    Times,
    first_mask_ms,
    first_mask_ratio,
    of_contestant,
    step_ratio,
)
from bench.library.results import table
from bench.library.statistics import number, percentile

_COUNTS = (
    "compiled",
    "unsatisfiable",
    "refused",
    "timeout or died",
    "valid accepted",
    "+ keys reordered",
    "invalid rejected",
    "let through",
    "all right",
    "+ keys reordered",
)

_REASON = 100


def tables(
    rows: Sequence[Row], times: dict[str, dict[str, Times]], generation: dict[str, list[Any]]
) -> str:
    """Everything that is shown of a run. ``times`` has ``mask`` and ``step`` by contestant."""
    names = [name for name in CONTESTANTS if any(row["contestant"] == name for row in rows)]
    parts = []
    found = [row for row in rows if row["part"] == MASKBENCH]
    if found:
        counts = [_counts(CONTESTANTS[name].label, of_contestant(found, name)) for name in names]
        parts.append(f"**maskbench**\n\n{table(('contestant', *_COUNTS), counts)}")
        parts.append(_speeds(found, names, times))
    found = [row for row in rows if row["part"] == SUITE]
    for group in GROUPS:
        counts = [
            _counts(CONTESTANTS[name].label, of_contestant(found, name, group=group))
            for name in names
            if of_contestant(found, name, group=group)
        ]
        if counts:
            parts.append(f"**suite, {group}**\n\n{table(('contestant', *_COUNTS), counts)}")
    if any(row["group"] == REQUIRED for row in found):
        parts.append(_drafts(found, names))
    parts += [_generation(model, draws) for model, draws in generation.items()]
    errors = _errors(rows)
    if errors:
        parts.append(errors)
    return "\n\n".join(parts)


def _counts(label: str, rows: Sequence[Row]) -> list[str]:
    tally = Tally.of(rows)
    said = tally.schemas - tally.compiled - tally.refused - tally.broken
    return [
        label,
        f"{tally.compiled} of {tally.schemas}",
        str(said),
        str(tally.refused),
        str(tally.broken),
        f"{tally.accepted} of {tally.valid}",
        str(tally.reordered),
        f"{tally.rejected} of {tally.invalid}",
        str(tally.let_through),
        str(tally.right),
        str(tally.right_reordered),
    ]


def _speeds(rows: Sequence[Row], names: Sequence[str], times: dict[str, dict[str, Times]]) -> str:
    heads = (
        "contestant",
        "first mask ms: p50",
        "p90",
        "p99",
        "max",
        "÷ Condit, schema by schema",
        "mask µs: median",
        "mean",
        "p99",
        "mask + step µs: median",
        "mean",
        "p99",
        "÷ Condit, same texts",
        "tokens",
        "not in mask",
    )
    lines = []
    for name in names:
        own = of_contestant(rows, name)
        first = first_mask_ms(own)
        ratio = first_mask_ratio(rows, name, CONDIT)
        mask, step = (times[name][kind].microseconds() for kind in ("mask", "step"))
        lines.append(
            [
                CONTESTANTS[name].label,
                *(number(first.get(key), ".2f") for key in ("p50", "p90", "p99", "max")),
                number(ratio, ".2f"),
                *(number(mask.get(key), ".1f") for key in ("median", "mean", "p99")),
                *(number(step.get(key), ".1f") for key in ("median", "mean", "p99")),
                number(step_ratio(rows, name, CONDIT), ".2f"),
                number(mask.get("count"), ".0f"),
                str(Tally.of(own).not_in_mask),
            ]
        )
    return f"**maskbench**, time\n\n{table(heads, lines)}"


def _drafts(rows: Sequence[Row], names: Sequence[str]) -> str:
    lines = []
    for name in names:
        tallies = [
            Tally.of(of_contestant(rows, name, group=REQUIRED, draft=draft)) for draft in DRAFTS
        ]
        shown = [f"{tally.right + tally.right_reordered} of {tally.schemas}" for tally in tallies]
        lines.append([CONTESTANTS[name].label, *shown])
    heads = ("contestant", *DRAFTS)
    return "**suite, required**, schemas with every instance right, by draft\n\n" + table(
        heads, lines
    )


def _generation(model: str, draws: Sequence[dict[str, Any]]) -> str:
    counted = Counter(draw["outcome"] for draw in draws)
    seconds = sorted(draw["seconds"] for draw in draws if "seconds" in draw)
    lines = [[outcome, str(count)] for outcome, count in counted.most_common()]
    if seconds:
        spread = ", ".join(f"{percentile(seconds, percent):.3f}" for percent in (50, 90, 99))
        lines.append(["seconds a draw: p50, p90, p99", spread])
    heads = (f"generation, {model}", f"of {len(draws)}")
    lines += [
        [f"{outcome}: {reason}", str(count)]
        for (outcome, reason), count in Counter(
            (draw["outcome"], _reason(draw["reason"])) for draw in draws if "reason" in draw
        ).most_common(8)
    ]
    return f"**generation**\n\n{table(heads, lines)}"


def _errors(rows: Sequence[Row]) -> str:
    """What was refused or failed and why, the most frequent reasons of each contestant."""
    lines = []
    for part in (MASKBENCH, SUITE):
        for name in CONTESTANTS:
            counted = Counter(
                (row["outcome"], _reason(row["error"]))
                for row in of_contestant(rows, name, part=part)
                if row["outcome"] != COMPILED and "error" in row
            )
            for (outcome, reason), count in counted.most_common(4):
                lines.append([f"{part}, {CONTESTANTS[name].label}", reason, outcome, str(count)])
    heads = ("not compiled, or failed", "first line of the reason", "how", "schemas")
    return table(heads, lines) if lines else ""


def _reason(error: str) -> str:
    line = error.splitlines()[0] if error else ""
    line = re.sub(r"\[\d+:\d+:\d+\] ", "", line)
    return line[:_REASON].replace("|", "\\|")
