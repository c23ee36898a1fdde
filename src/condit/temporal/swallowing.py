"""Events whose text has no end of its own, so that it may go on over what looks like another event.

What is found is only for a word of caution: texts of such events are read in several ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from condit.constraint.algebra.chained import Chained
from condit.constraint.algebra.free import Free
from condit.constraint.algebra.literal import Literal
from condit.constraint.algebra.regular import tree_of
from condit.constraint.base import Constraint
from condit.constraint.regular.expression import (
    Alternation,
    Capture,
    Concatenation,
    Node,
    One,
    Repetition,
)


def swallowed_by(parts: Sequence[Constraint]) -> dict[int, int]:
    """For each event whose text may go on over another one that other event, by their numbers.

    Args:
        parts: what the text of each event must satisfy.
    """
    found: dict[int, int] = {}
    for number, part in enumerate(parts):
        for other, further in enumerate(parts):
            heads = list(_heads(further)) if other != number and number not in found else []
            if any(_may_hold(end, head) for end in _last_parts(part) for head in heads):
                found[number] = other
    return found


def _last_parts(part: Constraint) -> Iterator[Constraint]:
    """What the text may end with."""
    if not isinstance(part, Chained):
        yield part
        return
    layout = part.layout.rough
    last = {step.part for steps in layout.steps for step in steps if step.after in layout.ends}
    for number in sorted(last):
        yield from _last_parts(part.parts[number])


def _heads(part: Constraint) -> Iterator[str]:
    """Fixed texts that the text may begin with; an empty one where none is known."""
    if isinstance(part, Chained):
        for number in sorted({step.part for step in part.layout.rough.steps[0]}):
            yield from _heads(part.parts[number])
    else:
        yield part.text if isinstance(part, Literal) else ""


def _may_hold(part: Constraint, head: str) -> bool:
    """Whether a text may go on for ever, or until its limit, over one that begins with a word."""
    if isinstance(part, Free):
        if part.until or any(word in head for word in part.never):
            return False
        return part.max_chars is None or len(head) < part.max_chars
    tree = tree_of(part)
    return bool(head) and tree is not None and _ends_with_any(tree, head)


def _ends_with_any(node: Node, text: str) -> bool:
    """Whether an expression ends with characters without a limit, those of a text among them."""
    match node:
        case Concatenation(items):
            return bool(items) and _ends_with_any(items[-1], text)
        case Alternation(choices):
            return any(_ends_with_any(each, text) for each in choices)
        case Capture():
            return _ends_with_any(node.item, text)
        case Repetition(One(characters), _, None):
            return all(ord(each) in characters for each in text)
    return False
