"""A run as pictures of matplotlib, which the extra ``plot`` brings.

Figures are made without pyplot, so that no state of the program changes. All values are plain: the
summary of a result, and the lines of its trace.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator

from condit.errors import ArgumentError
from condit.page.tokens import Line, ancestors
from condit.page.words import name_of, one_line
from condit.weights import ENOUGH

_BLUE, _GREY = "#3f86d9", "#a8a8a8"
_MOST_VALUES, _MOST_BARS = 5, 24


class Plot(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", bbox_inches="tight")
        return written.getvalue()


def plot(
    what: str | None, summary: Mapping[str, Any], lines: Sequence[Line], ax: Any = None
) -> Any:
    """A figure of a run.

    Args:
        what: one of ``PICTURES``; ``None``: all of them.
        summary: as of ``Result.summary``.
        lines: as of ``Result.trace_lines``; none if there is no trace.
        ax: the axes to draw one of them on; by default those of a new figure.

    Raises:
        ArgumentError: there is no such picture, or axes are given for all of them.
    """
    if what is not None and what not in PICTURES:
        known = ", ".join(map(repr, PICTURES))
        raise ArgumentError(f"plot: there is no picture {what!r}: choose one of {known}")
    if ax is not None:
        if what is None:
            raise ArgumentError(f"plot: name the picture for these axes: {', '.join(PICTURES)}")
        PICTURES[what](ax, summary, lines)
        return ax.figure
    figure = Plot(figsize=(7, 3.5) if what else (11, 8), layout="constrained")
    if what is not None:
        PICTURES[what](figure.add_subplot(), summary, lines)
        return figure
    for axes, draw in zip(figure.subplots(2, 2).flat, PICTURES.values(), strict=True):
        draw(axes, summary, lines)
    return figure


def _against_steps(ax: Any, lines: Sequence[Line], key: str, name: str) -> None:
    steps = [line for line in lines if line["kind"] == "step"]
    values = [math.nan if line[key] is None else line[key] for line in steps]
    known = any(map(math.isfinite, values))
    if known:
        dots = "." if len(steps) < 40 else None
        ax.plot([line["step"] for line in steps], values, color=_BLUE, marker=dots)
    for line in lines:
        if line["kind"] == "resample":
            ax.axvline(line["step"], color=_GREY, linewidth=0.8, linestyle=":", zorder=0)
    _finish(ax, name, "step", "" if known else "not known of this run")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _evidence(ax: Any, summary: Mapping[str, Any], lines: Sequence[Line]) -> None:
    _against_steps(ax, lines, "log_evidence", "log evidence")


def _ess(ax: Any, summary: Mapping[str, Any], lines: Sequence[Line]) -> None:
    _against_steps(ax, lines, "effective_sample_size", "effective sample size")
    ax.set_ylim(bottom=0)


def _genealogy(ax: Any, summary: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """Lanes against steps: width by weight, grey where no sample goes through."""
    draws = {line["draw"]: line for line in lines if line["kind"] == "draw"}
    samples: Sequence[Line] = next(
        (line["samples"] for line in reversed(lines) if "samples" in line), []
    )
    alive = ancestors(draws, (sample["draw"] for sample in samples))
    shares = _shares(draws.values())
    for living, colour in ((False, _GREY), (True, _BLUE)):
        chosen = [number for number in draws if (number in alive) is living]
        if not chosen:
            continue
        bars = [_segment(draws, number) for number in chosen]
        widths = [0.6 + 5 * math.sqrt(shares[number]) for number in chosen]
        order = 2 if living else 1
        ax.add_collection(LineCollection(bars, linewidths=widths, colors=colour, zorder=order))
    ax.autoscale_view()
    attempts = all(draw["lane"] is None for draw in draws.values())
    _finish(
        ax, "attempt" if attempts else "lane", "step", "" if draws else "the result has no trace"
    )
    ax.set_title("width: weight; grey: in no returned text", fontsize="small")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    if not ax.yaxis_inverted():
        ax.invert_yaxis()


def _segment(draws: Mapping[int, Line], number: int) -> list[tuple[float, float]]:
    """From the end of the token before it to its own end."""
    draw = draws[number]
    before = draws[draw["after"]] if draw["after"] is not None else None
    if before is None:
        return [(draw["step"], _row(draw)), (draw["step"] + 1, _row(draw))]
    start, end = before["step"] + 1, draw["step"] + 1
    bend = min(end, start + 0.5)
    return [(start, _row(before)), (bend, _row(draw)), (end, _row(draw))]


def _row(draw: Line) -> int:
    return int(next((draw[key] for key in ("lane", "attempt") if draw[key] is not None), 0))


def _shares(draws: Any) -> dict[int, float]:
    """Of each draw the share of the weight that its text had among those of its step."""
    by_step: dict[int, list[Line]] = defaultdict(list)
    for draw in draws:
        by_step[draw["step"]].append(draw)
    shares: dict[int, float] = {}
    for together in by_step.values():
        logs = [-math.inf if d["log_weight"] is None else d["log_weight"] for d in together]
        most = max(logs)
        weights = [0.0 if most == -math.inf else math.exp(log - most) for log in logs]
        total = math.fsum(weights) or 1.0
        shares |= {d["draw"]: w / total for d, w in zip(together, weights, strict=True)}
    return shares


def _marginals(ax: Any, summary: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """The values of each field as bars, with standard errors."""
    names: list[str] = []
    shares: list[float] = []
    errors: list[float] = []
    colours: list[str] = []
    for place, field in enumerate(summary["marginals"]):
        for each in field["values"][:_MOST_VALUES]:
            if len(names) == _MOST_BARS:
                break
            value = each.get("value", "(absent)")
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            names.append(_label(f"{field['field']}: {said}" if field["field"] else said))
            shares.append(each["share"])
            errors.append((each["standard_error"] or 0.0) if summary["ess"] >= ENOUGH else 0.0)
            colours.append(f"C{place % 10}")
    ax.barh(range(len(names)), shares, xerr=errors, color=colours, error_kw={"linewidth": 1})
    # A dollar sign in a text begins no formula.
    ax.set_yticks(range(len(names)), labels=names, fontsize="small", parse_math=False)
    _finish(ax, "", "share of the weight", "" if names else "no sample is valid")
    ax.set_xlim(0, 1)
    if not ax.yaxis_inverted():
        ax.invert_yaxis()


def _label(text: str) -> str:
    """A text that the font can show: it would warn of each character that it lacks."""
    font = get_font(findfont(FontProperties()))
    return "".join(
        c if font.get_char_index(ord(c)) else f"<{name_of(c)}>" for c in one_line(text, 36)
    )


def _finish(ax: Any, up: str, along: str, missing: str) -> None:
    ax.set_xlabel(along)
    ax.set_ylabel(up)
    ax.spines[["top", "right"]].set_visible(False)
    if missing:
        ax.text(0.5, 0.5, missing, transform=ax.transAxes, ha="center", va="center")


PICTURES: dict[str, Callable[[Any, Mapping[str, Any], Sequence[Line]], None]] = {
    "evidence": _evidence,
    "ess": _ess,
    "genealogy": _genealogy,
    "marginals": _marginals,
}
"""What can be drawn, by name."""
