"""Fields of values by a path such as ``people[0].role``: finding them, and saying what is there.

A value is what a sample has: an object of a type (pydantic, dataclass, named tuple), a dictionary,
a list, or plain JSON. Nothing here knows of weights.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from condit.errors import ArgumentError

Step: TypeAlias = str | int
"""One step of a path: the name of a member, or the index of an item."""


class Absent(enum.Enum):
    """The type of ``condit.ABSENT``."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT
"""Stands for the value of a field that a sample does not have."""

_STEP = re.compile(
    r"""(?:^|\.)(?P<name>[^.\[\]"'\s]+)|\[(?P<index>-?[0-9]+)\]"""
    r"""|\[(?P<json>"(?:[^"\\]|\\.)*")\]|\['(?P<plain>[^'\\]*)'\]"""
)
_PLAIN_NAME = re.compile(r"[^\W\d][\w-]*")


def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a path; of an empty one there are none.

    Raises:
        ArgumentError: it cannot be read; the message says where.
    """
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        try:
            if found is None:
                raise ValueError
            if found["json"] is not None:
                steps.append(json.loads(found["json"], strict=False))
            elif found["index"] is not None:
                steps.append(int(found["index"]))
            else:
                steps.append(found["plain"] if found["name"] is None else found["name"])
        except ValueError:
            raise ArgumentError(
                f"the path {path!r} cannot be read at character {at}: write names with dots "
                "between them, and indices and odd keys in brackets: people[0].role, "
                'people[0]["odd key"]'
            ) from None
        at = found.end()
    return tuple(steps)


def path_of(steps: Sequence[Step]) -> str:
    """The path that has these steps."""
    parts = []
    for step in steps:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_NAME.fullmatch(step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts).removeprefix(".")


def content(value: Any, text: str) -> Any:
    """What paths lead into: the value; without one what the text is as JSON, or the text itself."""
    if value is not None:
        return value
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict | list) else text


def members(value: Any) -> dict[Step, Any] | None:
    """What a value consists of, in its order; ``None`` for one that is not taken apart."""
    if getattr(type(value), "__pydantic_root_model__", False) is True:
        return members(value.root)  # it is written as what it holds
    if isinstance(value, Mapping):
        # Keys need not be strings in a value of a Python type.
        return {key if type(key) in (str, int) else str(key): value[key] for key in value}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if isinstance(value, type):
        return None
    if hasattr(type(value), "model_fields"):  # of pydantic, which need not be imported for this
        extra = getattr(value, "model_extra", None) or {}
        return {name: getattr(value, name) for name in (*type(value).model_fields, *extra)}
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return None


def follow(value: Any, steps: Sequence[Step]) -> tuple[int, Any]:
    """How many of the steps can be followed from ``value``, and where they lead."""
    for followed, step in enumerate(steps):
        found = members(value)
        if found is None:
            return followed, value
        if isinstance(step, int) and step < 0 and step not in found:
            step += len(found)  # an index from the end
        if step not in found:
            return followed, value
        value = found[step]
    return len(steps), value


def find(value: Any, steps: Sequence[Step]) -> Any:
    """The field of ``value`` that the steps lead to; ``ABSENT`` if there is none."""
    followed, found = follow(value, steps)
    return found if followed == len(steps) else ABSENT


def leaves(value: Any) -> Iterator[tuple[Step, ...]]:
    """The steps to each part of a value that has no parts itself, in order."""
    todo: list[tuple[tuple[Step, ...], Any]] = [((), value)]
    while todo:
        steps, part = todo.pop()
        parts = members(part)
        if not parts:
            yield steps
            continue
        todo += [((*steps, step), below) for step, below in reversed(parts.items())]


def no_such_field(path: str, steps: Sequence[Step], values: Sequence[Any]) -> ArgumentError:
    """The error for a path that is in no sample.

    Args:
        path: as it was given.
        steps: its steps.
        values: those of the samples, at least one, the heaviest first.
    """
    found = [follow(each, steps) for each in values]
    followed, value = max(found, key=lambda each: (each[0], len(members(each[1]) or ())))
    where = path_of(steps[:followed]) or ("the text" if isinstance(value, str) else "the value")
    step = steps[followed]
    named = f"[{step}]" if isinstance(step, int) else repr(step)
    return ArgumentError(f"no sample has {path!r}: there is no {named} in {where}: {_said(value)}")


def _said(value: Any, most: int = 12) -> str:
    """What there is instead of a field that is not there."""
    parts = members(value)
    if parts is None:
        return f"it is {shown(value)}"
    if not parts:
        return "it is empty"
    if list(parts) == list(range(len(parts))):
        return f"it has {len(parts)} {'item' if len(parts) == 1 else 'items'}"
    names = [str(step) for step in parts]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"it has {', '.join(names[:most])}{more}"


def shown(value: Any, most: int = 60) -> str:
    """A value in one short line."""
    if value is ABSENT:
        return "(absent)"
    said = repr(value)
    return said if len(said) <= most else f"{said[: most - 1]}…"
