"""Calls of tools: how a text says them, and how they are read from it.

A call stands in a text as ``<tool_call>``, a newline, ``{"name": "f", "arguments": {...}}``, a
newline, ``</tool_call>``, the form that most chat models were trained on. A tool whose input is
free text, or text of a grammar, has its name in brackets and the input below it instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from condit.serve.request_errors import invalid
from condit.serve.specification import Specification

BEGIN, END = "<tool_call>", "</tool_call>"
_CLOSE = f"\n{END}"

MOST_CALLS = 16
"""The most calls in one text, where several are allowed."""


@dataclass(frozen=True)
class Tool:
    """A tool that a model may call.

    Attributes:
        name: its name.
        description: for the model.
        parameters: the JSON Schema of its arguments; ``None``: it takes a text.
        input: kind and content of what the text must satisfy; ``None``: anything.
        param: the field of the request that says it, for messages.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    input: tuple[str, Any] | None = None
    param: str = "tools"

    @property
    def parts(self) -> list[Any]:
        """What a call of it holds between the tags: texts and constraints."""
        if self.parameters is None:
            wanted = self.input or ("free", f"\n{END}")
            end = [] if self.input is None else ["\n", END]
            return [f"\n[{self.name}]\n", list(wanted), *end]
        name = json.dumps(self.name, ensure_ascii=False)
        schema = ["json_schema", dict(self.parameters)]
        return [f'\n{{"name": {name}, "arguments": ', schema, "}\n", END]

    @property
    def specification(self) -> Specification | None:
        """What its input must be; ``None``: anything."""
        if self.parameters is not None:
            return Specification.of("json_schema", dict(self.parameters), self.param)
        return None if self.input is None else Specification.of(*self.input, self.param)

    def to_template(self) -> dict[str, Any]:
        """As chat templates take it."""
        parameters = self.parameters or {"type": "string"}
        about = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": about}


def different(tools: tuple[Tool, ...], param: str) -> tuple[Tool, ...]:
    """The tools.

    Raises:
        RequestError: two have the same name.
    """
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"{param}: two tools are called {name!r}", param)
    return tools


@dataclass(frozen=True)
class Choice:
    """Which calls a text may have.

    Attributes:
        tools: those that may be called.
        required: whether there must be a call, and nothing else.
        several: whether there may be more than one.
        declared: all tools of the request, those too that may not be called.
    """

    tools: tuple[Tool, ...]
    required: bool = False
    several: bool = True
    declared: tuple[Tool, ...] = ()

    def specification(self, otherwise: Specification | None = None) -> Specification | None:
        """The constraint of the texts.

        Args:
            otherwise: what a text without calls must satisfy; ``None``: nothing.
        """
        if not self.tools:
            return otherwise
        held = ["one_of", [["then", tool.parts] for tool in self.tools]]
        most = MOST_CALLS if self.several else 1
        calls = {"part": ["then", [BEGIN, held]], "least": 1, "most": most, "separator": "\n"}
        kind: str = "repeated"
        given: Any = calls
        if not self.required and otherwise is not None:
            either = [["repeated", calls], [otherwise.kind, json.loads(otherwise.given)]]
            kind, given = "one_of", either
        elif not self.required:
            tag = {"begin": BEGIN, "holds": held, "end": ""}
            kind, given = "tags", {"tags": [tag], "at_most": most}
        parts = [part for tool in self.tools if (part := tool.specification) is not None]
        parts += [] if self.required or otherwise is None else [otherwise]
        param = self.tools[0].param if len(self.tools) == 1 else "tools"
        return replace(Specification.of(kind, given, param), parts=tuple(parts))


@dataclass(frozen=True)
class Call:
    """A call as far as it is written.

    Attributes:
        name: of the tool.
        arguments: JSON, or the text of a tool that takes one.
        custom: whether it takes a text.
        complete: whether its end is written.
    """

    name: str
    arguments: str
    custom: bool
    complete: bool


def read(text: str, ended: bool = True) -> tuple[tuple[str, ...], tuple[Call, ...]]:
    """The texts outside of calls, and the calls between them.

    Newlines beside a call belong to neither.

    Args:
        text: as far as it is written.
        ended: whether that is all; else what is told is what is certain.

    Returns:
        The texts before, between and after the calls, which may be empty; and the calls, of which
        the last may be unfinished.
    """
    texts: list[str] = []
    calls: list[Call] = []
    at = 0
    while (begin := text.find(BEGIN, at)) >= 0:
        # In JSON a newline is never in the middle of a text, so this is the end of the call.
        inside = begin + len(BEGIN)
        end = text.find(_CLOSE, inside)
        call = _call(text[inside:] if end < 0 else text[inside : end + 1], end >= 0)
        if call is None:
            return (*texts, _between(text[at:begin], calls, before_call=True)), tuple(calls)
        texts.append(_between(text[at:begin], calls, before_call=True))
        calls.append(call)
        at = len(text) if end < 0 else end + len(_CLOSE)
    rest = text[at:] if ended else text[at : len(text) - _begun(text[at:], BEGIN)]
    texts.append(_between(rest, calls, before_call=not ended or bool(calls)))
    return tuple(texts), tuple(calls)


def _between(text: str, calls: Sequence[Call], *, before_call: bool) -> str:
    text = text.lstrip("\n") if calls else text
    return text.rstrip("\n") if before_call else text


def _call(inside: str, complete: bool) -> Call | None:
    """The call between the tags; ``None`` as long as its name is not written."""
    if inside.startswith("\n["):
        name, closed, given = inside[2:].partition("]\n")
        if not closed:
            return None
        if complete:
            return Call(name, given.removesuffix("\n"), True, True)
        return Call(name, given[: len(given) - _begun(given, f"\n{END}")], True, False)
    head = '\n{"name": '
    if not inside.startswith(head):
        return None
    try:
        name, end = json.JSONDecoder().raw_decode(inside, len(head))
    except ValueError:
        return None
    rest = inside[end:]
    before = ', "arguments": '
    if not rest.startswith(before):
        return None
    arguments = rest[len(before) :]
    if complete:
        return Call(str(name), arguments.removesuffix("\n").removesuffix("}"), False, True)
    # The last brace may be that of the call.
    tail = next((size for size in (2, 1) if arguments.endswith("}\n"[:size])), 0)
    tail = max(tail, _begun(arguments, f"}}\n{END}"))
    return Call(str(name), arguments[: len(arguments) - tail], False, False)


def _begun(text: str, word: str) -> int:
    """How many of the last characters may be the beginning of ``word``."""
    most = min(len(word) - 1, len(text))
    return next((size for size in range(most, 0, -1) if text.endswith(word[:size])), 0)


def instruction(tools: Sequence[Tool]) -> str:
    """The tools in words, for models whose chat template does not take them."""
    functions = [tool for tool in tools if tool.parameters is not None]
    texts = [tool for tool in tools if tool.parameters is None]
    lines = ["You can call tools. "]
    if functions:
        lines += [
            "These take JSON; each line is one of them:",
            *(json.dumps(tool.to_template()["function"], ensure_ascii=False) for tool in functions),
            "To call one, write",
            f'{BEGIN}\n{{"name": "its name", "arguments": {{its arguments}}}}\n{END}',
        ]
    if texts:
        lines += [
            "These take a text:",
            *(f"{tool.name}: {tool.description}" for tool in texts),
            f"To call one, write\n{BEGIN}\n[its name]\nthe text\n{END}",
        ]
    return "\n".join(lines)
