"""What parts are called in messages, and how their descriptions are put together."""

from __future__ import annotations

from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint

_SHOWN = 40
_CALLED = {
    "AllOf": "all of several",
    "AnyOf": "one of several",
    "AtMost": "limit",
    "Not": "complement of",
    "JsonSchema": "JSON schema",
    "Grammar": "grammar",
    "Choice": "choice",
    "Repeated": "repeat",
    "Then": "sequence",
    "Template": "template",
    "Free": "free text",
    "Triggered": "free text with tags",
}
"""What kinds of constraints are called, where their class would say little to a user."""
_LEAD = "Respond only with "
BY_EXAMPLE = "a text of the same shape as these made-up examples"
"""How descriptions begin that consist of examples; see ``Constraint.describe``."""


def label_of(part: Constraint) -> str:
    """A few words that tell which constraint is meant.

    >>> label_of(Literal("abc"))
    "the text 'abc'"
    """
    if isinstance(part, Literal):
        return f"the text {_cut(part.text)!r}"
    pattern = getattr(part, "pattern", None)
    kind = type(part).__name__
    if isinstance(pattern, str):
        return f"{kind.lower()} {_cut(pattern)!r}"
    name = getattr(part, "name", None)
    called = _CALLED.get(kind, kind)
    return f"{called} {_cut(name)!r}" if isinstance(name, str) else called


def reason_in(part: Constraint, reason: str) -> str:
    """Why a part refuses a text, with what the part is called unless the reason says that.

    >>> reason_in(Literal("abc"), "it must be 'abc'")
    "in the text 'abc': it must be 'abc'"
    """
    called = label_of(part)
    return reason if called in reason else f"in {called}: {reason}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def wanted(part: Constraint) -> str:
    """What a part asks for, as the rest of a sentence that begins with "Respond only with"."""
    said = part.describe()
    return said.removeprefix(_LEAD).strip("\n") if said.startswith(_LEAD) else said


def listed(sentence: str, parts: list[str]) -> str:
    """A sentence, and below it a numbered list; continued lines are indented."""
    lines = [f"{number}. " + each.replace("\n", "\n   ") for number, each in enumerate(parts, 1)]
    return "\n".join([_LEAD + sentence, *lines])
