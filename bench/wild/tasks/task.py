"""What a task is: a prompt, a constraint as plain data, and the fields that are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Task:
    """A prompt and what its answer must look like.

    Attributes:
        name: it has no other.
        prompt: plain text, or the messages of a chat.
        kind: what ``source`` is: a JSON Schema, a regex, or a grammar in Lark.
        source: the constraint.
        max_tokens: the most tokens of an answer.
        invites: whether the prompt says what the format is.
        fields: what is compared, by name: a path such as ``people[0].role`` in a document; for
            other kinds a pattern of ``re``, whose first group is the value.
        answers: the right values of some fields.
    """

    name: str
    prompt: str | Sequence[Mapping[str, str]]
    kind: Literal["schema", "regex", "grammar"]
    source: str
    max_tokens: int
    invites: bool
    fields: Mapping[str, str]
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chat(self) -> bool:
        """Whether the prompt is a chat."""
        return not isinstance(self.prompt, str)

    def values(self, text: str) -> dict[str, str]:
        """The value of each field in a valid text, as JSON; ``null`` where it is not there."""
        if self.kind == "schema":
            document = json.loads(text)
            found = {name: _at(document, path) for name, path in self.fields.items()}
        else:
            found = {name: _group(text, pattern) for name, pattern in self.fields.items()}
        return {name: plain(value) for name, value in found.items()}


def plain(value: Any) -> str:
    """A value as JSON. Strings that differ in case, or in a stop or space at an end, are one."""
    if isinstance(value, str):
        value = value.strip(" \n.").casefold()
    return json.dumps(value, sort_keys=True)


def chat(text: str, system: str = "") -> list[dict[str, str]]:
    """A chat of one question, with or without a system's message before it."""
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": text}]


def record(optional: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def listed(items: Mapping[str, Any], least: int = 1, most: int = 3) -> dict[str, Any]:
    """The schema of an array."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def one_of(*values: str) -> dict[str, Any]:
    """The schema of a string among these."""
    return {"enum": list(values)}


STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}


def _at(document: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            document = document[name] if name else document[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _group(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return found[1] if found else None
