"""What the short form of a schema says in brackets: bounds, formats, examples, descriptions."""

from __future__ import annotations

import json
from typing import Any

_LONGEST_DESCRIPTION = 120
_LONGEST_PATTERN = 80
_LONGEST_VALUE = 80
_LONGEST_STRING = 300
_SHAPES = ("date", "date-time", "time")


def remarks_of(facts: dict[str, Any], kind: str, *, described: bool) -> list[str]:
    """What is to be said of the values of one type.

    Args:
        facts: the keywords of the schema.
        kind: the type; ``""`` where there are several.
        described: whether descriptions and examples are among them.
    """
    remarks: list[str] = []
    if kind == "string":
        named = facts.get("format")
        remarks += [one_line(str(named), 40)] if named and named not in _SHAPES else []
        remarks += [_between(facts, "Length", "character")]
        if isinstance(pattern := facts.get("pattern"), str) and len(pattern) <= _LONGEST_PATTERN:
            remarks += [f"matching {one_line(pattern, _LONGEST_PATTERN)}"]
    elif kind in ("integer", "number"):
        remarks += [_amount(facts)]
        if multiple := facts.get("multipleOf"):
            remarks += [f"a multiple of {multiple}"]
    elif kind == "array":
        # Of a tuple the form itself shows how many there are.
        is_tuple = "prefixItems" in facts or isinstance(facts.get("items"), list)
        remarks += [] if is_tuple else [_between(facts, "Items", "item")]
        remarks += ["no item twice"] if facts.get("uniqueItems") is True else []
    elif kind == "object":
        remarks += [_between(facts, "Properties", "member")]
    if described and kind != "null":
        examples = facts.get("examples")
        if isinstance(examples, list) and examples:
            shown = quoted(examples[0])
            remarks += [f"such as {shown}"] if len(shown) <= _LONGEST_VALUE else []
        if isinstance(description := facts.get("description"), str):
            remarks += [one_line(description.strip().removesuffix("."), _LONGEST_DESCRIPTION)]
    return [remark for remark in remarks if remark]


def _between(facts: dict[str, Any], what: str, unit: str) -> str:
    low, high = facts.get(f"min{what}") or 0, facts.get(f"max{what}")
    if high is None:
        return f"at least {low} {unit}{'s' * (low != 1)}" if low else ""
    if low == high:
        return f"{low} {unit}{'s' * (low != 1)}"
    return f"{low} to {high} {unit}s" if low else f"at most {high} {unit}{'s' * (high != 1)}"


def _amount(facts: dict[str, Any]) -> str:
    low, high = facts.get("minimum"), facts.get("maximum")
    above, below = facts.get("exclusiveMinimum"), facts.get("exclusiveMaximum")
    # In draft 4 they say that the bounds themselves are left out.
    above = low if above is True else None if above is False else above
    below = high if below is True else None if below is False else below
    if low is not None and above is not None:
        low, above = (None, above) if above >= low else (low, None)
    if high is not None and below is not None:
        high, below = (None, below) if below <= high else (high, None)
    if low is not None and high is not None:
        return f"{low} to {high}"
    parts = [
        *([f"{low} or more"] if low is not None else []),
        *([f"above {above}"] if above is not None else []),
        *([f"{high} or less"] if high is not None else []),
        *([f"below {below}"] if below is not None else []),
    ]
    return " and ".join(parts)


def quoted(value: object) -> str:
    """A value as JSON on one line, cut if it is long."""
    written = json.dumps(value, ensure_ascii=False)
    text = "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)
    return one_line(text, _LONGEST_STRING if isinstance(value, str) else _LONGEST_VALUE)


def one_line(text: str, limit: int) -> str:
    """A text with single spaces for what breaks lines, cut at ``limit`` characters."""
    text = " ".join(text.split()) if not text.isprintable() else text
    text = text.encode(errors="replace").decode()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
