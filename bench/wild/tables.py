"""The tables of ``scripts/bench wild``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bench.library.journal import Record
from bench.library.results import table
from bench.library.statistics import number
from bench.wild.contestants import CONTESTANTS, MASKING, label
from bench.wild.curves import Point, at_positions, points
from bench.wild.reference import Reference
from bench.wild.summary import Key, Row, Total, rows, totals
from bench.wild.tasks import FAMILY, TASKS


def tables(records: Sequence[Record], references: Mapping[str, Reference]) -> str:
    """All of them: contestants, evidence and the rest by task, curves, and what failed."""
    found = rows(records, references)
    parts = ["**Over all tasks**", _totals(totals(found))] if found else []
    if references:
        parts += ["**References**", _references(references)]
    for title, cell in (
        ("Mean log Ẑ ± 95 %", _evidence),
        ("Distinct texts", lambda row: number(row.distinct, ".1f")),
        ("Effective sample size, by lineages", lambda row: number(row.ess, ".1f")),
        ("Total variation to the reference, sure fields", lambda row: number(row.distance, ".2f")),
        ("Share of right answers", lambda row: number(row.right, ".2f")),
        ("Seconds", lambda row: number(row.seconds, ".1f")),
        ("Positions beyond the prompt", lambda row: number(row.positions, ".0f")),
        ("Seconds to the first step", lambda row: number(row.first, ".2f")),
        ("Seconds of compiling", lambda row: number(row.compiling, ".2f")),
    ):
        if any(cell(row) for row in found.values()):
            parts += [f"**{title}**", _by_task(found, cell)]
    if curves := points(records):
        parts += ["**Log Ẑ at the positions of the first column's contestant**", _equal(curves)]
    if failures := _failures(found):
        parts += ["**What failed**", failures]
    return "\n\n".join(parts)


def _totals(found: Mapping[str, Total]) -> str:
    heads = ["contestant", "tasks", "lag", "worst lag", "lead over before", "distinct", "variation"]
    heads += ["right, invited", "right, not", "s ÷ free", "rate ÷ free", "over", "failed"]
    return table(
        heads,
        [
            [
                label(name),
                str(total.tasks),
                number(total.lag, ".1f"),
                number(total.worst, ".1f"),
                number(total.lead, "+.1f"),
                number(total.distinct, ".1f"),
                number(total.distance, ".2f"),
                number(total.invited, ".2f"),
                number(total.uninvited, ".2f"),
                number(total.seconds, ".2f"),
                number(total.rate, ".2f"),
                str(total.over or ""),
                str(total.failed or ""),
            ]
            for name, total in found.items()
        ],
    )


def _references(references: Mapping[str, Reference]) -> str:
    return table(
        ["task", "log Ẑ", "between halves", "sure fields", "of"],
        [
            [
                name,
                f"{each.log_evidence:.2f}",
                f"{each.between:.2f}",
                ", ".join(each.sure),
                str(len(each.apart)),
            ]
            for name, each in references.items()
        ],
    )


def _evidence(row: Row) -> str:
    if row.evidence is None:
        return "over" if row.over else "failed" if row.failed else ""
    band = "" if row.half_band is None else f" ± {row.half_band:.1f}"
    return "-∞" if row.evidence == -math.inf else f"{row.evidence:.1f}{band}"


def _by_task(found: Mapping[Key, Row], cell: Callable[[Row], str]) -> str:
    names = [name for name in (*CONTESTANTS, MASKING) if any(key[1] == name for key in found)]
    shown = [
        name
        for name in names
        if any(cell(row) for (_, contestant), row in found.items() if contestant == name)
    ]
    return table(
        ["task", "family", *(label(name) for name in shown)],
        [
            [
                task,
                FAMILY[task],
                *(cell(found[task, name]) if (task, name) in found else "" for name in shown),
            ]
            for task in TASKS
            if any(key[0] == task for key in found)
        ],
    )


def _equal(curves: Mapping[Key, Sequence[Point]]) -> str:
    """A row for each point of the first contestant of a task, the others at its positions."""
    names = [name for name in CONTESTANTS if any(key[1] == name for key in curves)]
    lines = []
    for task in TASKS:
        base = curves.get((task, names[0]), ())
        for point in base:
            at = [at_positions(curves.get((task, name), ()), point.positions) for name in names[1:]]
            own = f"{point.evidence:.1f}"
            lines.append(
                [task, f"{point.positions:.0f}", own, *(number(each, ".1f") for each in at)]
            )
    return table(["task", "positions", *(label(name) for name in names)], lines)


def _failures(found: Mapping[Key, Row]) -> str:
    lines = [
        f"- {task}, {label(name)}: {error}"
        for (task, name), row in found.items()
        if name != MASKING
        for error in row.errors
    ]
    return "\n".join(lines)
