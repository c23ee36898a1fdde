"""Chat messages of a request as a model's chat template takes them.

Every protocol's messages become the same ones first: a role, a text, and calls of tools. A template
that takes tools is given them as they are. For the others calls and answers become text, and the
tools are explained to the model in the system's message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from condit.errors import ConditError
from condit.model.base import Model, Prompt
from condit.serve.request_errors import invalid
from condit.serve.tools import BEGIN, END, Tool, instruction

Message = dict[str, Any]

_TEXT_PARTS = ("text", "input_text", "output_text")


def text_of(content: object, param: str) -> str:
    """The text of a message's content: itself, or its parts one after the other.

    Raises:
        RequestError: a part is no text.
    """
    if isinstance(content, str):
        return content
    if content is None:
        raise invalid(f"{param} is missing", param)
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


def call(name: str, arguments: Any, *, custom: bool = False, id: object = None) -> Message:
    """A call that a model has made before.

    Args:
        name: of the tool.
        arguments: JSON, or what it says; of a custom tool its text.
        custom: whether the tool takes a text.
        id: what its answer names it by.
    """
    own = {} if id is None else {"id": id}
    if custom:
        return {"type": "custom", "custom": {"name": name, "input": arguments}, **own}
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **own}


def answer(text: str, name: str | None = None, *, id: object = None) -> Message:
    """What a tool has answered, and to which call."""
    said = {"name": name, "tool_call_id": id}
    own = {key: each for key, each in said.items() if each is not None}
    return {"role": "tool", "content": text, **own}


def prompt_of(
    messages: Sequence[Message], tools: Sequence[Tool], model: Model, instruct: bool
) -> Prompt:
    """The prompt of a chat: token ids where the model's template takes tools, else plain messages.

    Args:
        messages: with calls and answers.
        tools: those that may be called.
        model: whose template it is.
        instruct: whether the prompt is still to be told the format of a constraint.

    Raises:
        RequestError: the template refuses the messages.
    """
    template = model.chat_template
    # Only a template that teaches the form of calls that is enforced here is of use.
    fits = BEGIN in template and "tools" in template and not instruct
    functions = all(tool.parameters is not None for tool in tools) and not any(
        each["type"] == "custom" for said in messages for each in said.get("tool_calls", ())
    )
    if not (fits and functions and (tools or any("tool_calls" in said for said in messages))):
        return _explained(_plain(messages), tools)
    try:
        said = [_for_template(message) for message in messages]
        return model.encode_chat(said, [tool.to_template() for tool in tools])
    except ConditError as error:
        raise invalid(str(error), "messages") from error


def _for_template(message: Message) -> Message:
    """Templates take arguments as values, not as JSON; they are not told ids."""
    message = {key: each for key, each in message.items() if key != "tool_call_id"}
    if "tool_calls" not in message:
        return message
    calls = [
        call(each["function"]["name"], _value(each["function"]["arguments"]))
        for each in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _value(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def _plain(messages: Iterable[Message]) -> list[Message]:
    """Messages of a role and a text alone."""
    plain: list[Message] = []
    follows = False
    for message in messages:
        role, text = message["role"], message["content"]
        if role == "tool":
            text = f"<tool_response>\n{text}\n</tool_response>"
        calls = [_call_text(each) for each in message.get("tool_calls", ())]
        if calls:
            text = "\n".join([*([text] if text else []), *calls])
        if follows and role in ("tool", "user"):
            plain[-1]["content"] += f"\n{text}"  # templates may want roles to take turns
        else:
            plain.append({"role": "user" if role == "tool" else role, "content": text})
        follows = role == "tool"
    return plain


def _call_text(said: Message) -> str:
    """A call as a text says it."""
    if said["type"] == "custom":
        custom = said["custom"]
        return f"{BEGIN}\n[{custom['name']}]\n{custom['input']}\n{END}"
    name, arguments = said["function"]["name"], said["function"]["arguments"]
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    called = json.dumps(name, ensure_ascii=False)
    return f'{BEGIN}\n{{"name": {called}, "arguments": {arguments}}}\n{END}'


def _explained(messages: list[Message], tools: Sequence[Tool]) -> list[Message]:
    """The messages with the tools explained at the end of the system's first message."""
    if not tools:
        return messages
    about = instruction(tools)
    if messages and messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{about}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": about}, *messages]


def chat(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages of OpenAI's and Ollama's chats.

    Raises:
        RequestError: a role or a content is none.
    """
    if not messages:
        raise invalid("messages is empty: give at least one message", "messages")
    return [_said(message, f"messages[{place}]") for place, message in enumerate(messages)]


def _said(message: Mapping[str, Any], param: str) -> Message:
    role, content = message.get("role"), message.get("content")
    if message.get("images"):
        where = f"{param}.images"
        raise invalid(f"{where}: this model reads text alone", where, "unsupported_content")
    if role in ("tool", "function"):
        name = message.get("tool_name", message.get("name"))
        text, own = text_of(content, f"{param}.content"), message.get("tool_call_id")
        return answer(text, name if isinstance(name, str) else None, id=own)
    if role in ("system", "developer", "user"):
        text = text_of(content, f"{param}.content")
        return {"role": "user" if role == "user" else "system", "content": text}
    if role != "assistant":
        raise invalid(f"{param}.role: there is no role {role!r}", f"{param}.role")
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise invalid(f"{param}.tool_calls must be a list", f"{param}.tool_calls")
    said: Message = {"role": "assistant", "content": ""}
    if content is not None:
        said["content"] = text_of(content, f"{param}.content")
    if calls:
        found = enumerate(calls)
        said["tool_calls"] = [_call(each, f"{param}.tool_calls[{place}]") for place, each in found]
    return said


def _call(given: Any, param: str) -> Message:
    try:
        if given.get("type") == "custom":
            about, own = given["custom"], given.get("id")
            return call(about["name"], about["input"], custom=True, id=own)
        about = given["function"]
        return call(about["name"], about["arguments"], id=given.get("id"))
    except (KeyError, TypeError, AttributeError) as error:
        raise invalid(f"{param} is no call of a tool: {error} is missing", param) from error
