"""In which order parts may follow each other: a finite automaton whose steps are constraints.

Sequences, repetitions, alternatives and texts with tags are all one of these. Nothing here knows
what a part allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Rest: TypeAlias = tuple[int, bytes]
"""How many tokens a text takes, about, and the text."""


@dataclass(frozen=True)
class Step:
    """One way on: a text of a part, which leads from one place to another.

    Attributes:
        part: the number of the part.
        after: the place that it leads to.
    """

    part: int
    after: int


@dataclass(frozen=True)
class Layout:
    """Places, and the steps between them. A text begins at place 0.

    Places are numbered so that a step that leads back, or to where it began, closes a circle.

    Attributes:
        steps: for each place the ways on.
        ends: the places at which a text may end.
    """

    steps: Sequence[tuple[Step, ...]]
    ends: Collection[int]

    @classmethod
    def in_a_row(cls, count: int) -> Layout:
        """``count`` parts, one after the other."""
        steps = (*((Step(place, place + 1),) for place in range(count)), ())
        return cls(steps, frozenset((count,)))

    @classmethod
    def either(cls, count: int) -> Layout:
        """One of ``count`` parts."""
        return cls((tuple(Step(part, 1) for part in range(count)), ()), frozenset((1,)))

    @classmethod
    def repeated(cls, least: int, most: int | None, *, separated: bool) -> Layout:
        """``least`` to ``most`` times part 0, with part 1 in between if ``separated``."""
        if not separated:
            rows = [(Step(0, place + 1),) for place in range(least if most is None else most)]
            if most is None:
                return cls((*rows, (Step(0, least),)), frozenset((least,)))
            return cls((*rows, ()), frozenset(range(least, most + 1)))
        # Place 2n is before text n, counted from 0, and place 2n + 1 behind it. Without a limit
        # the last separator leads back to the place before it, at which no text may end.
        count = (least or 2) if most is None else most
        steps: list[tuple[Step, ...]] = []
        for number in range(count):
            further = number + 1 < count
            steps.append((Step(0, 2 * number + 1),))
            back = () if most is not None else (Step(1, 2 * number),)
            steps.append((Step(1, 2 * number + 2),) if further else back)
        ends = {2 * number - 1 for number in range(max(least, 1), count + 1)}
        if least == 0:
            ends.add(0)
        return cls(tuple(steps) or ((),), frozenset(ends))

    @cached_property
    def parts(self) -> tuple[int, ...]:
        """The numbers of the parts that steps need, in order."""
        return tuple(sorted({step.part for steps in self.steps for step in steps}))

    def without(self, parts: Collection[int]) -> Layout:
        """The same without some parts, and without steps from which no end can be reached."""
        steps = [[step for step in row if step.part not in parts] for row in self.steps]
        finishing, before = set(self.ends), -1
        while len(finishing) > before:
            before = len(finishing)
            for place in reversed(range(len(steps))):
                if any(step.after in finishing for step in steps[place]):
                    finishing.add(place)
        kept = (tuple(step for step in row if step.after in finishing) for row in steps)
        return Layout(tuple(kept), self.ends)

    @property
    def rough(self) -> Layout:
        """A layout whose places can be listed, of the same texts or more; here it is the same."""
        return self

    def rough_place(self, place: int) -> int:
        """Which of its places stands for a place."""
        return place

    @property
    def finished(self) -> int:
        """A number above those of all places."""
        return len(self.steps)

    def circle_of(self, place: int) -> int | None:
        """The first place of the circle that a place is in; ``None``: it is in none."""
        return self.circles[place]

    def cheapest_rests(self, wholes: Mapping[int, Rest | None]) -> Mapping[int, Rest | None]:
        """For each place the cheapest text that is known from there on; ``None`` where none is.

        Args:
            wholes: for each part the cheapest text that is known of it.
        """
        # A shortest path by Bellman and Ford.
        rests: dict[int, Rest | None] = {
            place: (0, b"") if place in self.ends else None for place in range(len(self.steps))
        }
        changed = True
        while changed:
            changed = False
            for place in reversed(range(len(rests))):
                for step in self.steps[place]:
                    further, written = rests[step.after], wholes[step.part]
                    if further is None or written is None:
                        continue
                    offered = (further[0] + written[0], written[1] + further[1])
                    known = rests[place]
                    if known is None or offered[0] < known[0]:
                        rests[place], changed = offered, True
        return rests

    @cached_property
    def circles(self) -> tuple[int | None, ...]:
        """For each place the first place of the circle that it is in; ``None``: in none."""
        back = sorted(
            (step.after, place)
            for place, steps in enumerate(self.steps)
            for step in steps
            if step.after <= place
        )
        first: list[int | None] = [None] * len(self.steps)
        begin, end = -1, -1
        for after, place in back:
            # Circles that share a place are one: else progress could decrease within them.
            if after > end:
                begin = after
            end = max(end, place)
            first[begin : place + 1] = [begin] * (place + 1 - begin)
        return tuple(first)
