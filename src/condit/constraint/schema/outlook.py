"""A three-valued verdict on a value that is not complete: never valid, certainly valid, unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condit.constraint.schema.parts import Node

_LONGEST = 40


@dataclass(frozen=True)
class Outlook:
    """What is known of a value that is still open.

    Attributes:
        never: no way to go on satisfies the schema.
        certain: every way to go on does.
        trivial: never, because the value is of another type.
        reason: gives the reason for ``never`` in words; called only for a message.
    """

    never: bool = False
    certain: bool = False
    trivial: bool = False
    reason: Callable[[], str] = str


UNKNOWN = Outlook()
"""Some ways to go on may satisfy the schema, others not."""
CERTAIN = Outlook(certain=True)


def never(reason: str | Callable[[], str]) -> Outlook:
    """The verdict that a value can never be valid, with the reason or a function that gives it."""
    return Outlook(never=True, reason=(lambda: reason) if isinstance(reason, str) else reason)


def under(key: str, outlook: Outlook) -> Outlook:
    """What is known of a member."""
    return never(lambda: f"under the key {spell(key)}: {outlook.reason()}")


def wrong_type(found: str, node: Node) -> Outlook:
    """A value of a type that is not admitted."""
    return Outlook(
        never=True,
        trivial=True,
        reason=lambda: (
            f"expected {' or '.join(sorted(node.types or ())) or 'nothing'}, not {found}"
        ),
    )


def no_alternative(outlooks: list[Outlook]) -> Outlook:
    """None of several alternatives is left."""

    def reason() -> str:
        # Reasons of alternatives of the value's own type are more helpful than "another type".
        telling = [outlook for outlook in outlooks if not outlook.trivial] or outlooks
        reasons = dict.fromkeys(outlook.reason() for outlook in telling)
        return ("no alternative is left: " if len(reasons) > 1 else "") + "; ".join(reasons)

    return never(reason)


def spell(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    spelled = json.dumps(value, ensure_ascii=False)
    return spelled if len(spelled) <= _LONGEST else f"{spelled[:_LONGEST]}…"
