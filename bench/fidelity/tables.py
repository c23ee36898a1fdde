"""Tables of a run, in markdown."""

from __future__ import annotations

from statistics import mean
from typing import Any

from bench.fidelity.contestants import CONTESTANTS
from bench.fidelity.curves import Curve, at_cost, by_positions, by_seconds, cost_of
from bench.library.results import table

BUDGETS = (8, 16, 32, 64, 128, 256)
SECONDS = (0.5, 1.0, 2.0, 4.0)
_SHOWN = (32, 128)


def tables(worlds: dict[str, Any], results: dict[str, Any], times: dict[str, Any]) -> str:
    """All tables of a run."""
    positions = {name: by_positions(found) for name, found in results.items()}
    parts = [
        _worlds(worlds),
        _budgets(positions, worlds, BUDGETS, "positions beyond the prompt"),
        _half(positions, worlds),
        *(_each(positions, worlds, budget) for budget in _SHOWN),
        _exactness(results),
        _evidence(results),
    ]
    if times:
        seconds = {name: by_seconds(found, times.get(name, {})) for name, found in results.items()}
        parts.append(_budgets(seconds, worlds, SECONDS, "seconds"))
    return "\n\n".join(part for part in parts if part)


def _worlds(worlds: dict[str, Any]) -> str:
    rows = [
        [
            name,
            world["about"],
            f"{world['evidence']:.2g}",
            str(world["sequences"]),
            f"{world['support']:.1f}",
            f"{world['masking_tv']:.2f}",
        ]
        for name, world in worlds.items()
    ]
    heads = ["world", "texts", "Z", "sequences", "effective support", "masking's TV"]
    return "**Worlds** (SmolLM2-135M, float32)\n\n" + table(heads, rows)


def _labels(curves: dict[str, dict[str, Curve]]) -> list[str]:
    return list(dict.fromkeys(label for found in curves.values() for label in found))


def _budgets(
    curves: dict[str, dict[str, Curve]],
    worlds: dict[str, Any],
    budgets: tuple[float, ...],
    unit: str,
) -> str:
    rows = []
    for label in _labels(curves):
        row = [label]
        for budget in budgets:
            at = [at_cost(found.get(label, []), budget) for found in curves.values()]
            known = [distance for distance in at if distance is not None]
            # A mean over the worlds where little is enough would flatter.
            row.append(f"{mean(known):.3f}" if len(known) == len(at) else f"- ({len(known)})")
        rows.append(row)
    exact = mean(world["masking_tv"] for world in worlds.values())
    title = (
        f"**TV to the posterior by {unit}**, mean over worlds; plain masking is at {exact:.3f} "
        "exactly. -: less than one run costs, but in so many worlds"
    )
    return f"{title}\n\n{table([unit, *map(str, budgets)], rows)}"


def _half(curves: dict[str, dict[str, Curve]], worlds: dict[str, Any]) -> str:
    labels = [label for label in _labels(curves) if label != CONTESTANTS["masking"].label]
    rows = []
    for name, found in curves.items():
        row = [name]
        for label in labels:
            curve = found.get(label, [])
            goal = worlds[name]["masking_tv"] / 2
            floor = min((point.measured["tv_floor"] for point in curve), default=0.0)
            cost = cost_of(curve, goal)
            row.append(
                "noise" if goal < 1.5 * floor else f"{cost:.0f}" if cost is not None else "-"
            )
        rows.append(row)
    title = (
        "**Positions beyond the prompt until half of masking's TV** (-: not within the settings; "
        "noise: as many perfect draws would hardly show it)"
    )
    return f"{title}\n\n{table(['world', *labels], rows)}"


def _each(curves: dict[str, dict[str, Curve]], worlds: dict[str, Any], budget: int) -> str:
    labels = [label for label in _labels(curves) if label != CONTESTANTS["masking"].label]
    rows = []
    for name, found in curves.items():
        at = [at_cost(found.get(label, []), budget) for label in labels]
        floor = max(
            (p.measured["tv_floor"] for curve in found.values() for p in curve[-1:]), default=0.0
        )
        rows.append(
            [
                name,
                f"{worlds[name]['masking_tv']:.2f}",
                *("-" if distance is None else f"{distance:.3f}" for distance in at),
                f"{floor:.3f}",
            ]
        )
    title = f"**TV at {budget} positions beyond the prompt**"
    return f"{title}\n\n{table(['world', 'masking', *labels, 'worst floor'], rows)}"


def _exactness(results: dict[str, Any]) -> str:
    values = [
        (cell["p_value"], name, cell["runs"] * cell["lanes"])
        for name, found in results.items()
        for cell in found.get("exact", {}).get("settings", {}).values()
        if "p_value" in cell
    ]
    if not values:
        return ""
    worst, name, draws = min(values)
    return (
        f"**Exact draws against as many perfect ones**, by total variation: {len(values)} tests, "
        f"of which {sum(p < 1e-4 for p, _, _ in values)} below 1e-4; the least p-value is "
        f"{worst:.2g} ({draws} draws in {name})"
    )


def _evidence(results: dict[str, Any]) -> str:
    rows = []
    for who in dict.fromkeys(who for found in results.values() for who in found):
        everywhere = [found[who] for found in results.values() if who in found]
        measured = [
            (setting, cell["evidence"])
            for raw in everywhere
            for setting, cell in raw.get("settings", {}).items()
            if "evidence" in cell
        ]
        if not measured:
            continue
        zs = [evidence["z"] for _, evidence in measured if evidence["z"] is not None]
        p_values = [e["p_value"] for _, e in measured if e.get("p_value") is not None]
        last = str(CONTESTANTS[who].settings[-1])
        spreads = [
            evidence["rms_log"]
            for setting, evidence in measured
            if setting == last and evidence["rms_log"] is not None
        ]
        ratios = [evidence["mean_ratio"] for setting, evidence in measured if setting == last]
        rows.append(
            [
                CONTESTANTS[who].label,
                str(len(measured)),
                f"{sum(abs(z) > 1.96 for z in zs) / len(zs):.0%}" if zs else "-",
                f"{max(zs, key=abs):+.1f}" if zs else "-",
                f"{min(1.0, min(p_values) * len(p_values)):.2g}" if p_values else "-",
                f"{min(ratios):.3f} to {max(ratios):.3f}",
                f"{mean(spreads):.3f}" if spreads else "-",
            ]
        )
    heads = [
        "contestant",
        "estimates",
        "|z| > 1.96",
        "worst z",
        "p of the worst",
        "mean Ẑ/Z, last setting",
        "rms ln Ẑ/Z, last setting",
    ]
    title = (
        "**Evidence**: is the mean of Ẑ/Z 1? z takes it for normal, which skewed weights are not; "
        "the p-value of the worst estimate is by a bet that holds for any weights, and for as many "
        "estimates as there are. It does not notice what a rare large weight could still make up "
        "for, as where Z is small: a large p-value is no praise"
    )
    return f"{title}\n\n{table(heads, rows)}"
