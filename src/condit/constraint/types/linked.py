"""A byte matcher for texts made of parts, one after the other: rows of cells, elements in elements.

Where a part ends is not always told by the next byte, so that a state is all places where the text
may be: a part, and the state of its byte matcher.
"""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from condit.constraint.byte_matcher import ByteMatcher

Part = Hashable
Places = frozenset[tuple[Any, Any]]


class Linked(ByteMatcher[Places]):
    """Texts of parts that follow one another. EXACT if all their byte matchers are.

    A circle of parts must have one of which the empty text is none.
    """

    @abstractmethod
    def machine(self, part: Any) -> ByteMatcher[Any]:
        """The byte matcher of a part."""

    @abstractmethod
    def following(self, part: Any) -> Iterable[Any]:
        """The parts that may follow a part."""

    @abstractmethod
    def is_last(self, part: Any) -> bool:
        """Whether the text may end with a part."""

    def next(self, state: Places, byte: int) -> Places | None:
        """All places after ``byte``."""
        found: set[tuple[Any, Any]] = set()
        for part, inner in self._reached(state):
            after = self.machine(part).next(inner, byte)
            if after is not None:
                found.add((part, after))
        return frozenset(found) or None

    def may_stop(self, state: Places) -> bool:
        """Whether the text may end at any of the places."""
        return any(
            self.is_last(part) and self.machine(part).may_stop(inner)
            for part, inner in self._reached(state)
        )

    def options(self, state: Places) -> set[int]:
        """The bytes that may come at any of the places."""
        return {
            byte
            for part, inner in self._reached(state)
            for byte in self.machine(part).possible(inner)
        }

    def ending(self, state: Places) -> bytes | None:
        """A shortest ending that is made of those of the parts; ``None`` where a part has none."""
        waiting: list[tuple[int, bytes, int, Any, bool]] = []
        seen: set[Any] = set()
        for part, inner in state:
            self._await(waiting, b"", part, inner, is_new=False)
        while waiting:
            _, found, _, part, is_new = heapq.heappop(waiting)
            if is_new and part in seen:
                continue
            if is_new:
                seen.add(part)
            if self.is_last(part):
                return found
            for each in self.following(part):
                if each not in seen:
                    self._await(waiting, found, each, self.machine(each).start, is_new=True)
        return None

    def _await(
        self,
        waiting: list[tuple[int, bytes, int, Any, bool]],
        found: bytes,
        part: Any,
        inner: Any,
        *,
        is_new: bool,
    ) -> None:
        """Put down the end of a part, to be gone on from in the order of length."""
        ending = self.machine(part).ending(inner)
        if self.machine(part).may_stop(inner):
            ending = b""
        if ending is not None:
            text = found + ending
            heapq.heappush(waiting, (len(text), text, len(waiting), part, is_new))

    def _reached(self, state: Places) -> Iterator[tuple[Any, Any]]:
        """The places, and the beginnings of the parts that may follow without a byte between."""
        waiting = list(state)
        while waiting:
            part, inner = waiting.pop()
            yield part, inner
            if self.machine(part).may_stop(inner):
                waiting += [(each, self.machine(each).start) for each in self.following(part)]
