"""Strings that are likely to satisfy a pattern or a format, as hints for the search of an ending.

A search byte by byte would hardly ever find, say, a date.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from condit.constraint.regular.expression import (
    Alternation,
    Concatenation,
    Intersection,
    Loose,
    Node,
    One,
    Repetition,
)
from condit.constraint.schema.patterns import matching

_FORMATS = {
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "P1D",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "1.1.1.1",
    "ipv6": "::1",
    "email": "a@b.co",
    "idn-email": "a@b.co",
    "hostname": "b.co",
    "idn-hostname": "b.co",
    "uri": "a:b",
    "uri-reference": "a",
    "iri": "a:b",
    "iri-reference": "a",
    "uri-template": "a",
    "json-pointer": "/a",
    "relative-json-pointer": "0",
    "regex": "a",
}
_LIKED = "a0A_- "
_LONGEST = 300
_MOST = 64


def examples(
    patterns: Iterable[str], formats: Iterable[str], words: Iterable[str]
) -> tuple[bytes, ...]:
    """For each pattern and each format a short string of that kind, as it is spelled in JSON.

    And ``words`` themselves. Without quotation marks. Each is only likely to match: nobody checks.
    """
    found = [_of_pattern(pattern) for pattern in dict.fromkeys(patterns)]
    found += [_FORMATS.get(name, "") for name in dict.fromkeys(formats)]
    found += words
    spelled = (json.dumps(text, ensure_ascii=False)[1:-1] for text in found if text)
    return tuple(dict.fromkeys(text.encode() for text in spelled))[:_MOST]


@lru_cache(maxsize=1024)
def _of_pattern(pattern: str) -> str:
    return _shortest(matching(pattern).node)[:_LONGEST]


def _shortest(node: Node) -> str:
    match node:
        case One(characters):
            liked = (character for character in _LIKED if ord(character) in characters)
            first = chr(characters.ranges[0][0]) if characters.ranges else ""
            return next(liked, first)
        case Concatenation(items):
            return "".join(map(_shortest, items))
        case Alternation(choices):
            return min(map(_shortest, choices), key=len, default="")
        case Repetition(item, least):
            return _shortest(item) * min(least, _LONGEST)
        case Intersection(members):
            # The example of the strictest pattern is likely to satisfy the others.
            return max(map(_shortest, members), key=len, default="")
        case Loose(item):
            return _shortest(item)
        case _:
            return ""
