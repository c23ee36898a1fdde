"""What a row in Condit's own shape asks for: a prompt, a constraint, options of ``generate``.

::

    {"id": "a7", "prompt": "A date: ", "regex": "[0-9-]{10}", "max_tokens": 16}

Whatever a row does not say is as the batch says it. OpenAI's shape is in ``openai_rows.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from condit.batches.constraints import ConstraintCache
from condit.batches.rows import Refusal, Row
from condit.constraint.base import Constraint
from condit.model.base import Prompt
from condit.plugins import unknown

CONSTRAINTS = {
    "schema": "json_schema",
    "json_schema": "json_schema",
    "regex": "regex",
    "grammar": "grammar",
    "choice": "choice",
}
"""Keys of a row, and the kind of constraint that each is."""

OPTIONS: dict[str, tuple[type, ...]] = {
    "n": (int,),
    "max_tokens": (int,),
    "seed": (int,),
    "temperature": (float, int),
    "top_k": (int,),
    "top_p": (float, int),
    "stop": (str, list),
    "sampler": (str,),
    "drafts": (bool,),
    "instruct": (bool, str),
    "heal": (bool,),
}
"""Options of ``condit.generate`` that a row may set, and what each is in JSON."""

_FIELDS = ("id", "prompt", "constraint", *CONSTRAINTS, *OPTIONS)


@dataclass(frozen=True)
class Request:
    """A call of ``condit.generate``.

    Attributes:
        prompt: text, chat messages or token ids.
        constraint: the row's own; ``None``: the batch's.
        options: its other arguments, by name, where they differ from the batch's.
    """

    prompt: Prompt
    constraint: Constraint | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def request_of(row: Row, constraints: ConstraintCache) -> Request:
    """What a row in Condit's own shape asks for.

    Raises:
        RowError: it has no prompt, an unknown field, or one of another kind than it should be.
        CompileError: its constraint cannot be compiled.
    """
    refuse = row.error
    for name in row.fields:
        if name not in _FIELDS:
            raise refuse(unknown("field of a row", name, _FIELDS), name)
    if "prompt" not in row.fields:
        raise refuse("prompt is missing", "prompt")
    prompt = row.fields["prompt"]
    if not isinstance(prompt, str | list):
        raise refuse(f"prompt must be a text or a list, not {prompt!r}", "prompt")
    options = {name: row.fields[name] for name in OPTIONS if name in row.fields}
    for name, value in options.items():
        check_type(name, value, OPTIONS[name], refuse)
    return Request(prompt, _constraint(row, constraints, refuse), options)


def _constraint(row: Row, constraints: ConstraintCache, refuse: Refusal) -> Constraint | None:
    given = [name for name in ("constraint", *CONSTRAINTS) if name in row.fields]
    if not given:
        return None
    if len(given) > 1:
        raise refuse(f"it has {' and '.join(given)}: give one constraint, not more", given[1])
    value = row.fields[given[0]]
    if given[0] != "constraint":
        return constraints.get(CONSTRAINTS[given[0]], value)
    if not isinstance(value, dict) or len(value) != 1:
        raise refuse(
            'constraint must be an object of a name and what it is made of, {"regex": "[0-9]+"}, '
            f"not {value!r}",
            "constraint",
        )
    ((name, value),) = value.items()
    return constraints.get(name, value)


def check_type(name: str, value: object, kinds: tuple[type, ...], refuse: Refusal) -> None:
    """Raise `RowError` unless ``value`` is of one of these kinds; a boolean is no number."""
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        kinds = (float,) if float in kinds else kinds
        wanted = " or ".join(_KINDS[kind] for kind in kinds)
        raise refuse(f"{name} must be {wanted}, not {value!r}", name)


_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    bool: "true or false",
    dict: "an object",
}
