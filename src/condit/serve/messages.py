"""Chat messages of a request as a model's chat template takes them: a role and a text.

Calls of tools and their answers, which are fields of their own in the protocols, become text where
the template does not know them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from condit.serve.request_errors import invalid
from condit.serve.tools import BEGIN, END, Tool, instruction

Message = dict[str, str]

_TEXT_PARTS = ("text", "input_text", "output_text")


def text_of(content: object, param: str) -> str:
    """The text of a message's content: itself, or its parts one after the other.

    Raises:
        RequestError: a part is no text.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise invalid(f"{param} must be a text or a list of parts", param)
    texts = []
    for place, part in enumerate(content):
        where = f"{param}[{place}]"
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "refusal":
            texts.append(str(part.get("refusal", "")))
        elif kind in _TEXT_PARTS and isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            raise invalid(
                f"{where}: this model reads text alone, and no part of type {kind!r}",
                where,
                "unsupported_content",
            )
    return "".join(texts)


def with_tools(messages: Iterable[Message], tools: Sequence[Tool]) -> list[Message]:
    """The messages with the tools explained at the end of the system's first message."""
    found = [dict(message) for message in messages]
    if not tools:
        return found
    about = instruction(tools)
    if found and found[0]["role"] == "system":
        found[0]["content"] = f"{found[0]['content']}\n\n{about}"
        return found
    return [{"role": "system", "content": about}, *found]


def call_text(name: str, arguments: str, *, custom: bool = False) -> str:
    """A call as a text says it, for what a model has said before."""
    if custom:
        return f"{BEGIN}\n[{name}]\n{arguments}\n{END}"
    called = json.dumps(name, ensure_ascii=False)
    return f'{BEGIN}\n{{"name": {called}, "arguments": {arguments}}}\n{END}'


def answer_text(answer: str) -> str:
    """What a tool has answered, as a message of the user."""
    return f"<tool_response>\n{answer}\n</tool_response>"


def chat(messages: Sequence[Mapping[str, Any]], param: str = "messages") -> list[Message]:
    """OpenAI's chat messages as plain ones.

    Raises:
        RequestError: a role or a content is none.
    """
    if not messages:
        raise invalid(f"{param} is empty: give at least one message", param)
    return [_plain(message, f"{param}[{place}]") for place, message in enumerate(messages)]


def _plain(message: Mapping[str, Any], param: str) -> Message:
    role = message.get("role")
    text = text_of(message.get("content"), f"{param}.content")
    if role in ("system", "developer"):
        return {"role": "system", "content": text}
    if role == "user":
        return {"role": "user", "content": text}
    if role in ("tool", "function"):
        return {"role": "user", "content": answer_text(text)}
    if role != "assistant":
        raise invalid(f"{param}.role: there is no role {role!r}", f"{param}.role")
    said = [text] if text else []
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise invalid(f"{param}.tool_calls must be a list", f"{param}.tool_calls")
    for place, call in enumerate(calls):
        try:
            if call.get("type") == "custom":
                custom = call["custom"]
                said.append(call_text(custom["name"], custom["input"], custom=True))
            else:
                function = call["function"]
                said.append(call_text(function["name"], function["arguments"]))
        except (KeyError, TypeError, AttributeError) as error:
            where = f"{param}.tool_calls[{place}]"
            raise invalid(f"{where} is no call of a function: {error} is missing", where) from error
    return {"role": "assistant", "content": "\n".join(said)}
