"""Reads how far fuzzy matching may go: ``{e<=1}``, ``{i<=1,s<=2}``, ``{2i+2d+1s<=4:[a-z]}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from condit.constraint.regular.characters import EVERY, Characters
from condit.constraint.regular.expression import Capture, Node
from condit.constraint.regular.fuzzy import Bounds, Fuzzy
from condit.constraint.regular.pattern_text import PatternText

_BOUND = re.compile(r"(?:(\d+)(<=?))?([deis])(?:(<=?)(\d+))?")
_COST = re.compile(r"((?:\d*[dis])(?:\+\d*[dis])*)(<=?)(\d+)")
_TERM = re.compile(r"(\d*)([dis])")
_FREE: Bounds = (0, None)
_NONE: Bounds = (0, 0)


@dataclass
class Errors:
    """How far a text may be from what a group says.

    Attributes:
        bounds: the bounds of each kind that is named: ``s``, ``i``, ``d`` and ``e`` for all.
        costs: what each kind costs.
        most_cost: what all may cost together.
        wrong: the characters that may be substituted or inserted.
    """

    bounds: dict[str, Bounds] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)
    most_cost: int | None = None
    wrong: Characters = EVERY

    def applied(self, item: Node) -> Node:
        """The item with these errors allowed."""
        if isinstance(item, Capture):
            return Capture(item.group, self.applied(item.item))
        bounds = dict.fromkeys(self.costs, _FREE) | self.bounds
        # Who names one kind means that there are no others.
        others = _NONE if set(bounds) & set("dis") else _FREE
        kinds = [bounds.get(kind, others) for kind in "sid"]
        if bounds.get("e") == _NONE or set(kinds) == {_NONE}:
            return item
        return Fuzzy(
            item,
            substitutions=kinds[0],
            insertions=kinds[1],
            deletions=kinds[2],
            errors=bounds.get("e", _FREE),
            costs=(self.costs.get("s", 0), self.costs.get("i", 0), self.costs.get("d", 0)),
            most_cost=self.most_cost,
            wrong=self.wrong,
        )


def read_errors(text: PatternText, read_test: Callable[[], Characters]) -> Errors | None:
    """The errors that a fuzzy group allows, of which the brace has just been read.

    Args:
        text: the pattern.
        read_test: reads which characters may be wrong.

    Returns:
        ``None`` where the brace is no such thing, and stands for itself.
    """
    start = text.position
    inside = text.take_until(":}")
    end = text.peek()
    errors = Errors()
    for item in inside.split(",") if end else [""]:
        if found := _BOUND.fullmatch(item):
            least, above, kind, below, most = found.groups()
            if least and not most:
                break
            low = int(least or 0) + (above == "<")
            high = int(most) - (below == "<") if most else None
            errors.bounds[kind] = (low, high)
        elif found := _COST.fullmatch(item):
            errors.costs = {kind: int(cost or 1) for cost, kind in _TERM.findall(found[1])}
            errors.most_cost = int(found[3]) - (found[2] == "<")
        else:
            break
    else:
        if text.take(":"):
            errors.wrong = read_test()
        text.take("}")
        return errors
    text.position = start
    return None
