"""The cheapest way from each place of a layout to an end: a shortest path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from condit.constraint.algebra.layout import Layout

Rest: TypeAlias = tuple[int, bytes]
"""How many tokens it takes, about, and the text."""


def cheapest_rests(layout: Layout, wholes: Mapping[int, Rest | None]) -> list[Rest | None]:
    """For each place the cheapest text that is known from there on; ``None`` where none is.

    Args:
        layout: the places.
        wholes: for each part the cheapest text that is known of it.
    """
    rests: list[Rest | None] = [
        (0, b"") if place in layout.ends else None for place in range(len(layout.steps))
    ]
    changed = True
    while changed:
        changed = False
        for place in reversed(range(len(rests))):
            for step in layout.steps[place]:
                further, written = rests[step.after], wholes[step.part]
                if further is None or written is None:
                    continue
                offered = (further[0] + written[0], written[1] + further[1])
                known = rests[place]
                if known is None or offered[0] < known[0]:
                    rests[place], changed = offered, True
    return rests
