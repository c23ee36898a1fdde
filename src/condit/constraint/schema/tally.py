"""Counts over the closed parts of an open container, each examined once, for one schema node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from condit.constraint.schema.outlook import UNKNOWN, Outlook, never, spell, under
from condit.constraint.schema.parts import Node
from condit.constraint.schema.scanner import Closed, Frame


@dataclass(frozen=True)
class Tally:
    """Counts for one node over the closed parts of a frame; cached there, and extended later.

    Attributes:
        taken: how many items, or keys and values, are counted.
        failed: a verdict ``never`` if they violate the node, else ``UNKNOWN``.
        matches: for each ``contains``, how many items match, and how many may.
        sure: whether every closed part is known to be accepted.
    """

    taken: int = 0
    failed: Outlook = UNKNOWN
    matches: tuple[tuple[int, int], ...] = ()
    sure: bool = True

    @classmethod
    def of(cls, node: Node, frame: Frame, whole: bool) -> Tally:
        """The tally of the array or object ``frame``, up to what has closed by now."""
        tally: Tally | None = frame.notes.get((node, whole))
        parts = len(frame.items) if frame.kind == "array" else 2 * len(frame.members)
        parts -= frame.key is not None
        if tally is None:
            tally = cls(matches=((0, 0),) * len(node.contains) if frame.kind == "array" else ())
        if tally.taken == parts or tally.failed.never:
            return tally
        add = cls._items if frame.kind == "array" else cls._members
        tally = frame.notes[(node, whole)] = add(tally, node, frame, whole, parts)
        return tally

    def _items(self, node: Node, frame: Frame, whole: bool, parts: int) -> Tally:
        matches, sure = list(self.matches), self.sure
        for index in range(self.taken, parts):
            item = frame.items[index]
            here = node.item(index)
            if here is not None and (whole or here.relaxed):
                verdict = here.accepts(item)
                if verdict is False:
                    return Tally(parts, never(partial(here.objection, item)))
                sure = sure and verdict is True
            for place, (wanted, _, _) in enumerate(node.contains):
                verdict = wanted.accepts(item)
                known, maybe = matches[place]
                matches[place] = (known + (verdict is True), maybe + (verdict is not False))
        return Tally(parts, UNKNOWN, tuple(matches), sure)

    def _members(self, node: Node, frame: Frame, whole: bool, parts: int) -> Tally:
        sure = self.sure
        for index, (key, member) in enumerate(frame.members.items()):
            if 2 * index >= self.taken and node.names is not None:
                verdict = node.names.accepts(Closed(key))
                if verdict is False:
                    return Tally(parts, never(f"the key {spell(key)} is not allowed"))
                sure = sure and verdict is True
            if member is None or 2 * index + 1 < self.taken:
                continue
            for here in node.member(key):
                if not whole and not here.relaxed:
                    continue
                verdict = here.accepts(member)
                if verdict is False:
                    return Tally(parts, under(key, never(partial(here.objection, member))))
                sure = sure and verdict is True
        return Tally(parts, UNKNOWN, (), sure)
