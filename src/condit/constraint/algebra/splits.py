"""How a finished text is made of parts, by the parts' own oracles: dynamic programming.

No matcher is used here. What is known at an offset of the text is which places of the layout it
can be at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from condit.constraint.algebra.layout import Layout, Step
from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint, Violation


class Piece(NamedTuple):
    """A part of a text.

    Attributes:
        part: the number of the part.
        text: what was written of it.
    """

    part: int
    text: str


class _Edge(NamedTuple):
    step: Step
    start: int
    stop: int


class _Blamed(NamedTuple):
    """A part that a text does not satisfy.

    Attributes:
        reached: the offset up to which that explains the text.
        start: where the part began.
        part: its number.
        violation: why, and where.
    """

    reached: int
    start: int
    part: int
    violation: Violation


_Node = tuple[int, int]  # an offset of the text, and a place


class Splits:
    """All ways to read one text as parts.

    Args:
        layout: in which order parts may follow each other.
        parts: the parts.
        text: the finished text.
    """

    def __init__(self, layout: Layout, parts: Sequence[Constraint], text: str) -> None:
        self._layout, self._parts, self._text = layout, parts, text
        self._stops: dict[tuple[int, tuple[str, ...] | None, int], list[int]] = {}
        self._words: dict[Step, tuple[str, ...] | None] = {}
        self._edges = self._follow()
        self._distances = self._measure()

    @property
    def accepted(self) -> bool:
        """Whether the whole text can be read."""
        return (0, 0) in self._distances

    @property
    def reached(self) -> int:
        """The furthest offset up to which the text can be read as whole parts."""
        return max(start for start, _ in self._edges)

    def pieces(self) -> list[Piece]:
        """One way to read the text: each part in turn the first that fits, as long as can be."""
        found, node = [], (0, 0)
        while not (node[0] == len(self._text) and node[1] in self._layout.ends):
            edge = self._chosen(node)
            found.append(Piece(edge.step.part, self._text[edge.start : edge.stop]))
            node = (edge.stop, edge.step.after)
        return found

    def all_pieces(self, most: int) -> list[list[Piece]]:
        """Some ways to read the text, ``most`` at most; empty pieces are left out."""
        found: list[list[Piece]] = []
        waiting: list[tuple[_Node, tuple[_Edge, ...]]] = [((0, 0), ())]
        while waiting and len(found) < most:
            node, way = waiting.pop()
            if node[0] == len(self._text) and node[1] in self._layout.ends:
                found.append([Piece(e.step.part, self._text[e.start : e.stop]) for e in way])
            further = [edge for edge in self._edges[node] if _target(edge) in self._distances]
            waiting += [(_target(e), (*way, e)) for e in reversed(further) if e.stop > e.start]
        return found

    def _chosen(self, node: _Node) -> _Edge:
        good = [edge for edge in self._edges[node] if _target(edge) in self._distances]
        longer = [edge for edge in good if edge.stop > edge.start]
        if longer:
            order = {step: number for number, step in enumerate(self._layout.steps[node[1]])}
            return min(longer, key=lambda edge: (order[edge.step], -edge.stop))
        return min(good, key=lambda edge: self._distances[_target(edge)])

    def furthest(self) -> tuple[int, Violation]:
        """Of a text that cannot be read: the part, and the violation furthest in the text.

        The part is -1 where none is to blame.
        """
        found: list[_Blamed] = []
        for start, place in self._edges:
            if place in self._layout.ends and not self._layout.steps[place]:
                found.append(
                    _Blamed(start, start, -1, Violation("the text should have ended here", start))
                )
            found += [self._blamed(start, step) for step in self._layout.steps[place]]
        if not found:
            return -1, Violation("no part can begin here", 0)
        # Of those that are equally far the one that began last; of equal ones the last.
        best = max(reversed(found), key=lambda each: (each.reached, each.start))
        return best.part, best.violation

    def _blamed(self, start: int, step: Step) -> _Blamed:
        """Why a part that begins at an offset does not lead to the end of the text."""
        text, part = self._text, self._parts[step.part]
        stop = self._next_fixed_text(start, step)
        if stop is not None and (own := part.violation(text[start:stop])) is not None:
            # What stands up to the fixed text behind is meant for this part.
            at = start if own.position is None else start + own.position
            return _Blamed(stop, start, step.part, Violation(own.reason, at))
        own = part.violation(text[start:])
        if own is None:
            own = Violation("the text ends before all parts are written")
        at = len(text) if own.position is None else start + own.position
        return _Blamed(at, start, step.part, Violation(own.reason, at))

    def _next_fixed_text(self, start: int, step: Step) -> int | None:
        """Where the fixed text that follows a part occurs first; ``None``: there is none."""
        if isinstance(self._parts[step.part], Literal):
            return None
        words = [self._parts[further.part] for further in self._layout.steps[step.after]]
        found = [self._text.find(w.text, start) for w in words if isinstance(w, Literal) and w.text]
        return min((at for at in found if at >= 0), default=None)

    def _follow(self) -> dict[_Node, list[_Edge]]:
        """From each place that can be reached at an offset the pieces that may follow."""
        edges: dict[_Node, list[_Edge]] = {}
        waiting = deque([(0, 0)])
        while waiting:
            node = waiting.popleft()
            if node in edges:
                continue
            start, place = node
            edges[node] = [
                _Edge(step, start, stop)
                for step in self._layout.steps[place]
                for stop in self._stops_of(step, start)
            ]
            waiting.extend(map(_target, edges[node]))
        return edges

    def _stops_of(self, step: Step, start: int) -> list[int]:
        if step not in self._words:
            behind = words_behind(self._layout, self._parts, step)
            self._words[step] = () if self._only_at_end(step) else behind
        words = self._words[step]
        key = (step.part, words, start)
        found = self._stops.get(key)
        if found is None:
            part, text = self._parts[step.part], self._text
            possible = part.possible_ends(text, start)
            if words == ():
                possible = (len(text),)
            elif words is not None:
                possible = ends_before(words, text, start, possible)
            elif possible is None:
                possible = range(start, len(text) + 1)
            found = self._stops[key] = [
                stop for stop in dict.fromkeys(possible) if part.accepts(text[start:stop])
            ]
        return found

    def _only_at_end(self, step: Step) -> bool:
        """Whether nothing may follow a part."""
        return not self._layout.steps[step.after]

    def _measure(self) -> dict[_Node, int]:
        """For each place from which the text can be finished, in how few pieces."""
        before: dict[_Node, list[_Node]] = {}
        for node, edges in self._edges.items():
            for edge in edges:
                before.setdefault(_target(edge), []).append(node)
        size = len(self._text)
        ends = self._layout.ends
        distances = {node: 0 for node in self._edges if node[0] == size and node[1] in ends}
        waiting = deque(distances)
        while waiting:
            node = waiting.popleft()
            for earlier in before.get(node, ()):
                if earlier not in distances:
                    distances[earlier] = distances[node] + 1
                    waiting.append(earlier)
        return distances


def words_behind(layout: Layout, parts: Sequence[Constraint], step: Step) -> tuple[str, ...] | None:
    """Fixed texts one of which must follow a part; ``None``: other text may, or none."""
    if step.after in layout.ends:
        return None
    behind = [parts[further.part] for further in layout.steps[step.after]]
    words = tuple(each.text for each in behind if isinstance(each, Literal) and each.text)
    return words if words and len(words) == len(behind) else None


def ends_before(
    words: Sequence[str], text: str, start: int, possible: Iterable[int] | None
) -> list[int]:
    """The possible ends of a part (``None``: any offset) at which one of ``words`` stands."""
    found = set()
    for word in words:
        place = text.find(word, start)
        while place >= 0:
            found.add(place)
            place = text.find(word, place + 1)
    if possible is None or isinstance(possible, range):
        return sorted(found if possible is None else found.intersection(possible))
    return [end for end in possible if end in found]


def _target(edge: _Edge) -> _Node:
    return edge.stop, edge.step.after
