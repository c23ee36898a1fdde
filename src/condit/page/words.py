"""Texts and numbers as people read them, the same in terminals, notebooks and pictures.

``static/format.js`` does so in the browser. Nothing here knows of runs or of HTML.
"""

from __future__ import annotations

import math
import re

HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
    "\ufff0-\ufffb\ud800-\udfff]"
)
"""Characters without a shape of their own, or that turn or hide others; not the line feed."""

_NAMES = {"\t": "→", "\r": "␍", "\n": "↵"}


def name_of(character: str) -> str:
    """What stands for a hidden character: a sign, or its number as in ``U+202E``."""
    return _NAMES.get(character, f"U+{ord(character):04X}")


def visible(text: str) -> str:
    """The text with hidden characters by their names; lines stay lines."""
    return HIDDEN.sub(lambda found: _marked(found[0]), text)


def _marked(character: str) -> str:
    return _NAMES.get(character, f"⟨{name_of(character)}⟩")


def one_line(text: str, most: int) -> str:
    """The text on one line, cut after ``most`` characters of it."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return visible(cut).replace("\n", _NAMES["\n"])


def fitted(text: str, cells: int) -> str:
    """The text on one line that takes at most so many cells of a terminal."""
    from rich.cells import cell_len, set_cell_size  # here: importing condit is to be fast

    line = one_line(text, cells + 1)
    if cell_len(line) <= cells:
        return line
    return f"{set_cell_size(line, max(0, cells - 1)).rstrip()}…"


def end_fitted(text: str, cells: int) -> str:
    """As `fitted`, but the end of the text is kept instead of its beginning."""
    from rich.cells import cell_len

    cut = len(text) > cells
    line = one_line(text[-cells:], cells)
    while cell_len(line) > cells - cut:
        line, cut = line[1:], True
    return f"…{line}" if cut and cells else line


def number(value: float | None) -> str:
    """A number to about three digits, "?" if it is not known."""
    return "?" if value is None or not math.isfinite(value) else f"{value:.3g}"


def percent(share: float | None) -> str:
    """A share between 0 and 1 (linear) in per cent; never rounded to one of them."""
    if share is None or not math.isfinite(share):
        return "?"
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "< 0.1%"
    return "> 99.9%" if share > 0.999 else f"{share:.1%}"


def probability(log: float | None) -> str:
    """A probability given by its natural logarithm; ``None`` stands for a probability of 0."""
    share = 0.0 if log is None else math.exp(min(log, 0.0))
    return f"{100 * share:.0e}%" if 0 < share < 0.001 else percent(share)


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def counted(count: int, one: str) -> str:
    """ "1 lane", "2 lanes"."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
