"""A number against steps, as a small picture in SVG that needs no script.

``static/curves.js`` draws the same in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from condit.page.words import number

WIDTH, HEIGHT, LEFT, BOTTOM = 460, 130, 60, 18

MOST = 300
"""The most points of a picture: there are no more pixels."""


def curve(name: str, steps: Sequence[float], values: Sequence[float | None]) -> str:
    """The picture with its name; empty if no value is known.

    Args:
        name: of the number.
        steps: in increasing order.
        values: one for each step; ``None`` where it is not known, so that the line has a gap.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    said = f"from {number(known[0])} to {number(known[-1])} over {len(steps):,} steps"
    first, last = steps[0], max(steps[-1], steps[0] + 1)
    tall = high - low or 1.0

    def point(at: int) -> tuple[float, float] | None:
        value = values[at]
        if value is None or not math.isfinite(value):
            return None
        x = LEFT + (WIDTH - LEFT - 6) * (steps[at] - first) / (last - first)
        return x, 6 + (HEIGHT - BOTTOM - 12) * (1 - (value - low) / tall)

    every = math.ceil(len(steps) / MOST)
    chosen = [*range(0, len(steps) - 1, every), len(steps) - 1]
    lines = []
    for here, run in groupby(map(point, chosen), key=lambda each: each is not None):
        if here:
            corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in filter(None, run))
            lines.append(
                f'<polyline points="{corners}" fill="none" stroke="#3f86d9" stroke-width="1.8" '
                'stroke-linecap="round"/>'
            )
    end = HEIGHT - BOTTOM
    words = [
        (LEFT - 6, 12, "end", number(high)),
        (LEFT - 6, end - 2, "end", number(low)),
        (LEFT, HEIGHT - 4, "start", f"step {first:.0f}"),
        (WIDTH - 6, HEIGHT - 4, "end", f"{steps[-1]:.0f}"),
    ]
    told = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="11" fill="currentColor">'
        f"{text}</text>"
        for x, y, anchor, text in words
    )
    axes = f'<path d="M{LEFT} 4V{end}H{WIDTH - 6}" fill="none" stroke="currentColor" opacity=".4"/>'
    return (
        f'<figure style="display:inline-block;margin:0 16px 8px 0">'
        f"<figcaption>{name}: {said}</figcaption>"
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{name} against steps: {said}">{axes}{"".join(lines)}{told}</svg></figure>'
    )
