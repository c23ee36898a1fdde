"""The layout of a joint automaton: places and steps are made as they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import overload

from condit.constraint.algebra.layout import Layout, Rest, Step
from condit.temporal.joint import JointAutomaton


class JointLayout(Layout):
    """In which order events may follow each other, where not all places can be listed.

    Args:
        automaton: says which event may come next.
    """

    def __init__(self, automaton: JointAutomaton) -> None:
        super().__init__(_Steps(automaton), _Ends(automaton))
        object.__setattr__(self, "_automaton", automaton)

    _automaton: JointAutomaton

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._automaton,)

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of all events."""
        return tuple(range(len(self._automaton.events)))

    @property
    def rough(self) -> Layout:
        """Any events in any order."""
        return Layout((tuple(Step(part, 0) for part in self.parts),), frozenset((0,)))

    def rough_place(self, place: int) -> int:
        """The only one."""
        return 0

    @property
    def finished(self) -> int:
        """A number above that of the only circle."""
        return 1

    def circle_of(self, place: int) -> int:
        """All places are taken for one circle, so that no progress is told."""
        return 0

    def without(self, parts: Collection[int]) -> JointLayout:
        """The same without some events."""
        return JointLayout(self._automaton.without(parts))

    def cheapest_rests(self, wholes: Mapping[int, Rest | None]) -> Mapping[int, Rest | None]:
        """For each place a cheap text from there on, found when it is asked for."""
        return _Rests(self._automaton, wholes)


class _Steps(Sequence[tuple[Step, ...]]):
    def __init__(self, automaton: JointAutomaton) -> None:
        self._automaton = automaton
        self._known: dict[int, tuple[Step, ...]] = {}

    @overload
    def __getitem__(self, place: int) -> tuple[Step, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[Step, ...]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Step, ...] | Sequence[tuple[Step, ...]]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        found = self._known.get(place)
        if found is None:
            found = tuple(Step(part, to) for part, to in self._automaton.steps(place).items())
            self._known[place] = found
        return found

    def __len__(self) -> int:
        return len(self._automaton)


class _Ends(Collection[int]):
    def __init__(self, automaton: JointAutomaton) -> None:
        self._automaton = automaton

    def __contains__(self, place: object) -> bool:
        return isinstance(place, int) and self._automaton.may_end(place)

    def __iter__(self) -> Iterator[int]:
        return filter(self._automaton.may_end, range(len(self)))

    def __len__(self) -> int:
        return len(self._automaton)


class _Rests(Mapping[int, Rest | None]):
    def __init__(self, automaton: JointAutomaton, wholes: Mapping[int, Rest | None]) -> None:
        self._automaton, self._wholes = automaton, wholes
        own = [wholes[part] for part in range(len(automaton.events)) if part in wholes]
        self._costs = tuple(None if rest is None else max(rest[0], 1) for rest in own)
        self._known: dict[int, Rest | None] = {}

    def __getitem__(self, place: int) -> Rest | None:
        if place not in self._known:
            row = self._automaton.cheapest(place, self._costs)
            self._known[place] = None if row is None else (0, b"")
            at, way = place, [place]
            for part in row or ():
                at = self._automaton.steps(at)[part]
                way.append(at)
            rest: Rest = (0, b"")
            for at, part in zip(way[-2::-1], (row or ())[::-1], strict=True):
                # Whoever follows this way finds its rest again, and none that is longer.
                whole = self._wholes[part] or (0, b"")
                rest = (whole[0] + rest[0], whole[1] + rest[1])
                known = self._known.get(at)
                if at == place or known is None or rest[0] < known[0]:
                    self._known[at] = rest
        return self._known[place]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._automaton)
