"""A short text that takes a matcher to where it may stop: an ending, found byte by byte.

Four walks, the cheap ones first; see ``ending_walks.py``.

1. *Straight on*: what nearly all texts need, in tens of microseconds. Once more with hints: texts
   that patterns and formats ask for.
2. *In turns*: out of circles, and through conditions on a text as a whole.
3. *With a memory*: depth-first, with every way tried.
4. *A long way*: straight on for thousands of bytes, where a text has a least length. Runs of one
   byte are measured by bisection.

What the later walks find is then made shorter. With ``thorough``, an ending is improved further: at
each place where there was a choice, every other way to go on is followed straight, and the one that
takes the fewest tokens is kept, until none is better.

An ending found is an upper bound on what it takes; nothing here proves that there is no shorter
one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from condit.constraint.ending_shorter import cut, improved, pruned
from condit.constraint.ending_walks import LONG_WAY, Walkable, Work, in_turns, straight, with_memory

_FIRST_CHOICES = 32
"""Bytes chosen on the first way. It is long enough for nearly all, and too long in a circle."""

_WORK = 5000
"""Questions to the matcher for a first look around."""

_IMPROVING = 1000
"""Questions to the matcher for improving an ending."""

_PRUNING = 5000
"""Questions to the matcher for making one shorter that was found in a roundabout way."""

_MOST_WORK = 40_000
"""Questions to the matcher for a search that must find something."""


def find_ending(
    matcher: Walkable, hints: Callable[[], Sequence[bytes]] = tuple, *, thorough: bool = False
) -> bytes | None:
    """A text after which ``matcher`` may stop, ``b""`` if it may stop here; ``None``: not found.

    A function of the matcher's state alone. Needs a vocabulary in which the bytes on the way are
    tokens.

    Args:
        matcher: where to begin; not changed.
        hints: gives pieces of text to be tried where nothing can be closed.
        thorough: look for one that takes fewer tokens, too: up to a millisecond.
    """
    found = straight(matcher, Work(_MOST_WORK), _FIRST_CHOICES)
    if found is None and (pieces := hints()):
        found = straight(matcher, Work(_MOST_WORK), hints=pieces)
    if found is None:
        found = straight(matcher, Work(_MOST_WORK), turning=True)
        if found is None:
            found = _roundabout(matcher, hints())
        if found is None:
            return None
        found = pruned(matcher, cut(matcher, found), Work(_PRUNING))
    return improved(matcher, found, Work(_IMPROVING)) if thorough and len(found) > 1 else found


def _roundabout(matcher: Walkable, hints: Sequence[bytes]) -> bytes | None:
    found = in_turns(matcher, Work(2 * _WORK), hints)
    if found is None:
        found = with_memory(matcher, Work(_WORK))
    if found is None:
        found = straight(matcher, Work(20 * LONG_WAY), LONG_WAY, LONG_WAY)
    if found is None:
        found = with_memory(matcher, Work(_MOST_WORK))
    return found
