"""How deep definitions refer to one another, refused where the engine's stack would overflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from condit.errors import ConstraintTooComplexError

# The engine crashes the process somewhere beyond 2,000, on a stack of 8 MB.
_MOST = 800


def refuse_deep(
    leads_to: Mapping[str, Sequence[str]],
    start: str | None,
    what: str,
    most: int | None = None,
    who: str = "the mask engine",
) -> None:
    """Refuse definitions that refer to one another too deep.

    Args:
        leads_to: for each definition those that it mentions, in order.
        start: the first; ``None`` for any of them.
        what: what they are called, for the message.
        most: how deep they may be nested; by default as far as the mask engine can follow.
        who: what can follow no deeper, for the message.

    Raises:
        ConstraintTooComplexError: a chain of them is too long for the engine.
    """
    depth = depth_either_way(list(leads_to) if start is None else [start], leads_to)
    most = _MOST if most is None else most
    if depth > most:
        begin = "" if start is None else f" from {start!r}"
        raise ConstraintTooComplexError(
            f"{what} lead to one another {depth} deep{begin}; {who} can follow "
            f"{most}. Make the chain shorter"
        )


def depth_either_way(starts: Sequence[str], leads_to: Mapping[str, Sequence[str]]) -> int:
    """The larger ``depth_from`` of two walks: with mentions in order, and in reverse order.

    For a caller that does not know in which of the two the definitions will be followed.
    """
    backwards = {name: others[::-1] for name, others in leads_to.items()}
    return max(depth_from(starts, leads_to), depth_from(starts, backwards))


def depth_from(starts: Sequence[str], leads_to: Mapping[str, Sequence[str]]) -> int:
    """The depth of a depth-first walk from ``starts`` that visits each definition once."""
    seen: set[str] = set()
    path = [iter(starts)]
    deepest = 0
    while path:
        further = next((name for name in path[-1] if name not in seen), None)
        if further is None:
            path.pop()
        else:
            seen.add(further)
            path.append(iter(leads_to.get(further, ())))
            deepest = max(deepest, len(path) - 1)
    return deepest
