"""What is left of a pattern to match, as items in a row, and how short it can be.

Items are nodes of the expression, and marks of where a group, a repeat or a call ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from condit.constraint.regular.captures import Captures
from condit.constraint.regular.expression import Look, Node
from condit.constraint.regular.interned import Interned


@dataclass(frozen=True)
class Close:
    """In a ``Rest``: a group ends here."""

    group: int
    marks: bool
    """Whether only that it has captured matters."""


@dataclass(frozen=True)
class Again:
    """In a ``Rest``: a repeated item that may be empty ends here.

    ``fresh`` until a character has been taken: then the item was empty, and is not repeated unless
    it has captured something.
    """

    node: Node
    """The repetition that is left."""
    least: int
    """How often at least."""
    fresh: bool
    closed: tuple[tuple[int, str | None], ...] = ()
    """What had been captured before, as long as it is fresh."""


@dataclass(frozen=True)
class Return:
    """In a ``Rest``: a called group ends here, and what it captured is forgotten.

    ``fresh`` until a character has been taken: a group that calls itself before is no text.
    """

    group: int
    captures: Captures
    fresh: bool


@dataclass(frozen=True)
class Ended:
    """In a ``Rest``: a fuzzy group ends here."""


Item = Node | Close | Again | Return | Ended


class Rest(Interned):
    """What is left to match: items in a row, then the end.

    Attributes:
        item: the first; ``None`` where nothing is left.
        tail: those after it.
        final: what comes when nothing is left: ``"end"`` of the text, ``"any"`` text, a
            ``"mark"``: the place where a part of the pattern ends, or a ``"cut"``.
        shortest: a lower bound of the characters left.
        reach: the same, lookahead into what stands beyond it included.
        fresh: whether some item is fresh.
    """

    __slots__ = ("_after_return", "final", "fresh", "item", "reach", "shortest", "tail")
    END: ClassVar[Rest]
    ANY: ClassVar[Rest]
    CUT: ClassVar[Rest]
    MARK: ClassVar[Rest]

    def __init__(self, item: Item | None, tail: Rest | None, final: str) -> None:
        self.item, self.tail, self.final = item, tail, final
        self._after_return: tuple[float, float] | None = None
        self.shortest: float = tail.shortest if tail else 0
        self.reach: float = tail.reach if tail else 0
        self.fresh: bool = tail.fresh if tail else False
        more: float = 0
        if isinstance(item, Node):
            more = item.shortest
            self.reach = max(self.reach, _seen_ahead(item, {}))
        elif isinstance(item, Again | Return):
            self.fresh |= item.fresh
            if isinstance(item, Again) and not item.fresh:
                more = item.node.shortest
        self.shortest += more
        self.reach += more

    def before(self, *items: Item) -> Rest:
        """The items, then this."""
        found = self
        for item in reversed(items):
            found = Rest._of(item, found, self.final)
        return found

    def settled(self) -> Rest:
        """The same after a character: nothing is fresh."""
        if not self.fresh or self.tail is None:
            return self
        item = self.item
        if isinstance(item, Again) and item.fresh:
            item = Again(item.node, item.least, False)
        elif isinstance(item, Return) and item.fresh:
            item = Return(item.group, item.captures, False)
        return Rest._of(item, self.tail.settled(), self.final)

    def ended(self, final: Rest) -> Rest:
        """The same with another end."""
        if self.item is None or self.tail is None:
            return final
        return Rest._of(self.item, self.tail.ended(final), final.final)

    def after_return(self, item: Return) -> tuple[float, float]:
        """``_bounds`` of what follows the item, which is the first: known to it alone, and kept."""
        if self._after_return is None and self.tail is not None:
            self._after_return = _bounds(_sizes(item.captures), [], (self.tail,))
        return self._after_return or (0, 0)

    def calls(self, group: int) -> bool:
        """Whether it is in a call of the group that has taken no character."""
        rest: Rest | None = self
        while rest is not None and rest.fresh:
            item = rest.item
            if isinstance(item, Return) and item.fresh and item.group == group:
                return True
            rest = rest.tail
        return False


Rest.END = Rest._of(None, None, "end")
Rest.ANY = Rest._of(None, None, "any")
Rest.CUT = Rest._of(None, None, "cut")
Rest.MARK = Rest._of(None, None, "mark")


def _seen_ahead(node: Node, sizes: dict[int, float]) -> float:
    """A lower bound of what must follow a place, if the node is a lookahead that stands there."""
    if isinstance(node, Look) and node.ahead and not node.negative:
        return node.item.lower_bound(dict(sizes))
    return 0


def left(captures: Captures, taken: float, *rests: Rest) -> float:
    """A lower bound of the characters left in some rests in a row, by what was captured.

    Args:
        captures: before ``taken``.
        taken: characters that are taken before the rests, at least.
        rests: each ends where the next one begins.
    """
    if captures.errors or not (captures.closed or captures.open):
        found, reach = 0.0, 0.0
        for rest in rests:
            reach = max(reach, found + rest.reach)
            found += rest.shortest
        return reach
    opened = [len(text) + taken for _, text in captures.open]
    return _bounds(_sizes(captures), opened, rests)[1]


def _bounds(
    sizes: dict[int, float], opened: list[float], rests: tuple[Rest, ...]
) -> tuple[float, float]:
    """Lower bounds of the characters left in rests in a row, without and with lookahead.

    Args:
        sizes: of what groups have captured.
        opened: of what the groups that are open have captured so far, the last one last.
        rests: each ends where the next one begins.
    """
    found, reach = 0.0, 0.0
    for rest in rests:
        here: Rest | None = rest
        while here is not None and (item := here.item) is not None:
            more: float = 0
            if isinstance(item, Node):
                reach = max(reach, found + _seen_ahead(item, sizes))
                more = item.lower_bound(sizes)
            elif isinstance(item, Close):
                if item.marks or not opened:
                    sizes.pop(item.group, None)
                else:
                    sizes[item.group] = opened.pop()
            elif isinstance(item, Return):
                if not opened and len(rests) == 1:
                    shortest, further = here.after_return(item)
                    return found + shortest, max(reach, found + further)
                sizes = _sizes(item.captures)
            elif isinstance(item, Again):
                more = 0 if item.fresh else item.node.shortest
                for group in item.node.captured:
                    sizes.pop(group, None)
            found += more
            opened = [size + more for size in opened]
            here = here.tail
    return found, max(reach, found)


def _sizes(captures: Captures) -> dict[int, float]:
    return {group: len(text) for group, text in captures.closed if text is not None}
