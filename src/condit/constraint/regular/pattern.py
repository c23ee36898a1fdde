"""A pattern as it was read: its expression, and what its groups hold.

Which dialect it was written in is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from condit.constraint.regular.expression import Node


@dataclass(frozen=True, eq=False)
class Pattern:
    """What a whole text must be.

    Attributes:
        root: the expression.
        groups: what each capturing group holds, by number, for ``Call``; its ``Capture`` included.
        names: the numbers of named groups.
    """

    root: Node
    groups: Mapping[int, Node] = field(default_factory=lambda: MappingProxyType({}))
    names: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
