"""Patterns for a library that knows automata, but no characters: classes become numbers.

So it need not read patterns nor know Unicode; what is left is what its automata take.
"""

from __future__ import annotations

from condit.constraint.regular.classes import partition
from condit.constraint.regular.expression import (
    Alternation,
    Capture,
    Concatenation,
    Node,
    One,
    Repetition,
    nodes,
)
from condit.constraint.regular.python_reader import read


def over_classes(first: str, second: str) -> tuple[str, str]:
    """Two patterns over the classes of characters that they tell apart, each as ``<number>``."""
    roots = [read(each).root for each in (first, second)]
    sets = list(dict.fromkeys(each.characters for each in nodes(roots) if isinstance(each, One)))
    classes = list(partition(tuple(sets)).classes)

    def written(node: Node) -> str:
        match node:
            case One(characters):
                bit = 1 << sets.index(characters)
                inside = "|".join(f"<{i}>" for i, held in enumerate(classes) if held & bit)
                return f"({inside})" if inside else "(<0>&<1>)"
            case Concatenation(items):
                return "(" + "".join(map(written, items)) + ")"
            case Alternation(choices):
                return "(" + "|".join(map(written, choices)) + ")"
            case Capture(_, item):
                return written(item)
            case Repetition(item, least, most):
                return f"({written(item)})" + f"{{{least},{'' if most is None else most}}}"
            case _:
                raise NotImplementedError(type(node).__name__)

    one, other = map(written, roots)
    return one, other
