"""Endings where values are refused by black-box conditions, such as Python's validators.

The search follows an ending that ignores those conditions. Where a value of it is refused as it
closes, the value is continued otherwise: with a hint, with one more character, with a run of one
character and another behind it. Some hundreds of continuations are tried, as nothing tells when a
black-box condition can no longer be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from condit.constraint.base import Matcher

_DIGITS = [bytes([digit]) for digit in b"0123456789"]
_OTHERS = [b"a", b"A", b"b", b"z", b" ", b"-", b".", b"@", b"/", b"_", b"x", b"Z", b"!", b"b0"]
_WHOLE = [b"true", b"false", b"null"]
_RUNS = 20
_LONGEST_RUN = 64
_MOST_VALUES = 12
"""How many values are replaced at most."""

_OPENING = (b":", b",", b"[", b"{", b'"')


def asked_ending(matcher: Matcher, plain: bytes, hints: Sequence[bytes] = ()) -> bytes | None:
    """A text after which ``matcher`` may stop; ``None``: not found.

    Args:
        matcher: where to begin; not changed. Its vocabulary has the bytes as tokens.
        plain: an ending of the same text without the conditions.
        hints: pieces of text to be tried first.
    """
    here, written = matcher.copy(), b""
    # Where the value that is being written began, or this search did.
    began, before = matcher.copy(), b""
    replaced = place = 0
    while place < len(plain):
        byte = plain[place : place + 1]
        if _take(here, byte):
            written += byte
            place += 1
            if byte in _OPENING:
                began, before = here.copy(), written
            continue
        replaced += 1
        if replaced > _MOST_VALUES:
            return None
        content = written[len(before) :]
        # What was written behind the value already: its quotation mark, and brackets.
        closing = content[_end_of_value(content) :] + byte
        piece = b"" if closing != byte else _replacement(here, byte, hints)
        if not piece:
            here, written = began.copy(), before
            piece = _replacement(here, closing, hints)
        if not piece or not _take_all(here, piece):
            return None
        written += piece
        place += 1
        began, before = here.copy(), written
    return written if here.allows(matcher.vocabulary.end) else None


def _end_of_value(content: bytes) -> int:
    """Where in ``content``, which begins in a value, the value ends and closers begin."""
    place = len(content.rstrip(b"]}"))
    return place - 1 if content[:place].endswith(b'"') else place


def _replacement(matcher: Matcher, closing: bytes, hints: Sequence[bytes]) -> bytes:
    """What to write after the beginning of a value, ``closing`` included, so that it is accepted.

    ``b""`` where nothing that is tried is.
    """
    first_token = matcher.vocabulary.first_token
    tokens_behind = [first_token.get(bytes([value]), -1) for value in closing]
    for piece in _candidates(hints):
        tokens = [first_token.get(bytes([value]), -1) for value in piece] + tokens_behind
        if matcher.count_allowed(tokens) == len(tokens) and _leads_on(matcher, piece + closing):
            return piece + closing
    return b""


def _leads_on(matcher: Matcher, text: bytes) -> bool:
    """Whether any token may come after ``text``."""
    after = matcher.copy()
    if not _take_all(after, text):
        return False
    mask = after.mask()
    return bool(mask is None or mask.any())


def _candidates(hints: Sequence[bytes]) -> Iterator[bytes]:
    for hint in hints:
        for place in range(len(hint)):
            yield hint[place:]
    yield from _DIGITS
    yield from _OTHERS
    yield from _WHOLE
    for count in range(1, _RUNS):
        yield from (b"0" * count + digit for digit in _DIGITS)
    yield from (b"1" + b"0" * count for count in range(1, _RUNS))
    yield from (b"a" * count for count in range(2, _LONGEST_RUN))


def _take(matcher: Matcher, byte: bytes) -> bool:
    """Append one byte, if it is allowed."""
    token = matcher.vocabulary.first_token.get(byte, -1)
    if not matcher.allows(token):
        return False
    matcher.advance(token)
    return True


def _take_all(matcher: Matcher, text: bytes) -> bool:
    """Append ``text`` byte by byte; whether that is allowed. If not, part of it is appended."""
    return all(_take(matcher, bytes([value])) for value in text)
