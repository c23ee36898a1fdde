r"""``\X``: one grapheme, as Unicode's rules and the ``regex`` module delimit it."""

from __future__ import annotations

from functools import cache

from condit.constraint.regular.expression import Node


@cache
def grapheme() -> Node:
    """Characters up to the next place where a grapheme ends."""
    raise NotImplementedError
