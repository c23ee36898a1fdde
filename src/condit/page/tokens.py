"""The tokens of a text, found in the lines of a trace, and what each of them shows.

``static/read.js`` and ``static/texts.js`` do so in the browser.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]

NARROW = ("over 95%", "over 50%", "over 10%", "over 0.1%", "less")
"""How much of the mass was allowed where a token came, from next to all to next to nothing."""

_LEAST = (0.95, 0.5, 0.1, 0.001)


def narrowness(draw: Line) -> int:
    """How narrow the constraint was: which of `NARROW`."""
    if draw["given"]:
        return 0
    log = draw["log_allowed"]
    allowed = 0.0 if log is None else math.exp(min(log, 0.0))
    return sum(allowed <= least for least in _LEAST)


def path(draws: Mapping[int, Line], last: int | None) -> list[Line]:
    """The draws of the text that ends with draw ``last``, from its first one on."""
    found = []
    while last is not None:
        found.append(draws[last])
        last = draws[last]["after"]
    return found[::-1]


def ancestors(draws: Mapping[int, Line], lasts: Iterable[int | None]) -> set[int]:
    """The numbers of all draws of the texts that end with these."""
    alive: set[int] = set()
    for last in lasts:
        at = last
        while at is not None and at not in alive:
            alive.add(at)
            at = draws[at]["after"]
    return alive


def spelled(draws: Sequence[Line]) -> list[tuple[str, bool]]:
    """What each draw of a text shows.

    Returns:
        for each its text; where it ends within a character its bytes in hexadecimal digits, and
        ``True``. The character is shown at the draw that completes it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    shown = []
    for draw in draws:
        # Of lone surrogates, which are no UTF-8, replacement characters are seen.
        raw = bytes.fromhex(draw.get("bytes", "")) or draw["text"].encode(errors="surrogatepass")
        text = decoder.decode(raw)
        unfinished = not text and bool(raw)
        shown.append((draw["bytes"] if unfinished else text, unfinished))
    return shown
