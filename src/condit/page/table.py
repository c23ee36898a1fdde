"""A run as a table of plain text, for ``print``."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence

from condit.page.distinct import Distinct, hint
from condit.page.words import counted, fitted, percent

MOST = 20
"""The most different texts that are listed."""


def table(texts: Sequence[Distinct], facts: Sequence[str], width: int | None = None) -> str:
    """The different texts with their weights, and below them lines of facts.

    Args:
        texts: as from ``condit.page.distinct``.
        facts: one line each.
        width: of a line, in cells; by default that of the terminal, and 100 without one. Texts
            are cut to it, facts are not.
    """
    if width is None:
        width = min(max(shutil.get_terminal_size((100, 24)).columns, 40), 200)
    listed = texts[:MOST]
    rows = [("weight", "lanes", "end")]
    for each in listed:
        share = percent(each.weight) if each.valid else "-"
        rows.append((share, f"{len(each.lanes):,}", each.reason.replace("_", " ")))
    # Where every text is finished, nobody need be told so.
    ends = any(each.reason != "stop" for each in texts)
    one, two, three = (max(len(row[column]) for row in rows) for column in range(3))
    lines = []
    for (weight, lanes, end), text in zip(rows, ["text", *(t.text for t in listed)], strict=True):
        before = f"{weight:>{one}}  {lanes:>{two}}  " + (f"{end:<{three}}  " if ends else "")
        lines.append((before + fitted(text, max(8, width - len(before)))).rstrip())
    rest = texts[MOST:]
    if rest:
        share = percent(min(1.0, math.fsum(each.weight for each in rest)))
        lanes = f"{sum(len(each.lanes) for each in rest):,}"
        lines.append(f"{share:>{one}}  {lanes:>{two}}  and {counted(len(rest), 'other text')}")
    advice = hint(texts)
    return "\n".join([*lines, *([advice] if advice else []), *facts])
