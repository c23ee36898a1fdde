"""Pictures of the curves: mean log evidence against positions and against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from bench.library.journal import Record
from bench.wild.contestants import CONTESTANTS, label
from bench.wild.curves import points

# Okabe and Ito's colours, which the colour-blind can tell apart; shapes say it again.
_STYLES = {
    "masked": ("#E69F00", "s"),
    "awrs": ("#56B4E9", "^"),
    "smc": ("#0072B2", "o"),
    "smc_before": ("#999999", "X"),
    "genlm": ("#D55E00", "D"),
    "auto": ("#000000", "d"),
}
_COLUMNS = 3
_COSTS = {"positions": "positions beyond the prompt", "seconds": "seconds"}


def pictures(folder: Path, records: Sequence[Record]) -> list[Path]:
    """Write ``wild-positions.png`` and ``wild-seconds.png``; nothing where there is no curve."""
    curves = points(records)
    tasks = list(dict.fromkeys(task for task, _ in curves))
    if not tasks:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for cost, axis in _COSTS.items():
        height = ceil(len(tasks) / _COLUMNS)
        figure, grid = plt.subplots(
            height, _COLUMNS, figsize=(5 * _COLUMNS, 3.4 * height), squeeze=False
        )
        for place, axes in enumerate(grid.flat):
            if place >= len(tasks):
                axes.set_axis_off()
                continue
            axes.set_title(tasks[place], fontsize=10, loc="left")
            for name in CONTESTANTS:
                curve = [p for p in curves.get((tasks[place], name), ()) if isfinite(p.evidence)]
                if not curve:
                    continue
                colour, marker = _STYLES[name]
                axes.errorbar(
                    [getattr(point, cost) for point in curve],
                    [point.evidence for point in curve],
                    yerr=[point.half_band or 0.0 for point in curve],
                    color=colour,
                    marker=marker,
                    lw=1.5,
                    elinewidth=0.6,
                    label=label(name),
                )
            axes.set_xscale("log")
            axes.set_xlabel(axis, fontsize=8)
            axes.set_ylabel("mean log Ẑ", fontsize=8)
            axes.legend(fontsize=7)
            axes.grid(alpha=0.25)
        figure.tight_layout()
        file = folder / f"wild-{cost}.png"
        figure.savefig(file, dpi=110)
        plt.close(figure)
        made.append(file)
    return made
