"""A short text that takes a matcher to where it may stop: found by a greedy walk, not a search."""

from __future__ import annotations

from collections import Counter

from condit.constraint.base import Matcher

_LONGEST = 1000

# What closes something comes first, then what separates, for a number could go on for ever.
_TASTE = b"\"}])>',;:0[{a1A .-\n"
_ORDER = [bytes([byte]) for byte in _TASTE]
_ORDER += [bytes([byte]) for byte in range(256) if byte not in _TASTE]

_CHOICES = 300
"""Bytes chosen, not counting forced ones, before a walk is taken to go in circles."""

_PATIENCE = 6
"""How often the second walk chooses a byte before it tries the others."""


def find_ending(matcher: Matcher) -> bytes | None:
    """A text after which ``matcher`` may stop, ``b""`` if it may stop here; ``None``: not found.

    Writes what is forced, and else the first byte that is allowed, in an order that likes to close
    things. Needs a vocabulary in which the bytes on the way are tokens. Takes tens of microseconds
    for a few closing characters.
    """
    # To lose patience lengthens an object with many strings, so that comes second.
    for patience in (_CHOICES, _PATIENCE):
        ending = _walk(matcher.copy(), patience)
        if ending is not None:
            return ending
    return None


def _walk(matcher: Matcher, patience: int) -> bytes | None:
    vocabulary = matcher.vocabulary
    order, chosen = _ORDER, Counter[bytes]()
    written = b""
    while len(written) <= _LONGEST and chosen.total() <= _CHOICES:
        if matcher.allows(vocabulary.end):
            return written
        piece = matcher.forced_text()
        if not piece:
            piece = next((byte for byte in order if _allows(matcher, byte)), b"")
            if not piece:
                return None
            chosen[piece] += 1
            if chosen[piece] % patience == 0:
                order = sorted(_ORDER, key=lambda byte: chosen[byte] // patience)
        for value in piece:
            byte = bytes([value])
            if not _allows(matcher, byte):
                return None
            matcher.advance(vocabulary.first_token[byte])
        written += piece
    return None


def _allows(matcher: Matcher, byte: bytes) -> bool:
    token = matcher.vocabulary.first_token.get(byte)
    return token is not None and matcher.allows(token)
