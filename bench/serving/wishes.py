"""Requests of all kinds in all protocols, each with a mark that no other has.

A *wish* is what is wanted: a prompt, a kind of constraint, a seed. It is said in one of five
protocols, can be checked without Condit, and can be drawn by the library alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

import condit
from bench.library.calls import as_far_as_it_got, asked
from condit.serve.messages import prompt_of
from condit.serve.tools import Choice, Tool, read

PROTOCOLS = ("chat", "completions", "responses", "anthropic", "ollama")
KINDS = ("free", "schema", "regex", "choice", "grammar", "tools")
FREE_TOKENS = 16
MOST_TOKENS = 40
LONG_TOKENS = 1500

PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
}
_LIMITS = {"responses": "max_output_tokens"}


@dataclass(frozen=True)
class Wish:
    """One request, whatever its protocol.

    Attributes:
        number: of its kind; seed and mark come from it.
        protocol: one of `PROTOCOLS`.
        kind: of constraint, one of `KINDS`.
        stream: whether the answer is sent as it grows.
        leaves: whether whoever asks goes away in the middle.
        is_fresh: whether its mark is in the constraint too, which then is like no other.
    """

    number: int
    protocol: str
    kind: str
    stream: bool = False
    leaves: bool = False
    is_fresh: bool = True

    @property
    def mark(self) -> str:
        """What its text begins with, where it must begin with something."""
        return f"m{self.number:04d}" if self.is_fresh else "m"

    @property
    def name(self) -> str:
        """Its kind in words."""
        return f"{self.protocol} {self.kind}{', streamed' if self.stream else ''}"

    @property
    def max_tokens(self) -> int:
        """The most tokens of its text."""
        if self.leaves:
            return LONG_TOKENS
        return FREE_TOKENS if self.kind == "free" else MOST_TOKENS

    @property
    def question(self) -> str:
        """What is asked."""
        return f"Write note {self.number} of a diary, about the {_THINGS[self.number % 8]}."

    @cached_property
    def constraint(self) -> tuple[str, Any] | None:
        """Kind and content of the constraint, but for tools."""
        mark = self.mark
        if self.leaves:
            return "regex", f"{mark} [a-z ]{{1200}}"
        made: dict[str, tuple[str, Any]] = {
            "schema": ("json_schema", self.schema),
            "regex": ("regex", f"{mark}-[a-z]{{3,8}}"),
            "choice": ("choice", [f"{mark} {word}" for word in ("yes", "no", "perhaps")]),
            "grammar": ("grammar", f'start: "{mark}" (" " WORD)~1..3\nWORD: /[a-z]{{2,6}}/\n'),
        }
        return made.get(self.kind)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its answer, or of the arguments of its call."""
        fields = {
            "mark": {"const": self.mark},
            "mood": {"enum": ["glad", "sad", "tired"]},
            "pages": {"type": "integer", "minimum": 1, "maximum": 99},
        }
        return {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body of the request in its protocol."""
        body: dict[str, Any] = {"model": "smollm2", "stream": self.stream}
        if self.protocol == "ollama":
            options = {"num_predict": self.max_tokens, "seed": self.number}
            body |= {"options": options, "messages": asked(self.question)}
        else:
            limit = _LIMITS.get(self.protocol, "max_tokens")
            body |= {"seed": self.number, limit: self.max_tokens}
            told = {"completions": "prompt", "responses": "input"}.get(self.protocol)
            body |= {told: self.question} if told else {"messages": asked(self.question)}
        if self.kind == "tools" and not self.leaves:
            return body | _TOOLS[self.protocol](self.schema)
        if self.constraint is None:
            return body
        kind, value = self.constraint
        if kind == "json_schema" and self.protocol in _SCHEMAS:
            return body | _SCHEMAS[self.protocol](value)
        if self.protocol in ("chat", "completions"):
            name = {"json_schema": "json"}.get(kind, kind)
            return body | {"structured_outputs": {name: value}}
        return body | {"condit": {"constraint": {kind: value}}}

    def is_right(self, answer: Any) -> bool:
        """Whether an answer is as wanted, by other programs than Condit."""
        if self.kind == "free":
            return isinstance(answer, str)
        if self.kind in ("schema", "tools"):
            try:
                return jsonschema_rs.is_valid(self.schema, json.loads(answer))
            except ValueError:
                return False
        patterns = {
            "regex": rf"{self.mark}-[a-z]{{3,8}}",
            "choice": rf"{self.mark} (yes|no|perhaps)",
            "grammar": rf"{self.mark}( [a-z]{{2,6}}){{1,3}}",
        }
        return re.fullmatch(patterns[self.kind], answer) is not None

    def alone(self, model: condit.Model) -> str:
        """What the library draws for the same seed, as the answer has it."""
        prompt: Any = self.question if self.protocol == "completions" else asked(self.question)
        constraint = None
        if self.kind == "tools":
            tools = (Tool("note", _ABOUT, self.schema),)
            prompt = prompt_of(prompt, tools, model, False)
            wanted = Choice(tools, required=True, several=False).specification()
            constraint = None if wanted is None else wanted.build()
        elif self.constraint is not None:
            constraint = condit.make_constraint(*self.constraint)
        result = as_far_as_it_got(
            model,
            prompt,
            constraint,
            n=1,
            max_tokens=self.max_tokens,
            seed=self.number,
            sampler="awrs",
        )
        text: str = result.samples[0].text
        return read(text)[1][0].arguments if self.kind == "tools" else text


def wishes(count: int, leaving: float) -> list[Wish]:
    """So many, all kinds in all protocols by turns.

    Args:
        leaving: the share of those whose asker goes away.
    """
    found = []
    every = round(1 / leaving) if leaving else 0
    every += every > 0 and every % len(PROTOCOLS) == 0  # else one protocol had them all
    for number in range(count):
        protocol = PROTOCOLS[number % len(PROTOCOLS)]
        turn = number // len(PROTOCOLS)
        kind = KINDS[turn % len(KINDS)]
        if kind == "tools" and protocol in ("completions", "ollama"):
            kind = "schema"  # no tools, and none that must be called
        found.append(
            Wish(
                number,
                protocol,
                kind,
                stream=turn // len(KINDS) % 2 == 1,
                leaves=bool(every) and number % every == every - 1,
                is_fresh=turn % 4 != 3,
            )
        )
    return found


_THINGS = ("garden", "harbour", "kitchen", "train", "winter", "violin", "market", "letter")
_ABOUT = "Keep a note."


def _function(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "note", "description": _ABOUT, "parameters": schema}


_Form = Callable[[Mapping[str, Any]], dict[str, Any]]

_TOOLS: dict[str, _Form] = {
    "chat": lambda schema: {
        "tools": [{"type": "function", "function": _function(schema)}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    },
    "responses": lambda schema: {
        "tools": [{"type": "function", **_function(schema)}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    },
    "anthropic": lambda schema: {
        "tools": [{"name": "note", "description": _ABOUT, "input_schema": schema}],
        "tool_choice": {"type": "tool", "name": "note"},
    },
}
_SCHEMAS: dict[str, _Form] = {
    "chat": lambda schema: {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    },
    "responses": lambda schema: {
        "text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}
    },
    "anthropic": lambda schema: {
        "output_config": {"format": {"type": "json_schema", "schema": schema}}
    },
    "ollama": lambda schema: {"format": schema},
}
