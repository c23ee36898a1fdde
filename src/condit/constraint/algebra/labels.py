"""What parts are called in messages, and how their descriptions are put together."""

from __future__ import annotations

import re

from condit.constraint.algebra.literal import Literal
from condit.constraint.base import Constraint
from condit.constraint.example_texts import for_readers

_SHOWN = 40
_PATTERN_SHOWN = 200
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
_WORD_BEGINS = re.compile("(?<=[a-z])(?=[A-Z])")
_LEAD = "Respond only with "
BY_EXAMPLE = "a text of the same shape as these made-up examples"
"""How descriptions begin that consist of examples; see ``Constraint.describe``."""
MATCHES = "a text that matches"
"""How descriptions begin of regular expressions that are parts."""


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
    called = _CALLED.get(kind) or _WORD_BEGINS.sub(" ", kind).lower()
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


def wanted(part: Constraint, *, examples: bool = True) -> str:
    """What a part asks for, as the rest of a sentence that begins with "Respond only with".

    A regular expression is shown before its examples: what is composed with it says nothing about
    them.

    Args:
        part: the part.
        examples: whether texts that satisfy a regular expression are shown beside it.
    """
    pattern = getattr(part, "pattern", None)
    if isinstance(pattern, str):
        said = f"{MATCHES} the regular expression {in_pattern(pattern)}"
        found = part.example_texts() if examples else []
        return f"{said}, such as these made-up examples:\n{for_readers(found)}" if found else said
    said = part.describe()
    return said.removeprefix(_LEAD).strip("\n") if said.startswith(_LEAD) else said


def in_pattern(pattern: str) -> str:
    """A regular expression as it is shown to readers; cut where it is long."""
    shown = pattern if len(pattern) <= _PATTERN_SHOWN else pattern[:_PATTERN_SHOWN] + "..."
    return for_readers([shown])


def listed(sentence: str, parts: list[str]) -> str:
    """A sentence, and below it a numbered list; continued lines are indented."""
    lines = [f"{number}. " + each.replace("\n", "\n   ") for number, each in enumerate(parts, 1)]
    return "\n".join([_LEAD + sentence, *lines])
