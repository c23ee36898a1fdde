"""A short text that takes a matcher to where it may stop: an ending, found byte by byte.

Three searches, the cheap ones first; work is counted in questions to the matcher, never in time,
so that the same state always has the same ending.

1. *Straight on*: write what is forced, and else the first byte that is allowed, in an order that
   likes to close things. This is what nearly all texts need, in tens of microseconds.
2. *With a memory*: depth-first, and back where nothing goes on. What may come next at a place is
   its look. Bytes that lead to looks seen before on the way wait until no other is left, so circles
   are left, and dead ends (a value that a check refuses as it closes) cost a step back.
3. *A long way*: straight on for thousands of bytes, where a text has a least length. Runs of one
   byte are measured by bisection.

With ``thorough``, the ending found is then improved: at each place where there was a choice, every
other way to go on is followed straight, and the one that takes the fewest tokens is kept, until
none is better.

An ending found is an upper bound on what it takes; nothing here proves that there is no shorter
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from condit.constraint.shortest_spelling import spell
from condit.errors import RefusedTokenError

if TYPE_CHECKING:
    from condit.constraint.base import Matcher
    from condit.vocabulary import Vocabulary

    _Values = NDArray[np.uint8]
    _Ids = NDArray[np.intp]
    _Words = NDArray[np.uint32]

# What closes something comes first, then what separates, for a number could go on for ever.
_TASTE = b"\"}])>',;:0[{a1A .-\n"
# What else values and names often begin with.
_OTHER_STARTS = b"ntfbzx(<"
_ORDER = [bytes([byte]) for byte in _TASTE]
_STARTS = [*_ORDER, *(bytes([byte]) for byte in _OTHER_STARTS)]
_ALL = [*_STARTS, *(bytes([b]) for b in range(256) if b not in _TASTE + _OTHER_STARTS)]

_USUAL = _TASTE + _OTHER_STARTS

_FEW = 16
"""Up to so many other bytes are ways to go on of their own."""

_CHOICES = 64
"""Bytes chosen, not counting forced ones, before going straight on is taken to be a circle."""

_RUN = 12
"""How often it chooses the same byte in a row."""

_LONG_WAY = 8192
"""The same two for the long way."""

_LOOK = 5
"""A look at all bytes counts as so many questions to the matcher."""

_WORK = 5000
"""Questions to the matcher for a first look around."""

_IMPROVING = 1000
"""Questions to the matcher for improving an ending."""

_MOST_WORK = 40_000
"""Questions to the matcher for a search that must find something."""

_PATIENCE = 4
"""How often a look may come again on the way before others are tried first."""

_CUTS = 48
"""How many beginnings of an ending are tried to be left out."""


class _OutOfWorkError(Exception):
    """As many questions as were granted have been asked."""


@dataclass
class _Work:
    left: int

    def spend(self, questions: int = 1) -> None:
        self.left -= questions
        if self.left < 0:
            raise _OutOfWorkError


def find_ending(matcher: Matcher, *, thorough: bool = False) -> bytes | None:
    """A text after which ``matcher`` may stop, ``b""`` if it may stop here; ``None``: not found.

    A function of the matcher's state alone. Needs a vocabulary in which the bytes on the way are
    tokens.

    Args:
        matcher: where to begin; not changed.
        thorough: look for one that takes fewer tokens, too: up to a millisecond.
    """
    found = _straight(matcher, _Work(_MOST_WORK))
    if found is None:
        found = _with_memory(matcher, _Work(_WORK))
        if found is None:
            found = _straight(matcher, _Work(20 * _LONG_WAY), _LONG_WAY, _LONG_WAY)
        if found is None:
            found = _with_memory(matcher, _Work(_MOST_WORK))
        if found is None:
            return None
        found = _cut(matcher, found)
    return _improved(matcher, found, _Work(_IMPROVING)) if thorough and len(found) > 1 else found


def _allows(matcher: Matcher, byte: bytes, work: _Work) -> bool:
    work.spend()
    token = matcher.vocabulary.first_token.get(byte)
    return token is not None and matcher.allows(token)


def _take(matcher: Matcher, text: bytes) -> bool:
    """Append ``text`` byte by byte; whether that is allowed. If not, ``matcher`` is spent."""
    first_token = matcher.vocabulary.first_token
    try:
        for value in text:
            matcher.advance(first_token.get(bytes([value]), -1))
    except RefusedTokenError:
        return False
    return True


def _straight(
    matcher: Matcher, work: _Work, choices: int = _CHOICES, run: int = _RUN, longest: int = 1 << 30
) -> bytes | None:
    here, end = matcher.copy(), matcher.vocabulary.end
    written, last, same = b"", b"", 0
    try:
        while choices >= 0 and len(written) <= longest:
            if here.allows(end):
                return written
            piece = here.forced_text()
            if not piece:
                choices -= 1
                piece = next((byte for byte in _ORDER if _allows(here, byte, work)), b"")
                if not piece:
                    work.spend(_LOOK)
                    look = _look(here)
                    piece = next((byte for byte in _ALL if byte in look), b"")
                if not piece:
                    return None
                same = same + 1 if piece == last else 1
                last = piece
                if same == run:
                    return None
                if same > 2 * _RUN:
                    piece *= _run_of(here, piece, work)
                    work.spend(len(piece))
            else:
                last = b""
            if not _take(here, piece):
                return None
            written += piece
    except _OutOfWorkError:
        pass
    return None


def _run_of(matcher: Matcher, byte: bytes, work: _Work) -> int:
    """How often to repeat ``byte`` until something that is tried before it is allowed.

    By doubling and bisection: what becomes possible in a run is taken to stay so.
    """
    first_token = matcher.vocabulary.first_token
    token = first_token[byte]
    before = [first_token[b] for b in _ALL[: _ALL.index(byte)] if b in first_token]
    before.append(matcher.vocabulary.end)

    def opens(times: int) -> bool:
        """Whether the run must stop at ``times`` or before."""
        work.spend((1 + len(before)) * (1 + times // 16))
        repeated = [token] * times
        return matcher.count_allowed(repeated) < times or any(
            matcher.count_allowed([*repeated, other]) > times for other in before
        )

    most = 1
    while most < _LONG_WAY and not opens(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if opens(middle) else (middle, most)
    fits = matcher.count_allowed([token] * most)
    return max(1, min(most, fits))


class _Place:
    """A place on the way of a search with a memory."""

    def __init__(self, matcher: Matcher, text: bytes, work: _Work) -> None:
        work.spend(_LOOK)
        self.matcher, self.text = matcher, text
        self.look = _look(matcher)
        self.bytes = [byte for byte in _ALL if byte[0] in self.look]
        self.waiting: Iterator[_Place] = iter(())


def _look(matcher: Matcher) -> bytes:
    """The bytes that may come next, in ascending order."""
    values, tokens, words, bits = _bytes_of(matcher.vocabulary)
    mask = matcher.mask()
    if mask is None:
        pairs = zip(values.tolist(), tokens.tolist(), strict=True)
        return bytes(value for value, token in pairs if matcher.allows(token))
    look: bytes = values[(mask[words] & bits) != 0].tobytes()
    return look


@lru_cache(maxsize=16)
def _bytes_of(vocabulary: Vocabulary) -> tuple[_Values, _Ids, _Ids, _Words]:
    """The bytes that are tokens, those tokens, and where masks keep them: word and bit."""
    known = sorted(
        (byte[0], token) for byte, token in vocabulary.first_token.items() if not byte[1:]
    )
    values = np.array([value for value, _ in known], dtype=np.uint8)
    tokens = np.array([token for _, token in known], dtype=np.intp)
    return values, tokens, tokens >> 5, np.uint32(1) << (tokens & 31).astype(np.uint32)


def _with_memory(matcher: Matcher, work: _Work) -> bytes | None:
    end = matcher.vocabulary.end
    visits: Counter[bytes] = Counter()

    def children(place: _Place) -> Iterator[_Place]:
        later: list[_Place] = []
        looks: set[bytes] = set()
        for byte in place.bytes:
            child = _go(place, byte, work)
            if child is None:
                continue
            # Siblings that look alike are tried as well, but behind all others.
            if child.look in looks or visits[child.look] >= _PATIENCE or child.look == place.look:
                if len(later) < 256:
                    later.append(child)
                continue
            looks.add(child.look)
            yield child
        later.sort(key=lambda child: visits[child.look])
        yield from later

    try:
        root = _Place(matcher.copy(), b"", work)
        root.waiting = children(root)
        way = [root]
        while way:
            place = next(way[-1].waiting, None)
            if place is None:
                gone = way.pop()
                visits[gone.look] -= 1
                continue
            if place.matcher.allows(end):
                return place.text
            visits[place.look] += 1
            place.waiting = children(place)
            way.append(place)
    except _OutOfWorkError:
        pass
    return None


def _go(place: _Place, byte: bytes, work: _Work) -> _Place | None:
    """Where ``byte`` leads, and what is forced after it."""
    after, text = place.matcher.copy(), byte
    work.spend(4)
    if not _take(after, byte):
        return None
    while not after.allows(after.vocabulary.end) and (forced := after.forced_text()):
        work.spend(len(forced))
        if not _take(after, forced):
            return None
        text += forced
    return _Place(after, place.text + text, work)


def _ways_on(look: bytes) -> list[bytes]:
    """Of the bytes that may come next the ones that may be worth it, in order."""
    unusual = [bytes([value]) for value in look if value not in _USUAL]
    usual = [byte for byte in _STARTS if byte in look]
    # Many that are unusual are of one kind: characters of a string.
    return usual + (unusual if len(unusual) <= _FEW else [])


def _holds(matcher: Matcher, text: bytes) -> bool:
    """Whether ``matcher`` may stop after ``text``."""
    first_token = matcher.vocabulary.first_token
    tokens = [first_token[bytes([byte])] for byte in text]
    return matcher.count_allowed([*tokens, matcher.vocabulary.end]) == len(text) + 1


def _cut(matcher: Matcher, ending: bytes) -> bytes:
    """``ending`` without a beginning that only led in a circle."""
    for place in range(len(ending), max(0, len(ending) - _CUTS), -1):
        if _holds(matcher, ending[place:]):
            return ending[place:]
    return ending


def _improved(matcher: Matcher, ending: bytes, work: _Work) -> bytes:
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
    except _OutOfWorkError:
        pass
    return best


def _others(matcher: Matcher, ending: bytes, work: _Work) -> Iterator[bytes]:
    """Endings that leave ``ending`` somewhere and go straight on from there."""
    here, place = matcher.copy(), 0
    while place < len(ending):
        forced = here.forced_text()
        if not forced:
            work.spend(_LOOK)
            for byte in _ways_on(_look(here)):
                if byte[0] == ending[place]:
                    continue
                work.spend(4)
                if _holds(here, byte + ending[place:]):
                    continue  # it changes nothing
                after = here.copy()
                if _take(after, byte):
                    # A little longer in bytes may be shorter in tokens.
                    rest = _straight(after, work, longest=2 * (len(ending) - place))
                    if rest is not None:
                        yield ending[:place] + byte + rest
        step = max(1, len(forced))
        if not _take(here, ending[place : place + step]):
            return
        place += step
