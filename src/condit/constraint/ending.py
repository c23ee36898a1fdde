"""A search, byte by byte, for a short text after which a matcher may stop: an *ending*.

Four searches, the cheap ones first; see ``ending_walks.py``.

1. *Straight*: greedy. Enough for nearly all texts, in tens of microseconds. Once more with hints:
   texts that patterns and formats ask for.
2. *In turns*: greedy, with other bytes where it goes in a circle or must meet a condition.
3. *With a memory*: depth-first.
4. *A long way*: greedy for thousands of bytes, where a text has a least length. Runs of one byte
   are measured by bisection.

What the later ones find is then made shorter. With ``thorough``, what an ending does not need is
left out, such as optional members that a greedy walk came upon, and it is improved by local search:
at each place where there was a choice, every other byte is followed greedily, and the ending that
takes the fewest tokens is kept, until none is better.

Nothing here proves that there is no shorter ending, nor that there is none where none is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from condit.constraint.ending_shorter import cut, improved, pruned, without_members
from condit.constraint.ending_walks import LONG_WAY, Walkable, Work, in_turns, straight, with_memory

_FIRST_CHOICES = 32
"""Bytes chosen in the first search: enough for nearly all texts, few to lose in a circle."""

_WORK = 5000
"""Questions to the matcher in the first two of the roundabout searches."""

_IMPROVING = 1000
"""Questions to the matcher for improving an ending."""

_LEAVING_OUT = 300
"""Questions to the matcher for leaving out what an ending does not need, before that."""

_PRUNING = 5000
"""Questions to the matcher for making one shorter that the later searches found."""

_MOST_WORK = 40_000
"""Questions to the matcher for a search that must find something."""


def find_ending(
    matcher: Walkable,
    hints: Callable[[], Sequence[bytes]] = tuple,
    *,
    known: Callable[[], bytes | None] | None = None,
    thorough: bool = False,
) -> bytes | None:
    """A text after which ``matcher`` may stop, ``b""`` if it may stop here; ``None``: not found.

    Depends on the matcher's state alone. Works only if the bytes of the ending are tokens of the
    vocabulary.

    Args:
        matcher: where to begin; not changed.
        hints: gives pieces of text to be tried where no string or bracket can be closed.
        known: finds one in another way, if a greedy walk finds none.
        thorough: improve it by local search, too: up to a millisecond more.
    """
    found = straight(matcher, Work(_MOST_WORK), _FIRST_CHOICES)
    if found is None and (pieces := hints()):
        found = straight(matcher, Work(_MOST_WORK), hints=pieces)
    if found is None:
        # Before walks that may take seconds, as where a word must come that no greedy walk meets.
        if known is not None:
            found = known()
        if found is None:
            found = straight(matcher, Work(_MOST_WORK), turning=True)
        if found is None:
            found = _roundabout(matcher, hints())
        if found is None:
            return None
        found = pruned(matcher, cut(matcher, found), Work(_PRUNING))
    if not thorough or len(found) < 2:
        return found
    found = without_members(matcher, found, Work(_LEAVING_OUT))
    return improved(matcher, found, Work(_IMPROVING))


def _roundabout(matcher: Walkable, hints: Sequence[bytes]) -> bytes | None:
    found = in_turns(matcher, Work(2 * _WORK), hints)
    if found is None:
        found = with_memory(matcher, Work(_WORK))
    if found is None:
        found = straight(matcher, Work(20 * LONG_WAY), LONG_WAY, LONG_WAY)
    if found is None:
        found = with_memory(matcher, Work(_MOST_WORK))
    return found
