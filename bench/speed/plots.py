"""The picture of one or more runs: ratios to free generation, a panel a workload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bench.library.journal import Record
from bench.speed.contestants import CONTESTANTS, FREE
from bench.speed.summary import groups, summary
from bench.speed.tables import ABOUT

# Okabe and Ito's colours, which the colour-blind can tell apart; shapes say it again.
_STYLES = {0.0: ("#0072B2", "o"), 1.0: ("#D55E00", "D")}
_OTHERS = ("#009E73", "s")


def picture(file: Path, results: Sequence[Path]) -> Path:
    """Draw the results of ``scripts/bench speed`` into ``file``: a column for each device."""
    by_device: dict[str, list[Record]] = {}
    for path in results:
        raw = json.loads(path.read_text())
        by_device.setdefault(_device(raw), []).extend(raw["records"])
    found = {device: groups(records) for device, records in by_device.items()}
    workloads = [name for name in ABOUT if any(name == key[0] for g in found.values() for key in g)]
    figure, grid = plt.subplots(
        len(workloads),
        len(found),
        figsize=(7.4 * len(found), 2.3 * len(workloads) + 0.8),
        squeeze=False,
    )
    for column, (device, grouped) in enumerate(found.items()):
        for row, workload in enumerate(workloads):
            axes = grid[row][column]
            mine = {key[1]: records for key, records in grouped.items() if key[0] == workload}
            _panel(axes, mine)
            title = ABOUT[workload] if len(found) == 1 else f"{ABOUT[workload]} ({device})"
            axes.set_title(title, fontsize=10, loc="left")
        grid[-1][column].set_xlabel("tokens a second ÷ the same model, free", fontsize=9)
    temperatures = sorted({key[1] for grouped in found.values() for key in grouped})
    figure.legend(
        handles=[_handle(temperature) for temperature in temperatures],
        loc="upper right",
        ncols=len(temperatures),
        fontsize=9,
        frameon=False,
    )
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file


def _device(raw: dict[str, dict[str, dict[str, str]]]) -> str:
    """What the free generation ran on."""
    return raw["contestants"].get(FREE, {}).get("device", "cpu")


def _panel(axes: Axes, by_temperature: dict[float, list[Record]]) -> None:
    """A row for each contestant: medians, with a bar from the 25th to the 75th percentile."""
    present = {record["contestant"] for records in by_temperature.values() for record in records}
    names = [name for name in CONTESTANTS if name in present and name != FREE]
    many = len(by_temperature) > 1
    for place, (temperature, records) in enumerate(sorted(by_temperature.items())):
        colour, marker = _STYLES.get(temperature, _OTHERS)
        for row, name in enumerate(names):
            decode = summary(records, name)["decode"]
            if decode is None:
                continue
            low, middle, high = decode
            height = row + (place - (len(by_temperature) - 1) / 2) * 0.3 * many
            axes.plot([low, high], [height, height], color=colour, lw=2, alpha=0.5)
            axes.plot([middle], [height], color=colour, marker=marker, ms=6)
    axes.axvline(1, color="black", lw=1, linestyle=(0, (6, 2)))
    axes.set_yticks(range(len(names)), [CONTESTANTS[name].label for name in names], fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.25)


def _handle(temperature: float) -> Line2D:
    colour, marker = _STYLES.get(temperature, _OTHERS)
    label = f"temperature {temperature:g}"
    return Line2D([], [], color=colour, marker=marker, lw=2, ms=6, label=label)
