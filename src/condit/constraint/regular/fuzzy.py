"""Fuzzy matching: ``(?:word){e<=1}``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from condit.constraint.regular.expression import Node
from condit.constraint.regular.pattern_text import PatternText


@dataclass(frozen=True)
class Errors:
    """How far a text may be from what a group says."""

    def applied(
        self, item: Node, start: int, unsupported: Callable[[str, str, int], Exception]
    ) -> Node:
        """The group with these errors allowed."""
        raise unsupported("{...}", "fuzzy matching", start)


def read_errors(text: PatternText, read_test: Callable[[], Node]) -> Errors | None:
    """The errors that a fuzzy group allows, of which the brace has just been read."""
    return None
