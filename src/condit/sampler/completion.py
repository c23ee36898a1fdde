"""A short text that would have finished an unfinished one: for messages, not for steering."""

from __future__ import annotations

from condit.constraint.base import Constraint, Matcher, unpack
from condit.errors import ConditError
from condit.vocabulary import Vocabulary

_CLOSERS = b"\"'}])>.\n "
_LONGEST = 120
_STATES = 400


def shortest_known_completion(constraint: Constraint, text: str) -> str | None:
    """A text that turns ``text`` into one that satisfies ``constraint``, or ``None``.

    Depth-first over bytes with closing characters first, by iterative deepening, within a fixed
    number of states (a few milliseconds); so it is short rather than shortest, and ``None`` means
    only "not found".
    """
    vocabulary = Vocabulary.of_bytes()
    try:
        matcher = constraint.bind(vocabulary)
        for byte in text.encode():
            matcher.advance(byte)
        for limit in (4, 16, 48, _LONGEST):
            found = _search(matcher, b"", limit, [_STATES])
            if found is not None:
                return found.decode(errors="replace")
    except ConditError:
        # The text has a character cut short, or the engine met a limit: there is nothing to add.
        pass
    return None


def _search(matcher: Matcher, done: bytes, limit: int, states: list[int]) -> bytes | None:
    if matcher.allows(matcher.vocabulary.end):
        return done
    if len(done) == limit or states[0] <= 0:
        return None
    states[0] -= 1
    for byte in _by_promise(matcher):
        further = matcher.copy()
        further.advance(byte)
        found = _search(further, done + bytes([byte]), limit, states)
        if found is not None:
            return found
    return None


def _by_promise(matcher: Matcher) -> list[int]:
    """The bytes that may come next: closers first, then printable characters, few of them."""
    mask = matcher.mask()
    if mask is None:
        allowed = [byte for byte in range(256) if matcher.allows(byte)]
    else:
        allowed = unpack(mask, len(matcher.vocabulary))[:256].nonzero()[0].tolist()
    closers = [byte for byte in _CLOSERS if byte in allowed]
    others = [byte for byte in allowed if byte not in _CLOSERS and 32 < byte < 127]
    return closers + (others or allowed)[:4]
