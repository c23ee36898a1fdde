"""The searches of ``ending.py``: walks of a matcher, byte by byte, to where the text may stop.

Work is counted in questions to the matcher, never in time, so that the same state always has the
same ending. The order in which bytes are tried closes strings and brackets first.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from condit.errors import RefusedTokenError
from condit.kept import Kept
from condit.vocabulary import Vocabulary

_Values: TypeAlias = NDArray[np.uint8]
_Ids: TypeAlias = NDArray[np.intp]
_Words: TypeAlias = NDArray[np.uint32]

# Closers come first, then separators, as a number could go on for ever.
_PREFERRED = b"\"}])>',;:0[{a1A .-\n"
# What else values, names and the parts of addresses often begin with.
_OTHER_STARTS = b"@TZ/ntfbzx(<"
_ORDER = [bytes([byte]) for byte in _PREFERRED]
_QUOTE = _ORDER[0]
_CLOSERS = _ORDER[:6]
_PUNCTUATION = _ORDER[:9]
_MANY = 48
"""Where so many bytes may come next, the text is taken to be inside a string."""

STARTS = [*_ORDER, *(bytes([byte]) for byte in _OTHER_STARTS)]
_ALL = [*STARTS, *(bytes([b]) for b in range(256) if b not in _PREFERRED + _OTHER_STARTS)]

CHOICES = 512
"""Bytes that ``straight`` chooses at most, not counting forced ones: else it is in a circle."""

_RUN = 12
"""How often it chooses the same byte in a row at most."""

LONG_WAY = 8192
"""Both limits for a long way."""

LOOK = 5
"""``look_of`` counts as so many questions to the matcher."""

_REPEATS = 4
"""``with_memory`` puts a place off whose look came so often on the path to it."""

_ANEW = 200
"""How often ``in_turns`` forgets what it has visited because it could close something."""

_WAYS_BACK = 64
"""To how many of its last choices ``in_turns`` can go back."""


class Walkable(Protocol):
    """What these walks need of a matcher; see ``condit.constraint.base.Matcher`` for the verbs."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens, among which the bytes on the way have to be."""

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next."""

    def mask(self) -> NDArray[np.uint32] | None:
        """All tokens at once."""

    def advance(self, token: int) -> None:
        """Append ``token``."""

    def copy(self) -> Self:
        """An independent one in the same state."""

    def forced_text(self) -> bytes:
        """Bytes that must come next."""

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens`` may come next, one after the other."""


class OutOfWorkError(Exception):
    """The search has asked as many questions as it may."""


@dataclass
class Work:
    """How many questions to the matcher a search may still ask."""

    left: int

    def spend(self, questions: int = 1) -> None:
        """Count some.

        Raises:
            OutOfWorkError: there are none left.
        """
        self.left -= questions
        if self.left < 0:
            raise OutOfWorkError


def _allows(matcher: Walkable, byte: bytes, work: Work) -> bool:
    work.spend()
    token = matcher.vocabulary.first_token.get(byte)
    return token is not None and matcher.allows(token)


def take(matcher: Walkable, text: bytes) -> bool:
    """Append ``text`` byte by byte; whether that is allowed. If not, part of it is appended."""
    first_token = matcher.vocabulary.first_token
    try:
        for value in text:
            matcher.advance(first_token.get(bytes([value]), -1))
    except RefusedTokenError:
        return False
    return True


def straight(
    matcher: Walkable,
    work: Work,
    choices: int = CHOICES,
    run: int = _RUN,
    longest: int = 1 << 30,
    hints: Sequence[bytes] = (),
    turning: bool = False,
) -> bytes | None:
    """Greedy: what is forced, else the first allowed byte, in an order that closes things.

    Args:
        matcher: where to begin; not changed.
        work: questions that it may ask.
        choices: bytes that it chooses at most, not counting forced ones.
        run: how often it chooses the same byte in a row at most.
        longest: bytes of the ending at most.
        hints: texts of which one is taken where no string can be closed, but after it one can.
        turning: take another byte each time that the same name or value bytes may come, so that it
            does not follow a recursive structure for ever.
    """
    here, end = matcher.copy(), matcher.vocabulary.end
    written, last, same = b"", b"", 0
    turns: Counter[bytes] = Counter()
    before = look = b""
    try:
        while choices >= 0 and len(written) <= longest:
            if here.allows(end):
                return written
            piece = here.forced_text()
            if not piece:
                choices -= 1
                before, look = look, b""
                piece = next((byte for byte in _ORDER if _allows(here, byte, work)), b"")
                if not piece or (turning and piece not in _PUNCTUATION):
                    work.spend(LOOK)
                    look = look_of(here)
                    order = [byte for byte in _ALL if byte[0] in look]
                    if not order:
                        return None
                    piece = order[turns[look] % len(order)]
                    # Not in a row of such choices, which is one long name.
                    turns[look] += turning and look != before
                if hints and piece != _QUOTE:
                    piece = _fitting(here, hints, work) or piece
                same = same + 1 if piece == last else 1
                last = piece
                if same == run:
                    return None
                if same > 2 * _RUN:
                    piece *= _run_of(here, piece, work)
                    work.spend(len(piece))
            else:
                last = b""
            if not take(here, piece):
                return None
            written += piece
    except OutOfWorkError:
        pass
    return None


def _fitting(matcher: Walkable, hints: Sequence[bytes], work: Work) -> bytes:
    """The end of a hint after which a string can be closed; the longest; ``b""`` if none fits."""
    first_token = matcher.vocabulary.first_token
    quote = first_token.get(_QUOTE, -1)
    for hint in hints:
        tokens = [first_token.get(bytes([byte]), -1) for byte in hint]
        for place in range(len(hint)):
            work.spend(2)
            rest = [*tokens[place:], quote]
            if matcher.count_allowed(rest) == len(rest):
                return hint[place:]
    return b""


def _run_of(matcher: Walkable, byte: bytes, work: Work) -> int:
    """How often to repeat ``byte`` until something that is tried before it is allowed.

    By doubling and bisection, as if what becomes possible in a run stayed so.
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
    while most < LONG_WAY and not opens(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if opens(middle) else (middle, most)
    fits = matcher.count_allowed([token] * most)
    return max(1, min(most, fits))


class _Place:
    """A node of the search tree of ``with_memory``."""

    def __init__(self, matcher: Walkable, text: bytes, work: Work) -> None:
        work.spend(LOOK)
        self.matcher, self.text = matcher, text
        self.look = look_of(matcher)
        self.bytes = [byte for byte in _ALL if byte[0] in self.look]
        self.waiting: Iterator[_Place] = iter(())


def look_of(matcher: Walkable) -> bytes:
    """The bytes that may come next, in ascending order."""
    values, tokens, words, bits = _SINGLE_BYTES.of(matcher.vocabulary)
    mask = matcher.mask()
    if mask is None:
        pairs = zip(values.tolist(), tokens.tolist(), strict=True)
        return bytes(value for value, token in pairs if matcher.allows(token))
    look: bytes = values[(mask[words] & bits) != 0].tobytes()
    return look


def _single_bytes(vocabulary: Vocabulary) -> tuple[_Values, _Ids, _Ids, _Words]:
    """The bytes that are tokens, the ids of those tokens, and their words and bits in a mask."""
    known = sorted(
        (byte[0], token) for byte, token in vocabulary.first_token.items() if not byte[1:]
    )
    values = np.array([value for value, _ in known], dtype=np.uint8)
    tokens = np.array([token for _, token in known], dtype=np.intp)
    return values, tokens, tokens >> 5, np.uint32(1) << (tokens & 31).astype(np.uint32)


_SINGLE_BYTES = Kept(_single_bytes)


def in_turns(matcher: Walkable, work: Work, hints: Sequence[bytes] = ()) -> bytes | None:
    """Greedy as ``straight``, but where nothing new comes of that, other bytes in turns.

    The set of bytes that may come next is the *look* of a place, and stands for its state. A walk
    that comes back to a look without having met a new one since takes, every other time, the next
    of the other bytes. So it leaves circles, and meets conditions such as "a digit somewhere"
    within a few hundred bytes. Whenever it can close something, it forgets which looks it has met.
    At a dead end it goes back to its last choice.
    """
    end = matcher.vocabulary.end
    visits: Counter[bytes] = Counter()
    seen_at: dict[bytes, int] = {}
    back: deque[tuple[Walkable, int]] = deque(maxlen=_WAYS_BACK)
    here, written, anew = matcher.copy(), b"", _ANEW
    try:
        while not here.allows(end):
            piece = here.forced_text()
            if not piece:
                work.spend(LOOK + 4)
                look = look_of(here)
                order = [byte for byte in _ALL if byte[0] in look]
                if look in seen_at and seen_at[look] == len(seen_at):
                    visits[look] += 1
                count = visits[look]
                seen_at[look] = len(seen_at) + (look not in seen_at)
                others = order[1:]
                if count % 2 and others:
                    piece = others[count // 2 % len(others)]
                elif order:
                    piece = order[0]
                if hints and piece and (piece != _QUOTE or count % 2):
                    piece = _fitting(here, hints, work) or piece
                # Inside a string, other closers are characters like any.
                if anew and (piece == _QUOTE or (piece in _CLOSERS and len(look) < _MANY)):
                    anew -= 1
                    visits.clear()
                    seen_at.clear()
                back.append((here.copy(), len(written)))
            work.spend(len(piece))
            if piece and take(here, piece):
                written += piece
            elif back:
                if not piece:
                    back.pop()  # nothing goes on from the last place
                if not back:
                    return None
                here, length = back.pop()
                written = written[:length]
            else:
                return None
    except OutOfWorkError:
        return None
    return written


def with_memory(matcher: Walkable, work: Work) -> bytes | None:
    """Depth-first search; children whose look is on the path already are tried last."""
    end = matcher.vocabulary.end
    visits: Counter[bytes] = Counter()

    def children(place: _Place) -> Iterator[_Place]:
        later: list[_Place] = []
        looks: set[bytes] = set()
        for byte in place.bytes:
            child = _go(place, byte, work)
            if child is None:
                continue
            # Siblings of the same look are tried as well, but after all others.
            if child.look in looks or visits[child.look] >= _REPEATS or child.look == place.look:
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
    except OutOfWorkError:
        pass
    return None


def _go(place: _Place, byte: bytes, work: Work) -> _Place | None:
    """Where ``byte`` leads, and what is forced after it."""
    after, text = place.matcher.copy(), byte
    work.spend(4)
    if not take(after, byte):
        return None
    while not after.allows(after.vocabulary.end) and (forced := after.forced_text()):
        work.spend(len(forced))
        if not take(after, forced):
            return None
        text += forced
    return _Place(after, place.text + text, work)
