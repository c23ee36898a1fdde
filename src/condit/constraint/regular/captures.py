"""What groups have captured at a place of a text, and the errors of fuzzy groups so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

from condit.constraint.regular.fuzzy import Fuzzy

Errors = tuple[Fuzzy, int, int, int]


@dataclass(frozen=True)
class Captures:
    """What groups have captured.

    Attributes:
        closed: of each group the text; ``None`` where only asked is whether there is one.
        open: groups that capture now, with their text so far.
        errors: the fuzzy groups that are under way, the inner ones last, each with the
            substitutions, insertions and deletions so far.
    """

    closed: tuple[tuple[int, str | None], ...] = ()
    open: tuple[tuple[int, str], ...] = ()
    errors: tuple[Errors, ...] = ()

    def opened(self, group: int) -> Captures:
        """With a group that begins to capture."""
        return replace(self, open=(*self.open, (group, "")))

    def close(self, group: int) -> Captures:
        """With the group, opened last, captured."""
        text = self.open[-1][1]
        return replace(self, closed=_with(self.closed, group, text), open=self.open[:-1])

    def captured(self, group: int, text: str | None) -> Captures:
        """With the group captured; ``None``: whatever its text."""
        return replace(self, closed=_with(self.closed, group, text))

    def extended(self, character: str) -> Captures:
        """With one more character in all that is open."""
        if not self.open:
            return self
        return replace(self, open=tuple((group, text + character) for group, text in self.open))

    def begun(self, fuzzy: Fuzzy) -> Captures:
        """With a fuzzy group that begins."""
        return replace(self, errors=(*self.errors, (fuzzy, 0, 0, 0)))

    def wrong(self, kind: int) -> Captures | None:
        """With one more error (0: a substitution, 1: insertion, 2: deletion), if it may be."""
        fuzzy, *counts = self.errors[-1]
        counts[kind] += 1
        if not fuzzy.allows(*counts):
            return None
        return replace(self, errors=(*self.errors[:-1], (fuzzy, *fuzzy.counted(*counts))))

    def ended(self) -> Captures | None:
        """With the inner fuzzy group ended; ``None`` where it has too few or too many errors."""
        fuzzy, *counts = self.errors[-1]
        if not fuzzy.suffices(*counts):
            return None
        outer = self.errors[:-1]
        if outer:
            around, *before = outer[-1]
            total = [one + other for one, other in zip(before, counts, strict=True)]
            outer = (*outer[:-1], (around, *around.counted(*total)))
        return replace(self, errors=outer)

    def exact(self) -> Captures:
        """Without errors: as conditions on places see it."""
        return replace(self, errors=()) if self.errors else self

    def has(self, group: int) -> bool:
        """Whether the group has captured."""
        return any(each == group for each, _ in self.closed)

    def text(self, group: int) -> str | None:
        """What the group has captured; ``None`` for nothing."""
        return next((text for each, text in self.closed if each == group), None)


def _with(
    closed: tuple[tuple[int, str | None], ...], group: int, text: str | None
) -> tuple[tuple[int, str | None], ...]:
    others = [each for each in closed if each[0] != group]
    return tuple(sorted([*others, (group, text)], key=lambda each: each[0]))


NO_CAPTURES = Captures()
