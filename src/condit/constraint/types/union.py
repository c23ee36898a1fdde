"""A byte matcher for the texts of any of several byte matchers, which run side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from condit.constraint.base import Strength
from condit.constraint.byte_matcher import ByteMatcher

States = tuple[tuple[int, Any], ...]
"""The matchers that are still possible, by their numbers, and their states."""


@dataclass(frozen=True)
class Union(ByteMatcher[States]):
    """Texts of any of ``parts``, all of which are EXACT.

    Attributes:
        parts: the byte matchers.
    """

    parts: tuple[ByteMatcher[Any], ...]
    start: States = field(init=False, repr=False, compare=False)
    strength = Strength.EXACT

    def __post_init__(self) -> None:
        start = tuple((number, part.start) for number, part in enumerate(self.parts))
        object.__setattr__(self, "start", start)
        alphabet = frozenset().union(*(part.alphabet for part in self.parts))
        object.__setattr__(self, "alphabet", alphabet)

    def next(self, state: States, byte: int) -> States | None:
        """The matchers that allow ``byte``, each after it."""
        found = ((number, self.parts[number].next(inner, byte)) for number, inner in state)
        return tuple(each for each in found if each[1] is not None) or None

    def may_stop(self, state: States) -> bool:
        """Whether any of them may."""
        return any(part.may_stop(inner) for part, inner in self._each(state))

    def options(self, state: States) -> set[int]:
        """The bytes that any of them allows."""
        return {byte for part, inner in self._each(state) for byte in part.possible(inner)}

    def near(self, state: States, length: int) -> States:
        """That of each."""
        return tuple((number, self.parts[number].near(inner, length)) for number, inner in state)

    def ending(self, state: States) -> bytes | None:
        """The shortest of their endings."""
        endings = [part.ending(inner) for part, inner in self._each(state)]
        return min((each for each in endings if each is not None), key=len, default=None)

    def explain(self, state: States, byte: int | None) -> str:
        """What the first of them says that says anything."""
        reasons = (part.explain(inner, byte) for part, inner in self._each(state))
        return next(filter(None, reasons), "")

    def _each(self, state: States) -> Iterator[tuple[ByteMatcher[Any], Any]]:
        return ((self.parts[number], inner) for number, inner in state)


def union(parts: list[ByteMatcher[Any]]) -> ByteMatcher[Any]:
    """One of these; the first itself where there is only one."""
    return parts[0] if len(parts) == 1 else Union(tuple(parts))
