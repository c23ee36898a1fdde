"""Making a known ending shorter: cutting circles, leaving out parts, and local search."""

from __future__ import annotations

import re
from collections.abc import Iterator

from condit.constraint.ending_tokens import spell
from condit.constraint.ending_walks import (
    LOOK,
    STARTS,
    OutOfWorkError,
    Walkable,
    Work,
    look_of,
    straight,
    take,
)

_FEW = 16
"""Bytes that are not in ``STARTS`` are tried where there are no more than these."""

_QUOTE, _BACKSLASH, _COMMA = b'"\\,'

_CUTS = 48
"""How many beginnings of an ending are tried to be left out."""


def _ways_on(look: bytes) -> list[bytes]:
    """Of the bytes that may come next the ones to try, in order."""
    unusual = [bytes([value]) for value in look if bytes([value]) not in STARTS]
    usual = [byte for byte in STARTS if byte in look]
    # Where there are many unusual ones, they are the characters of a string, and equivalent.
    return usual + (unusual if len(unusual) <= _FEW else [])


def _holds(matcher: Walkable, text: bytes) -> bool:
    """Whether ``matcher`` may stop after ``text``."""
    first_token = matcher.vocabulary.first_token
    tokens = [first_token[bytes([byte])] for byte in text]
    return matcher.count_allowed([*tokens, matcher.vocabulary.end]) == len(text) + 1


def cut(matcher: Walkable, ending: bytes) -> bytes:
    """``ending`` without a beginning that only led in a circle."""
    for place in range(len(ending), max(0, len(ending) - _CUTS), -1):
        if _holds(matcher, ending[place:]):
            return ending[place:]
    return ending


def pruned(matcher: Walkable, ending: bytes, work: Work) -> bytes:
    """``ending`` without parts that it does not need, large ones first.

    Delta debugging (Zeller and Hildebrandt 2002), on what commas separate, then on single bytes.
    """
    ending = _with_fewer(matcher, re.findall(b"[^,]*,|[^,]+", ending), work)
    return _with_fewer(matcher, [bytes([byte]) for byte in ending], work)


def without_members(matcher: Walkable, ending: bytes, work: Work) -> bytes:
    """``ending`` without members and items that it does not need, as far as the work suffices.

    A greedy walk names optional keys on its way to a required one. Where there are many, local
    search has spent its work on other names for the first of them before it comes to the others.
    """
    place = 0
    try:
        while place < len(ending):
            stop = _end_of_member(ending, place)
            if stop is not None:
                work.spend(1 + len(ending) // 32)
                if _holds(matcher, ending[:place] + ending[stop:]):
                    ending = ending[:place] + ending[stop:]
                    continue
            place += 1
    except OutOfWorkError:
        pass
    return ending


def _end_of_member(ending: bytes, place: int) -> int | None:
    """Behind the comma after what begins at ``place``, or before the bracket that ends it.

    ``None`` where nothing begins, or it is followed by neither.
    """
    if place and ending[place - 1] not in b"{[,":
        return None
    depth, in_string = 0, False
    for stop in range(place, len(ending)):
        byte = ending[stop]
        if byte == _QUOTE and ending[stop - 1] != _BACKSLASH:
            in_string = not in_string
        elif not in_string:
            depth += (byte in b"{[") - (byte in b"}]")
            if depth < 0:
                # Behind a comma the comma would be left.
                return stop if place and stop > place and ending[place - 1] != _COMMA else None
            if depth == 0 and byte == _COMMA:
                return stop + 1
    return None


def _with_fewer(matcher: Walkable, pieces: list[bytes], work: Work) -> bytes:
    """An ending made of as few of ``pieces`` as are found with this work."""
    ending = b"".join(pieces)
    size = len(pieces) // 2
    try:
        while size:
            place = 0
            while place < len(pieces):
                work.spend(1 + len(ending) // 32)
                fewer = pieces[:place] + pieces[place + size :]
                if _holds(matcher, b"".join(fewer)):
                    pieces, ending = fewer, b"".join(fewer)
                else:
                    place += size
            size //= 2
    except OutOfWorkError:
        pass
    return ending


def improved(matcher: Walkable, ending: bytes, work: Work) -> bytes:
    """An ending that takes no more tokens than ``ending``."""
    vocabulary = matcher.vocabulary
    best, cost = ending, spell(ending, vocabulary).costs[0]
    better: bytes | None = ending
    try:
        while better is not None:
            better = None
            for other in _others(matcher, best, work):
                other_cost = spell(other, vocabulary).costs[0]
                if (other_cost, len(other)) < (cost, len(best)):
                    best, cost, better = other, other_cost, other
                    break
    except OutOfWorkError:
        pass
    return best


def _others(matcher: Walkable, ending: bytes, work: Work) -> Iterator[bytes]:
    """Endings that begin like ``ending``, take another byte, and go on greedily."""
    here, place = matcher.copy(), 0
    while place < len(ending):
        forced = here.forced_text()
        if not forced:
            work.spend(LOOK)
            for byte in _ways_on(look_of(here)):
                if byte[0] == ending[place]:
                    continue
                work.spend(4)
                if _holds(here, byte + ending[place:]):
                    continue  # it changes nothing
                after = here.copy()
                if take(after, byte):
                    # A little longer in bytes may be shorter in tokens.
                    rest = straight(after, work, longest=2 * (len(ending) - place))
                    if rest is not None:
                        yield ending[:place] + byte + rest
        step = max(1, len(forced))
        if not take(here, ending[place : place + step]):
            return
        place += step
