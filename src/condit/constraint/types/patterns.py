"""Patterns that this package and libraries of types write, as expressions; each is read once.

Patterns of users are read elsewhere.
"""

from __future__ import annotations

from functools import lru_cache

from condit.constraint.regular import ecma
from condit.constraint.regular.expression import Node


@lru_cache(maxsize=2048)
def read(pattern: str) -> Node:
    """The texts that a pattern matches as a whole.

    Args:
        pattern: in the dialect of JSON Schema, where digits are those of ASCII.
    """
    return ecma.read(pattern)
