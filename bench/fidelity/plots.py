"""Pictures of a run: small multiples, one panel a world."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.fidelity.contestants import CONTESTANTS, SHIPPED
from bench.fidelity.curves import Curve, Point, by_positions, by_seconds

_COLUMNS = 3

# Okabe and Ito's colours, which the colour-blind can tell apart; markers and dashes say it again.
_STYLES = {
    "masked": ("#E69F00", "s", "-"),
    "awrs": ("#56B4E9", "^", "-"),
    "smc": ("#0072B2", "o", "-"),
    "genlm": ("#D55E00", "D", "-"),
    "learned": ("#009E73", "v", "-"),
    "session": ("#009E73", "v", "--"),
    "exact": ("#CC79A7", "*", "-"),
    "asap": ("#8C6D31", "P", "--"),
    "mcmc": ("#999999", "X", "--"),
    "auto": ("#000000", "d", ":"),
}

_Style = tuple[str, str, str]


def pictures(
    stem: Path, worlds: dict[str, Any], results: dict[str, Any], times: dict[str, Any]
) -> list[Path]:
    """Write ``<stem>-positions.png``, ``-evidence.png`` and, where timed, ``-seconds.png``."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    positions = {name: _shown(by_positions(found)) for name, found in results.items()}
    made = [
        _picture(
            Path(f"{stem}-positions.png"),
            worlds,
            positions,
            _distance,
            "positions forwarded beyond the prompt",
            "total variation to the posterior",
        ),
        _picture(
            Path(f"{stem}-evidence.png"),
            worlds,
            {name: _with_evidence(curves) for name, curves in positions.items()},
            _spread,
            "positions forwarded beyond the prompt",
            "rms of ln(estimate / Z)",
        ),
    ]
    if times:
        made.append(
            _picture(
                Path(f"{stem}-seconds.png"),
                worlds,
                {
                    name: _shown(by_seconds(found, times.get(name, {})))
                    for name, found in results.items()
                },
                _distance,
                "seconds a run, prompt included",
                "total variation to the posterior",
            )
        )
    return made


def _shown(curves: dict[str, Curve]) -> dict[str, Curve]:
    """Those that have a style; tables have all. Masking is drawn from what is known exactly."""
    labels = {CONTESTANTS[who].label for who in _STYLES} | {SHIPPED}
    return {label: curve for label, curve in curves.items() if label in labels}


def _with_evidence(curves: dict[str, Curve]) -> dict[str, Curve]:
    def known(point: Point) -> bool:
        return bool(point.measured.get("evidence", {}).get("rms_log"))

    return {label: [point for point in curve if known(point)] for label, curve in curves.items()}


def _distance(point: Point) -> tuple[float, float, float]:
    tv = point.measured["tv"]
    return tv["value"], tv["low"], tv["high"]


def _spread(point: Point) -> tuple[float, float, float]:
    spread = point.measured["evidence"]["rms_log"]
    return spread, spread, spread


def _style(label: str) -> _Style:
    if label == SHIPPED:
        colour, marker, _ = _STYLES["genlm"]
        return colour, marker, ":"
    names = {contestant.label: who for who, contestant in CONTESTANTS.items()}
    return _STYLES[names[label]]


def _picture(
    file: Path,
    worlds: dict[str, Any],
    curves: dict[str, dict[str, Curve]],
    read: Callable[[Point], tuple[float, float, float]],
    horizontal: str,
    vertical: str,
) -> Path:
    rows = math.ceil(len(curves) / _COLUMNS)
    figure, grid = plt.subplots(
        rows, _COLUMNS, figsize=(4.1 * _COLUMNS, 2.9 * rows + 1.2), squeeze=False
    )
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    distance = read is _distance
    for axes, (name, found) in zip(grid.flat, curves.items(), strict=False):
        _panel(axes, found, read)
        world = worlds[name]
        axes.set_title(f"{name}   (Z = {world['evidence']:.1g})", fontsize=10)
        if distance:
            _references(axes, world, found)
            axes.set_ylim(bottom=0)
        else:
            axes.set_yscale("log")
    for axes in grid[:, 0]:
        axes.set_ylabel(vertical, fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel(horizontal, fontsize=9)
    labels = list(dict.fromkeys(label for found in curves.values() for label in found))
    handles: list[Line2D | Patch] = [_handle(label) for label in labels]
    if distance:
        handles += [
            Line2D([], [], color="black", linestyle=(0, (6, 2)), label="plain masking (exact)"),
            Patch(color="0.88", label="noise: as many perfect draws"),
        ]
    figure.legend(
        handles=handles, loc="lower center", ncols=4, fontsize=9, frameon=False, handlelength=3.2
    )
    figure.tight_layout(rect=(0, 1.1 / (2.9 * rows + 1.2), 1, 1))
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file


def _panel(
    axes: Axes, found: dict[str, Curve], read: Callable[[Point], tuple[float, float, float]]
) -> None:
    for label, curve in found.items():
        if not curve:
            continue
        colour, marker, line = _style(label)
        costs = [point.cost for point in curve]
        values, lows, highs = zip(*(read(point) for point in curve), strict=True)
        axes.plot(costs, values, color=colour, marker=marker, linestyle=line, ms=4.5, lw=1.4)
        if lows != highs:
            axes.fill_between(costs, lows, highs, color=colour, alpha=0.15, lw=0)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _references(axes: Axes, world: dict[str, Any], found: dict[str, Curve]) -> None:
    """Masking's exact distance, and the least noise that any estimate here can have."""
    axes.axhline(world["masking_tv"], color="black", linestyle=(0, (6, 2)), lw=1)
    floors = [point.measured["tv_floor"] for curve in found.values() for point in curve]
    if floors:
        axes.axhspan(0, min(floors), color="0.88", lw=0, zorder=0)


def _handle(label: str) -> Line2D:
    colour, marker, line = _style(label)
    return Line2D([], [], color=colour, marker=marker, linestyle=line, ms=5, label=label)
