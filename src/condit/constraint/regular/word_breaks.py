r"""The word boundaries of the flag ``w``, by Unicode's default rules."""

from __future__ import annotations

from condit.constraint.regular.expression import Node


def default_word_place(kind: str) -> Node:
    """A place as ``\b``, ``\\B``, ``\\m`` or ``\\M`` means it under the flag ``w``."""
    raise NotImplementedError(kind)
