"""What a group has captured as a part of an expression, letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from condit.constraint.regular.expression import Node
from condit.constraint.regular.folding import expansions, same_letters


class Spelled(Node):
    """What a group has captured, which is not empty, once more."""

    __match_args__ = ("text", "folded")

    def __init__(self, text: str, folded: bool) -> None:
        self.text, self.folded = text, folded

    def _measure(self) -> tuple[float, float, bool]:
        return -(-len(self.text) // 3) if self.folded else len(self.text), inf, False

    def ways(self) -> Iterator[tuple[str, list[Spelled]]]:
        """Characters that may come next, and what is left after them."""
        if not self.folded:
            yield self.text[0], self._from(1)
            return
        for size, characters in same_letters(self.text):
            yield characters, self._from(size)
        if (longer := expansions().get(self.text[0])) is not None:
            yield from Spelled(longer + self.text[1:], True).ways()

    def _from(self, place: int) -> list[Spelled]:
        return [Spelled(self.text[place:], self.folded)] if len(self.text) > place else []
